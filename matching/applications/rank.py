"""Ranking of offers for a firm: cost, chance, speed and fit, each in points, weighed as the office or the firm says.

Every point is told: what was found, what it gives, what it counts. A criterion of which nothing is known counts for
nothing either way: the others share its weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from matching.applications.conversion import Cell, Chance, Conversions, Speed
from matching.applications.rules import CRITERIA, ApplicationRules
from matching.option import Option
from matching.status import Status
from models.errors import RefusedInput

#: Offers a need is sent to: the firm meets what is asked, or nobody knows that it does not.
MATCHED = (Status.ELIGIBLE, Status.UNKNOWN)
_PLACES = Decimal("0.01")
_MOST_WEIGHT = Decimal(1000)


@dataclass(frozen=True)
class Criterion:
    """One criterion of one offer. ``value``: what was found (``None``: unknown); ``points`` 0 to 100;
    ``counts``: its share of the weights of what is known, 0 to 1."""

    id: str
    value: Decimal | None
    points: Decimal | None
    counts: Decimal


@dataclass(frozen=True)
class Ranked:
    """An offer with its points, the sum of ``points × counts`` rounded to two places; ``None`` where nothing is known.

    ``ask``: yuan asked of it. ``chance`` and ``speed`` are what two of the criteria rest on.
    """

    option: Option
    lender: str
    ask: Decimal
    points: Decimal | None
    criteria: tuple[Criterion, ...]
    chance: Chance | None
    speed: Speed | None


def read_weights(raw: Mapping[str, object], usual: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """The weights of a request: those it names (numbers from 0 to 1000), the ``usual`` for the rest.

    ``RefusedInput`` for a criterion or number that is none, and where nothing would count.
    """
    made = dict(usual)
    for name, value in raw.items():
        if name not in CRITERIA:
            raise RefusedInput(
                "bad_weight", name, value, "There is no such criterion.", f"One of {', '.join(CRITERIA)}."
            )
        try:
            weight = Decimal(str(value))
        except ArithmeticError:
            weight = Decimal(-1)
        if not (weight.is_finite() and 0 <= weight <= _MOST_WEIGHT):
            raise RefusedInput("bad_weight", name, value, "A weight is a number from 0 to 1000.", "Write it like 40.")
        made[name] = weight
    if not any(made.values()):
        raise RefusedInput(
            "bad_weight", "weights", "0", "Something must count.", "Give one criterion a weight above zero."
        )
    return made


def ranked(
    option: Option,
    lender: str,
    ask: Decimal,
    most: Decimal,
    cell: Cell,
    known: Conversions,
    weights: Mapping[str, Decimal],
    rules: ApplicationRules,
) -> Ranked:
    """``option`` with its points; ``most`` is the most yuan the firm wants, ``ask`` what of it is asked here."""
    chance, speed = known.chance(option.id, cell), known.speed(option.id)
    cost = option.cost
    values: dict[str, Decimal | None] = {
        "cost": cost.all_in_annual_rate if cost else None,
        "chance": Decimal(repr(chance.share)) if chance else None,
        "speed": Decimal(repr(speed.days)) if speed else None,
        "fit": min(cost.principal_yuan, ask) / most if cost else None,
    }
    return with_points(option, lender, ask, values, weights, rules, chance, speed)


def with_points(
    option: Option,
    lender: str,
    ask: Decimal,
    values: Mapping[str, Decimal | None],
    weights: Mapping[str, Decimal],
    rules: ApplicationRules,
    chance: Chance | None = None,
    speed: Speed | None = None,
) -> Ranked:
    """The points of what was found; a weight of an unknown value is shared by the rest."""
    total = sum((weights[name] for name in CRITERIA if values[name] is not None), Decimal(0))
    made = []
    for name in CRITERIA:
        value = values[name]
        points = None if value is None else rules.lines[name].points(value)
        counts = weights[name] / total if value is not None and total else Decimal(0)
        made.append(Criterion(name, value, points, counts))
    summed = sum((each.points * each.counts for each in made if each.points is not None), Decimal(0))
    return Ranked(option, lender, ask, summed.quantize(_PLACES) if total else None, tuple(made), chance, speed)


def in_order(offers: Iterable[Ranked]) -> tuple[Ranked, ...]:
    """Best first: what the firm is known to have before what it may have, then points, what has none last, then id."""
    places = list(Status)

    def place(each: Ranked) -> tuple[int, bool, Decimal, str]:
        return places.index(each.option.status), each.points is None, -(each.points or Decimal(0)), each.option.id

    return tuple(sorted(offers, key=place))


def best_of_each_lender(offers: Iterable[Ranked]) -> tuple[Ranked, ...]:
    """The first offer of every lender, in the order given: a lender is asked once for a need."""
    first: dict[str, Ranked] = {}
    for each in offers:
        first.setdefault(each.lender, each)
    return tuple(first.values())
