"""Writes what the agencies send, in order of receipt, and keeps the ledger of every deliberate fault."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from scoring.feeds import Feed
from seed.city.calendar import Form, Slot, form, slots
from seed.city.city import City
from seed.city.dispatch import Load, loads
from seed.city.draws import stream
from seed.city.files import write
from seed.city.parameters import declared_feeds
from seed.city.slips import Slip, spoil

#: What must become of a file: landed, refused for too many bad rows, or recognised as sent before.
LANDED, REFUSED, REPEAT = "landed", "refused", "repeat"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Delivery:
    """One file as an office receives it.

    ``received_at`` is in UTC; ``covers_to`` the day up to which the agency calls the feed complete. ``slips`` names
    every row that must go to quarantine; all other rows obey the feed's declaration.
    """

    feed: str
    path: Path
    received_at: datetime
    covers_to: date
    format: str
    encoding: str
    compression: str
    rows: int
    slips: tuple[Slip, ...] = ()
    expected: str = LANDED


def write_deliveries(city: City, out: Path, progress: Progress | None = None) -> list[Delivery]:
    """Writes every file under ``out/<feed>/`` and returns the deliveries in order of receipt.

    ``progress(done, total)`` is called after each feed. Existing files of the same name are replaced.
    """
    feeds = declared_feeds()
    made: list[Delivery] = []
    for number, (feed_id, table) in enumerate(city.tables.items(), start=1):
        made += _feed_files(city, feeds[feed_id], table, out / feed_id)
        if progress:
            progress(number, len(city.tables))
    return sorted(made, key=lambda delivery: (delivery.received_at, delivery.feed))


def _feed_files(city: City, feed: Feed, table: pa.Table, folder: Path) -> list[Delivery]:
    files = slots(city.p, city.line, feed, city.seed)
    if not files:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    shape = form(city.p, feed)
    made: list[Delivery] = []
    for slot, load in zip(files, loads(city.p, city.line, feed, table, files, city.seed), strict=True):
        empty = not load.good.num_rows and not load.slips.num_rows
        # A file of no rows says "nothing happened". Only a closed-world feed can say that, and only with a header.
        says_none = feed.absent_means_none and shape.format != "ndjson" and city.p["deliveries"]["send_empty_files"]
        if empty and not says_none:
            continue
        made += _send(city, feed, shape, slot, load, folder)
    return made


def _send(city: City, feed: Feed, shape: Form, slot: Slot, load: Load, folder: Path) -> list[Delivery]:
    own = city.p["deliveries"]
    sent = _write(city, feed, shape, slot, load, folder / f"{slot.covers_to}{shape.suffix}")
    refused, resent = own["refused_file"], own["resent_file"]
    if (feed.id, slot.offset) == (refused["feed"], refused["file"]):
        bad = _refused(city, feed, shape, slot, load, folder, refused["share"])
        return [bad, replace(sent, received_at=slot.received_at + timedelta(days=refused["mended_after_days"]))]
    if (feed.id, slot.offset) == (resent["feed"], resent["file"]):
        copy = sent.path.with_name(f"resent-{sent.path.name}")
        shutil.copyfile(sent.path, copy)
        again = replace(
            sent, path=copy, received_at=slot.received_at + timedelta(days=resent["after_days"]), expected=REPEAT
        )
        return [sent, again]
    return [sent]


def _write(city: City, feed: Feed, shape: Form, slot: Slot, load: Load, path: Path) -> Delivery:
    rng = stream(city.seed, f"slips {feed.id} {path.name}")
    spoiled, marks = spoil(feed, load.slips, rng, text=shape.format != "parquet")
    numbers = write(path, feed, shape, load.good, spoiled)
    slips = tuple(Slip(row, column, kind) for row, (column, kind) in zip(numbers, marks, strict=True))
    rows = load.good.num_rows + len(spoiled)
    return Delivery(
        feed.id, path, slot.received_at, slot.covers_to, shape.format, shape.encoding, shape.compression, rows, slips
    )


def _refused(city: City, feed: Feed, shape: Form, slot: Slot, load: Load, folder: Path, share: float) -> Delivery:
    """The same file with so many spoiled rows that it must be refused whole."""
    count = round(load.good.num_rows * share)
    bad = Load(load.good.slice(count), pa.concat_tables([load.good.slice(0, count), load.slips]))
    sent = _write(city, feed, shape, slot, bad, folder / f"spoiled-{slot.covers_to}{shape.suffix}")
    return replace(sent, expected=REFUSED)
