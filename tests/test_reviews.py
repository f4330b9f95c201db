"""Firms reviewed by hand: drawn by the build, decided once, and the score untouched."""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any

import pytest
from sqlalchemy import delete, select

from models.errors import DataFileError
from models.tables import ReviewCase, Snapshot
from scoring.review_rules import parse_review_rules
from service.books.rulebook import evaluations
from service.books.seedbook import rule_set
from service.snapshot.office_stages import office_stages
from service.snapshot.snapshots import OpenSnapshot, open_snapshot
from service.usecases.build_snapshot import build_snapshot
from tests.shell import Shell, a_city, is_problem

DAY = date(2024, 10, 31)
KNOWN_BY = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_city(tmp_path_factory.mktemp("city"), 120)


@pytest.fixture(scope="module")
def snapshot(city: Shell) -> OpenSnapshot:
    return open_snapshot(city.office)


def cases(city: Shell) -> dict[str, Any]:
    with city.office.read() as session:
        rows = list(session.scalars(select(ReviewCase)))
    return {
        row.id: {name: getattr(row, name) for name in ("quarter", "uscc", "snapshot_id", "score", "grade", "rate")}
        for row in rows
    }


def test_every_d_and_the_share_of_the_others_that_the_model_says_is_drawn(city: Shell, snapshot: OpenSnapshot) -> None:
    frozen = open_snapshot(city.office, next(iter(cases(city).values()))["snapshot_id"])
    assert frozen.as_of == date(2024, 9, 30), "the first build of the quarter draws"
    expected = set()
    for row in range(frozen.firms):
        grade, code = frozen.value("grade", row), frozen.firm_at(row)
        if grade is None:
            continue
        draw = int.from_bytes(blake2b(f"2024-09-30:{code}".encode(), digest_size=8).digest(), "big") / 2**64
        review = evaluations().scored[int(frozen.scores["model"][row])].review
        if draw < (1.0 if grade == "D" else 0.03 if grade == "A" else 0.02):
            expected.add(code)
            assert review.rate(str(grade)) in (1.0, 0.03, 0.02)
    drawn = {case["uscc"] for case in cases(city).values() if case["snapshot_id"] == frozen.id}
    assert drawn == expected
    assert drawn


def test_the_same_snapshot_draws_the_same_cases_and_a_firm_has_one_a_quarter(city: Shell) -> None:
    before = cases(city)
    with city.office.write() as session:
        session.execute(delete(Snapshot))
        session.execute(delete(ReviewCase))
    for day in (date(2024, 9, 30), DAY):
        build_snapshot(city.office, day, KNOWN_BY, stages=office_stages())
    assert cases(city) == before
    firms = [(case["quarter"], case["uscc"]) for case in before.values()]
    assert len(set(firms)) == len(firms)


def body(**changes: Any) -> dict[str, Any]:
    return {"decision": "adjust", "reason": "record_wrong", "note": "see file 7", "grade": "B",
            "expires_on": "2025-03-31"} | changes  # fmt: skip


def decide(city: Shell, case: str, content: dict[str, Any], role: str = "office") -> Any:
    return city.http.post(f"/v1/reviews/{case}/decision", json=content, headers=city.asks(role))


@pytest.fixture(scope="module")
def queue(city: Shell, snapshot: OpenSnapshot) -> list[str]:
    """Three open cases of an earlier quarter, of firms said to have been graded D."""
    made = [
        ReviewCase(
            id=f"{number:020x}", quarter=date(2024, 6, 30), uscc=snapshot.firm_at(number), snapshot_id="x",
            as_of=date(2024, 6, 30), score=100.0, grade="D", rate=1.0,
        )
        for number in range(3)
    ]  # fmt: skip
    with city.office.write() as session:
        session.add_all(made)
    return [case.id for case in made]


def states(city: Shell, state: str) -> set[str]:
    answer = city.http.get(f"/v1/reviews?limit=500&state={state}", headers=city.asks("office")).json()
    return {item["id"] for item in answer["items"]}


def test_an_adjusted_grade_stands_beside_the_score_until_it_expires(
    city: Shell, snapshot: OpenSnapshot, queue: list[str]
) -> None:
    case, uscc = queue[0], snapshot.firm_at(0)
    before = city.http.get(f"/v1/firms/{uscc}/score", headers=city.asks("office")).json()
    assert before["override"] is None
    assert decide(city, case, body()).json()["override_grade"] == "B"
    after = city.http.get(f"/v1/firms/{uscc}/score", headers=city.asks("office")).json()
    assert {**after, "override": None} == before
    for path in (f"/v1/firms/{uscc}/score", f"/v1/firms/{uscc}"):
        shown = city.http.get(path, headers=city.asks("firm", uscc)).json()["override"]
        assert (shown["grade"], shown["instead_of"], shown["expires_on"]) == ("B", "D", "2025-03-31")
        assert shown["reason"]["zh"]
        assert "note" not in shown
        assert "decided_by" not in shown
    with city.office.write() as session:
        session.get_one(ReviewCase, case).expires_on = date(2024, 10, 30)
    assert city.http.get(f"/v1/firms/{uscc}", headers=city.asks("office")).json()["override"] is None


def test_a_case_is_decided_once(city: Shell, queue: list[str]) -> None:
    case = queue[1]
    confirm = {"decision": "confirm", "reason": "as_expected"}
    done = decide(city, case, confirm, "approver").json()
    assert (done["decision"], done["decided_by"], done["override_grade"]) == ("confirm", "approver", None)
    is_problem(decide(city, case, confirm), 409, "decided_before")
    assert case not in states(city, "open")
    assert case in states(city, "decided")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"grade": "D"}, "bad_grade"),
        ({"grade": "E"}, "bad_grade"),
        ({"grade": None}, "bad_grade"),
        ({"expires_on": None}, "bad_expiry"),
        ({"expires_on": "2024-11-04"}, "bad_expiry"),
        ({"expires_on": "2025-05-06"}, "bad_expiry"),
        ({"expires_on": "soon"}, ""),
        ({"reason": "because"}, "unknown_reason"),
        ({"decision": "confirm"}, "bad_decision"),
        ({"decision": "confirm", "grade": None}, "bad_decision"),
        ({"decision": "forget"}, "invalid_request"),
        ({"note": "x" * 2001}, "invalid_request"),
        ({"score": 1000}, "invalid_request"),
    ],
)
def test_a_decision_that_does_not_fit_changes_nothing(
    city: Shell, queue: list[str], change: dict[str, Any], code: str
) -> None:
    is_problem(decide(city, queue[2], body(**change)), 422, code)
    assert queue[2] in states(city, "open")


def test_only_the_office_reviews(city: Shell, queue: list[str]) -> None:
    case = queue[2]
    for role in ("bank", "guarantor", "firm", "agency", "auditor"):
        assert city.http.get("/v1/reviews", headers=city.asks(role, "x")).status_code == 403
        assert city.http.post(
            f"/v1/reviews/{case}/decision", json=body(), headers=city.asks(role, "x")
        ).status_code == 403  # fmt: skip
    is_problem(decide(city, "f" * 20, body()), 404, "unknown_case")
    is_problem(city.http.get("/v1/reviews?state=maybe", headers=city.asks("office")), 422, "bad_state")
    is_problem(city.http.get("/v1/reviews?cursor=xx", headers=city.asks("office")), 422, "bad_cursor")


def test_pages_give_every_case_once(city: Shell, queue: list[str]) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        answer = city.http.get(f"/v1/reviews?state=all&limit=2&cursor={cursor}", headers=city.asks("office")).json()
        seen += [item["id"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if not cursor:
            break
    assert sorted(seen) == sorted(cases(city))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(longest_months=0),
        lambda d: d.update(longest_months=True),
        lambda d: d.update(reasons=[]),
        lambda d: d["reasons"].append(d["reasons"][0]),
        lambda d: d["reasons"][0].pop("zh"),
    ],
)
def test_faulty_rules_are_refused(change: Any) -> None:
    document = rule_set().document("reviews.yaml")
    change(document)
    with pytest.raises(DataFileError):
        parse_review_rules(document)
