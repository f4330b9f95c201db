"""The heaviest sets of things of which some pairs bar each other: exact, for tens of things.

Sets are whole numbers, one bit a thing. Every maximal set is a candidate (at most 3^(n/3) of them; found as the maximal
cliques of the allowed pairs, by Bron and Kerbosch's method with a pivot), and a branch that cannot reach the sets
already kept is cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


def places(chosen: int) -> list[int]:
    """The places of the set bits, lowest first."""
    found = []
    while chosen:
        low = chosen & -chosen
        found.append(low.bit_length() - 1)
        chosen ^= low
    return found


@dataclass(frozen=True)
class Weighing:
    """What each thing weighs (0 or more) and which others it bars (symmetric).

    The things in ``capped`` together weigh no more than ``cap``; ``None`` is no cap.
    """

    weights: Sequence[int]
    bars: Sequence[int]
    capped: int = 0
    cap: int | None = None

    def value(self, chosen: int) -> int:
        """What a set weighs, the capped part cut at the cap."""
        free = sum(self.weights[place] for place in places(chosen & ~self.capped))
        held = sum(self.weights[place] for place in places(chosen & self.capped))
        return free + (held if self.cap is None else min(held, self.cap))

    def heaviest(self, allowed: int, keep: int, held: int = 0) -> list[int]:
        """The ``keep`` heaviest maximal sets within ``allowed``, heaviest first; fewer where there are fewer.

        Every set holds ``held`` as well, which ``allowed`` neither contains nor bars.

        Of sets that weigh the same, the one with the lowest place in which they differ comes first.
        """
        best: list[tuple[int, int]] = []

        def visit(chosen: int, able: int, passed: int) -> None:
            if not able:
                if not passed:
                    best.append((self._rank(chosen), chosen))
                    best.sort(reverse=True)
                    del best[keep:]
                return
            if len(best) == keep and self._bound(chosen, able) <= best[-1][0]:
                return
            # A maximal set holds the pivot or something that bars it: only those need to be tried.
            pivot = max(places(able | passed), key=lambda place: (able & ~self.bars[place]).bit_count())
            for place in places(able & (self.bars[pivot] | 1 << pivot)):
                bit, beside = 1 << place, ~(self.bars[place] | 1 << place)
                visit(chosen | bit, able & beside, passed & beside)
                able &= ~bit
                passed |= bit

        visit(held, allowed, 0)
        return [chosen for _, chosen in best]

    def _tie(self, place: int) -> int:
        """Decides between equal weights, the lowest place first; all ties together stay below one unit of weight."""
        return 1 << len(self.weights) - 1 - place

    def _rank(self, chosen: int) -> int:
        """Weight, then places, as one whole number. No two sets share it."""
        return (self.value(chosen) << len(self.weights)) + sum(map(self._tie, places(chosen)))

    def _bound(self, chosen: int, able: int) -> int:
        """No set of ``chosen`` and part of ``able`` ranks higher: of things that all bar each other one counts."""
        size = len(self.weights)
        free, held, ties = 0, 0, 0
        for place in places(chosen):
            tie = self._tie(place)
            if self.capped >> place & 1:
                held, ties = held + (self.weights[place] << size) + tie, ties + tie
            else:
                free += (self.weights[place] << size) + tie
        for capped, left in ((False, able & ~self.capped), (True, able & self.capped)):
            while left:
                place = (left & -left).bit_length() - 1
                left ^= 1 << place
                # The first of a clique has the highest tie; its weight may be topped by another's.
                rivals, tie = left & self.bars[place], self._tie(place)
                most = (self.weights[place] << size) + tie
                while rivals:
                    other = (rivals & -rivals).bit_length() - 1
                    most = max(most, (self.weights[other] << size) + self._tie(other))
                    left ^= 1 << other
                    rivals &= self.bars[other]
                if capped:
                    held, ties = held + most, ties + tie
                else:
                    free += most
        if self.cap is not None:
            held = min(held, (self.cap << size) + ties)
        return free + held
