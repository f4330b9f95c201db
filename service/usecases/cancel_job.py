"""Cancel a job."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from models.tables import Job
from service.access.auth import Caller
from service.answers.job import job_answer
from service.jobs.queue import ask_to_cancel
from service.office import Office
from service.usecases.read_jobs import jobs_of, unknown_job


def cancel_job(office: Office, caller: Caller, job_id: str, now: datetime, request_id: str) -> dict[str, Any]:
    """A waiting job ends at once, a running one at its next step; one that has ended stays as it ended."""
    with office.write() as session:
        job = session.scalars(jobs_of(caller).where(Job.id == job_id).with_for_update()).one_or_none()
        if job is None:
            raise unknown_job(job_id)
        ask_to_cancel(session, job, caller.client_id, caller.role.value, now, request_id)
        return job_answer(job)
