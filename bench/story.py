"""What every story that is cut off shares: its shape, the offices it begins in, codes of invented firms."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from models.uscc import check_character
from seed.city import plan_city, write_deliveries
from service.office import Office, opened
from service.usecases.build_snapshot import build_snapshot
from service.usecases.ingest_batch import ingest_batch

NOW = datetime(2024, 11, 30, 4, 0, tzinfo=UTC)
AS_OF = date(2024, 10, 31)
#: What a small city delivers, one batch a step of the story of taking it in.
BATCHES = 20
_FEEDS = (
    "business_registration", "electricity_month", "registered_person", "shareholder", "tax_filing", "vat_invoice",
)  # fmt: skip
_DELIVERIES, _INDEX = "deliveries", "index.json"


@dataclass(frozen=True)
class Story:
    """``prepare`` makes the office the story begins in, from a folder with synthetic deliveries.

    ``act`` does one step, the first time or again, and answers with what is acknowledged. ``seen`` is everything
    readers can see of it, in a form that does not hold what may rightly differ between two runs. ``missing`` names
    acknowledgments the office does not know. ``repeats`` counts effects that are there twice because a client, left
    without an answer, did the step again and the step is of a kind that may be done twice (a reading). ``beside`` is
    what goes on next to the story while it is told, in the folder its offices are in: a server that is asked.
    """

    name: str
    steps: int
    prepare: Callable[[Path, Path], None]
    act: Callable[[Office, int, Path], str]
    seen: Callable[[Office], Any]
    missing: Callable[[Office, Mapping[int, str]], list[str]]
    repeats: Callable[[Office], int] = lambda office: 0
    beside: Callable[[Path], AbstractContextManager[object]] = nullcontext


def write_city(folder: Path) -> None:
    """Put what the agencies of a small synthetic city deliver into ``folder``, once for all stories."""
    made = write_deliveries(plan_city(50, AS_OF, months=12, seed=7), folder / _DELIVERIES)
    told = [
        {
            "feed": each.feed,
            "file": str(each.path),
            "received_at": each.received_at.isoformat(),
            "covers_to": each.covers_to.isoformat(),
        }
        for each in made
        if each.feed in _FEEDS and each.rows
    ]
    (folder / _INDEX).write_text(json.dumps(told), encoding="utf-8")


def deliver(office: Office, step: int, folder: Path) -> str:
    """Take in one of the city's batches."""
    each = json.loads((folder / _INDEX).read_text(encoding="utf-8"))[step]
    received, covers = datetime.fromisoformat(each["received_at"]), date.fromisoformat(each["covers_to"])
    report = ingest_batch(office, each["feed"], Path(each["file"]), received_at=received, covers_to=covers)
    return report.batch_id


def empty(home: Path, folder: Path) -> None:
    """An office in which nothing has happened."""
    Office.open(home).close()


def delivered(home: Path, folder: Path) -> None:
    """An office that has taken in the city; made once for all stories that begin in it."""
    kept = folder / "delivered"
    if not kept.exists():
        with opened(kept) as office:
            for step in range(BATCHES):
                deliver(office, step, folder)
    copy_home(kept, home)


def built(home: Path, folder: Path) -> None:
    """An office that has taken in the city and built its profiles."""
    delivered(home, folder)
    with opened(home) as office:
        build_snapshot(office, AS_OF, NOW)


def absent(office: Office, column: Any, acked: Mapping[int, str]) -> list[str]:
    """Acknowledged ids that are not in a column of the database."""
    with office.read() as session:
        known = set(session.scalars(select(column).where(column.in_(list(acked.values())))))
    return sorted(set(acked.values()) - known)


def rows_of(office: Office, *columns: Any, on: tuple[Any, Any] | None = None) -> list[tuple[Any, ...]]:
    """What some columns hold, without an order of the rows; ``on`` joins another table under a condition."""
    query = select(*columns)
    if on is not None:
        query = query.join(*on)
    with office.read() as session:
        return sorted((tuple(row) for row in session.execute(query)), key=repr)


def code_of(number: int) -> str:
    """The code of an invented firm that no feed has told of."""
    first = f"91210100MA{number:07d}"
    return first + check_character(first)


def copy_home(source: Path, target: Path) -> Path:
    """An office's folder once more; nobody may have it open."""
    shutil.copytree(source, target)
    return target
