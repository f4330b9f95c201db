"""What-if against the real thing: a second city in which each firm's records really changed, built by the same build.

Firm by firm, the what-if over the first city must give what the second city's snapshot says: every fact, every point.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from models.dates import add_months, month_end
from service.access.auth import Role
from service.access.disclosure import Viewer
from service.answers.firm import evaluation_answer
from service.answers.rules import plain
from service.books import seedbook
from service.books.rulebook import rules
from service.office import Office
from service.snapshot.office_stages import office_stages
from service.snapshot.snapshots import OpenSnapshot, open_snapshot
from service.usecases.build_snapshot import build_snapshot
from service.usecases.list_options import firm_facts, list_options
from service.usecases.what_if import suppose_facts
from tests.random_records import LandedBatch, firm_codes, land

AS_OF = date(2024, 10, 31)
RECEIVED = datetime(2024, 11, 2, tzinfo=UTC)
NEED = {"amount_yuan": "1000000", "term_months": 12, "purpose": "working_capital"}
MONTHS = [month_end(add_months(AS_OF, -back)) for back in range(24)]

Records = dict[str, list[dict[str, Any]]]


def invoice(number: int, day: date, yuan: int) -> dict[str, Any]:
    named = {"direction": "output", "invoice_no": f"{number:08d}", "counterparty": "甲", "status": "valid"}
    return {**named, "issued_on": day, "amount_fen": yuan * 100, "tax_fen": yuan * 6}


def penalty(number: int, day: date, severity: str = "general") -> dict[str, Any]:
    return {"document_no": f"示罚{number}号", "decided_on": day, "severity": severity, "amount_fen": 0}


def a_firm() -> Records:
    """A sound firm of two years of monthly records, with three penalties: two of this kind, one of another year."""
    return {
        "business_registration": [
            {
                "recorded_on": date(2015, 3, 10),
                "name": "示例",
                "entity_type": "company",
                "ownership": "private",
                "established_on": date(2015, 3, 10),
                "status": "active",
                "district": "210102",
                "industry_code": "C3311",
            }
        ],
        "administrative_penalty": [
            penalty(1, date(2024, 3, 1)),
            penalty(2, date(2022, 5, 1)),
            penalty(3, date(2023, 6, 1), "minor"),
        ],
        "vat_invoice": [invoice(place, day.replace(day=15), 100_000) for place, day in enumerate(MONTHS)],
        "financial_statement": [
            {
                "period_end": date(2023, 12, 31),
                "period_kind": "year",
                "total_assets_fen": 10**9,
                "total_liabilities_fen": 6 * 10**8,
            }
        ],
        "electricity_month": [{"month": day, "kwh": 1000.0, "overdue_fen": 0} for day in MONTHS],
        "social_insurance_month": [
            {"month": day, "insured_count": 30, "contribution_base_fen": 500_000, "paid": True} for day in MONTHS
        ],
        "tax_credit_rating": [{"year": 2023, "rated_on": date(2024, 4, 20), "grade": "A"}],
        "dishonest_debtor": [],
        "enterprise_label": [],
    }


def more(feed: str, **record: Any) -> Callable[[Records], None]:
    return lambda records: records[feed].append(record)


def fewer(feed: str, place: int) -> Callable[[Records], None]:
    def change(records: Records) -> None:
        del records[feed][place]

    return change


def otherwise(feed: str, first: int = 0, last: int = 1, **values: Any) -> Callable[[Records], None]:
    def change(records: Records) -> None:
        for record in records[feed][first:last]:
            record.update(values)

    return change


#: What happens to the records of a firm, and the same thing said as a what-if.
CASES: dict[str, tuple[Callable[[Records], None], dict[str, object]]] = {
    "a large order": (more("vat_invoice", **invoice(90, date(2024, 6, 20), 3_800_000)), {"sales_12m": "5000000"}),
    "a large order last month": (
        more("vat_invoice", **invoice(91, date(2024, 10, 20), 50_000)),
        {"sales_last_month": "150000"},
    ),
    "a new penalty": (more("administrative_penalty", **penalty(9, date(2024, 9, 1))), {"penalty_general": 3}),
    "the oldest penalty gone": (fewer("administrative_penalty", 1), {"penalty_general": 1}),
    "the latest penalty gone": (fewer("administrative_penalty", 0), {"penalty_general.y1": 0}),
    "founded lately": (
        otherwise("business_registration", established_on=date(2024, 9, 1)),
        {"established_on": "2024-09-01"},
    ),
    "more debts": (otherwise("financial_statement", total_liabilities_fen=9 * 10**8), {"total_liabilities": "9000000"}),
    "no assets": (otherwise("financial_statement", total_assets_fen=0), {"total_assets": "0"}),
    "more power": (otherwise("electricity_month", 2, 3, kwh=2200.0), {"electricity_12m": "13200"}),
    "grade D from the tax office": (otherwise("tax_credit_rating", grade="D"), {"tax_credit_grade": "D"}),
    "no tax grade known": (fewer("tax_credit_rating", 0), {"tax_credit_grade": None}),
    "a dishonest debtor": (
        more("dishonest_debtor", case_no="1", listed_on=date(2024, 5, 1)),
        {"dishonest_debtor": True},
    ),
    "another trade": (otherwise("business_registration", industry_code="F5211"), {"industry_code": "F5211"}),
    "a sole proprietor": (
        otherwise("business_registration", entity_type="sole_proprietor"),
        {"entity_type": "sole_proprietor"},
    ),
    "cancelled": (otherwise("business_registration", status="cancelled"), {"registration_status": "cancelled"}),
    "more staff": (
        otherwise("social_insurance_month", 0, 12, insured_count=320),
        {"insured_staff": 320, "insured_staff_growth": (320 - 30) / 30},
    ),
    "a high-tech label": (
        more("enterprise_label", label="high_tech", granted_on=date(2024, 1, 5), valid_until=date(2027, 1, 4)),
        {"high_tech": True},
    ),
}
CODES = dict(zip(CASES, firm_codes(len(CASES)), strict=True))


def a_city(home: Path, changed: bool) -> Office:
    office = Office.open(home)
    firms = {}
    for name, (change, _) in CASES.items():
        firms[CODES[name]] = copy.deepcopy(a_firm())
        if changed:
            change(firms[CODES[name]])
    for feed_id in a_firm():
        feed, rows = seedbook.feeds()[feed_id], []
        for uscc, records in firms.items():
            for record in records[feed_id]:
                identifier = hashlib.sha256(repr((uscc, sorted(record.items()))).encode()).hexdigest()[:32]
                row = {column.stored: record.get(column.stored) for column in feed.columns}
                row |= {"uscc": uscc, "observed_on": record[feed.observed], "revision": 1, "contested": False}
                rows.append(row | {"received_at": RECEIVED, "record_id": identifier})
        land(office, feed, LandedBatch(feed_id, 1, RECEIVED, AS_OF, rows))
    build_snapshot(office, AS_OF, RECEIVED, stages=office_stages())
    return office


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, Office]]:
    offices = tuple(a_city(tmp_path_factory.mktemp(name), name == "then") for name in ("today", "then"))
    yield offices[0], offices[1]
    for office in offices:
        office.close()


@pytest.fixture(scope="module")
def snapshots(cities: tuple[Office, Office]) -> tuple[OpenSnapshot, OpenSnapshot]:
    return open_snapshot(cities[0]), open_snapshot(cities[1])


def close(found: dict[str, Any], real: dict[str, Any]) -> None:
    assert found.keys() == real.keys()
    for name, value in real.items():
        assert found[name] == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value), name


@pytest.mark.parametrize("name", CASES)
def test_a_what_if_gives_what_the_changed_records_give(
    cities: tuple[Office, Office], snapshots: tuple[OpenSnapshot, OpenSnapshot], name: str
) -> None:
    today, then = snapshots
    uscc, stated = CODES[name], CASES[name][1]
    made = suppose_facts(today, uscc, stated, NEED, Viewer(Role.FIRM))

    row = then.row_of(uscc)
    scored = {**evaluation_answer(then, row), "model": made["score"]["after"]["model"]}
    for part, value in made["score"]["after"].items():
        if part in ("score", "low", "high"):
            assert value is None if scored[part] is None else float(value) == scored[part], part
        else:
            assert value == scored[part], part

    facts = {fact: plain(value) for fact, value in firm_facts(today, today.row_of(uscc)).items()}
    facts |= {each["fact"]: each["becomes"] for each in made["changed"] + made["followed"] if "." not in each["fact"]}
    # Facts for watching are no items, nobody can suppose them, and no financing condition asks them.
    watched = rules().catalogue.further
    real = {fact: plain(value) for fact, value in firm_facts(then, row).items() if fact not in watched}
    facts = {fact: value for fact, value in facts.items() if fact not in watched}
    close({fact: value for fact, value in facts.items() if value is not None}, real)

    listed = list_options(cities[1], then, uscc, NEED, Viewer(Role.FIRM), RECEIVED)
    for part in ("counts", "options", "settles", "first_loan", "claims"):
        assert made[part] == listed[part], part


def test_the_firms_differ_in_the_two_cities_and_not_within_the_first(
    snapshots: tuple[OpenSnapshot, OpenSnapshot],
) -> None:
    today, then = snapshots
    facts = [{**firm_facts(today, today.row_of(uscc)), "uscc": ""} for uscc in CODES.values()]
    assert len({repr(each) for each in facts}) == 1, "what differs afterwards is what was changed"
    after = [{**firm_facts(then, then.row_of(uscc)), "uscc": ""} for uscc in CODES.values()]
    assert all(each != facts[0] for each in after)
    scores = {name: then.value("score", then.row_of(uscc)) for name, uscc in CODES.items()}
    assert scores["cancelled"] is None
    assert len(set(scores.values())) > 10
