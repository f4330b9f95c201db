"""The evaluation again, read off the data file in plain Python: one firm, one rule at a time, no arrays, no parser.

A firm is a dict of plain values by column name: text for codes, bool for flags, int fen for money, int, float; a name
that is missing, or ``None``, is unknown. Points are whole thousandths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Firm = Mapping[str, Any]
MONEY = {"donations_24m"}


@dataclass
class Told:
    total: int
    low: int
    high: int
    grade: str | None
    grade_low: str
    grade_high: str
    coverage: float
    vetoed: set[str]
    open_vetoes: set[str]
    dimensions: dict[str, int] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


def thousandths(points: Any) -> int:
    return int(Decimal(str(points)) * 1000)


def within(value: Any, step: Mapping[str, Any], unit: int) -> bool:
    if "lt" in step:
        return value < bound(step["lt"], value, unit)
    if "le" in step:
        return value <= bound(step["le"], value, unit)
    if "ge" in step:
        return value >= bound(step["ge"], value, unit)
    if "gt" in step:
        return value > bound(step["gt"], value, unit)
    return True


def bound(written: Any, value: Any, unit: int) -> Any:
    return float(written) if isinstance(value, float) else int(Decimal(str(written)) * unit)


def first_step(value: Any, steps: list[Mapping[str, Any]], unit: int = 1) -> int:
    return next(thousandths(step["points"]) for step in steps if within(value, step, unit))


def points_of(band: Mapping[str, Any], firm: Firm) -> int | None:
    """Thousandths the firm gets, ``None`` when that is unknown."""
    item = band["item"]
    if band["kind"] == "cumulative":
        if "by_year" in band:
            units = [(firm.get(f"{item}.y{k}"), Decimal(w)) for k, w in enumerate(band["by_year"], 1)]
        else:
            units = [(firm.get(item), Decimal(1))]
        if any(count is None for count, _ in units):
            return None
        points = sum(thousandths(count * weight * Decimal(str(band["per"]))) for count, weight in units)
        return max(thousandths(band.get("floor", 0)), min(thousandths(band.get("cap", 0)), points))
    value = firm.get(item)
    if value is None:
        return None
    match band["kind"]:
        case "interval":
            return first_step(value, band["steps"], 100 if item in MONEY else 1)
        case "threshold":
            met = within(value, band, 100 if item in MONEY else 1)
            return thousandths(band["points"] if met else band.get("otherwise", 0))
        case "boolean":
            return thousandths(band["points"] if value else band.get("otherwise", 0))
        case "codes":
            return thousandths(band["points"][value])
        case "linear" | "quoted":
            if band["kind"] == "quoted":
                x0, x1, p0, p1 = 0.0, float(band["of"]), 0, thousandths(band["points"])
            else:
                x0, p0 = float(band["from"]["at"]), thousandths(band["from"]["points"])
                x1, p1 = float(band["to"]["at"]), thousandths(band["to"]["points"])
            return round(p0 + (min(max(value, x0), x1) - x0) / (x1 - x0) * (p1 - p0))
        case "ratio":
            per = firm.get(band["per"])
            if per is None:
                return None
            if per <= 0:
                return thousandths(band["none"]) if "none" in band else None
            return first_step(value / per, band["steps"])
    raise AssertionError(band["kind"])


def ends(band: Mapping[str, Any]) -> tuple[int, int]:
    match band["kind"]:
        case "cumulative":
            return thousandths(band.get("floor", 0)), thousandths(band.get("cap", 0))
        case "linear":
            given = [band["from"]["points"], band["to"]["points"]]
        case "codes":
            given = list(band["points"].values())
        case "interval" | "ratio":
            given = [step["points"] for step in band["steps"]] + ([band["none"]] if "none" in band else [])
        case _:
            given = [band["points"], band.get("otherwise", 0)]
    return min(map(thousandths, given)), max(map(thousandths, given))


def tell(model: Mapping[str, Any], firm: Firm, official_used: bool = True) -> Told:
    """The evaluation of one firm by the document of its model."""
    sums = [0, 0, 0]
    known_points = whole = 0.0
    lines: dict[str, int] = {}
    dimensions: dict[str, int] = {}
    for dimension in model["dimensions"]:
        name, most = dimension["id"], thousandths(dimension["max"])
        grouped: dict[str, list[int]] = {"": [0, 0, 0]}
        grouped |= {group["id"]: [0, 0, 0] for group in dimension.get("groups", ())}
        span = known_span = filled = 0
        lines[f"{name}.base"] = thousandths(dimension["base"])
        for band in dimension["bands"]:
            worst, best = ends(band)
            points = points_of(band, firm)
            trio = (thousandths(band["expected"]), worst, best) if points is None else (points,) * 3
            lines[band["id"]] = points or 0
            filled += trio[0] if points is None else 0
            known_span += 0 if points is None else best - worst
            span += best - worst
            held = grouped[band.get("group", "")]
            for k in range(3):
                held[k] += trio[k]
        lines[f"{name}.unknown"] = filled
        for group in dimension.get("groups", ()):
            held, before = grouped[group["id"]], grouped[group["id"]][0]
            floor = thousandths(group.get("floor", -(10**6)))
            cap = thousandths(group.get("cap", 10**6))
            held[:] = [max(floor, min(cap, value)) for value in held]
            lines[f"{name}.{group['id']}"] = held[0] - before
        added = [thousandths(dimension["base"]) + sum(held[k] for held in grouped.values()) for k in range(3)]
        settled = [max(0, min(most, value)) for value in added]
        lines[f"{name}.limit"] = settled[0] - added[0]
        dimensions[name] = settled[0]
        sums = [one + other for one, other in zip(sums, settled, strict=True)]
        known_points += most * known_span / span
        whole += most
    vetoed, unsettled = set(), set()
    for veto in model["vetoes"]:
        value = firm.get(veto["item"])
        if value is None:
            unsettled.add(veto["id"])
        elif (value in veto["in"]) if "in" in veto else (value >= veto["ge"]) if "ge" in veto else value:
            vetoed.add(veto["id"])
    starts = [(grade["grade"], thousandths(grade["from"])) for grade in model["grades"]]
    limit_of = {grade: starts[k - 1][1] - 1 for k, (grade, _) in enumerate(starts) if k}
    bottom = limit_of[starts[-1][0]]
    caps = model["official_cap"]["limits"]
    official = firm.get("public_credit_grade")
    total, low, high = sums
    lines["veto"] = lines["official"] = 0
    if vetoed:
        lines["veto"] = min(total, bottom) - total
        total, high = min(total, bottom), min(high, bottom)
    if vetoed or unsettled:
        low = min(low, bottom)
    if official_used and official in caps:
        limit = limit_of[caps[official]]
        lines["official"] = min(total, limit) - total
        total, low, high = min(total, limit), min(low, limit), min(high, limit)
    elif official_used and official is None:
        low = min(low, *(limit_of[grade] for grade in caps.values()))
    coverage = known_points / whole

    def graded(points: int) -> str:
        return next(grade for grade, start in starts if points >= start)

    thin = coverage < float(model["needs_coverage"]) and not vetoed
    return Told(
        total, low, high, None if thin else graded(total), graded(low), graded(high), coverage, vetoed, unsettled,
        dimensions, lines,
    )  # fmt: skip
