"""Makes some firms again: their items from the lake where something arrived, the rest from the snapshot, then the same
stages as a build.

Only the feeds that got a batch are read, for these firms alone. The items of every other feed stand as they stood: no
record of theirs came. A firm that is new has no record in those feeds, which says something of a register that is
complete ("none") and nothing of one that is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.errors import NotFound
from models.kinds import UNKNOWN_INT32
from scoring.catalogue import Catalogue, Item
from scoring.columns import Columns
from scoring.compiler import FeedState, compile_feed
from scoring.feeds import FeedBook
from scoring.item_values import Part
from scoring.profile import NO_TEXT, Parts, Profile, assemble, auxiliary_items
from service.delta.arrivals import Arrival, feed_files, firms_in
from service.office import Office
from service.snapshot.aggregate import Aggregated, FeedFiles, aggregate
from service.snapshot.contents import Run, contents_of
from service.snapshot.snapshots import HeldSnapshot, OpenSnapshot
from service.snapshot.stages import Stages

_NO_FIRMS = np.empty(0, np.int64)
_NOTHING = Part(_NO_FIRMS, _NO_FIRMS)


def made_again(
    office: Office,
    base: OpenSnapshot,
    arrivals: Sequence[Arrival],
    stages: Stages,
    catalogue: Catalogue,
    feeds: FeedBook,
) -> tuple[list[str], HeldSnapshot]:
    """The firms that ``arrivals`` tell of, and a snapshot of those of them that a build would find."""
    firms = firms_in(office, arrivals)
    told = feed_files(office, base, arrivals, feeds, {each.feed for each in arrivals})
    items = (*catalogue.items.values(), *auxiliary_items(catalogue, feeds))
    found = aggregate(told, items, office.work, firms=firms)
    rows = {code: row for code in firms if (row := _row_of(base, code)) is not None}
    kept = _kept_elsewhere(office, base, arrivals, found, told, rows, catalogue, feeds)
    uscc = np.array(sorted({*kept, *(str(code, "ascii") for code in found.uscc)}), "S18")
    states = _states(base, feeds) | {each.state.feed.id: each.state for each in told}
    fresh = {each.state.feed.id for each in told}
    stale = [item for item in items if item.feed not in fresh]
    answers = {
        feed: _nothing_of(state, [item for item in items if item.feed == feed]) for feed, state in states.items()
    }
    answers |= {feed: _placed(parts, np.searchsorted(uscc, found.uscc)) for feed, parts in found.answers.items()}
    profile = assemble(base.as_of, uscc, items, states, answers)
    at = np.array([rows.get(str(code, "ascii"), -1) for code in uscc], np.int64)
    profile, texts = _with_kept(profile, base, at, stale)
    covered = {feed: {"covered_to": state.covered_to.isoformat()} for feed, state in states.items()}
    described = {**base.manifest, "firms": len(uscc), "feeds": covered}
    contents = contents_of(profile, {**found.texts, **texts}, described, catalogue, feeds, stages, Run(None))
    return firms, HeldSnapshot(base.folder, contents)


def _row_of(base: OpenSnapshot, code: str) -> int | None:
    try:
        return base.row_of(code)
    except NotFound:
        return None


def _states(base: OpenSnapshot, feeds: FeedBook) -> dict[str, FeedState]:
    """The feeds as the snapshot knew them."""
    entries = {feed: entry["covered_to"] for feed, entry in base.manifest["feeds"].items()}
    return {feed: FeedState(feeds[feed], base.as_of, date.fromisoformat(to)) for feed, to in entries.items()}


def _kept_elsewhere(
    office: Office,
    base: OpenSnapshot,
    arrivals: Sequence[Arrival],
    found: Aggregated,
    told: Sequence[FeedFiles],
    rows: Mapping[str, int],
    catalogue: Catalogue,
    feeds: FeedBook,
) -> set[str]:
    """Firms of the snapshot with a record that counts in a feed that got no batch.

    What was seen of a firm in a feed that tells only of what it knows is such a record. Of the others, which may have
    lost their only one, the remaining feeds are asked.
    """
    fresh = {each.state.feed.id for each in told}
    seen = [
        base.observed[item.id]
        for item in catalogue.items.values()
        if item.feed not in fresh and not feeds[item.feed].absent_means_none
    ]
    kept = {code for code, row in rows.items() if any(column[row] != UNKNOWN_INT32 for column in seen)}
    unsure = sorted({*rows} - kept - {str(code, "ascii") for code in found.uscc})
    if unsure:
        others = feed_files(office, base, arrivals, feeds, {*base.manifest["feeds"]} - fresh)
        kept |= {str(code, "ascii") for code in aggregate(others, (), office.work, firms=unsure).uscc}
    return kept


def _nothing_of(state: FeedState, items: Sequence[Item]) -> Parts:
    """The answers of a feed that has no record of any of the firms."""
    return {
        item: dict.fromkeys(parts, _NOTHING)
        for query in compile_feed(state, items)
        for item, parts in query.parts.items()
    }


def _placed(parts: Parts, places: NDArray[np.int64]) -> Parts:
    """The parts over a longer list of firms; ``places`` says where each of theirs stands in it."""
    return {
        item: {name: replace(part, firm=places[part.firm]) for name, part in mine.items()}
        for item, mine in parts.items()
    }


def _with_kept(
    profile: Profile, base: OpenSnapshot, at: NDArray[np.int64], items: Sequence[Item]
) -> tuple[Profile, dict[str, pa.Array]]:
    """The profile with ``items`` as ``base`` has them, and their texts. ``at``: the firms' rows there, -1 for none."""
    known = at >= 0
    rows = at[known]
    values, codes = dict(profile.columns.values), dict(profile.columns.codes)
    observed, places = dict(profile.observed), dict(profile.texts)
    texts: dict[str, pa.Array] = {}

    def kept(own: NDArray[Any], theirs: NDArray[Any]) -> NDArray[Any]:
        mixed = own.copy()  # items may share one array
        mixed[known] = theirs[rows]
        return mixed

    for item in items:
        if item.id in base.observed:
            observed[item.id] = kept(observed[item.id], base.observed[item.id])
        if item.id in places:
            texts[item.id] = base.texts.column(item.id).take(pa.array(rows))
            places[item.id] = np.full(len(at), NO_TEXT)
            places[item.id][known] = np.arange(len(rows))
            continue
        if item.id in base.columns.codes:
            codes[item.id] = base.columns.codes[item.id]
        for name in (item.id, *(f"{item.id}.y{year}" for year in range(1, item.compute.by_year + 1))):
            values[name] = kept(values[name], base.columns.values[name])
    return replace(profile, columns=Columns(len(at), values, codes), observed=observed, texts=places), texts
