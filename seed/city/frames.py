"""From arrays to the columns a feed declares, and the three ways things happen to firms: struck, held, each month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scoring.feeds import Column, ColumnType, FeedBook
from seed.city.draws import NEVER, Flags, Floats, Ints, between, stream
from seed.city.firms import Firms
from seed.city.fortunes import Fortunes
from seed.city.parameters import Parameters
from seed.city.timeline import LEAD, Timeline

#: Helper column of every table: the day the agency itself has the row. Never written to a file.
KNOWN_ON = "known_on"
_DAYS_A_MONTH = 30.44


@dataclass(frozen=True)
class World:
    """All a feed is made from."""

    p: Parameters
    line: Timeline
    firms: Firms
    fortunes: Fortunes
    feeds: FeedBook
    seed: int

    def stream(self, part: str) -> np.random.Generator:
        return stream(self.seed, part)


def frame(
    world: World,
    feed_id: str,
    firm: Ints,
    *,
    known_on: Ints | None = None,
    revision: Ints | None = None,
    withdrawn_on: Ints | None = None,
    public_until: Ints | None = None,
    **columns: Any,
) -> pa.Table:
    """Rows of one feed, in its declared column order, plus ``known_on`` (default: the observed day).

    ``firm`` are places in the population. By column type a value is: text a list, string array or Arrow array; code
    places in the declared values (-1 empty); money float yuan (NaN empty), rounded to the fen; decimal float; date
    and month days since 1970 (``NEVER`` empty); integer and flag arrays.
    """
    feed = world.feeds[feed_id]
    observed = columns[feed.observed]
    made: dict[str, pa.Array] = {"uscc": chosen(world.firms.uscc, firm)}
    for column in feed.columns:
        made[column.id] = _arrow(column, columns.pop(column.id), len(firm))
    if columns:
        raise ValueError(f"{feed_id} declares no {', '.join(columns)}")
    made["revision"] = pa.nulls(len(firm), pa.int64()) if revision is None else pa.array(revision)
    made["withdrawn_on"] = dates(np.full(len(firm), NEVER) if withdrawn_on is None else withdrawn_on)
    if feed.publicity:
        made["public_until"] = dates(np.full(len(firm), NEVER) if public_until is None else public_until)
    made[KNOWN_ON] = dates(observed if known_on is None else known_on)
    return pa.table(made)


def chosen(pool: Sequence[str] | NDArray[np.str_], place: Ints) -> pa.Array:
    """A text column that repeats entries of a pool; -1 is empty."""
    index = pa.array(place.astype(np.int32), mask=place < 0)
    return pa.DictionaryArray.from_arrays(index, pa.array(pool, pa.string()))


def dates(day: Ints) -> pa.Array:
    """Days since 1970 as dates; ``NEVER`` and beyond are empty."""
    return pa.array(day.astype(np.int32), mask=day >= NEVER).cast(pa.date32())


def money(yuan: Floats) -> pa.Array:
    """Yuan with two decimals, exact in the file; NaN is empty."""
    empty = np.isnan(yuan)
    fen = np.rint(np.where(empty, 0, yuan) * 100).astype(np.int64)
    # A decimal of 128 bits is two words: the number and its sign.
    words = np.empty((len(fen), 2), dtype=np.int64)
    words[:, 0], words[:, 1] = fen, fen >> 63
    valid = None if not empty.any() else pa.py_buffer(np.packbits(~empty, bitorder="little").tobytes())
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(fen), [valid, pa.py_buffer(words.tobytes())])


def _arrow(column: Column, value: Any, size: int) -> pa.Array:
    match column.type:
        case ColumnType.TEXT:
            return value if isinstance(value, pa.Array | pa.ChunkedArray) else pa.array(value, pa.string())
        case ColumnType.CODE:
            return chosen(column.values, np.asarray(value))
        case ColumnType.MONEY:
            return money(np.broadcast_to(np.asarray(value, float), size))
        case ColumnType.DECIMAL:
            return pa.array(np.asarray(value, float))
        case ColumnType.DATE:
            return dates(np.asarray(value))
        case ColumnType.MONTH:
            first = np.asarray(value).astype("datetime64[D]").astype("datetime64[M]")
            pool, place = np.unique(first, return_inverse=True)
            return chosen([str(month) for month in pool], place)
        case ColumnType.FLAG:
            return pa.array(np.asarray(value, bool))
    return pa.array(np.asarray(value).astype(np.int64))


def serial(prefix: str, day: Ints, start: int = 100_001) -> pa.Array:
    """Document numbers in the registers' style, each used once: 融税罚〔2023〕100012号."""
    year = year_of(day)
    pool, place = np.unique(year, return_inverse=True)
    head = chosen([f"{prefix}〔{number}〕" for number in pool], place).cast(pa.string())
    number = pa.array(np.arange(start, start + len(day))).cast(pa.string())
    return pc.binary_join_element_wise(head, number, pa.scalar("号"), "")


def year_of(day: Ints) -> Ints:
    """Calendar year of each day."""
    return day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def months_later(day: Ints, months: Floats | Ints) -> Ints:
    """Roughly so many months later; ``NEVER`` stays."""
    later = day + np.rint(np.asarray(months) * _DAYS_A_MONTH).astype(np.int64)
    return np.where(day >= NEVER, NEVER, later)


def day_in_month(rng: np.random.Generator, line: Timeline, month: Ints) -> Ints:
    """A day inside each simulated month."""
    length = line.ends[month] - line.starts[month] + 1
    return line.starts[month] + np.floor(rng.random(len(month)) * length).astype(np.int64)


def struck(world: World, rng: np.random.Generator, event: str, who: Flags | Floats | None = None) -> tuple[Ints, Ints]:
    """Firms and days of an event of ``events`` in the parameters; ``who`` scales the rate per firm."""
    own = world.p["events"][event]
    rate = own["rate"] * np.exp(-own["effect"] * np.clip(world.fortunes.delivered_health, -4, 3))
    if own.get("size"):
        rate = rate * world.firms.size[:, None]
    if who is not None:
        rate = rate * np.asarray(who, float)[:, None]
    hit = (rng.random(rate.shape) < rate) & world.fortunes.delivered_alive
    firm, month = np.nonzero(hit)
    return firm, day_in_month(rng, world.line, month + LEAD)


def held(world: World, rng: np.random.Generator, holding: str, effect: float = 0.15) -> tuple[Ints, Ints, Ints]:
    """Firms, grant days and last days (``NEVER`` for good) of papers and rights, older ones included."""
    own, firms, line = world.p["standing"]["holdings"][holding], world.firms, world.line
    mean = np.array([own.get(letter, own.get("all", 0.0)) for letter in firms.sections])[firms.section]
    mean = mean * np.where(firms.sole_proprietor, world.p["standing"]["sole_proprietor_holdings"], 1.0)
    mean = mean * np.clip(firms.size, 0.5, 3.0) * np.exp(effect * firms.quality - effect**2 / 2)
    firm = np.repeat(np.arange(len(firms)), rng.poisson(mean))
    earliest = np.maximum(firms.established[firm] + 20, line.window_start - 1300)
    latest = np.minimum(world.fortunes.closed_on[firm] - 1, line.last_day)
    keep = earliest < latest
    firm, earliest, latest = firm[keep], earliest[keep], latest[keep]
    granted = np.floor(rng.uniform(earliest, latest)).astype(np.int64)
    shortest, longest = own["validity"]
    if not longest:
        return firm, granted, np.full(len(firm), NEVER)
    return firm, granted, months_later(granted, between(rng, (shortest, longest), len(firm)))


def monthly(world: World, who: Flags) -> tuple[Ints, Ints]:
    """Firms and simulated months of a monthly record: every delivered month in which a chosen firm lives."""
    firm, month = np.nonzero(world.fortunes.delivered_alive & who[:, None])
    return firm, month + LEAD


def sums(rng: np.random.Generator, median: float | Floats, sigma: float, size: int) -> Floats:
    """Log-normal amounts in whole hundreds of yuan, at least one hundred."""
    return np.maximum(100.0, np.round(median * rng.lognormal(0, sigma, size), -2))
