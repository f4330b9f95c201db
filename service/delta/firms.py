"""Makes some firms again: their items from the lake where something arrived, the rest as it stood, then the same
stages as a build.

Only what can have changed is read. A batch is read for the firms it tells of, with all their records of its feed. Where
it also moves the day up to which the feed is complete, every firm of the delta is read in that feed, since all of them
are made by one state of each feed: so the same batches give the same firms, however many looks they were made in. A
firm that is new has no record in the other feeds, which says something of a register that is complete ("none") and
nothing of one that is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.kinds import UNKNOWN_INT32
from scoring.catalogue import Catalogue, Item
from scoring.compiler import FeedState, compile_feed
from scoring.feeds import FeedBook
from scoring.item_values import Part
from scoring.profile import Parts, assemble, auxiliary_items
from service.delta.arrivals import Arrival, feed_files, firms_of, states_of
from service.delta.as_it_stood import Source, with_what_stood
from service.delta.overlaid import OverlaidSnapshot
from service.office import Office
from service.snapshot.aggregate import aggregate
from service.snapshot.contents import Run, contents_of
from service.snapshot.snapshots import HeldSnapshot, OpenSnapshot
from service.snapshot.stages import Stages

_NO_FIRMS = np.empty(0, np.int64)
_NOTHING = Part(_NO_FIRMS, _NO_FIRMS)
_CODE = "S18"


@dataclass(frozen=True)
class Kitchen:
    """What the firms of one snapshot are made again with."""

    office: Office
    base: OpenSnapshot
    catalogue: Catalogue
    feeds: FeedBook
    stages: Stages

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The items and the facts beside them."""
        return (*self.catalogue.items.values(), *auxiliary_items(self.catalogue, self.feeds))

    @cached_property
    def nothing(self) -> Mapping[str, Parts]:
        """By feed the answers where it has no record of any firm. They are the same on every day."""
        day = self.base.as_of
        return {
            name: {
                item: dict.fromkeys(parts, _NOTHING)
                for query in compile_feed(FeedState(feed, day, day), [item for item in self.items if item.feed == name])
                for item, parts in query.parts.items()
            }
            for name, feed in self.feeds.items()
        }


@dataclass(frozen=True)
class Again:
    """The firms that ``arrivals`` tell of, made again: ``held`` has those of them that a build would find.

    ``told`` are the codes of all of them, ``states`` the feeds they were made by.
    """

    kitchen: Kitchen
    arrivals: tuple[Arrival, ...]
    told: frozenset[str]
    states: Mapping[str, FeedState]
    held: HeldSnapshot

    def leads_to(self, arrivals: Sequence[Arrival], kitchen: Kitchen) -> bool:
        """Whether only what arrived last is missing to the firms of ``arrivals``, made in the same way."""
        return kitchen is self.kitchen and tuple(arrivals[: len(self.arrivals)]) == self.arrivals


def made_again(kitchen: Kitchen, arrivals: Sequence[Arrival], before: Again | None = None) -> Again:
    """The firms of ``arrivals``. What ``before``, made of the first of them, has is made again where it must be."""
    base, earlier = kitchen.base, before.told if before else frozenset[str]()
    states = states_of(kitchen.office, base, arrivals, kitchen.feeds)
    told = firms_of(kitchen.office, arrivals[len(before.arrivals) if before else 0 :])
    now, moved, newly = frozenset[str]().union(*told.values()), _moved(kitchen, states), _moved(kitchen, states, before)
    codes = np.array(sorted(now | earlier if newly else now), _CODE)
    there = before.held.rows_of(codes) if before else np.full(len(codes), -1)
    at_base = np.where(np.isin(codes, np.array(sorted(earlier), _CODE)), -1, base.rows_of(codes))
    read = {feed: set(firms) for feed, firms in told.items() if firms}
    for feed in moved:
        read.setdefault(feed, set()).update(_texts(codes if feed in newly else codes[there < 0]))
    sources: list[Source] = [(base, at_base), *([(before.held, there)] if before else [])]
    made = _made(kitchen, arrivals, states, codes, {feed: firms for feed, firms in read.items() if firms}, sources)
    if before is not None:
        lost = there[there >= 0]
        made = OverlaidSnapshot(before.held, made, lost, kitchen.stages, {}).settled(made.manifest["feeds"])
    return Again(kitchen, tuple(arrivals), now | earlier, states, made)


def _moved(kitchen: Kitchen, states: Mapping[str, FeedState], before: Again | None = None) -> set[str]:
    """The feeds that are complete to another day than the snapshot, or ``before``, knew; new ones among them."""
    entries = kitchen.base.manifest["feeds"]
    known = {feed: entry["covered_to"] for feed, entry in entries.items()}
    if before is not None:
        known = {feed: state.covered_to.isoformat() for feed, state in before.states.items()}
    return {feed for feed, state in states.items() if known.get(feed) != state.covered_to.isoformat()}


def _made(
    kitchen: Kitchen,
    arrivals: Sequence[Arrival],
    states: Mapping[str, FeedState],
    codes: NDArray[np.bytes_],
    read: Mapping[str, set[str]],
    sources: Sequence[Source],
) -> HeldSnapshot:
    """The firms with these codes, from what is ``read`` of each feed and for the rest from ``sources``."""
    base, catalogue, feeds, items = kitchen.base, kitchen.catalogue, kitchen.feeds, kitchen.items
    found = aggregate(feed_files(kitchen.office, base, arrivals, states, read), items, kitchen.office.work)
    fresh = {feed: np.isin(codes, np.array(sorted(firms), _CODE)) for feed, firms in read.items()}
    stays = np.isin(codes, found.uscc) | _seen_elsewhere(kitchen, fresh, sources)
    unsure = ~stays & np.logical_or.reduce([rows >= 0 for _, rows in sources])
    if unsure.any():
        # They may have lost their only record: every feed is asked.
        every = feed_files(kitchen.office, base, arrivals, states, dict.fromkeys(states, _texts(codes[unsure])))
        stays |= np.isin(codes, aggregate(every, (), kitchen.office.work).uscc)
    uscc = codes[stays]
    answers = {feed: kitchen.nothing[feed] for feed in states}
    answers |= {feed: _placed(parts, np.searchsorted(uscc, found.uscc)) for feed, parts in found.answers.items()}
    profile = assemble(base.as_of, uscc, items, states, answers)
    standing = [(snapshot, rows[stays]) for snapshot, rows in sources]
    stale = {feed: ~mask[stays] for feed, mask in fresh.items()}
    profile, texts = with_what_stood(profile, found.texts, items, standing, stale)
    covered = {feed: {"covered_to": state.covered_to.isoformat()} for feed, state in states.items()}
    described = {**base.manifest, "firms": len(uscc), "feeds": covered}
    return HeldSnapshot(
        base.folder, contents_of(profile, texts, described, catalogue, feeds, kitchen.stages, Run(None))
    )


def _texts(codes: NDArray[np.bytes_]) -> list[str]:
    return [str(code, "ascii") for code in codes]


def _seen_elsewhere(
    kitchen: Kitchen, fresh: Mapping[str, NDArray[np.bool_]], sources: Iterable[Source]
) -> NDArray[np.bool_]:
    """Firms with a record that counts in a feed that is not read for them: something of them was seen there, in a feed
    that tells only of what it knows.
    """
    sources = list(sources)
    seen = np.zeros(len(sources[0][1]), bool)
    for item in kitchen.catalogue.items.values():
        if kitchen.feeds[item.feed].absent_means_none:
            continue
        for snapshot, rows in sources:
            there = rows >= 0
            there[there] = snapshot.observed[item.id][rows[there]] != UNKNOWN_INT32
            seen |= there & ~fresh[item.feed] if item.feed in fresh else there
    return seen


def _placed(parts: Parts, places: NDArray[np.int64]) -> Parts:
    """The parts over a longer list of firms; ``places`` says where each of theirs stands in it."""
    return {
        item: {name: replace(part, firm=places[part.firm]) for name, part in mine.items()}
        for item, mine in parts.items()
    }
