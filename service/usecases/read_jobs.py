"""One job for whom it is for, and the queue for whoever runs the office."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from models.errors import NotFound
from models.tables import Job
from service.access.auth import Caller
from service.answers.job import job_answer
from service.office import Office


def read_job(office: Office, caller: Caller, job_id: str) -> dict[str, Any]:
    """The job; ``NotFound`` for one that is not there or is another tenant's."""
    with office.read() as session:
        job = session.scalars(jobs_of(caller).where(Job.id == job_id)).one_or_none()
        if job is None:
            raise unknown_job(job_id)
        return job_answer(job)


def list_jobs(office: Office, state: str, limit: int) -> list[dict[str, Any]]:
    """The newest jobs first, at most ``limit``; ``state`` empty: all."""
    query = select(Job).order_by(Job.seq.desc()).limit(limit)
    with office.read() as session:
        return [job_answer(job) for job in session.scalars(query.where(Job.state == state) if state else query)]


def jobs_of(caller: Caller) -> Select[tuple[Job]]:
    """The jobs a caller may know of: all for staff, else those of its house."""
    return select(Job) if caller.is_staff else select(Job).where(Job.tenant == caller.tenant)


def unknown_job(job_id: str) -> NotFound:
    """The one answer for a job that is not there and one of somebody else's."""
    return NotFound("job_id", job_id, "There is no such job for you.", "Use the id a job was answered with.")
