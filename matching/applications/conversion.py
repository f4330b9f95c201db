"""How often a product says yes to like firms, and how fast: shares and means, shrunk for small numbers.

A share of ``k`` approvals in ``n`` decisions is drawn toward a prior that weighs as much as ``m`` decisions: the mean
of Beta(k + m·p, n − k + m·(1 − p)). The prior ``p`` of like firms at one product is that product's own share, which is
drawn in the same way toward the share over all products. Where nobody has decided anything, nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from scipy.stats import beta

from matching.applications.rules import Shrinkage


class Cell(NamedTuple):
    """What makes firms alike: size class, industry section, grade; an empty text is unknown, and a kind of its own."""

    size_class: str
    section: str
    grade: str


@dataclass(frozen=True)
class Decided:
    """Decisions of one product about firms of one cell; ``days`` is the sum of days from offer to decision."""

    product: str
    cell: Cell
    approved: int
    declined: int
    days: int = 0

    @property
    def decisions(self) -> int:
        return self.approved + self.declined


@dataclass(frozen=True)
class Chance:
    """A shrunk share of approvals with the interval of its posterior.

    ``decisions`` and ``approved`` are those of like firms at the product itself, ``of_product`` all its decisions;
    ``prior`` is what like firms' share was drawn toward.
    """

    share: float
    low: float
    high: float
    decisions: int
    approved: int
    of_product: int
    prior: float


@dataclass(frozen=True)
class Speed:
    """Mean days from offer to decision of one product, shrunk toward all products', and its own decisions."""

    days: float
    decisions: int


class Conversions:
    """Chances and speeds from counts of decisions; the same product and cell may come in several counts."""

    def __init__(self, counts: Iterable[Decided], shrinkage: Shrinkage):
        self._shrinkage = shrinkage
        self._cells: dict[tuple[str, Cell], list[int]] = {}
        self._products: dict[str, list[int]] = {}
        self._all = [0, 0, 0]
        for each in counts:
            told = (each.approved, each.decisions, each.days)
            for held in (
                self._cells.setdefault((each.product, each.cell), [0, 0, 0]),
                self._products.setdefault(each.product, [0, 0, 0]),
                self._all,
            ):
                for place, number in enumerate(told):
                    held[place] += number

    def chance(self, product: str, cell: Cell) -> Chance | None:
        """How likely ``product`` is to say yes to a firm of ``cell``; ``None`` before anybody decided anything."""
        approved, decisions, _ = self._all
        if not decisions:
            return None
        weight = self._shrinkage.prior_decisions
        of_product = self._products.get(product, [0, 0, 0])
        prior = _drawn(of_product[0], of_product[1], approved / decisions, weight)
        held = self._cells.get((product, cell), [0, 0, 0])
        share = _drawn(held[0], held[1], prior, weight)
        low, high = _interval(share, held[1] + weight, float(self._shrinkage.interval))
        return Chance(share, low, high, held[1], held[0], of_product[1], prior)

    def speed(self, product: str) -> Speed | None:
        """Days ``product`` takes to decide; ``None`` before anybody decided anything."""
        _, decisions, days = self._all
        if not decisions:
            return None
        _, own, own_days = self._products.get(product, [0, 0, 0])
        weight = self._shrinkage.speed_prior_decisions
        return Speed((own_days + weight * days / decisions) / (own + weight), own)

    def of_products(self) -> dict[str, tuple[int, int]]:
        """Approvals and decisions by product."""
        return {product: (held[0], held[1]) for product, held in sorted(self._products.items())}


def _drawn(approved: int, decisions: int, prior: float, weight: int) -> float:
    return (approved + weight * prior) / (decisions + weight)


def _interval(share: float, weight: int, covered: float) -> tuple[float, float]:
    """The middle ``covered`` of a Beta with this mean and weight; a share of 0 or 1 leaves no room for another."""
    if share in (0.0, 1.0):
        return share, share
    tail = (1 - covered) / 2
    a, b = share * weight, (1 - share) * weight
    return float(beta.ppf(tail, a, b)), float(beta.ppf(1 - tail, a, b))
