"""Reads one band of a model: its kind, its numbers, and the range of points it can give."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from models.kinds import Kind
from models.marked import MarkedDict, marked
from models.money import to_fen
from scoring.catalogue import Catalogue
from scoring.derived import DERIVED
from scoring.evaluation.model import MILLI, Band, BandKind, Cumulative, Linear, Ratio, Rule, Steps, Table

_WHOLE = (Kind.COUNT, Kind.MONTHS)
_REAL = (Kind.NUMBER, Kind.RATIO)
_MOST_POINTS = 100_000
_OPS = ("lt", "le", "ge", "gt")


def parse_band(raw: MarkedDict, dimension: str, catalogue: Catalogue) -> Band:
    """The band; ``DataFileError`` at its line for an unknown item or kind, or a number that cannot be."""
    for name in ("id", "zh", "en", "item", "kind", "expected"):
        if name not in raw:
            raise raw.wrong(name, "A band must say this.", f"Add `{name}:`.")
    item_kind = kind_of(raw["item"], raw, catalogue)
    try:
        kind = BandKind(raw["kind"])
    except ValueError:
        raise raw.wrong("kind", "No such kind of band.", f"One of {', '.join(BandKind)}.") from None
    rule = _RULES[kind](raw, item_kind, catalogue)
    given = reach(rule)
    expected = milli(raw["expected"], raw, "expected")
    if not min(given) <= expected <= max(given):
        raise raw.wrong("expected", "The expected points lie outside what the band can give.", "Mend one of them.")
    return Band(
        id=raw["id"],
        zh=raw["zh"],
        en=raw["en"],
        dimension=dimension,
        item=raw["item"],
        item_kind=item_kind,
        kind=kind,
        rule=rule,
        worst=min(given),
        best=max(given),
        expected=expected,
        group=raw.get("group", ""),
        cite=raw.get("cite", ""),
    )


def kind_of(fact: str, raw: MarkedDict, catalogue: Catalogue) -> Kind:
    """Kind of a derived fact, or of an item that may be used in a score."""
    if fact in DERIVED:
        return DERIVED[fact]
    item = catalogue.computed(fact)
    if item is None:
        raise raw.wrong("item", "The catalogue has no such item.", "Name an item or a derived fact.")
    if "score" not in item.use:
        raise raw.wrong("item", "This item may be shown but not scored.", "Choose another, or change its `use`.")
    return item.kind


def milli(value: Any, raw: MarkedDict, field: str) -> int:
    """Points as written (``22.5``) in thousandths of a point, exactly."""
    try:
        points = Decimal(str(value)) * MILLI
    except InvalidOperation:
        points = Decimal("NaN")
    if isinstance(value, bool) or not points.is_finite() or points != int(points) or abs(points) > _MOST_POINTS * MILLI:
        raise raw.wrong(field, "Points are a number with at most three decimals.", "Write it like -20 or 22.5.")
    return int(points)


def reach(rule: Rule) -> tuple[int, ...]:
    """Milli-points the rule can give: all of them, or the two ends of their range."""
    match rule:
        case Steps(points=points):
            return points
        case Ratio(steps=steps, none=none):
            return steps.points if none is None else (*steps.points, none)
        case Linear(at_start=low, at_end=high):
            return (low, high)
        case Cumulative(least=least, most=most):
            return (least, most)
        case Table(points=table):
            return tuple(table.values())


def _number(value: Any, kind: Kind, raw: MarkedDict, field: str) -> int | float:
    """A bound in the stored form of ``kind``: fen for money written in yuan, int for counts, float for ratios."""
    try:
        number = Decimal(str(value))
        if number.is_finite() and not isinstance(value, bool):
            if kind in _REAL:
                return float(number)
            if kind is Kind.MONEY:
                return to_fen(number)
            if kind in _WHOLE and number == int(number):
                return int(number)
    except (InvalidOperation, ValueError):
        pass
    raise raw.wrong(field, f"{value!r} is no bound for a value of kind {kind}.", "Write a number in the item's unit.")


def _cut(op: str, value: Any, kind: Kind, raw: MarkedDict) -> int | float:
    """The bound as "at or below the stored value": ``le 5`` leaves 5 below, so the cut is the next value after 5."""
    number = _number(value, kind, raw, op)
    if op in ("le", "gt"):
        return math.nextafter(number, math.inf) if kind in _REAL else int(number) + 1
    return number


def _interval(raw: MarkedDict, kind: Kind, _: Catalogue) -> Steps:
    steps = [marked(step) for step in raw.get("steps", ())]
    if len(steps) < 2:
        raise raw.wrong("steps", "An interval band has at least two steps.", "List them in rising order.")
    cuts = []
    for step in steps[:-1]:
        ops = [op for op in ("lt", "le") if op in step]
        if len(ops) != 1:
            raise step.wrong("lt", "Every step but the last has one upper bound.", "Write `lt:` or `le:`.")
        cuts.append(_cut(ops[0], step[ops[0]], kind, step))
    if set(steps[-1]) != {"points"}:
        raise steps[-1].wrong("points", "The last step takes the rest and has no bound.", "Leave only its points.")
    if any(later <= earlier for earlier, later in pairwise(cuts)):
        raise raw.wrong("steps", "The bounds of the steps do not rise.", "Order them.")
    return Steps(tuple(cuts), tuple(milli(step.get("points"), step, "points") for step in steps))


def _threshold(raw: MarkedDict, kind: Kind, _: Catalogue) -> Steps:
    ops = [op for op in _OPS if op in raw]
    if len(ops) != 1:
        raise raw.wrong("kind", "A threshold has one bound.", f"Write one of {', '.join(_OPS)}.")
    beyond, other = _points(raw), milli(raw.get("otherwise", 0), raw, "otherwise")
    below, above = (other, beyond) if ops[0] in ("ge", "gt") else (beyond, other)
    return Steps((_cut(ops[0], raw[ops[0]], kind, raw),), (below, above))


def _boolean(raw: MarkedDict, kind: Kind, _: Catalogue) -> Steps:
    if kind is not Kind.FLAG:
        raise raw.wrong("item", "A boolean band needs a flag.", "Choose a flag, or another kind of band.")
    return Steps((1,), (milli(raw.get("otherwise", 0), raw, "otherwise"), _points(raw)))


def _linear(raw: MarkedDict, kind: Kind, _: Catalogue) -> Linear:
    start, end = marked(raw.get("from", {})), marked(raw.get("to", {}))
    made = Linear(
        start=_number(start.get("at"), kind, raw, "from"),
        end=_number(end.get("at"), kind, raw, "to"),
        at_start=milli(start.get("points"), raw, "from"),
        at_end=milli(end.get("points"), raw, "to"),
    )
    if made.start >= made.end:
        raise raw.wrong("from", "A linear band runs from a lower to a higher value.", "Exchange the two ends.")
    return made


def _quoted(raw: MarkedDict, kind: Kind, _: Catalogue) -> Linear:
    """An existing score taken over: 0 gives 0 points, ``of`` (its full marks) gives all."""
    full = _number(raw.get("of"), kind, raw, "of")
    if full <= 0:
        raise raw.wrong("of", "Full marks of a quoted score are above 0.", "Name the other score's maximum.")
    return Linear(0, full, 0, _points(raw))


def _ratio(raw: MarkedDict, kind: Kind, catalogue: Catalogue) -> Ratio:
    if "per" not in raw:
        raise raw.wrong("per", "A ratio has a second item below the line.", "Add `per:`.")
    per_kind = kind_of(raw["per"], raw, catalogue)
    for each in (kind, per_kind):
        if each not in (*_WHOLE, *_REAL, Kind.MONEY):
            raise raw.wrong("item", "A ratio needs two numbers.", "Choose items of kind money, count or number.")
    none = milli(raw["none"], raw, "none") if "none" in raw else None
    return Ratio(raw["per"], per_kind, _interval(raw, Kind.RATIO, catalogue), none)


def _cumulative(raw: MarkedDict, kind: Kind, catalogue: Catalogue) -> Cumulative:
    if kind not in _WHOLE:
        raise raw.wrong("item", "A cumulative band counts units.", "Choose a count or a number of months.")
    per = milli(raw.get("per"), raw, "per")
    least, most = milli(raw.get("floor", 0), raw, "floor"), milli(raw.get("cap", 0), raw, "cap")
    if per == 0 or not (least < 0 == most if per < 0 else most > 0 == least):
        raise raw.wrong(
            "per", "Points per unit need their limit.", "`floor:` below 0 for deductions, `cap:` for bonuses."
        )
    weights = raw.get("by_year", ())
    item = catalogue.computed(raw["item"])
    held = item.compute.by_year if item else 0
    if len(weights) > held:
        raise raw.wrong("by_year", f"The item is split over {held} years.", "Name no more weights than years.")
    years = tuple(
        (f"{raw['item']}.y{year}", milli(Decimal(str(weight)) * Decimal(per) / MILLI, raw, "by_year"))
        for year, weight in enumerate(weights, start=1)
    )
    return Cumulative(per, least, most, years)


def _codes(raw: MarkedDict, kind: Kind, catalogue: Catalogue) -> Table:
    item = catalogue.computed(raw["item"])
    codes = item.codes if item and kind is Kind.CODE else ()
    if not codes:
        raise raw.wrong("item", "A table needs a code item with a closed dictionary.", "Choose another kind of band.")
    given = raw.get("points")
    if not isinstance(given, dict) or set(given) != set(codes):
        raise raw.wrong(
            "points", "The table gives points to every code of the item.", f"Its codes: {', '.join(codes)}."
        )
    return Table({code: milli(given[code], raw, "points") for code in codes}, codes)


def _points(raw: MarkedDict) -> int:
    return milli(raw.get("points"), raw, "points")


_RULES: dict[BandKind, Callable[[MarkedDict, Kind, Catalogue], Rule]] = {
    BandKind.INTERVAL: _interval,
    BandKind.THRESHOLD: _threshold,
    BandKind.LINEAR: _linear,
    BandKind.RATIO: _ratio,
    BandKind.CUMULATIVE: _cumulative,
    BandKind.BOOLEAN: _boolean,
    BandKind.CODES: _codes,
    BandKind.QUOTED: _quoted,
}
