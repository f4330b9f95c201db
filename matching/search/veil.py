"""What of a search may be told to somebody who may not know the firms: moved counts, and cards with others alike.

Whoever sees exact counts learns one firm's facts by asking twice, with and without it. So each number is moved by a few
firms, and of the firms found a part is listed. How, follows from the question and a secret: the same question about the
same snapshot has the same answer, and two questions are moved independently whether or not they find the same firms.
(Were it to follow from the firms found, an unchanged answer would tell that the firm left out was not among them.)
Moved numbers can be averaged, so questions are counted: docs/decisions/0019 says what that leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from matching.cursors import fingerprint
from matching.nodes import All, Any, Condition, Node, Not
from matching.search.terms import ReleaseTerms

Rows = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Trait:
    """What a card shows of every firm: ``places`` from -1 (unknown) to ``size - 1``, one per firm."""

    name: str
    places: npt.NDArray[np.int64]
    size: int


@dataclass(frozen=True)
class Listed:
    """Firms to list: their rows, and how many of the traits each one's card shows (the first ones)."""

    rows: Rows
    shown: npt.NDArray[np.int64]


def canonical_question(parts: Sequence[Node]) -> str:
    """What the parts of an ``all`` ask together; the same in whatever order and however often they are written."""
    return "all" + repr(sorted({_canonical(part) for part in parts}))


def _canonical(node: Node) -> str:
    match node:
        case Condition():
            return repr((node.fact, node.op.value, node.values))
        case Not(child):
            return f"not({_canonical(child)})"
        case All(children):
            return canonical_question(children)
        case Any(children):
            return "any" + repr(sorted({_canonical(child) for child in children}))


class Veil:
    """For the firms of one snapshot (its id, and the social credit codes as ``S18``), under the office's ``secret``."""

    def __init__(self, snapshot: str, codes: npt.NDArray[np.bytes_], secret: bytes, terms: ReleaseTerms):
        self.terms = terms
        self._secret = blake2b(secret, digest_size=32, person=b"rongqiao veil").digest()
        self._snapshot = snapshot
        self._codes = codes

    @cached_property
    def _keys(self) -> Keys:
        """A secret number of each firm."""
        words = np.ascontiguousarray(self._codes.astype("S24")).view(np.uint64).reshape(-1, 3)
        key = np.full(len(words), self._seed("firms"))
        for place in range(3):
            key = _mixed(key ^ words[:, place])
        return key

    @cached_property
    def _steps(self) -> npt.NDArray[np.float64]:
        """Running sum of the chances of each shift, from the most negative."""
        weights = np.exp(-np.abs(np.arange(-self.terms.noise_most, self.terms.noise_most + 1)) / self.terms.noise_scale)
        steps: npt.NDArray[np.float64] = np.cumsum(weights) / weights.sum()
        return steps

    def told(self, number: int, *question: str) -> int | None:
        """The number as it may be told in answer to this question; ``None`` where the group is too small."""
        return self._told(number + int(self._shifts(1, *question)[0]))

    def counts(self, rows: Rows, trait: Trait, *question: str) -> list[int | None]:
        """How many of ``rows`` are at each place of a trait, as it may be told; unknown places are not counted."""
        number = np.bincount(trait.places[rows] + 1, minlength=trait.size + 1)[1:]
        return [self._told(each) for each in (number + self._shifts(trait.size, trait.name, *question)).tolist()]

    def listed(self, rows: Rows, traits: Sequence[Trait], agreed: npt.NDArray[np.bool_], *question: str) -> Listed:
        """A part of ``rows`` for cards, and those that ``agreed`` (one bool per row) to be listed.

        Each card has at least ``smallest_group`` alike among the firms found: it shows the first traits, as many as
        leave so many. Firms that have too few alike with none shown are listed only if they agreed.
        """
        shown = np.full(rows.size, -1)
        left = np.arange(rows.size)
        for number in range(len(traits), -1, -1):
            if not left.size:
                break
            place, size = _joint(traits[:number], rows[left])
            # Moved, so that a card that shows less does not tell the exact number of those alike.
            least = self.terms.smallest_group + np.abs(self._shifts(size, f"alike {number}", *question))
            good = (np.bincount(place, minlength=size) >= least)[place]
            shown[left[good]] = number
            left = left[~good]
        chance = _mixed(self._keys[rows] ^ self._seed("listed", *question)) / 2.0**64
        kept = ((chance < self.terms.listed_share) & (shown >= 0)) | agreed
        return Listed(rows[kept], np.maximum(shown[kept], 0))

    def order(self, rows: Rows, *question: str) -> Keys:
        """A fixed order of firms that says nothing of them."""
        return _mixed(self._keys[rows] ^ self._seed("order", *question))

    def _told(self, moved: int) -> int | None:
        return moved if moved >= self.terms.smallest_group else None

    def _seed(self, *question: str) -> np.uint64:
        digest = blake2b(fingerprint(self._snapshot, question), digest_size=8, key=self._secret).digest()
        return np.uint64(int.from_bytes(digest))

    def _shifts(self, size: int, *question: str) -> npt.NDArray[np.int64]:
        """By how many firms each of ``size`` numbers of one answer is moved."""
        chance = _mixed(np.arange(size, dtype=np.uint64) ^ self._seed(*question)) / 2.0**64
        return np.searchsorted(self._steps[:-1], chance, side="right") - self.terms.noise_most


def _joint(traits: Sequence[Trait], rows: Rows) -> tuple[npt.NDArray[np.int64], int]:
    """One place for all traits together, unknown being a place of its own; only places that occur are numbered."""
    place, size = np.zeros(rows.size, np.int64), 1
    for trait in traits:
        place = place * (trait.size + 1) + trait.places[rows] + 1
        size *= trait.size + 1
        if size > 4 * rows.size:
            found, place = np.unique(place, return_inverse=True)
            size = found.size
    return place, size


def _mixed(key: Keys) -> Keys:
    """The finaliser of SplitMix64: every bit of the result hangs on every bit of ``key``. Overflow is meant."""
    key = key + np.uint64(0x9E3779B97F4A7C15)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))
