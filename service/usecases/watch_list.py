"""The watch list of prepaid business: which firms' alarms fired, why, and how much is unknown."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np

from matching.alarms import Alarm, Sounded, sound
from matching.explain import explain
from matching.facts import FactSpec
from matching.nodes import leaves
from models.dates import from_days
from models.errors import RefusedInput
from models.evidence import Finding
from models.kinds import UNKNOWN_INT32
from models.truth import Truth
from scoring.prepaid import NONE
from service.answers.rules import plain
from service.books.rulebook import alarms, facts, parameters, prepaid_industries
from service.books.seedbook import catalogue
from service.snapshot.snapshots import OpenSnapshot


def watch_list(snapshot: OpenSnapshot, industry: str = "", start: int = 0, limit: int = 50) -> dict[str, Any]:
    """Firms with an alarm, newest first, ``limit`` of them from place ``start`` on, and what each alarm came to.

    ``industry`` narrows the list to one industry; ``RefusedInput`` for one that is not watched. Firms known to have
    ended are not looked at. ``next_start`` is ``None`` on the last page.
    """
    book = alarms()
    made = sounded(snapshot, industry)
    rows = made.rows[start : start + limit]
    return {
        "as_of": snapshot.as_of,
        "snapshot_id": snapshot.id,
        "id": book.id,
        "zh": book.name.zh,
        "en": book.name.en,
        "industry": industry or None,
        "watched": made.watched,
        "unplaced": made.unplaced,
        "alarmed": len(made.rows),
        "alarms": [
            {**_alarm(alarm), "firms": int(np.count_nonzero(made.fired[place])), "unknown": made.unknown[place]}
            for place, alarm in enumerate(book.alarms)
        ],
        "items": [_firm(snapshot, int(row), int(day), made) for row, day in zip(rows, made.days[start:], strict=False)],
        "next_start": start + limit if start + limit < len(made.rows) else None,
    }


@lru_cache(maxsize=16)
def sounded(snapshot: OpenSnapshot, industry: str) -> Sounded:
    """Every alarm over the firms of one industry, or of all of them; made once for each snapshot."""
    book = alarms()
    if industry and (industry == NONE or industry not in prepaid_industries().codes):
        known = ", ".join(prepaid_industries().industries)
        raise RefusedInput("unknown_industry", "industry", industry, "It is not watched.", f"One of {known}.")
    columns = snapshot.columns
    live = columns.get("live")
    within = np.ones(snapshot.firms, np.bool_) if live is None else live != 0
    groups = columns.get(book.groups.id)
    if industry and groups is not None:
        within = within & (groups == columns.codes[book.groups.id].index(industry))
    return sound(book, columns.values, snapshot.firms, parameters(), snapshot.as_of, columns.codes, within)


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "id": alarm.id,
        "severity": alarm.severity.value,
        "zh": alarm.name.zh,
        "en": alarm.name.en,
        "cite": alarm.cite,
    }


def _firm(snapshot: OpenSnapshot, row: int, day: int, made: Sounded) -> dict[str, Any]:
    fired = [alarm for place, alarm in enumerate(alarms().alarms) if made.fired[place, row]]
    return {
        "uscc": snapshot.firm_at(row),
        "name": snapshot.value("firm_name", row),
        "industry": snapshot.value(alarms().groups.id, row),
        "district": snapshot.value("district", row),
        "on": _day(day),
        "severity": max(fired, key=lambda alarm: alarm.gravity).severity.value,
        "alarms": [{**_alarm(alarm), "evidence": _evidence(snapshot, row, alarm)} for alarm in fired],
    }


def _evidence(snapshot: OpenSnapshot, row: int, alarm: Alarm) -> list[dict[str, Any]]:
    """The conditions that hold, each with value, day and source; then the days the alarm is dated by."""
    asked = [condition.spec for condition in leaves(alarm.conditions)]
    values = {spec.id: snapshot.value(spec.id, row) for spec in asked if spec.id in snapshot.columns.values}
    outcome = explain(alarm.conditions, values, parameters(), snapshot.as_of)
    found = [_fact(snapshot, row, finding) for finding in outcome.findings if finding.truth is Truth.MET]
    return found + [_dated(snapshot, row, spec) for spec in alarm.dated_by if _known(snapshot, row, spec)]


def _fact(snapshot: OpenSnapshot, row: int, finding: Finding) -> dict[str, Any]:
    value = plain(finding.actual)
    return {**_source(snapshot, row, facts()[finding.fact]), "value": value, "cite": finding.cite}


def _dated(snapshot: OpenSnapshot, row: int, spec: FactSpec) -> dict[str, Any]:
    return {**_source(snapshot, row, spec), "value": snapshot.value(spec.id, row), "cite": ""}


def _known(snapshot: OpenSnapshot, row: int, spec: FactSpec) -> bool:
    return spec.id in snapshot.columns.values and snapshot.value(spec.id, row) is not None


def _source(snapshot: OpenSnapshot, row: int, spec: FactSpec) -> dict[str, Any]:
    """Where a fact comes from, and since when it is known: the day of the record, or to which its register reaches."""
    item = catalogue().computed(spec.id)
    delivered = snapshot.manifest["feeds"].get(item.feed) if item else None
    observed = None if delivered is None else date.fromisoformat(delivered["covered_to"])
    if spec.id in snapshot.observed:
        observed = _day(int(snapshot.observed[spec.id][row]))
    return {
        "fact": spec.id,
        "zh": spec.zh,
        "en": spec.en,
        "unit": spec.unit,
        "observed_on": observed,
        "agency": item.agency if item else None,
        "feed": item.feed if item else None,
    }


def _day(stored: int) -> date | None:
    return None if stored == UNKNOWN_INT32 else from_days(stored)
