"""The retention rules as a job: the moment is fixed when it is asked for; a run that was cut off goes on from there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from service.clock import day_of
from service.jobs.kinds import JobKind, Plan, add_kind
from service.jobs.work import Work
from service.office import Office
from service.usecases.retention import run_retention

RETENTION = "retention"


def plan_retention(office: Office, day: date | None, now: datetime) -> Plan:
    """One run a day of business, as of now: nothing has had its time earlier because somebody asks for a later day."""
    return Plan(f"{RETENTION} {day_of(now)}", {"at": now.isoformat()})


def run(office: Office, work: Work) -> Mapping[str, Any]:
    """Remove what has had its time; the report without its words."""
    done = run_retention(office, datetime.fromisoformat(work.arguments["at"]), "job")
    return {"id": done["id"], "removed": {rule["id"]: rule["removed"] for rule in done["rules"]}}


add_kind(JobKind(RETENTION, run, plan_retention))
