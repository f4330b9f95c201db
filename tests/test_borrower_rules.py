"""The rules of the post-loan watch: what counts, what is new, what fell, and a file that says something wrong."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.alarms import Severity
from matching.post_loan import (
    BorrowerAlertRule,
    CircleState,
    counting,
    fall_between,
    found_fall,
    found_rank,
    found_records,
    found_stress,
    parse_borrower_watch,
)
from models.errors import DataFileError
from service.books.rule_set import RuleSet
from service.books.rulebook import borrower_watch, facts, parameters
from service.books.seedbook import catalogue, feeds, rule_set

RULES = borrower_watch().rules
PENALTY, TAX, SALES, STAFF, CIRCLE = (
    RULES[name] for name in ("new-penalty", "tax-grade-lost", "invoices-falling", "staff-falling", "circle-stress")
)
DAY = date(2024, 10, 31)
MORNING = datetime(2024, 10, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Made:
    """A revision of a record."""

    observed_on: date = DAY
    received_at: datetime = MORNING
    withdrawn_on: date | None = None
    public_until: date | None = None
    record_id: str = "r"
    content: Mapping[str, Any] = field(default_factory=dict)


def test_the_newest_known_revision_decides() -> None:
    first, second = Made(record_id="1"), Made(record_id="2", received_at=MORNING + timedelta(days=5), withdrawn_on=DAY)
    assert counting([first, second], DAY, MORNING) == first, "the second was not known yet"
    assert counting([first, second], DAY, second.received_at) is None, "withdrawn: the first does not come back"
    assert counting([first, second], DAY - timedelta(days=1), second.received_at) is None, "not observed yet"
    assert counting([Made(public_until=DAY)], DAY, MORNING), "its last day of publicity"
    assert counting([Made(public_until=DAY)], DAY + timedelta(days=1), MORNING) is None
    assert counting([], DAY, MORNING) is None


def test_an_old_record_that_arrives_late_is_no_news_and_each_is_told_once() -> None:
    edge = date(2024, 4, 30)
    records = {
        ("f", "1"): Made(edge, content={"severity": "serious"}),
        ("f", "2"): Made(edge + timedelta(days=1), content={"severity": "minor"}),
        ("f", "3"): Made(content={"severity": None}),
        ("f", "4"): Made(content={"severity": "general"}),
    }
    found = found_records(PENALTY, records, [], DAY, {"severity": "severity"})
    assert [(each.event, each.severity) for each in found] == [("f/2", Severity.LOW), ("f/4", Severity.MEDIUM)]
    assert [each.event for each in found_records(PENALTY, records, [("f", "2")], DAY, {"severity": "severity"})] == [
        "f/4"
    ]


@pytest.mark.parametrize("before", ["A", "B", "M", "C", "D", None])
@pytest.mark.parametrize("now", ["A", "B", "M", "C", "D", None])
def test_a_grade_is_lost_when_it_stands_lower(before: str | None, now: str | None) -> None:
    found = found_rank(TAX, "ABMCD", before, now, DAY)
    lower = before is not None and now is not None and "ABMCD".index(now) > "ABMCD".index(before)
    assert (found is not None) == lower
    if found is not None and now is not None:
        assert found.severity == {"B": "low", "M": "low", "C": "medium", "D": "high"}[now]


values_of_days = st.lists(st.tuples(st.integers(0, 900), st.integers(-20, 100)), max_size=40)


@settings(max_examples=150, deadline=None)
@given(values_of_days, st.sampled_from([SALES, STAFF]), st.integers(0, 40))
def test_a_fall_is_that_of_month_by_month_sums(
    given_values: list[tuple[int, int]], rule: BorrowerAlertRule, ends: int
) -> None:
    """The oracle numbers months and adds them up one by one; ``ends`` picks a month's end."""
    values = [(date(2022, 1, 1) + timedelta(days=day), value) for day, value in given_values]
    last = date(2022, 1, 1) if ends < 1 else date(2022 + (ends - 1) // 12, (ends - 1) % 12 + 1, 1)
    covered = (last + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    number = covered.year * 12 + covered.month

    def months(end: int) -> list[list[int]]:
        wanted = range(end - rule.window_months + 1, end + 1)
        return [[value for day, value in values if day.year * 12 + day.month == month] for month in wanted]

    now, earlier = months(number), months(number - rule.months_back)
    first = min((day for day, _ in values), default=None)
    begins = number - rule.months_back - rule.window_months + 1
    base = sum(map(sum, earlier))
    known = first is not None and first.year * 12 + first.month <= begins and base > 0
    if rule.every_month and not (all(now) and all(earlier)):
        known = False
    expected = Decimal(base - sum(map(sum, now))) / Decimal(base) if known else None
    assert fall_between(rule, values, covered, first) == expected


def test_a_fall_is_told_when_it_grows_graver() -> None:
    def severity(before: str | None, now: str | None) -> str | None:
        found = found_fall(SALES, *(None if each is None else Decimal(each) for each in (before, now)), DAY)
        return found.severity if found else None

    assert severity("0.29", "0.30") == "medium"
    assert severity("0.30", "0.59") is None
    assert severity("0.30", "0.60") == "high"
    assert severity("0.60", "0.30") is None
    assert severity(None, "0.30") == "medium"
    assert severity("0.10", None) is None
    assert severity(None, "-0.50") is None


def test_stress_is_told_when_it_grows_graver() -> None:
    def severity(before: CircleState, now: CircleState) -> str | None:
        found = found_stress(CIRCLE, before, now, DAY)
        return found.severity if found else None

    calm, one, two, failing = CircleState(4), CircleState(4, 1), CircleState(4, 2), CircleState(4, 1, True)
    assert severity(calm, one) == "medium"
    assert severity(one, two) is None
    assert severity(two, failing) == "high"
    assert severity(failing, failing) is None
    assert severity(failing, one) is None
    assert severity(CircleState(), calm) is None


def document() -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(RuleSet(rule_set().files).document("watch/borrowers.yaml"))
    return made


def parse(said: dict[str, Any]) -> None:
    values = {
        item.id: {column.id: column.values for column in feeds()[item.feed].columns if column.values}
        for item in catalogue().items.values()
        if item.feed in feeds()
    }
    parse_borrower_watch(said, facts(), parameters(), values)


@pytest.mark.parametrize(
    ("alert", "changed", "field"),
    [
        ("new-penalty", {"item": "penalty_amounts"}, "item"),
        ("new-penalty", {"item": "size_class"}, "item"),
        ("new-penalty", {"months_back": 3}, "months_back"),
        ("new-penalty", {"window_months": 0}, "window_months"),
        ("new-penalty", {"grades": []}, "grades"),
        ("new-penalty", {"grades": [{"severity": "red"}]}, "severity"),
        ("new-penalty", {"grades": [{"severity": "high", "where": {"severity": ["grave"]}}]}, "severity"),
        ("new-penalty", {"grades": [{"severity": "high", "where": {"colour": ["red"]}}]}, "colour"),
        ("new-penalty", {"grades": [{"severity": "low"}, {"severity": "high"}]}, "grades"),
        ("new-penalty", {"id": "circle-stress"}, "id"),
        ("new-penalty", {"finds": "rumour"}, "finds"),
        ("tax-grade-lost", {"grades": [{"severity": "high", "to": ["E"]}]}, "to"),
        ("tax-grade-lost", {"item": "sales_12m"}, "item"),
        ("invoices-falling", {"grades": [{"severity": "high", "fall": "1.5"}]}, "fall"),
        ("invoices-falling", {"item": "tax_credit_grade"}, "item"),
        ("circle-stress", {"grades": [{"severity": "high", "defaulted": 0}]}, "defaulted"),
    ],
)
def test_a_wrong_alert_is_refused_with_its_line(alert: str, changed: dict[str, Any], field: str) -> None:
    said = document()
    next(each for each in said["alerts"] if each["id"] == alert).update(changed)
    with pytest.raises(DataFileError) as caught:
        parse(said)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"kind": "watch"}, "kind"),
        ({"outcomes": []}, "outcomes"),
        ({"alerts": []}, "alerts"),
        ({"acknowledge_within_days": 0}, "acknowledge_within_days"),
        ({"capacity": {"item": "sales_12m", "share": "2", "cite": "x"}}, "share"),
        ({"distress": {"fact": "need_amount_yuan", "op": "gt", "value": 1, "cite": "x"}}, "distress"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_watch_is_refused(changed: dict[str, Any], field: str) -> None:
    said = document()
    said.update(changed)
    with pytest.raises(DataFileError) as caught:
        parse(said)
    assert caught.value.field == field


def test_the_shipped_file_says_where_every_number_comes_from() -> None:
    parse(document())
    assert all(rule.cite for rule in RULES.values())
    assert {rule.item for rule in RULES.values()} <= set(catalogue().items)
