"""A market as arrays: pairs of a firm and a product it is eligible for, and the limits they draw on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.errors import RefusedInput

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
#: A limit nobody reaches: the head count or sum is open.
OPEN = np.int64(2**62)


@dataclass(frozen=True)
class Limits:
    """One kind of limit. ``group`` (e,) is the limit each pair draws on, -1 for none; ``use`` (e,) how much of it, at
    least 0; ``most`` (k,) what there is; ``names`` (k,) what to call each.
    """

    kind: str
    group: Ints
    use: Ints
    most: Ints
    names: tuple[str, ...]


@dataclass(frozen=True)
class Places:
    """A limit's pairs in priority order, group by group, and where each group starts among them."""

    pairs: Ints
    group: Ints
    use: Ints
    most: Ints


@dataclass(frozen=True)
class Market:
    """``n`` firms, ``m`` products, ``e`` pairs.

    ``firm``, ``product`` (e,) are rows; ``likes`` (e,) how much the firm wants it, ``values`` (e,) how much the lender
    does, larger is better, comparable within a firm and within a pot; ``caps`` (n,) contacts a firm allows;
    ``limits``: head counts, sums and pots. Ties are broken by a hash of the ids, so that the order of rows never
    counts.
    """

    firms: tuple[str, ...]
    products: tuple[str, ...]
    firm: Ints
    product: Ints
    likes: Floats
    values: Floats
    caps: Ints
    limits: tuple[Limits, ...]

    def __post_init__(self) -> None:
        pairs = self.firm.size
        parts = (
            self.product,
            self.likes,
            self.values,
            *(part for each in self.limits for part in (each.group, each.use)),
        )
        if any(part.shape != (pairs,) for part in parts) or self.caps.shape != (len(self.firms),):
            raise _refused("pairs", pairs, "Every column has one entry for each pair, the caps one for each firm.")
        for name, ids in (("firms", self.firms), ("products", self.products)):
            if len(set(ids)) != len(ids):
                raise _refused(name, len(ids), "Each is named once.")
        if np.unique(self.firm * max(len(self.products), 1) + self.product).size != pairs:
            raise _refused("pairs", pairs, "A firm and a product make one pair.")
        if (self.caps < 0).any() or any((each.most < 0).any() or (each.use < 0).any() for each in self.limits):
            raise _refused("limits", "below zero", "Caps, limits and uses are not below zero.")
        if not (np.isfinite(self.likes).all() and np.isfinite(self.values).all()):
            raise _refused("values", "not finite", "Every pair has a figure for either side.")

    @cached_property
    def ties(self) -> NDArray[np.uint64]:
        """A hash of each pair's ids (e,), the same whatever stands beside it."""
        with np.errstate(over="ignore"):
            mixed: NDArray[np.uint64] = _hashes(self.firms)[self.firm] * np.uint64(0x9E3779B97F4A7C15)
            mixed = mixed ^ _hashes(self.products)[self.product]
            # The finish of splitmix64, so that near ids give far hashes.
            for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
                mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
            return mixed ^ (mixed >> np.uint64(31))

    def priority(self, first: Bools | None = None) -> Ints:
        """Rank (e,) of each pair among all, 0 the lenders' best; pairs of ``first`` (e,) come before all others."""
        behind = np.zeros(self.firm.size) if first is None else (~first).astype(np.float64)
        rank = np.empty(self.firm.size, np.int64)
        rank[np.lexsort((self.ties, -self.values, behind))] = np.arange(self.firm.size)
        return rank

    @cached_property
    def wishes(self) -> tuple[Ints, Ints]:
        """Pairs firm by firm, each firm's best first, and where each firm starts (n + 1,)."""
        order = np.lexsort((self.ties, -self.likes, self.firm))
        return order, np.searchsorted(self.firm[order], np.arange(len(self.firms) + 1)).astype(np.int64)

    @cached_property
    def wish_place(self) -> Ints:
        """Place (e,) of each pair in the order of :attr:`wishes`."""
        place = np.empty(self.firm.size, np.int64)
        place[self.wishes[0]] = np.arange(self.firm.size)
        return place

    def places(self, rank: Ints) -> tuple[Places, ...]:
        """Every limit's pairs in order of ``rank``."""
        in_order = np.empty(rank.size, np.int64)
        in_order[rank] = np.arange(rank.size)
        made = []
        for each in self.limits:
            order = in_order[np.argsort(each.group[in_order], kind="stable")]
            order = order[np.searchsorted(each.group[order], 0) :]
            made.append(Places(order, each.group[order], each.use[order], each.most))
        return tuple(made)

    def free_places(self, rank: Ints, left: Sequence[Ints], room: Ints, among: Bools) -> tuple[Places, ...]:
        """The pairs ``among`` (e,) in order of ``rank``: by limit with what is ``left`` of it, by firm with the
        contacts it has ``room`` (n,) for."""
        pairs = np.flatnonzero(among)
        pairs = pairs[np.argsort(rank[pairs])]
        made = []
        ones = np.ones(self.firm.size, np.int64)
        limits = [(each.group, each.use, most) for each, most in zip(self.limits, left, strict=True)]
        for group, use, most in (*limits, (self.firm, ones, room)):
            order = pairs[np.argsort(group[pairs], kind="stable")]
            order = order[np.searchsorted(group[order], 0) :]
            made.append(Places(order, group[order], use[order], most))
        return tuple(made)

    def used(self, held: Bools, limits: Limits) -> Ints:
        """What held pairs draw on each of the limits (k,)."""
        mine = held & (limits.group >= 0)
        # Sums in integers: a float would lose fen above 2**53.
        total = np.zeros(limits.most.size, np.int64)
        np.add.at(total, limits.group[mine], limits.use[mine])
        return total


def limits_of(kind: str, group: ArrayLike, use: ArrayLike, most: ArrayLike, names: Sequence[str]) -> Limits:
    """Limits of any sequences."""
    return Limits(
        kind,
        np.asarray(group, np.int64),
        np.asarray(use, np.int64),
        np.asarray(most, np.int64),
        tuple(names),
    )


def _hashes(ids: Sequence[str]) -> NDArray[np.uint64]:
    digests = b"".join(hashlib.blake2b(one.encode(), digest_size=8).digest() for one in ids)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _refused(field: str, value: object, rule: str) -> RefusedInput:
    return RefusedInput("bad_market", field, value, rule, "Correct the market.")
