"""Start a job: put it into the queue, once for the same wish."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from service.access.auth import Caller
from service.answers.job import job_answer
from service.jobs.queue import Asked, enqueue
from service.jobs.shipped import startable
from service.office import Office


def start_job(
    office: Office, caller: Caller, kind: str, day: date | None, now: datetime, request_id: str
) -> dict[str, Any]:
    """The job of this kind and day as it stands: queued just now, or known from an earlier wish for the same.

    ``RefusedInput`` for a kind that nobody starts, and where the kind has nothing to work on.
    """
    chosen = startable(kind)
    assert chosen.plan is not None
    plan = chosen.plan(office, day, now)
    asked = Asked(
        kind=chosen.name,
        key=plan.key,
        arguments=plan.arguments,
        by=caller.client_id,
        role=caller.role.value,
        tenant=caller.tenant,
        max_attempts=chosen.max_attempts,
        request_id=request_id,
    )
    with office.write() as session:
        return job_answer(enqueue(session, asked, now))
