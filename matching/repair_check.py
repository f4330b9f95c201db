"""The first check of a repair request, made at once: is it early, is it complete, is the duty done. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from matching.repair_rules import MaterialSet, RepairDates
from models.truth import Truth


@dataclass(frozen=True)
class CheckLine:
    """One thing that was checked. ``found`` is what there was, ``cite`` the text that asks for it."""

    check: str
    truth: Truth
    found: str
    cite: str


def first_check(
    dates: RepairDates, materials: MaterialSet, brought: Mapping[str, str], duty_done: bool | None, on: date
) -> tuple[CheckLine, ...]:
    """Every line of the check of a request made ``on`` a day.

    ``brought`` is what came with it by the ids of ``materials``. ``duty_done`` is what the firm says; without a proof
    of it that the rules let the office fetch, it is unknown, whatever the firm says: the office asks the agency.
    """
    lines = [_minimum(dates, on)]
    fetched = False
    for material in materials.asks:
        there = material.id in brought
        fetched |= material.fetched and not there
        truth = Truth.MET if there else Truth.UNKNOWN if material.fetched else Truth.UNMET
        lines.append(CheckLine(f"material:{material.id}", truth, brought.get(material.id, ""), materials.cite))
    known = {True: Truth.UNKNOWN if fetched else Truth.MET, False: Truth.UNMET, None: Truth.UNKNOWN}
    lines.append(CheckLine("duty_done", known[duty_done], "", materials.cite))
    return tuple(lines)


def _minimum(dates: RepairDates, on: date) -> CheckLine:
    cite = dates.kind.cite if dates.kind else dates.regime.cite
    if dates.earliest is None:
        return CheckLine("minimum_reached", Truth.UNKNOWN, "", cite)
    truth = Truth.MET if on >= dates.earliest else Truth.UNMET
    return CheckLine("minimum_reached", truth, dates.earliest.isoformat(), cite)
