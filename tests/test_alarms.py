"""Unusual readings: each rule just below and just at its figure, against the caller's own past, in China time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import DataFileError
from models.tables import Application, Need, Receipt
from service.audit.alarms import Alarm, AlarmRules, Look, Part, Rule, Volume, find_alarms, parse_alarm_rules
from service.audit.chain import Event
from service.audit.journal import record
from service.books.documents import parse_yaml
from service.books.seedbook import rule_set
from service.usecases.find_alarms import alarm_rules, alarms_since
from tests.shell import Shell, a_code, a_shell

#: Ten in the morning in China.
TEN = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
QUIET = Part(1000, Decimal(0))
RULES = AlarmRules(
    baseline_days=30,
    hour=Volume(1000, 1),
    day=Volume(1000, 1),
    night_hours=frozenset({22, 23, 0, 1, 2, 3, 4, 5}),
    night_least=1000,
    denials=QUIET,
    outside_district=QUIET,
    no_need=QUIET,
    need_days=90,
    lender_districts={"bank_a": frozenset({"210102"})},
)


def looks(count: int, at: datetime = TEN, step: timedelta = timedelta(seconds=1), **changed: object) -> list[Look]:
    plain = Look(0, at, "c", "bank", "bank_a", a_code(1), "pre_loan", True, needed=True)
    return [replace(plain, seq=n, at=at + n * step, **changed) for n in range(1, count + 1)]


def rules_found(found: list[Look], rules: AlarmRules, since: datetime = LONG_AGO) -> list[tuple[Rule, int]]:
    ordered = sorted(found, key=lambda look: look.at)
    return [(alarm.rule, alarm.readings) for alarm in find_alarms(ordered, rules, since)]


def test_an_hour_without_a_past_is_measured_by_the_floor() -> None:
    rules = replace(RULES, hour=Volume(5, 3))
    assert rules_found(looks(5), rules) == []
    assert rules_found(looks(6), rules) == [(Rule.HOUR, 6)]


def test_an_hour_is_compared_with_the_callers_own_median() -> None:
    rules = replace(RULES, hour=Volume(5, 3))
    past = [look for hours in (1, 2, 3) for look in looks(4, TEN - timedelta(hours=hours))]
    assert rules_found(past + looks(12), rules) == [], "three times the median of four is not above twelve"
    assert rules_found(past + looks(13), rules) == [(Rule.HOUR, 13)]
    assert rules_found(past + looks(13, actor="another"), rules) == [(Rule.HOUR, 13)]
    assert rules_found(past + looks(12, actor="another"), rules) == [(Rule.HOUR, 12)], "another's past is not its own"
    old = [replace(look, at=look.at - timedelta(days=31)) for look in past]
    assert rules_found(old + looks(12), rules) == [(Rule.HOUR, 12)], "what is too long ago counts no more"


def test_a_day_is_a_day_in_china() -> None:
    rules = replace(RULES, day=Volume(9, 2))
    before_midnight = datetime(2024, 11, 5, 15, 58, tzinfo=UTC)
    assert rules_found(looks(10, before_midnight, timedelta(minutes=1)), rules) == [], "one today, nine tomorrow"
    assert rules_found(looks(10, before_midnight - timedelta(minutes=30), timedelta(minutes=1)), rules) == [
        (Rule.DAY, 10)
    ]


@pytest.mark.parametrize(
    ("utc_hour", "at_night"), [(13, False), (14, True), (20, True), (21, True), (22, False)], ids=str
)
def test_night_is_night_in_china(utc_hour: int, at_night: bool) -> None:
    rules = replace(RULES, night_least=3)
    moment = datetime(2024, 11, 5, utc_hour, 30, tzinfo=UTC)
    assert rules_found(looks(2, moment), rules) == []
    assert rules_found(looks(3, moment), rules) == ([(Rule.NIGHT, 3)] if at_night else [])


def test_refusals_count_by_number_and_by_share() -> None:
    rules = replace(RULES, denials=Part(4, Decimal("0.5")))
    assert rules_found(looks(3, allowed=False), rules) == []
    assert rules_found(looks(4, allowed=False) + looks(4), rules) == [(Rule.DENIALS, 4)]
    assert rules_found(looks(4, allowed=False) + looks(5), rules) == [], "less than half"


def test_districts_count_only_where_both_are_known() -> None:
    rules = replace(RULES, outside_district=Part(3, Decimal("0.3")))
    assert rules_found(looks(3, district="210106"), rules) == [(Rule.OUTSIDE_DISTRICT, 3)]
    assert rules_found(looks(2, district="210106"), rules) == []
    assert rules_found(looks(3, district="210102"), rules) == []
    assert rules_found(looks(3, district=None), rules) == []
    assert rules_found(looks(3, district="210106", tenant="bank_b"), rules) == []


def test_a_need_is_asked_for_before_a_loan_only() -> None:
    rules = replace(RULES, no_need=Part(3, Decimal("0.5")))
    assert rules_found(looks(3, needed=False), rules) == [(Rule.NO_NEED, 3)]
    assert rules_found(looks(2, needed=False), rules) == []
    assert rules_found(looks(3, needed=False, purpose="post_loan"), rules) == []
    assert rules_found(looks(3, needed=False, allowed=False), rules) == []


def test_a_firm_reading_itself_is_never_unusual() -> None:
    everything = AlarmRules(
        30, Volume(0, 0), Volume(0, 0), frozenset(range(24)), 0, *([Part(0, Decimal(0))] * 3), 90, {}
    )
    assert rules_found(looks(5, role="firm"), everything) == []
    assert len(rules_found(looks(5), everything)) >= 3


def test_an_alarm_says_where_to_look() -> None:
    rules = replace(RULES, hour=Volume(2, 1))
    spread = [replace(look, firm=a_code(look.seq % 2)) for look in looks(3)]
    (alarm,) = find_alarms(spread, rules, LONG_AGO)
    assert alarm == Alarm(Rule.HOUR, "c", "bank", "bank_a", TEN, 3, 2, 2, 1, 3)
    assert find_alarms(spread, rules, TEN + timedelta(hours=1)) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.integers(1, 5), st.integers(0, 20))
def test_volumes_agree_with_the_sentence(counts: list[int], times: int, least: int) -> None:
    rules = replace(RULES, hour=Volume(least, times))
    all_looks = [look for hour, count in enumerate(counts) for look in looks(count, TEN + timedelta(hours=hour))]
    expected = []
    for place, count in enumerate(counts):
        past = sorted(counts[:place])
        half = len(past) // 2
        middle = (past[half] if len(past) % 2 else (past[half - 1] + past[half]) / 2) if past else 0
        if count > least and (not past or count > int(times * middle)):
            expected.append(count)
    assert [readings for rule, readings in rules_found(all_looks, rules) if rule is Rule.HOUR] == expected[::-1]


def test_the_shipped_figures_are_read_and_bad_ones_named() -> None:
    assert alarm_rules().night_hours == {22, 23, 0, 1, 2, 3, 4, 5}
    text = rule_set().files["alarms.yaml"].decode()
    for old, new, field in (
        ("baseline_days: 30", "baseline_days: -1", "baseline_days"),
        ("from_hour: 22", "from_hour: 24", "from_hour"),
        ('share: "0.5"           #', "share: 1.5  #", "share"),
        ("  times_median: 5", "  times_median: often", "times_median"),
        ("denials:  ", "refusals:  ", "denials"),
    ):
        assert old in text
        with pytest.raises(DataFileError) as raised:
            parse_alarm_rules(parse_yaml(text.replace(old, new).encode(), "alarms.yaml"))
        assert raised.value.field == field


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return a_shell(tmp_path)


def test_the_journal_tells_over_http_and_only_the_auditor_hears(shell: Shell) -> None:
    least = alarm_rules().denials.least
    headers = shell.asks("bank", "x") | {"X-Purpose": "pre_loan"}
    for number in range(least):
        assert shell.http.get(f"/v1/firms/{a_code(number)}", headers=headers).status_code == 404
    answer = shell.http.get("/v1/audit/alarms", headers=shell.asks("auditor"))
    (alarm,) = answer.json()["items"]
    assert (alarm["rule"], alarm["actor"], alarm["readings"], alarm["firms"]) == ("denials", "bank-x", least, least)
    assert a_code(1) not in answer.text
    later = shell.http.get("/v1/audit/alarms?since=2024-11-06", headers=shell.asks("auditor"))
    assert later.json()["items"] == []
    for role, tenant in (("bank", "x"), ("office", ""), ("firm", a_code(1))):
        assert shell.http.get("/v1/audit/alarms", headers=shell.asks(role, tenant)).status_code == 403


def test_a_firm_that_asked_for_options_has_a_need(shell: Shell) -> None:
    rules = replace(RULES, no_need=Part(1, Decimal(0)))

    def read(number: int) -> Event:
        return Event(TEN, "b", "bank", "read_firm", "allowed", firm=a_code(number), purpose="pre_loan")

    with shell.office.write() as session:
        record(session, read(1), read(2), read(3), read(4))
        for number, viewer, at in ((1, "firm", -1), (2, "bank", -1), (3, "firm", -100), (4, "firm", 1)):
            session.add(
                Receipt(
                    id=f"r{number}", kind="options", subject=a_code(number), snapshot_id="", rules_digest="",
                    question={"viewer": viewer}, answer_sha256="", answered_at=TEN + timedelta(days=at),
                )
            )  # fmt: skip
    (found,) = alarms_since(shell.office, None, date(2024, 11, 5), TEN, rules)
    assert (found["rule"], found["readings"]) == ("no_need", 3), "asked by a bank, too long before, afterwards"


def test_a_stated_need_stands_behind_readings_and_an_application_behind_those_of_its_lender(shell: Shell) -> None:
    rules = replace(RULES, no_need=Part(1, Decimal(0)))

    def read(number: int, house: str) -> Event:
        return Event(
            TEN, house, "bank", "read_firm", "allowed", tenant=house, firm=a_code(number), purpose="pre_loan"
        )  # fmt: skip

    def need(number: int, days: int) -> Need:
        return Need(
            id=f"n{number}", firm=a_code(number), low_fen=1, high_fen=2, term=1, term_unit="year", term_months=12,
            use="trade", security="credit", valid_until=date(2025, 1, 1), state="open", content_sha256="",
            snapshot_id="", as_of=date(2024, 10, 31), size_class="", section="", grade="", stated_by="f",
            stated_at=TEN + timedelta(days=days),
        )  # fmt: skip

    with shell.office.write() as session:
        # 1 stated a need lately; 2 long ago, and nothing else; 3 long ago, but its second round went to bank_a lately.
        session.add_all([need(1, -1), need(2, -100), need(3, -100)])
        session.flush()
        session.add(
            Application(
                id="a3", need_id="n3", firm=a_code(3), lender="bank_a", product="p", round=2, ask_fen=1, eligible=True,
                stage="recommended", stage_since=date(2024, 11, 1), version=1, offered_at=TEN - timedelta(days=3),
            )
        )  # fmt: skip
        record(session, *(read(number, house) for house in ("bank_a", "bank_b") for number in (1, 2, 3)))
    found = alarms_since(shell.office, None, date(2024, 11, 5), TEN, rules)
    assert sorted((each["actor"], each["readings"]) for each in found) == [("bank_a", 1), ("bank_b", 2)]
