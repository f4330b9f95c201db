"""A consent over some dimensions: the answer is made of what it covers, and tells nothing of the rest."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching.facts import Source
from matching.needs import read_need
from matching.options import answer
from models.tables import Receipt
from scoring.columns import Columns
from service.access.auth import Role
from service.access.disclosure import Consent, Viewer
from service.access.scope import RESULTS, Scope
from service.answers.options import Asked, options_answer
from service.api.shapes_options import OptionsAnswer
from service.api.shapes_what_if import WhatIfAnswer
from service.books.rulebook import lenders, rules
from service.books.seedbook import catalogue
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.list_options import firm_facts, list_options
from service.usecases.replay_receipt import replay_receipt
from service.usecases.what_if import suppose_facts
from service.web.encode import encode
from tests.shell import Shell, a_city, is_problem

NEED: dict[str, object] = {"amount_yuan": "1000000", "term_months": 12, "purpose": "working_capital"}
NOW = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)
DIMENSIONS = tuple(each.id for each in catalogue().dimensions)
BANK = next(lender.id for lender in lenders().values() if lender.kind == "bank")
ITEMS = catalogue().items
scopes = st.builds(
    Consent, st.sets(st.sampled_from(DIMENSIONS), max_size=4).map(frozenset), personal=st.booleans()
).map(lambda consent: Viewer(Role.BANK, consent))
few = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_city(tmp_path_factory.mktemp("partial"), firms=50)


@pytest.fixture(scope="module")
def snapshot(city: Shell) -> OpenSnapshot:
    found: OpenSnapshot = city.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    return found


def beyond(viewer: Viewer, name: str) -> bool:
    """The rule in words, written apart from the code: a lender knows of a firm what the consent names, what is public
    of no person, and what the platform concludes; sales growth is made of two authorised items of operations."""
    assert viewer.consent is not None
    item = ITEMS.get(name.partition(".")[0])
    if item is not None:
        named = item.dimension in viewer.consent.dimensions
        return not ((named and (viewer.consent.personal or not item.personal)) or
                    (item.share.value == "public" and not item.personal))  # fmt: skip
    return name == "sales_growth" and "operating_capacity" not in viewer.consent.dimensions


def otherwise(snapshot: OpenSnapshot, row: int, donor: int, viewer: Viewer) -> OpenSnapshot:
    """The snapshot with everything beyond the viewer's scope taken, for one firm, from another firm."""
    made, values = copy.copy(snapshot), dict(snapshot.columns.values)
    for name, column in values.items():
        if beyond(viewer, name):
            values[name] = np.array(column)
            values[name][row] = column[donor]
    made.columns = Columns(snapshot.columns.n, values, snapshot.columns.codes)
    return made


def options_of(snapshot: OpenSnapshot, row: int, viewer: Viewer) -> bytes:
    asked = Asked(snapshot.firm_at(row), snapshot.as_of, "s", NEED, viewer, firm_facts(snapshot, row))
    return encode(options_answer(asked, rules()))


def settable(viewer: Viewer) -> dict[str, object]:
    """A fact of each kind of source that this viewer may suppose otherwise."""
    wanted = {"insured_staff": 40, "leverage": "0.3", "late_filings": 0, "worst_loan_class": "none", "high_tech": True,
              "public_credit_grade": "B", "industry_code": "C3311"}  # fmt: skip
    return {fact: value for fact, value in wanted.items() if not beyond(viewer, fact)}


@few
@given(viewer=scopes, row=st.integers(0, 49), donor=st.integers(0, 49))
def test_firms_alike_within_the_scope_get_the_same_options(
    snapshot: OpenSnapshot, viewer: Viewer, row: int, donor: int
) -> None:
    found = options_of(otherwise(snapshot, row, donor, viewer), row, viewer)
    assert found == options_of(snapshot, row, viewer)


@few
@given(viewer=scopes, row=st.integers(0, 49), donor=st.integers(0, 49))
def test_firms_alike_within_the_scope_get_the_same_what_if(
    snapshot: OpenSnapshot, viewer: Viewer, row: int, donor: int
) -> None:
    uscc, stated = snapshot.firm_at(row), settable(viewer)
    other = otherwise(snapshot, row, donor, viewer)
    made = [encode(suppose_facts(each, uscc, stated, NEED, viewer)) for each in (snapshot, other)]
    assert made[0] == made[1]


def test_the_whole_of_two_such_firms_differs(snapshot: OpenSnapshot) -> None:
    """Else the two tests before would hold whatever the code did."""
    narrow, staff = Viewer(Role.BANK, Consent(frozenset({"law_abiding"}))), Viewer(Role.OFFICE)
    other = otherwise(snapshot, 3, 30, narrow)
    assert options_of(other, 3, staff) != options_of(snapshot, 3, staff)
    stated = settable(narrow)
    made = [encode(suppose_facts(each, snapshot.firm_at(3), stated, NEED, staff)) for each in (snapshot, other)]
    assert made[0] != made[1]


@few
@given(viewer=scopes, row=st.integers(0, 49))
def test_what_a_narrow_answer_claims_the_whole_one_bears_out(snapshot: OpenSnapshot, viewer: Viewer, row: int) -> None:
    """Kleene's promise: more knowledge settles what was open and overturns nothing. And the order, cost and statuses
    are those of a firm of whom nobody knows more."""
    facts, book = firm_facts(snapshot, row), rules()
    narrow = json.loads(options_of(snapshot, row, viewer))
    whole = {each["id"]: each["status"] for each in json.loads(options_of(snapshot, row, Viewer(Role.FIRM)))["options"]}
    shut = {"near_miss", "ineligible"}
    for option in narrow["options"]:
        if option["status"] == "eligible" or option["status"] in shut:
            alike = {"eligible"} if option["status"] == "eligible" else shut
            assert whole[option["id"]] in alike, option["id"]
    known = {name: value for name, value in facts.items() if not beyond(viewer, name)}
    need = read_need(NEED, book.facts, book.offers.schemes, snapshot.as_of)
    plain = answer(known, need, book.local_offers, book.parameters, snapshot.as_of, book.facts, book.changes)
    assert [(each["id"], each["status"]) for each in narrow["options"]] == [
        (each.id, each.status.value) for each in plain.options
    ]


def entries(made: Any) -> Iterator[dict[str, Any]]:
    """Every part of an answer that is about one fact."""
    if isinstance(made, dict):
        if "fact" in made:
            yield made
        for part in made.values():
            yield from entries(part)
    elif isinstance(made, list):
        for part in made:
            yield from entries(part)


@few
@given(viewer=scopes, row=st.integers(0, 49))
def test_what_is_not_covered_has_its_own_word_and_nothing_else(
    snapshot: OpenSnapshot, viewer: Viewer, row: int
) -> None:
    made = json.loads(options_of(snapshot, row, viewer))
    for entry in entries(made):
        if beyond(viewer, entry["fact"]):
            assert not {"wanted", "becomes"} & entry.keys(), "no gap and no change is told of it"
            assert entry.get("truth", "not_covered") == "not_covered"
            assert entry.get("actual") is None
            assert "settled_by" not in entry or entry["settled_by"].startswith("A consent of the firm that covers")
        elif entry["fact"] != "loan_first":
            assert entry.get("truth") != "not_covered", entry
    said = made["not_covered"]
    for option in made["options"]:
        assert set(option["not_covered"]) <= set(said["facts"])
        assert not {*option["missing"]} & {*option["not_covered"]}
        marked = {each["fact"] for each in option["findings"] if each["truth"] == "not_covered"}
        assert marked <= {*option["not_covered"]}
    named = {each["id"] for each in said["dimensions"]}
    assert viewer.consent is not None
    assert not named & {*viewer.consent.dimensions}
    assert named == {ITEMS[fact].dimension for fact in said["facts"] if fact in ITEMS} | (
        {"operating_capacity"} if "sales_growth" in said["facts"] else set()
    ) | ({"creditworthiness"} if "loan_first" in said["facts"] else set())
    assert said["zh"] == "授权未覆盖"


def test_every_fact_worked_out_of_a_firm_is_accounted_for() -> None:
    """A fact added later is known to no narrow reader until somebody says what it is made of."""
    nothing = Scope(Viewer(Role.BANK, Consent(frozenset())), rules())
    worked_out = [spec.id for spec in rules().facts.of_source(Source.DERIVED)]
    known = {fact for fact in worked_out if nothing.knows(fact)}
    assert set(worked_out) - known == {"sales_growth"}
    assert {"score", "grade", "pd", "size_class"} <= RESULTS & known
    assert not nothing.knows("a_fact_of_tomorrow")
    assert not nothing.knows("legal_representative")
    assert Scope(Viewer(Role.OFFICE), rules()).whole
    assert Scope(Viewer(Role.BANK, Consent(frozenset(DIMENSIONS), personal=True)), rules()).whole
    assert not Scope(Viewer(Role.BANK, Consent(frozenset(DIMENSIONS))), rules()).whole, "persons are left out"
    assert not Scope(Viewer(Role.BANK), rules()).known({"firm_name": "x", "score": 700.0, "live": True})


# ── over HTTP ────────────────────────────────────────────────────────────────────────────────────────────────────────
def give(city: Shell, firm: str, *dimensions: str, personal: bool = False, purpose: str = "pre_loan") -> str:
    wanted = {"lender": BANK, "purpose": purpose, "dimensions": list(dimensions), "personal": personal,
              "valid_from": "2024-11-05", "valid_until": "2024-12-05"}  # fmt: skip
    headers, path = city.asks("firm", firm), f"/v1/firms/{firm}/consents"
    text = city.http.post(f"{path}/text", json=wanted, headers=headers).json()["text_sha256"]
    given = city.http.post(path, json=wanted | {"text_sha256": text}, headers=headers)
    assert given.status_code == 201, given.text
    return str(given.json()["id"])


def asks(city: Shell, firm: str, facts: dict[str, object] | None = None, purpose: str = "pre_loan") -> Any:
    headers = city.asks("bank", BANK) | {"X-Purpose": purpose}
    if facts is None:
        return city.http.get(f"/v1/firms/{firm}/options", params=NEED, headers=headers)
    return city.http.post(f"/v1/firms/{firm}/what-if", json={"facts": facts, "need": NEED}, headers=headers)


def test_a_bank_gets_the_options_its_consent_allows_and_the_same_again(city: Shell, snapshot: OpenSnapshot) -> None:
    firm = snapshot.firm_at(5)
    is_problem(asks(city, firm), 404, "unknown_firm")
    consent = give(city, firm, "law_abiding", "creditworthiness")
    found = asks(city, firm)
    assert found.status_code == 200, found.text
    OptionsAnswer.model_validate_json(found.content)
    made = found.json()
    assert [each["id"] for each in made["not_covered"]["dimensions"]] == ["operating_capacity"]
    assert made["not_covered"]["persons"] is False
    assert asks(city, firm).content == found.content
    replayed = replay_receipt(city.office, made["receipt_id"])
    assert replayed.broken is None, replayed.broken
    assert encode(replayed.answer) == found.content
    with city.office.read() as session:
        receipt = session.get_one(Receipt, made["receipt_id"])
        kept = receipt.question["consent"]
    assert kept == {"dimensions": ["creditworthiness", "law_abiding"], "personal": False}
    pack = city.http.get(f"/v1/receipts/{made['receipt_id']}/evidence", headers=city.asks("firm", firm))
    assert pack.status_code == 200, pack.text
    assert "insured_staff" not in pack.json()["inputs"]["facts"], "the receipt keeps what the answer rests on"
    assert city.http.post(f"/v1/consents/{consent}/revocation", headers=city.asks("firm", firm)).status_code == 200
    is_problem(asks(city, firm), 404, "unknown_firm")


def test_a_bank_supposes_what_its_consent_covers_and_nothing_else(city: Shell, snapshot: OpenSnapshot) -> None:
    firm = next(snapshot.firm_at(row) for row in range(6, 50) if snapshot.value("tax_credit_grade", row) == "A"
                and snapshot.value("grade", row) is not None)  # fmt: skip
    give(city, firm, "law_abiding")
    for fact, value in {"insured_staff": 20, "legal_representative": "x", "worst_loan_class": "none"}.items():
        problem = is_problem(asks(city, firm, {"tax_credit_grade": "D", fact: value}), 403, "consent_too_narrow")
        assert problem["field"] == f"facts.{fact}"
    assert asks(city, firm, {"high_tech": True}).status_code == 200, "it is public"
    made = asks(city, firm, {"tax_credit_grade": "D"}).json()
    WhatIfAnswer.model_validate(made)
    assert [each["fact"] for each in made["changed"]] == ["tax_credit_grade"]
    assert any("授权" in note["zh"] for note in made["notes"])
    moved = {each["fact"]: each for each in made["followed"]}
    assert (moved["score"]["becomes"], moved["score"]["covered"]) == (None, False)
    shown = city.http.get(f"/v1/firms/{firm}/score", headers=city.asks("bank", BANK)).json()
    assert moved["score"]["was"] == shown["score"], "the evaluation itself is part of every consent"
    staff = city.http.post(
        f"/v1/firms/{firm}/what-if",
        json={"facts": {"tax_credit_grade": "D"}, "need": NEED},
        headers=city.asks("office"),
    ).json()["score"]
    line = [[each for each in score["lines"] if each["item"]] for score in (made["score"], staff)]
    assert line[0] == line[1] != []
    before = made["score"]["before"]
    assert float(before["low"]) <= shown["low"]
    assert shown["high"] <= float(before["high"]), "the range allows for all that is not covered"


def test_a_consent_over_everything_gives_what_the_firm_sees(city: Shell, snapshot: OpenSnapshot) -> None:
    firm = snapshot.firm_at(4)
    give(city, firm, *DIMENSIONS, personal=True, purpose="post_loan")
    theirs, own = asks(city, firm, purpose="post_loan").json(), city.http.get(
        f"/v1/firms/{firm}/options", params=NEED, headers=city.asks("firm", firm)
    ).json()  # fmt: skip
    assert {**theirs, "receipt_id": ""} == {**own, "receipt_id": ""}


def test_a_contested_item_outside_the_scope_is_not_told(city: Shell, snapshot: OpenSnapshot) -> None:
    firm = snapshot.firm_at(2)
    give(city, firm, "law_abiding")
    before = asks(city, firm).json()
    own = city.asks("firm", firm)
    for item in ("insured_staff", "tax_credit_grade"):
        body = {"item": item, "reason": "wrong", "evidence": "not so"}
        filed = city.http.post(f"/v1/firms/{firm}/objections", json=body, headers=own)
        assert filed.status_code == 201, filed.text
    after = asks(city, firm).json()
    assert [each["item"] for each in after["contested"]] == ["tax_credit_grade"]
    assert after["options"] == before["options"]


def test_a_loan_drawn_here_is_told_to_who_may_know_of_loans(
    city: Shell, snapshot: OpenSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the platform knows before any feed is no way around the consent, nor is the id of the receipt."""
    uscc = next(snapshot.firm_at(row) for row in range(50) if snapshot.value("ever_borrowed", row) is not True)
    narrow, loans = (Viewer(Role.BANK, Consent(frozenset({name}))) for name in ("law_abiding", "creditworthiness"))

    def told(viewer: Viewer) -> dict[str, Any]:
        return list_options(city.office, snapshot, uscc, NEED, viewer, NOW)

    before = told(narrow)
    fact = {"fact": "ever_borrowed", "value": True, "since": "2024-10-01", "source": "platform"}
    monkeypatch.setattr("service.usecases.list_options.facts_since", lambda *_: [fact])
    assert encode(told(narrow)) == encode(before)
    assert told(loans)["platform"] == [fact]


def test_no_line_of_the_score_tells_of_sales_to_who_may_not_know_them(city: Shell, snapshot: OpenSnapshot) -> None:
    firm = next(snapshot.firm_at(row) for row in range(12, 50) if snapshot.value("score", row) is not None)
    give(city, firm, "law_abiding")
    path = f"/v1/firms/{firm}/score"
    narrow = city.http.get(path, headers=city.asks("bank", BANK)).json()
    own = city.http.get(path, headers=city.asks("firm", firm)).json()
    assert "sales_growth" in {line["item"] for line in own["lines"]}
    assert "sales_growth" not in {line["item"] for line in narrow["lines"]}
    assert sum(float(line["points"]) for line in narrow["lines"]) == pytest.approx(narrow["score"])
