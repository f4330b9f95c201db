"""Builds as jobs: the moment of knowledge is fixed when the job is asked for, so that every attempt builds the same.

A build that was cut off starts again from its records; the folder it may have finished has its name only when it is
whole and is taken up, and its row is written once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from service.books import seedbook
from service.clock import day_of
from service.jobs.kinds import JobKind, Plan, add_kind
from service.jobs.work import Work
from service.office import Office
from service.snapshot.build_inputs import select_inputs, snapshot_id_of
from service.snapshot.office_stages import stages_in_force
from service.usecases.build_snapshot import build_snapshot

BUILD = "build"


def plan_build(office: Office, day: date | None, now: datetime) -> Plan:
    """A build as of ``day`` (default today) from what is known now. The same inputs are one job, built once."""
    as_of = day or day_of(now)
    catalogue, feeds = seedbook.catalogue(), seedbook.feeds()
    inputs = select_inputs(office, as_of, now, feeds)
    built = snapshot_id_of(inputs, catalogue, feeds, stages_in_force(office))
    return Plan(f"{BUILD} {built}", {"as_of": as_of.isoformat(), "known_by": now.isoformat()})


def run_build(office: Office, work: Work) -> Mapping[str, Any]:
    """Build the snapshot, or find that an earlier attempt did."""
    report = build_snapshot(
        office,
        date.fromisoformat(work.arguments["as_of"]),
        datetime.fromisoformat(work.arguments["known_by"]),
        stages=stages_in_force(office),
        progress=lambda step: work.tell(step.stage, step.rows_done, step.rows_total),
    )
    return {
        "snapshot_id": report.snapshot_id,
        "as_of": report.as_of.isoformat(),
        "firms": report.firms,
        "records": report.records,
    }


add_kind(JobKind(BUILD, run_build, plan_build))
