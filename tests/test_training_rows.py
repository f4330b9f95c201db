"""Training rows from an office's records: who is asked about, what became of them, and that nothing leaks back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.dates import add_months
from models.errors import RefusedInput
from scoring.training.plan import TrainingPlan, parse_plan
from scoring.training.training_set import Cohort
from service.books import seedbook
from service.learning import training_rows
from service.learning.training_plans import definitions
from service.learning.training_rows import Reader, end_of, make_training_set
from service.office import Office, opened
from tests.training_office import (
    BACKFILL,
    Records,
    firms,
    listing,
    loan_month,
    months,
    received_after,
    registration,
)

DAY, END, LAST = date(2023, 3, 31), date(2024, 3, 31), date(2024, 6, 30)
NOW = datetime(2024, 8, 1, tzinfo=UTC)
(GOOD, NPL, IN_DEFAULT, ON_THE_DAY, LEFT, LEFT_AFTER, NO_LOAN, YOUNG, LISTED, MISTAKEN, TOO_LATE, LAST_DAY, DAY_AFTER,
 CURED) = FIRMS = firms(14)  # fmt: skip
#: Months in which the bank calls a loan substandard.
BAD = {
    NPL: [date(2023, 8, 31)],
    IN_DEFAULT: [date(2023, 1, 31), date(2023, 2, 28), DAY],
    ON_THE_DAY: [DAY, date(2023, 4, 30)],
    LEFT_AFTER: [date(2023, 6, 30)],
    TOO_LATE: [date(2024, 4, 30)],
    LAST_DAY: [END],
    CURED: [date(2022, 4, 30)],
}


def plan_of(*items: dict[str, Any]) -> TrainingPlan:
    document = dict(seedbook.rule_set().document("models/pd_12m.yaml"))
    return parse_plan({**document, "items": list(items)}, seedbook.catalogue(), definitions())


PLAN = plan_of(
    {"id": "social_insurance_arrears_months"},
    {"id": "late_filings"},
    {"id": "abnormal_operation"},
    {"id": "loan_balance"},
    {"id": "firm_age_months", "direction": "good"},
    {"id": "industry_section"},
    {"id": "worst_loan_class", "lagged": "ends at the last month delivered"},
)


def written() -> Records:
    """The records of the fourteen firms."""
    records = Records()
    started = {YOUNG: date(2023, 1, 15)}
    records.send(
        "business_registration",
        BACKFILL,
        date(2022, 10, 31),
        [registration(code, established_on=started.get(code, date(2015, 1, 1))) for code in FIRMS],
    )
    gone = {LEFT: date(2023, 9, 5), LEFT_AFTER: date(2023, 9, 5)}
    records.send(
        "business_registration",
        received_after(LAST),
        LAST,
        [registration(code, day, status="cancelled") for code, day in gone.items()],
    )
    filings: list[dict[str, Any]] = []
    for month in months(date(2022, 1, 31), LAST):
        rows = [
            loan_month(code, month, "substandard" if month in BAD.get(code, ()) else "normal")
            for code in FIRMS
            if code != NO_LOAN and not (code in gone and month > gone[code])
        ]
        records.send("loan_balance_month", received_after(month), month, rows)
        filings = [
            {"uscc": code, "month": month, "tax_kind": "vat", "late": (n + month.month) % 5 == 0, "paid_fen": 100}
            for n, code in enumerate(FIRMS)
        ]
        records.send("tax_filing", received_after(month, 17), month, filings)
        staff = [
            {"uscc": code, "month": month, "insured_count": 3, "contribution_base_fen": 900, "paid": n % 4 > 0}
            for n, code in enumerate(FIRMS)
        ]
        records.send("social_insurance_month", received_after(month, 12), month, staff)
    records.send("abnormal_operation", BACKFILL, date(2022, 10, 31), [])
    records.send("dishonest_debtor", BACKFILL, date(2022, 10, 31), [])
    lists = [
        listing(LISTED, date(2023, 5, 2), removed_on=date(2023, 5, 20)),
        listing(MISTAKEN, date(2023, 5, 2), withdrawn_on=date(2023, 6, 2)),
        listing(DAY_AFTER, DAY + timedelta(days=1)),
    ]
    records.send("dishonest_debtor", received_after(LAST), LAST, lists)
    return records


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with opened(tmp_path_factory.mktemp("training")) as made:
        written().land(made)
        yield made


def read(office: Office, day: date = DAY, plan: TrainingPlan = PLAN) -> Cohort:
    reader = Reader(office, plan, seedbook.catalogue(), seedbook.feeds(), NOW, office.work)
    return reader.cohort(day)


def state(cohort: Cohort) -> tuple[Any, ...]:
    """Everything of the rows but the outcome, as bytes."""
    numbers = {name: array.tobytes() for name, array in cohort.inputs.numbers.items()}
    texts = {
        name: np.array([*category.values, "unknown"])[category.codes].tolist()
        for name, category in cohort.inputs.categories.items()
    }
    return cohort.uscc.tobytes(), numbers, texts, cohort.known_by


def names(cohort: Cohort, default: bool) -> set[str]:
    return {code.decode() for code in cohort.uscc[cohort.default == default].tolist()}


def test_each_firm_stands_where_its_records_put_it(office: Office) -> None:
    cohort = read(office)
    assert names(cohort, default=True) == {NPL, LEFT_AFTER, LISTED, LAST_DAY, DAY_AFTER}
    assert names(cohort, default=False) == {GOOD, MISTAKEN, TOO_LATE, CURED}
    assert cohort.left_out == {
        "not_live": 0,
        "too_young": 1,
        "unexposed": 1,
        "in_default": 1,
        "too_thin": 0,
        "learnt_later": 1,
        "left_register": 1,
    }
    assert cohort.by_event == {"loan_90_days": 3, "compensation": 0, "dishonest_debtor": 2, "bankruptcy": 0}
    assert cohort.window_end == END
    assert cohort.known_by == received_after(date(2023, 2, 28), 17)


def test_a_row_holds_what_was_known_that_day(office: Office) -> None:
    cohort = read(office)
    row = [code.decode() for code in cohort.uscc.tolist()].index(CURED)
    place = FIRMS.index(CURED)
    assert cohort.inputs.numbers["firm_age_months"][row] == 98
    assert cohort.inputs.numbers["loan_balance"][row] == 500_000
    # The twelve months that had been delivered by the day end with February.
    delivered = months(date(2022, 3, 31), date(2023, 2, 28))
    assert cohort.inputs.numbers["late_filings"][row] == sum((place + day.month) % 5 == 0 for day in delivered)
    worst = cohort.inputs.categories["worst_loan_class"]
    assert worst.values[worst.codes[row]] == "substandard"
    section = cohort.inputs.categories["industry_section"]
    assert section.values[section.codes[row]] == "C"


LATE_FEEDS = (
    "tax_filing",
    "social_insurance_month",
    "loan_balance_month",
    "abnormal_operation",
    "business_registration",
)


def late_record(picker: random.Random, feed: str) -> dict[str, Any]:
    """A record about the time before or after the day, received after it: new, corrected or withdrawn."""
    code, month = picker.choice(FIRMS), picker.choice(months(date(2022, 1, 31), date(2023, 12, 31)))
    row = {
        "tax_filing": {"uscc": code, "month": month, "tax_kind": "vat", "late": picker.random() < 0.5, "paid_fen": 7},
        "social_insurance_month": {
            "uscc": code, "month": month, "insured_count": picker.randrange(9), "contribution_base_fen": 1,
            "paid": picker.random() < 0.5,
        },
        # Outcomes are left alone here: a loan is corrected in its balance, a firm in its trade and age.
        "loan_balance_month": loan_month(
            code, month, "substandard" if month in BAD.get(code, ()) else "normal", picker.randrange(10**9)
        ),
        "abnormal_operation": {"uscc": code, "listed_on": month, "reason": "示例", "removed_on": None},
        "business_registration": registration(
            code, date(2015, 1, 1), industry_code="F5211", established_on=date(2001, 1, 1)
        ),
    }[feed]  # fmt: skip
    gone = {"withdrawn_on": picker.choice([date(2022, 12, 1), date(2023, 7, 1)])} if feed != LATE_FEEDS[2] else {}
    return {**row, "revision": picker.randrange(2, 9), **(gone if picker.random() < 0.25 else {})}


def test_records_received_after_the_day_change_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records, picker = written(), random.Random(5)
    exposed = [code for code in FIRMS if code != NO_LOAN]
    with opened(tmp_path) as office:
        records.land(office)
        before = read(office)
        for step in range(4):
            late = Records()
            received = end_of(DAY) + timedelta(seconds=1, days=[0, 1, 200, 400][step])
            for feed in LATE_FEEDS:
                rows = [late_record(picker, feed) for _ in range(12)]
                rows = [row for row in rows if feed != "loan_balance_month" or row["uscc"] in exposed]
                late.send(feed, received, min(LAST, max(DAY, received.date())), unlike(rows, feed))
            for batches in late.batches.values():
                for batch in batches:
                    batch.number = 1000 + step
                    for row in batch.rows:
                        row["contested"] = True
            late.land(office)
            after = read(office)
            assert state(after) == state(before), step
        # They are no idle records: known on the day they would have changed the rows.
        monkeypatch.setattr(training_rows, "end_of", lambda day: end_of(day + timedelta(days=500)))
        assert state(read(office))[1] != state(before)[1]


def unlike(rows: list[dict[str, Any]], feed_id: str) -> list[dict[str, Any]]:
    """The rows with each natural key once."""
    feed = seedbook.feeds()[feed_id]
    return list({tuple(row[feed.column(name).stored] for name in feed.key): row for row in rows}.values())


def test_a_late_outcome_moves_the_outcome_and_nothing_else(tmp_path: Path) -> None:
    records = written()
    records.send("dishonest_debtor", received_after(LAST, 20), LAST, [listing(GOOD, date(2023, 12, 24))])
    records.send(
        "dishonest_debtor", received_after(LAST, 21), LAST, [listing(TOO_LATE, DAY), listing(CURED, date(2022, 9, 1))]
    )
    with opened(tmp_path) as office, opened(tmp_path / "before") as plain:
        written().land(plain)
        records.land(office)
        before, after = read(plain), read(office)
    assert names(after, default=True) == names(before, default=True) | {GOOD}
    # A default that had begun by the day, whenever it came to be known, is not a default after it.
    assert names(after, default=False) == names(before, default=False) - {GOOD, TOO_LATE, CURED}
    assert after.left_out["learnt_later"] == before.left_out["learnt_later"] + 2
    kept = np.isin(before.uscc, after.uscc)
    for name, array in after.inputs.numbers.items():
        assert array.tobytes() == before.inputs.numbers[name][kept].tobytes(), name


def test_an_item_is_unknown_until_its_feed_has_run_as_long_as_it_looks_back(office: Office) -> None:
    early = read(office, date(2022, 12, 31))
    assert early.short_history == ("social_insurance_arrears_months", "late_filings", "worst_loan_class")
    assert np.isnan(early.inputs.numbers["late_filings"]).all()
    assert read(office).short_history == ()


def test_days_that_cannot_be_used_are_left_out_and_named(office: Office) -> None:
    training = make_training_set(office, PLAN, NOW)
    # Every month end knows the month before it: of equals the last, and of the last quarter the last that is over.
    assert [cohort.day for cohort in training.cohorts] == [date(2022, 12, 31), DAY, date(2023, 5, 31)]
    reasons = {str(left.day): left.reason for left in training.left_out}
    assert reasons == {
        # Loans were told before anything else was: files of one item are too thin.
        **dict.fromkeys(("2022-03-31", "2022-06-30", "2022-09-30"), "no_firms"),
        **dict.fromkeys(("2023-09-30", "2023-12-31", "2024-03-31", "2024-06-30"), "window_open"),
    }
    # Complete to the end of June, one month of grace: the window may end with May.
    assert "2024-10-31" in training.left_out[3].said
    assert training.unseen == ("compensation", "bankruptcy")
    may = make_training_set(office, PLAN, NOW, [add_months(date(2024, 5, 31), -12)])
    assert may.cohorts[0].window_end == date(2024, 5, 31)


@pytest.mark.parametrize(
    ("day", "code"),
    [
        (date(2023, 6, 30), "window_open"),
        (date(2021, 12, 31), "no_records"),
        (date(2023, 3, 30), "bad_cohort"),
        (date(2030, 12, 31), "window_open"),
    ],
)
def test_a_day_asked_for_by_name_is_refused_when_it_cannot_be_used(office: Office, day: date, code: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        make_training_set(office, PLAN, NOW, [day])
    assert (refused.value.code, refused.value.field) == (code, "cohorts")


def test_without_bank_records_or_any_records_nothing_is_trained(tmp_path: Path) -> None:
    records = Records()
    records.send("business_registration", BACKFILL, LAST, [registration(GOOD)])
    with opened(tmp_path / "none") as empty, pytest.raises(RefusedInput, match="Nothing had landed"):
        make_training_set(empty, PLAN, NOW)
    with opened(tmp_path) as office:
        records.land(office)
        training = make_training_set(office, PLAN, NOW, None)
        assert training.cohorts == ()
        with pytest.raises(RefusedInput) as refused:
            training.check()
    assert refused.value.code == "too_few_cohorts"
