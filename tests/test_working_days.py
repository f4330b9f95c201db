"""The working-day calendar against the notices, its clocks, and its refusal to guess."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.service_clocks import parse_service_classes
from matching.working_days import WorkingCalendar, parse_calendar
from models.errors import DataFileError, RefusedInput
from service.books.documents import read_yaml
from service.books.rulebook import service_classes, working_days
from service.books.seedbook import SEED

CHINA = working_days()
DAYS = st.dates(CHINA.first_day, CHINA.last_day)


def document() -> Any:
    return deepcopy(read_yaml(SEED / "calendars" / "china.yaml", SEED))


@pytest.mark.parametrize(
    ("day", "works"),
    [
        # 国办发明电〔2023〕7号: 春节 10 to 17 February, 4 and 18 February worked; 9 February is a plain Friday
        ("2024-02-09", True),
        ("2024-02-10", False),
        ("2024-02-16", False),
        ("2024-02-17", False),
        ("2024-02-18", True),
        ("2024-02-04", True),
        # 国庆节 1 to 7 October, 29 September and 12 October worked
        ("2024-09-29", True),
        ("2024-09-30", True),
        ("2024-10-01", False),
        ("2024-10-07", False),
        ("2024-10-08", True),
        ("2024-10-12", True),
        ("2024-10-13", False),
        # 国办发明电〔2024〕12号
        ("2025-01-26", True),
        ("2025-01-28", False),
        ("2025-02-04", False),
        ("2025-02-05", True),
        ("2025-10-08", False),
        ("2025-10-09", True),
        # 国办发明电〔2022〕16号: New Year from 31 December 2022 to 2 January 2023
        ("2023-01-02", False),
        ("2023-01-03", True),
        ("2023-10-08", True),
        # notice of 2025-11-04
        ("2026-01-02", False),
        ("2026-01-04", True),
        ("2026-02-23", False),
        ("2026-02-24", True),
        ("2026-02-28", True),
    ],
)
def test_days_are_as_the_notices_arrange_them(day: str, works: bool) -> None:
    assert CHINA.is_working_day(date.fromisoformat(day)) is works


@pytest.mark.parametrize(("year", "holidays", "worked"), [(2023, 26, 7), (2024, 28, 8), (2025, 28, 5), (2026, 33, 6)])
def test_each_year_has_as_many_days_as_its_notice_counts(year: int, holidays: int, worked: int) -> None:
    # "共N天" of each holiday: 2023 without 31 December 2022: 2+7+1+5+3+8; 2024: 1+8+3+5+1+3+7; 2025: 1+8+3+5+3+8;
    # 2026: 3+9+3+5+3+3+7
    arranged = CHINA.year_of(date(year, 6, 1))
    assert (len(arranged.holidays), len(arranged.worked)) == (holidays, worked)
    assert arranged.confirmed
    assert arranged.notice
    assert arranged.read_in


def test_sixty_working_days_from_the_end_of_october() -> None:
    # November 2024 has 21 weekdays, December 22; 1 January is off: 43 by 31 December, 17 more from 2 January on,
    # with Sunday 26 January worked: 2, 3, 6-10, 13-17, 20-24 is 17
    assert CHINA.add_working_days(date(2024, 10, 31), 60) == date(2025, 1, 24)
    assert CHINA.add_working_days(date(2024, 10, 31), 61) == date(2025, 1, 26)


def test_the_first_day_does_not_count_and_none_added_is_the_day_itself() -> None:
    assert CHINA.add_working_days(date(2024, 10, 11), 1) == date(2024, 10, 12), "a Saturday that is worked"
    assert CHINA.add_working_days(date(2024, 10, 12), 1) == date(2024, 10, 14)
    assert CHINA.add_working_days(date(2024, 9, 30), 1) == date(2024, 10, 8)
    assert CHINA.add_working_days(date(2024, 10, 1), 0) == date(2024, 10, 1)


@given(DAYS, st.integers(1, 70))
@settings(max_examples=60, deadline=None)
def test_adding_counts_exactly_the_working_days_between(day: date, n: int) -> None:
    left = (day + timedelta(step) for step in range(1, (CHINA.last_day - day).days + 1))
    if sum(map(CHINA.is_working_day, left)) < n:
        with pytest.raises(RefusedInput, match="working days runs"):
            CHINA.add_working_days(day, n)
        return
    end = CHINA.add_working_days(day, n)
    between = [day + timedelta(step) for step in range(1, (end - day).days + 1)]
    assert sum(map(CHINA.is_working_day, between)) == n
    assert CHINA.is_working_day(end)


@pytest.mark.parametrize("day", [date(2022, 12, 31), date(2027, 1, 1)])
def test_beyond_the_calendar_nothing_is_guessed(day: date) -> None:
    with pytest.raises(RefusedInput) as refused:
        CHINA.is_working_day(day)
    assert refused.value.code == "beyond_calendar"
    assert "2026-12-31" in refused.value.rule
    with pytest.raises(RefusedInput) as refused:
        CHINA.add_working_days(day, 0)
    assert refused.value.code == "beyond_calendar"


def test_a_clock_that_would_end_beyond_the_calendar_is_refused() -> None:
    assert CHINA.add_working_days(date(2026, 12, 30), 1) == date(2026, 12, 31)
    with pytest.raises(RefusedInput, match="2027-01-01") as refused:
        CHINA.add_working_days(date(2026, 12, 30), 2)
    assert refused.value.code == "beyond_calendar"
    with pytest.raises(RefusedInput, match="forward"):
        CHINA.add_working_days(date(2024, 1, 2), -1)


def unconfirmed() -> WorkingCalendar:
    changed = document()
    changed["years"][2]["confirmed"] = False
    return parse_calendar(changed)


def test_an_answer_that_rests_on_an_unconfirmed_year_says_so() -> None:
    calendar = unconfirmed()
    assert calendar.due(date(2024, 10, 8), 10).confirmed
    resting = calendar.due(date(2024, 12, 30), 10)
    assert not resting.confirmed
    assert "2025" in resting.note
    assert "国办发明电〔2024〕12号" in resting.note


def test_the_last_days_of_the_last_year_may_still_move() -> None:
    assert CHINA.due(date(2026, 12, 1), 5).confirmed
    last = CHINA.due(date(2026, 12, 28), 1)
    assert not last.confirmed
    assert "2026-12-26" in last.note


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda d: d["years"].pop(1), "year"),
        (lambda d: d["years"][0]["holidays"][0].update({"until": date(2022, 12, 31)}), "until"),
        (lambda d: d["years"][0]["holidays"][0].update({"from": date(2022, 12, 31)}), "from"),
        (lambda d: d["years"][0]["worked"].append(date(2023, 10, 9)), "worked"),
        (lambda d: d["years"][0]["worked"].append(date(2023, 9, 30)), "worked"),
        (lambda d: d["years"][0]["worked"].append(date(2024, 2, 4)), "worked"),
        (lambda d: d["years"][0]["worked"].append("2023-02-30"), "worked"),
        (lambda d: d["years"][0].pop("notice"), "notice"),
        (lambda d: d["years"][0].update(confirmed="perhaps"), "confirmed"),
        (lambda d: d.update(years=[]), "years"),
        (lambda d: d["years"][0].update(sundays=1), "sundays"),
    ],
)
def test_a_faulty_calendar_is_refused_with_its_line(change: Any, field: str) -> None:
    broken = document()
    change(broken)
    with pytest.raises(DataFileError) as refused:
        parse_calendar(broken)
    assert refused.value.field == field
    assert refused.value.file.endswith("china.yaml")


def test_fast_means_sixty_working_days_and_says_whose_number_it_is() -> None:
    fast = service_classes().of("fast")
    (clock,) = fast.clocks
    assert clock.working_days == 60
    due = clock.due(CHINA, date(2024, 10, 31))
    assert due.on == date(2025, 1, 24)
    assert not due.confirmed
    assert "another province" in due.note
    assert service_classes().of("instant").clocks == ()
    assert service_classes().of("ordinary").clocks == ()
    with pytest.raises(RefusedInput, match="instant, fast, ordinary"):
        service_classes().of("slow")


def test_a_confirmed_clock_over_confirmed_years_is_confirmed() -> None:
    raw = read_yaml(SEED / "service_classes.yaml", SEED)
    raw["classes"][1]["clocks"][0]["confirmed"] = True
    (clock,) = parse_service_classes(raw).of("fast").clocks
    assert clock.due(CHINA, date(2024, 10, 31)).confirmed
    raw["classes"][1]["clocks"][0]["working_days"] = 0
    with pytest.raises(DataFileError, match="whole number"):
        parse_service_classes(raw)
