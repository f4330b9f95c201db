"""A change as the feed and a webhook tell it: the members of Standard Webhooks, and ids only."""

from __future__ import annotations

from typing import Any

from models.tables import Change


def change_answer(row: Change) -> dict[str, Any]:
    """What a webhook's body holds."""
    return {"type": row.kind, "timestamp": row.at, "data": {"id": row.object_id}}
