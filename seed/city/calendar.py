"""When each feed's files come: what they cover, when they are received, in which form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from scoring.feeds import Feed
from seed.city.draws import stream
from seed.city.parameters import Parameters
from seed.city.timeline import Timeline


@dataclass(frozen=True)
class Slot:
    """One file to come. ``offset`` is its last month, counted back from the end of the window (0 or less)."""

    offset: int
    covers_to: date
    received_at: datetime


@dataclass(frozen=True)
class Form:
    """How a feed's files are written. ``zh_header`` names columns in Chinese."""

    format: str
    encoding: str = "utf-8"
    compression: str = ""
    zh_header: bool = False

    @property
    def suffix(self) -> str:
        return f".{self.format}" + (f".{self.compression}" if self.compression else "")


def slots(p: Parameters, line: Timeline, feed: Feed, seed: int) -> list[Slot]:
    """The files of a feed in order of the months they cover; none for an agency that delivers nothing."""
    own = p["deliveries"]
    if feed.agency in own["silent_agencies"]:
        return []
    start = max(own["starts"].get(feed.agency, -line.months), -line.months)
    offsets = [offset for offset in own["cadence"][_cadence(own, feed.id)] if offset > start]
    bounds = own["receipt_days"].get(feed.agency, own["receipt_days"]["default"])
    late = {(name, offset): extra for name, offset, extra in own["late_files"]}
    rng = stream(seed, f"receipt {feed.id}")
    made = []
    for offset in offsets:
        covers = line.cover(offset)
        wait = int(rng.integers(bounds[0], bounds[1] + 1)) + late.get((feed.id, offset), 0)
        # Office hours in China are 01 to 09 UTC.
        minute = int(rng.integers(60, 540))
        received = datetime.combine(covers + timedelta(days=wait), time(0), UTC) + timedelta(minutes=minute)
        made.append(Slot(offset, covers, received))
    return made


def first_day(p: Parameters, line: Timeline, feed: Feed) -> int:
    """Rows observed before this day are not in an agency's files: it had not begun. 0 means all are."""
    start = p["deliveries"]["starts"].get(feed.agency)
    if start is None or start <= -line.months:
        return 0
    return int(np.datetime64(line.cover(start), "D").astype(np.int64)) + 1


def form(p: Parameters, feed: Feed) -> Form:
    """The form of a feed's files."""
    own = p["deliveries"]
    if feed.id in own["parquet_feeds"]:
        return Form("parquet")
    if feed.id in own["ndjson_feeds"]:
        return Form("ndjson")
    compression = "gz" if feed.id in own["gzip_feeds"] else ""
    if feed.agency in own["gb18030_agencies"]:
        return Form("csv", "gb18030", compression, zh_header=True)
    if feed.agency in own["bom_agencies"]:
        return Form("csv", "utf-8-sig", compression)
    return Form("csv", compression=compression)


def _cadence(own: Parameters, feed_id: str) -> str:
    for kind in ("monthly", "sparse", "yearly"):
        if feed_id in own[f"{kind}_feeds"]:
            return kind
    return "event"
