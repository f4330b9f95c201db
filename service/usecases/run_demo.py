"""The demo city through the real pipeline: files ingested, a model put in force, snapshots built, clients created."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from sqlalchemy import select

from models.errors import RefusedInput
from models.tables import Batch, Snapshot
from scoring.evaluation.quarter import frozen_quarter
from service.books.seedbook import SEED
from service.clock import utc_now
from service.office import Office
from service.settings import DEMO_CLIENTS_FILE
from service.snapshot.office_stages import stages_in_force
from service.snapshot.snapshots import OpenSnapshot, open_snapshot
from service.usecases.build_snapshot import build_snapshot
from service.usecases.create_demo_clients import create_demo_clients
from service.usecases.ingest_batch import ingest_batch
from service.usecases.start_demo_model import DemoModel, start_demo_model

#: The model of the demo, made by `python -m bench.demo_model`.
DEMO_MODEL = SEED / "models" / "demo"
#: Told (stage, done, total) in rows; total 0 while unknown.
Tell = Callable[[str, int, int], None]

_MARK = "demo.json"
_DELIVERIES = "deliveries"


class Delivered(Protocol):
    """One file an agency sent, as the office receives it."""

    @property
    def feed(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def received_at(self) -> datetime: ...
    @property
    def covers_to(self) -> date: ...
    @property
    def rows(self) -> int: ...


@dataclass(frozen=True)
class DemoPlan:
    """Which city. ``write`` draws it and writes its deliveries into a folder, in order of receipt."""

    firms: int
    as_of: date
    seed: int


@dataclass(frozen=True)
class DemoReport:
    """What a demo run came to. ``fresh`` is false when everything was there already.

    ``model_fault`` says why the demo's model is not in force.
    """

    snapshot_id: str
    as_of: date
    firms: int
    fresh: bool
    files: int
    rows: int
    outcomes: dict[str, int]
    seconds: dict[str, float]
    clients_file: Path
    model_fault: str | None = None


def run_demo(
    office: Office,
    plan: DemoPlan,
    write: Callable[[DemoPlan, Path, Callable[[int, int], None]], Sequence[Delivered]],
    tell: Tell = lambda stage, done, total: None,
    model: Path | None = None,
) -> DemoReport:
    """Make ``office`` the office of the demo city, or find that it is.

    ``model`` is a folder with the model to put in force; ``None``: no probability of default is computed. A run that
    was stopped halfway is taken up again: what landed is not landed twice. ``RefusedInput`` when the folder holds
    anything else, or another demo city.
    """
    _claim(office, plan)
    seconds: dict[str, float] = {}
    built = _built(office, plan.as_of)
    if built is not None and (office.home / DEMO_CLIENTS_FILE).exists():
        return _report(office, open_snapshot(office, built), False, 0, 0, Counter(), seconds)
    folder = office.work / _DELIVERIES
    shutil.rmtree(folder, ignore_errors=True)
    started = time.perf_counter()
    deliveries = write(plan, folder, lambda done, total: tell("write", done, total))
    seconds["write"] = time.perf_counter() - started
    started = time.perf_counter()
    outcomes = _ingest(office, deliveries, tell)
    seconds["ingest"] = time.perf_counter() - started
    shutil.rmtree(folder)
    brought = DemoModel(None, None)
    if model is not None:
        # Those who sign are needed first; the firms among the clients are chosen from what is built.
        create_demo_clients(office, ())
        brought = start_demo_model(office, model, utc_now())
    started = time.perf_counter()
    # The quarter end first: it stays quotable, and the day itself is the newest snapshot.
    days = sorted({frozen_quarter(plan.as_of), plan.as_of})
    for day in days:
        made = build_snapshot(
            office,
            day,
            utc_now(),
            stages=stages_in_force(office),
            progress=lambda step: tell("build", step.rows_done, step.rows_total),
        )
    seconds["build"] = time.perf_counter() - started
    rows = sum(delivery.rows for delivery in deliveries)
    report = _report(office, open_snapshot(office, made.snapshot_id), True, len(deliveries), rows, outcomes, seconds)
    return replace(report, model_fault=brought.fault)


def _claim(office: Office, plan: DemoPlan) -> None:
    """Mark the folder as this demo city's before anything lands in it."""
    mark = office.home / _MARK
    asked = {name: str(value) for name, value in asdict(plan).items()}
    if mark.exists():
        held = json.loads(mark.read_text())
        if held != asked:
            told = ", ".join(f"{name} {value}" for name, value in held.items())
            raise RefusedInput(
                "other_city", "home", str(office.home), f"It holds another demo city ({told}).", "Name a new --home."
            )
        return
    with office.read() as session:
        if session.scalar(select(Batch.id).limit(1)) is not None:
            raise RefusedInput(
                "home_in_use",
                "home",
                str(office.home),
                "It holds records that are not the demo city's; invented firms must not mix with them.",
                "Name an empty folder with --home.",
            )
    unfinished = office.work / _MARK
    unfinished.write_text(json.dumps(asked))
    os.replace(unfinished, mark)


def _built(office: Office, as_of: date) -> str | None:
    with office.read() as session:
        found: str | None = session.scalar(
            select(Snapshot.id).where(Snapshot.as_of == as_of).order_by(Snapshot.seq.desc()).limit(1)
        )
    return found


def _ingest(office: Office, deliveries: Sequence[Delivered], tell: Tell) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    total, done = sum(delivery.rows for delivery in deliveries), 0
    for delivery in deliveries:
        outcomes[_outcome(office, delivery)] += 1
        done += delivery.rows
        tell("ingest", done, total)
    return outcomes


def _outcome(office: Office, delivery: Delivered) -> str:
    """What became of one file. One that cannot be read is the agency's to mend; the others go on."""
    try:
        return ingest_batch(
            office,
            delivery.feed,
            delivery.path,
            received_at=delivery.received_at,
            covers_to=delivery.covers_to,
        ).status
    except RefusedInput as refused:
        return refused.code


def _report(
    office: Office,
    snapshot: OpenSnapshot,
    fresh: bool,
    files: int,
    rows: int,
    outcomes: Counter[str],
    seconds: dict[str, float],
) -> DemoReport:
    return DemoReport(
        snapshot.id,
        snapshot.as_of,
        snapshot.firms,
        fresh,
        files,
        rows,
        dict(outcomes),
        {stage: round(taken, 2) for stage, taken in seconds.items()},
        create_demo_clients(office, example_firms(snapshot)),
    )


def example_firms(snapshot: OpenSnapshot) -> list[str]:
    """Two firms worth showing: one that meets many products and has never borrowed, and an ordinary one.

    Chosen by what the snapshot says, so that the same city always shows the same firms.
    """
    columns = snapshot.columns.values
    met = np.unpackbits(snapshot.met, axis=1, count=snapshot.firms).sum(axis=0, dtype=np.int64)
    asked = (columns["live"] == 1) & (columns["sole_proprietor"] == 0) & ~np.isnan(columns["score"])
    # Neither from a bank nor, where only banks count for a first loan, from anybody else.
    debtless = (columns["ever_borrowed"] == 0) & ~(columns["loan_balance"] > 0)
    first_time = asked & debtless & np.isin(columns["size_class"], (0, 1))
    best = np.argsort(np.where(first_time, -met, 1), kind="stable")
    usual = np.argsort(np.where(asked, np.abs(met - np.median(met[asked])), np.inf), kind="stable")
    first = int(best[0])
    second = next(int(row) for row in usual if int(row) != first)
    return [snapshot.firm_at(first), snapshot.firm_at(second)]
