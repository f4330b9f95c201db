"""Shapes of answers about jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from service.api.shapes import Shape


class JobShape(Shape):
    id: str
    kind: str
    arguments: dict[str, Any]
    state: str = Field(description="queued, running, done, dead (given up; error says why) or cancelled")
    stage: str | None = Field(description="What is being done; null: not begun")
    done: int
    total: int | None = Field(description="null: not known yet")
    percent: float | None
    attempts: int
    max_attempts: int
    cancel_asked: bool
    asked_by: str
    asked_at: datetime
    due_at: datetime = Field(description="Not worked on before; later after a failed attempt")
    heartbeat_at: datetime | None = Field(description="When its worker last said that it lives")
    ended_at: datetime | None
    result: dict[str, Any] | None = Field(description="What came of it: a build gives snapshot_id")
    error: str = Field(description="Why the last attempt failed; empty: it did not")
