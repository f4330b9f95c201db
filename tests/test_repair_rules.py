"""When a penalty can be repaired and when it stops being shown: every number against the text of its day."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.repair_check import first_check
from matching.repair_file import parse_repair_rules
from matching.repair_rules import months_after, stops_on
from models.errors import DataFileError, RefusedInput
from models.truth import Truth
from service.books.documents import read_yaml
from service.books.rulebook import repair_rules
from service.books.seedbook import SEED, feeds

RULES = repair_rules()
OLD, NEW = RULES.regimes
CHANGE = date(2026, 4, 1)


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("severity", "least", "most", "shown"),
    # 信用修复管理办法, in force 2026-04-01: 轻微 normally not shown, ≤ 3 months; 一般 3 months to 1 year; 严重 1 to 3
    [("minor", 0, 3, False), ("general", 3, 12, True), ("serious", 12, 36, True)],
)
def test_the_rules_of_2026_are_those_of_their_text(severity: str, least: int, most: int, shown: bool) -> None:
    kind = NEW.class_of(severity)
    assert kind is not None
    assert (kind.min_months, kind.max_months, kind.shown, kind.confirmed) == (least, most, shown, True)
    assert NEW.validity.since == CHANGE
    decided = day("2026-05-10")
    dates = RULES.dates(severity, decided, day("2026-05-11"))
    assert (dates.earliest, dates.latest) == (months_after(decided, least), months_after(decided, most))
    assert dates.confirmed
    assert not dates.notes


@pytest.mark.parametrize("severity", ["minor", "general", "serious"])
def test_order_58_has_one_class_of_three_months_to_three_years(severity: str) -> None:
    """In force 2023-05-01 to 2026-03-31: at least 3 months, at most 3 years; some matters 1 year (not confirmed)."""
    assert (OLD.validity.since, OLD.validity.until) == (day("2023-05-01"), day("2026-03-31"))
    dates = RULES.dates(severity, day("2023-06-15"), day("2023-07-01"))
    assert dates.earliest == day("2023-09-15")
    assert dates.regime is OLD
    assert not dates.confirmed, "the matter is not known, and some matters wait a year"
    assert RULES.dates(severity, day("2023-06-15"), day("2023-07-01"), "food").earliest == day("2024-06-15")
    other = RULES.dates(severity, day("2023-06-15"), day("2023-07-01"), "advertising")
    assert other.earliest == day("2023-09-15")
    assert [each.min_months for each in OLD.longer] == [12]
    assert not any(each.confirmed for each in OLD.longer)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2025-11-30", 3, "2026-02-28"),
        ("2023-11-30", 3, "2024-02-29"),
        # A legal term ends on the day of the same number; windows of items keep month ends instead.
        ("2025-02-28", 3, "2025-05-28"),
        ("2025-01-31", 1, "2025-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2025-06-15", 0, "2025-06-15"),
    ],
)
def test_a_term_of_months_ends_on_the_day_of_the_same_number(start: str, months: int, end: str) -> None:
    assert months_after(day(start), months) == day(end)


def test_the_last_day_of_the_old_rules_and_the_first_of_the_new() -> None:
    decided = day("2025-12-31")
    last, first = day("2026-03-31"), day("2026-04-01")
    assert RULES.regime_on(last) is OLD
    assert RULES.regime_on(first) is NEW
    # Three months after 31 December is 31 March, the very last day of Order 58: a serious one could be repaired then …
    assert RULES.dates("serious", decided, last).earliest == last
    # … and from the next day only after a year.
    assert RULES.dates("serious", decided, first).earliest == day("2026-12-31")
    # One day younger, the three months are over only under the new rules, which ask for a year.
    late = RULES.dates("serious", day("2026-01-01"), last)
    assert (late.earliest, late.regime) == (day("2027-01-01"), NEW)
    # A minor one need not wait for its three months: the new rules ask for none, from their first day on.
    assert RULES.dates("minor", day("2026-01-01"), last).earliest == first
    # What the new maximum has passed already stops with the old rules.
    assert RULES.dates("minor", day("2025-06-01"), day("2026-01-05")).latest == last


def test_an_unknown_class_has_no_dates_and_says_why() -> None:
    new = RULES.dates(None, day("2026-05-10"), day("2026-06-01"))
    assert (new.kind, new.earliest, new.latest, new.confirmed) == (None, None, None, False)
    assert new.notes
    old = RULES.dates(None, day("2023-06-15"), day("2023-07-01"))
    assert old.earliest == day("2023-09-15"), "Order 58 has one class: how serious it is makes no difference"
    assert old.latest is None, "by then the new rules decide, and they ask how serious it is"


def test_no_rules_are_invented_for_days_before_the_first() -> None:
    with pytest.raises(RefusedInput) as refused:
        RULES.dates("minor", day("2022-01-01"), day("2023-04-30"))
    assert refused.value.code == "no_repair_rules"


@settings(max_examples=300, deadline=None)
@given(
    severity=st.sampled_from(["minor", "general", "serious"]),
    decided=st.dates(day("2023-05-01"), day("2028-12-31")),
    later=st.integers(0, 1200),
)
def test_the_earliest_day_is_the_first_on_which_the_rules_of_that_day_allow_it(
    severity: str, decided: date, later: int
) -> None:
    """The oracle asks every day by itself: has the document been shown long enough under the rules in force then?"""
    least = {"minor": 0, "general": 3, "serious": 12}
    most = {"minor": 3, "general": 12, "serious": 36}
    as_of = decided + timedelta(later)

    def allowed(on: date) -> bool:
        return on >= months_after(decided, 3 if on < CHANGE else least[severity])

    def shown(on: date) -> bool:
        return on <= months_after(decided, 36 if on < CHANGE else most[severity])

    found = RULES.dates(severity, decided, as_of)
    assert found.earliest is not None
    assert found.latest is not None
    if allowed(as_of):
        assert found.earliest <= as_of
    else:
        assert allowed(found.earliest)
        assert not any(allowed(as_of + timedelta(n)) for n in range((found.earliest - as_of).days))
    assert not shown(max(found.latest + timedelta(1), as_of))
    if found.latest >= as_of:
        assert all(shown(as_of + timedelta(n)) for n in range((found.latest - as_of).days + 1))


def test_publicity_stops_by_the_agency_or_by_law_whichever_is_first() -> None:
    assert stops_on(day("2026-06-30"), day("2026-05-31")) == day("2026-06-01")
    assert stops_on(day("2026-05-31"), day("2026-06-30")) == day("2026-06-01")
    assert stops_on(None, day("2026-06-30")) == day("2026-07-01")
    assert stops_on(None, None) is None


# ── what a request brings ────────────────────────────────────────────────────────────────────────────────────────────
def test_the_materials_are_those_of_the_day_of_the_request() -> None:
    """practice: before, six papers; since 国办发〔2025〕22号 (2025-06-22), proof of performance and promise."""
    before, since = RULES.materials_on(day("2025-06-21")), RULES.materials_on(day("2025-06-22"))
    assert [each.id for each in before.asks] == [
        "promise",
        "licence",
        "performance",
        "agency_form",
        "training",
        "credit_report",
    ]
    assert [each.id for each in since.asks] == ["promise", "performance"]
    assert [each.id for each in since.asks if each.fetched] == ["performance"]


@pytest.mark.parametrize(
    ("brought", "duty", "expected"),
    [
        ({"promise": "x", "performance": "y"}, True, Truth.MET),
        ({"promise": "x", "performance": "y"}, None, Truth.UNKNOWN),
        ({"promise": "x"}, True, Truth.UNKNOWN),  # the office asks the agency for the proof
        ({"promise": "x", "performance": "y"}, False, Truth.UNMET),
    ],
)
def test_the_duty_is_known_only_with_its_proof(brought: dict[str, str], duty: bool | None, expected: Truth) -> None:
    on = day("2026-09-01")
    dates = RULES.dates("general", day("2026-05-10"), on)
    lines = {each.check: each.truth for each in first_check(dates, RULES.materials_on(on), brought, duty, on)}
    assert lines["duty_done"] is expected
    assert lines["minimum_reached"] is Truth.MET
    assert all(each.cite for each in first_check(dates, RULES.materials_on(on), brought, duty, on))


def test_a_day_early_is_early_and_a_missing_promise_is_missed() -> None:
    dates = RULES.dates("general", day("2026-05-10"), day("2026-08-09"))
    for on, expected in ((day("2026-08-09"), Truth.UNMET), (day("2026-08-10"), Truth.MET)):
        lines = {each.check: each.truth for each in first_check(dates, RULES.materials_on(on), {}, None, on)}
        assert lines["minimum_reached"] is expected
        assert lines["material:promise"] is Truth.UNMET


def test_the_near_miss_plan_promises_no_penalty_gone_before_the_law_takes_it() -> None:
    """Plans say that penalties leave after 36 months "at the latest": no regime shows any for longer."""
    changes = read_yaml(SEED / "changes.yaml", SEED)
    windows = {each["fact"]: each["months"] for each in changes["time"] if each["kind"] == "window"}
    for severity in ("minor", "general", "serious"):
        kinds = [each for each in (regime.class_of(severity) for regime in RULES.regimes) if each]
        assert len(kinds) == len(RULES.regimes)
        assert max(kind.max_months for kind in kinds) <= windows[f"penalty_{severity}"]


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def document() -> Any:
    return deepcopy(read_yaml(SEED / "repair.yaml", SEED))


def test_every_record_kind_names_columns_its_feed_has() -> None:
    for kind in RULES.records.values():
        feed = feeds()[kind.feed]
        assert feed.publicity
        assert {kind.document, kind.decided_on} <= set(feed.by_id)
        assert {name for name in (kind.severity, kind.authority) if name} <= set(feed.by_id)
        assert kind.decided_on == feed.observed
        assert feed.key == ("uscc", kind.document)


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda d: d["regimes"][1]["valid"].update({"from": date(2026, 4, 2)}), "regimes"),
        (lambda d: d["regimes"][1]["valid"].update({"until": date(2030, 1, 1)}), "regimes"),
        (lambda d: d["regimes"][1]["classes"][1].update({"max_months": 2}), "max_months"),
        (lambda d: d["regimes"][1]["classes"][1].update({"severities": ["minor"]}), "classes"),
        (lambda d: d["regimes"][1]["classes"][1].pop("cite"), "cite"),
        (lambda d: d["materials"][1]["asks"].append(dict(d["materials"][1]["asks"][0])), "asks"),
        (lambda d: d["steps"][1].update({"another_than": "reveiw"}), "another_than"),
        (lambda d: d["steps"][1].update({"from": ["rejected"]}), "from"),
        (lambda d: d["promise_letter"].update({"en": "I, {nmae}, promise"}), "en"),
        (lambda d: d["promise_letter"].update({"en": "I, {name, promise"}), "en"),
        (lambda d: d["agency_update"].update({"calendar_days": 7}), "working_days"),
        (lambda d: d.update({"regime": []}), "regime"),
    ],
)
def test_a_fault_in_the_file_names_its_field(spoil: Any, field: str) -> None:
    spoiled = document()
    spoil(spoiled)
    with pytest.raises(DataFileError) as refused:
        parse_repair_rules(spoiled)
    assert refused.value.field == field
    assert refused.value.fix
