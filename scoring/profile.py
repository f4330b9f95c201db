"""Query results to the profile: columns by item over the firm index, with what is unknown and since when.

Pure numpy. Each feed's answers are scattered into arrays over all firms; nothing is pivoted or joined wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from models.dates import add_months, days
from models.errors import RefusedInput
from models.kinds import DTYPES, UNKNOWN_INT32, UNKNOWNS, Kind
from scoring.catalogue import Catalogue, Compute, Item, Op
from scoring.columns import Array, Columns
from scoring.compiler.queries import FIRM
from scoring.compiler.state import FeedState
from scoring.feeds import FeedBook
from scoring.item_values import FeedFirms, Part, values_of, year_values

#: Place of an unknown text.
NO_TEXT = -1
#: Code columns are int16.
_MOST_CODES = 32_000

#: Item id (``FIRM`` for the firm itself) → part name → result column.
Parts = Mapping[str, Mapping[str, Part]]
Days = NDArray[np.int32]


@dataclass(frozen=True)
class Profile:
    """Every item of ``columns.n`` firms as of one day.

    ``columns`` holds the items that fit a column, their splits by year back (``penalty_minor.y1``) and auxiliary facts
    (``ownership``). ``texts`` holds text items as places in texts kept elsewhere, ``NO_TEXT`` for unknown.
    ``observed`` is int32 days for each of them but the splits. Items may share one array of days.
    """

    as_of: date
    uscc: NDArray[np.bytes_]
    columns: Columns
    observed: Mapping[str, Days]
    texts: Mapping[str, NDArray[np.int64]]

    def reorder(self, order: NDArray[np.intp]) -> None:
        """Put the firms in another order, in place: a profile is the largest thing in memory, two do not fit."""
        arrays = (self.uscc, *self.columns.values.values(), *self.observed.values(), *self.texts.values())
        for array in {id(array): array for array in arrays}.values():
            array[:] = array[order]


def auxiliary_items(catalogue: Catalogue, feeds: FeedBook) -> tuple[Item, ...]:
    """Facts beside the items: the catalogue's further ones, and the ownership a firm is registered with."""
    further = tuple(catalogue.further.values())
    registered = catalogue.items.get("entity_type")
    if registered is None:
        return further
    codes = feeds[registered.feed].column("ownership").values
    return (replace(registered, id="ownership", compute=Compute(Op.LATEST, of="ownership"), codes=codes), *further)


def assemble(
    as_of: date,
    uscc: NDArray[np.bytes_],
    items: Iterable[Item],
    states: Mapping[str, FeedState],
    answers: MutableMapping[str, Parts],
) -> Profile:
    """The profile from each feed's answers, which are taken out of ``answers`` as they are used up.

    A feed without a state was never delivered: its items are unknown for every firm. A value observed longer ago than
    its item's ``valid_for`` is unknown again and keeps its observed day.
    """
    by_feed: dict[str, list[Item]] = {}
    for item in items:
        by_feed.setdefault(item.feed, []).append(item)
    made = _Made(len(uscc))
    for feed_id, members in by_feed.items():
        if feed_id in states:
            parts = answers.pop(feed_id)
            observed = _Observed(states[feed_id], made.n, parts)
            for item in members:
                made.place(item, parts[item.id], observed)
        else:
            for item in members:
                made.place_unknown(item)
    return Profile(as_of, uscc, Columns(made.n, made.values, made.codes), made.observed, made.texts)


class _Made:
    """The columns made so far."""

    def __init__(self, n: int):
        self.n = n
        self.values: dict[str, Array] = {}
        self.codes: dict[str, tuple[str, ...]] = {}
        self.observed: dict[str, Days] = {}
        self.texts: dict[str, NDArray[np.int64]] = {}
        self._never = np.full(n, UNKNOWN_INT32, np.int32)

    def place(self, item: Item, parts: Mapping[str, Part], observed: _Observed) -> None:
        """The item's columns from its feed's answer, unknown where the observation is too old."""
        seen = self.observed[item.id] = observed.of(item, parts)
        expired = seen < days(add_months(observed.firms.state.as_of, -item.valid_for_months))
        if item.kind is Kind.TEXT:
            places = self.texts[item.id] = parts["value"].spread(self.n, NO_TEXT)
            places[expired] = NO_TEXT
            return
        if item.kind is Kind.CODE:
            self.codes[item.id] = item.codes
            if parts["value"].texts:
                parts, self.codes[item.id] = _open_codes(item, parts)
        made = {item.id: values_of(item, parts, observed.firms), **year_values(item, parts, observed.firms)}
        for column in made.values():
            column[expired] = UNKNOWNS[item.kind]
        self.values |= made

    def place_unknown(self, item: Item) -> None:
        """The item's columns when nobody delivered its feed."""
        self.observed[item.id] = self._never
        if item.kind is Kind.TEXT:
            self.texts[item.id] = np.full(self.n, NO_TEXT, np.int64)
            return
        if item.kind is Kind.CODE:
            self.codes[item.id] = item.codes
        for name in (item.id, *(f"{item.id}.y{number}" for number in range(1, item.compute.by_year + 1))):
            self.values[name] = np.full(self.n, UNKNOWNS[item.kind], DTYPES[item.kind])


class _Observed:
    """Since when each item of one feed is known.

    ``latest`` carries the day of its record. Any other item of a closed-world feed is as fresh as the feed: a register
    that is complete to a day says what stands in it and what does not. Elsewhere a firm's items are as fresh as the
    newest record that tells of the firm, matching or not.
    """

    def __init__(self, state: FeedState, n: int, parts: Parts):
        firm = parts[FIRM]
        oldest = firm["oldest"].spread(n, UNKNOWN_INT32, "int32")
        newest = firm["newest"].spread(n, UNKNOWN_INT32, "int32")
        self.firms = FeedFirms(state, n, oldest, newest)
        self._covered = np.full(n, days(state.covered_to), np.int32)
        self._by_part: dict[int, Days] = {}

    def of(self, item: Item, parts: Mapping[str, Part]) -> Days:
        closed = self.firms.state.feed.absent_means_none
        if item.compute.op is not Op.LATEST:
            return self._covered if closed else self.firms.newest
        part = parts["on"]
        if id(part) not in self._by_part:
            on = part.spread(self.firms.n, UNKNOWN_INT32, "int32")
            self._by_part[id(part)] = np.where(on == UNKNOWN_INT32, self._covered, on) if closed else on
        return self._by_part[id(part)]


def _open_codes(item: Item, parts: Mapping[str, Part]) -> tuple[Mapping[str, Part], tuple[str, ...]]:
    """The part with its places moved to the sorted dictionary, and that dictionary."""
    part = parts["value"]
    if len(part.texts) > _MOST_CODES:
        raise RefusedInput(
            "too_many_codes",
            "item",
            item.id,
            f"Its records hold {len(part.texts)} different codes; {_MOST_CODES} fit.",
            "Make it a text item.",
        )
    order = sorted(range(len(part.texts)), key=part.texts.__getitem__)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    moved = place[np.where(part.valid, part.values, 0) if part.valid is not None else part.values]
    return {**parts, "value": replace(part, values=moved)}, tuple(part.texts[number] for number in order)
