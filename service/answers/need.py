"""Needs as answers: what was stated, which lenders it fits and why in this order, and what is known without asking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from matching.applications.conversion import Chance, Speed
from matching.applications.rank import Criterion, Ranked
from models.money import from_fen
from models.tables import Need, NeedMatch
from service.answers.application import named, wanted_answer
from service.answers.objection import agency_answer
from service.answers.rules import plain
from service.books.rulebook import application_rules, facts, lenders, offers
from service.books.seedbook import catalogue
from service.snapshot.snapshots import OpenSnapshot
from service.web.encode import yuan_text

#: What a firm is asked, at most: the parts of the form that no agency knows.
ASKED = ("amount", "term", "use", "security", "valid_until")


def rank_answer(each: Ranked) -> dict[str, Any]:
    """One offer in the ranking with every point told."""
    cost = each.option.cost
    return {
        "product": named(each.option.id, offers().products.get(each.option.id)),
        "lender": named(each.lender, lenders().get(each.lender)),
        "status": each.option.status.value,
        "ask_yuan": yuan_text(each.ask),
        "all_in_annual_rate": cost.all_in_annual_rate if cost else None,
        "contract_annual_rate": cost.contract_annual_rate if cost else None,
        "total_cost_yuan": yuan_text(cost.total_yuan) if cost else None,
        "missing": list(each.option.missing),
        "points": each.points,
        "criteria": [_criterion(one) for one in each.criteria],
        "chance": _chance(each.chance),
        "speed": _speed(each.speed),
    }


def ranking_answer(
    uscc: str, snapshot: OpenSnapshot, offers_: Sequence[Ranked], weights: Mapping[str, Decimal]
) -> dict[str, Any]:
    """The ranking of every offer a need fits, with the weights it was made by."""
    return {
        "uscc": uscc,
        "as_of": snapshot.as_of,
        "snapshot_id": snapshot.id,
        "weights": dict(weights),
        "items": [rank_answer(each) for each in offers_],
    }


def match_answer(row: NeedMatch, places: Mapping[str, int]) -> dict[str, Any]:
    """One lender a stored need fits: its place and points as they were told when the need was stated."""
    return {
        **row.rank,
        "product": named(row.product, offers().products.get(row.product)),
        "lender": named(row.lender, lenders().get(row.lender)),
        "place": row.place,
        "asked": places.get(row.lender, 0),
        "again": row.again,
    }


def need_line(need: Need) -> dict[str, Any]:
    """One need as lists show it."""
    return {
        "id": need.id,
        "uscc": need.firm,
        **wanted_answer(need),
        "state": need.state,
        "stated_at": need.stated_at,
        "ended_at": need.ended_at,
        "as_of": need.as_of,
        "snapshot_id": need.snapshot_id,
    }


def need_answer(
    need: Need, matches: Sequence[NeedMatch], applications: Sequence[Mapping[str, Any]], drawn_fen: int
) -> dict[str, Any]:
    """One need with the lenders it fits, in order, and every application."""
    asked: dict[str, int] = {}
    for each in applications:
        lender = each["lender"]["id"]
        asked[lender] = asked.get(lender, 0) + 1
    return {
        **need_line(need),
        "at_most_lenders": application_rules().at_most_lenders,
        "drawn_yuan": yuan_text(from_fen(drawn_fen)),
        "matches": [match_answer(each, asked) for each in matches],
        "applications": list(applications),
    }


def prefill_answer(snapshot: OpenSnapshot, uscc: str, today: date) -> dict[str, Any]:
    """What the profile knows of the form, item by item with its day and source, and the few things it asks."""
    row, rules, book = snapshot.row_of(uscc), application_rules(), facts()
    readings = snapshot.readings(row)
    known = []
    for fact in rules.prefilled:
        item, reading = catalogue().items.get(fact), readings.get(fact)
        value = reading.value if reading else snapshot.value(fact, row)
        known.append(
            {
                "fact": fact,
                "zh": book[fact].zh,
                "en": book[fact].en,
                "unit": book[fact].unit,
                "known": value is not None,
                "value": plain(value),
                "observed": reading.observed if reading else None,
                "stale": bool(reading and reading.stale),
                "source": agency_answer(item.agency) if item else None,
            }
        )
    return {
        "uscc": uscc,
        "as_of": snapshot.as_of,
        "snapshot_id": snapshot.id,
        "known": known,
        "asked": list(ASKED),
        "uses": list(book["need_purpose"].codes),
        "securities": list(book["need_security"].codes),
        "term_units": ["year", "month", "day"],
        "latest_valid_until": date.fromordinal(today.toordinal() + rules.longest_valid_days),
    }


def _criterion(each: Criterion) -> dict[str, Any]:
    return {
        "id": each.id,
        "value": None if each.value is None else float(each.value),
        "points": None if each.points is None else float(round(each.points, 2)),
        "counts": float(round(each.counts, 4)),
    }


def _chance(chance: Chance | None) -> dict[str, Any] | None:
    if chance is None:
        return None
    rounded = {name: round(getattr(chance, name), 4) for name in ("share", "low", "high", "prior")}
    counted = {name: getattr(chance, name) for name in ("decisions", "approved", "of_product")}
    return rounded | counted


def _speed(speed: Speed | None) -> dict[str, Any] | None:
    return None if speed is None else {"days": round(speed.days, 2), "decisions": speed.decisions}
