"""Run the product's pipeline on real invoices and compare the score with real default."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select

from models.errors import RefusedInput
from models.tables import Batch
from service.adapters import cumcm2020c as source
from service.books.seedbook import catalogue
from service.clock import utc_now
from service.office import Office
from service.real.measure import (
    flagged_firms,
    known_items,
    measure,
    open_facts,
    rating_alone,
    rule_counts,
    scores,
)
from service.real.report import Landed, RealReport, Stage
from service.real.strategy import real_strategy
from service.records.lake import UNCHANGED
from service.snapshot.office_stages import stages_in_force
from service.snapshot.snapshots import OpenSnapshot, open_snapshot
from service.usecases.build_snapshot import build_snapshot
from service.usecases.ingest_batch import ingest_batch

#: Told (stage, done, total) in rows; total 0 while unknown.
Tell = Callable[[str, int, int], None]

#: Days shown beside the main one, to see how the figures move.
OTHER_DAYS = (date(2018, 6, 30), date(2018, 12, 31), date(2019, 6, 30), source.COMPLETE_TO)


@dataclass
class _Work:
    """Rows a stage works through; 0 once it turns out that an earlier run did."""

    rows: int


@dataclass
class _Run:
    """Timings and progress of one run."""

    tell: Tell
    stages: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str, rows: int = 0) -> Iterator[_Work]:
        """Time a block that works through ``rows`` rows, unless it says that it found them done."""
        self.tell(name, 0, rows)
        work = _Work(rows)
        start = time.perf_counter()
        yield work
        self.stages.append(Stage(name, time.perf_counter() - start, work.rows))


def run_real(
    office: Office,
    data: Path,
    *,
    other_days: Sequence[date] = OTHER_DAYS,
    strategy: bool = True,
    progress: Tell | None = None,
) -> RealReport:
    """Ingest, build, evaluate and match the real invoices under ``data``, measure, and solve the lending problem.

    ``data`` holds the folder ``cumcm2020c``. The main day follows from the data; ``other_days`` stand beside it.
    ``strategy`` false leaves out the lending problem, as does a folder without its churn table.
    ``office`` holds these firms alone; a second run over it finds everything there and measures the same. Raises
    ``RefusedInput`` when the files are not there or the office holds records of something else. The default flag and
    the rating of the publisher are read for the measurement only: neither enters the lake.
    """
    records = source.credit_records(data)
    _refuse_other_records(office)
    run = _Run(progress or (lambda stage, done, total: None))
    start = time.perf_counter()
    landed, last = _ingest(office, data, run)
    flagged = flagged_firms(records, last)
    main = last_common_month_end(flagged.last)
    rows = sum(file.delivered for file in landed)
    snapshots = {day: _build(office, day, rows, run) for day in sorted({*other_days, main})}
    with run.stage("measure"):
        days = tuple(measure(snapshot, flagged) for snapshot in snapshots.values())
    with run.stage("strategy"):
        lending = real_strategy(data, snapshots[main], records) if strategy else None
    return RealReport(
        firms=len(last),
        firms_with_record=len(flagged.uscc),
        firms_defaulted=int(flagged.bad.sum()),
        items=len(catalogue().items),
        main=main,
        complete_to=source.COMPLETE_TO,
        files=landed,
        days=days,
        rating=rating_alone(flagged),
        known_items=known_items(snapshots[main]),
        scores=scores(snapshots[main]),
        rules=rule_counts(snapshots[main]),
        open_facts=open_facts(snapshots[main]),
        strategy=lending,
        stages=tuple(run.stages),
        rows=sum(file.delivered for file in landed if file.status != UNCHANGED),
        seconds=time.perf_counter() - start,
    )


def last_common_month_end(last_days: Sequence[date]) -> date:
    """The last month end after which every firm still has an invoice: the eve of the first month in which one ends."""
    return min(last_days).replace(day=1) - timedelta(days=1)


def _refuse_other_records(office: Office) -> None:
    ours = [published.feed_file for published in source.PUBLISHED]
    with office.read() as session:
        other = session.scalar(select(Batch.file_name).where(Batch.file_name.not_in(ours)).limit(1))
    if other is not None:
        raise RefusedInput(
            "home_in_use",
            "home",
            str(office.home),
            f"It holds records of something else ({other}), which would mix with the real firms.",
            "Name an empty folder with --home.",
        )


def _ingest(office: Office, data: Path, run: _Run) -> tuple[tuple[Landed, ...], dict[str, date]]:
    """Adapt and ingest the published files one after another; also the day of each firm's latest invoice."""
    landed: list[Landed] = []
    last: dict[str, date] = {}
    folder = office.work / "real"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        for published in source.PUBLISHED:
            with run.stage(f"adapt {published.name}"):
                file = source.deliver(data, published, folder)
            with run.stage(f"ingest {published.name}", file.written) as work:
                landed.append(_land(office, file, run))
                work.rows = 0 if landed[-1].status == UNCHANGED else file.written
            file.path.unlink()
            for firm, day in file.last_day.items():
                last[firm] = max(day, last.get(firm, day))
    finally:
        shutil.rmtree(folder)
    return tuple(landed), last


def _land(office: Office, file: source.FeedFile, run: _Run) -> Landed:
    start = time.perf_counter()
    report = ingest_batch(
        office,
        source.FEED,
        file.path,
        received_at=utc_now(),
        covers_to=source.COMPLETE_TO,
        progress=lambda step: run.tell(f"ingest {file.source}", step.rows_done, step.rows_total or 0),
    )
    return Landed(
        source=file.source,
        read=file.read,
        before_start=file.before_start,
        delivered=file.written,
        padded=file.padded,
        trimmed=file.trimmed,
        voided_later=file.voided_later,
        status=report.status,
        landed=report.rows_landed,
        unchanged=report.rows_unchanged,
        rejected=report.rows_rejected,
        reasons=report.reasons,
        seconds=time.perf_counter() - start,
    )


def _build(office: Office, day: date, rows: int, run: _Run) -> OpenSnapshot:
    name = f"build {day}"
    with run.stage(name, rows) as work:
        report = build_snapshot(
            office,
            day,
            utc_now(),
            stages=stages_in_force(office),
            progress=lambda step: run.tell(name, step.rows_done, step.rows_total),
        )
        work.rows = report.rows if report.is_new else 0
        return open_snapshot(office, report.snapshot_id)
