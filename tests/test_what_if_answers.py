"""What-if over HTTP and on the command line: labelled, exact sums, masked for staff, nothing stored, clear refusals."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from models.tables import Receipt, UsageEvent
from service.api.shapes_what_if import WhatIfAnswer
from service.books.rulebook import evaluations
from service.books.seedbook import catalogue
from service.cli import run
from service.snapshot.snapshots import OpenSnapshot
from tests.shell import Shell, a_city, a_code, is_problem

NEED: dict[str, object] = {"amount_yuan": "1000000", "term_months": 12, "purpose": "working_capital"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_city(tmp_path_factory.mktemp("city"), firms=50)


@pytest.fixture(scope="module")
def snapshot(city: Shell) -> OpenSnapshot:
    found: OpenSnapshot = city.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    return found


def post(shell: Shell, uscc: str, body: object, role: str = "office", tenant: str = "") -> Any:
    return shell.http.post(f"/v1/firms/{uscc}/what-if", json=body, headers=shell.asks(role, tenant))


def suppose(shell: Shell, uscc: str, role: str = "office", tenant: str = "", **facts: object) -> dict[str, Any]:
    answer = post(shell, uscc, {"facts": facts, "need": NEED}, role, tenant)
    assert answer.status_code == 200, answer.text
    WhatIfAnswer.model_validate_json(answer.content)
    made: dict[str, Any] = answer.json()
    return made


def a_firm(snapshot: OpenSnapshot, item: str) -> str:
    """The first scored firm of whom ``item`` is known."""
    return next(
        snapshot.firm_at(row)
        for row in range(snapshot.firms)
        if snapshot.value(item, row) is not None and snapshot.value("score", row) is not None
    )


def test_the_answer_is_labelled_and_leaves_nothing_behind(city: Shell, snapshot: OpenSnapshot) -> None:
    uscc = a_firm(snapshot, "insured_staff")

    def kept() -> tuple[int | None, ...]:
        with city.office.read() as session:
            return tuple(session.scalar(select(func.count()).select_from(table)) for table in (Receipt, UsageEvent))

    before = kept()
    made = suppose(city, uscc, insured_staff=500)
    assert made["hypothetical"] is True
    assert "receipt_id" not in made
    assert "Hypothetical" in made["notice"]["en"]
    assert kept() == before
    (changed,) = made["changed"]
    assert (changed["fact"], changed["becomes"], changed["unit"]) == ("insured_staff", 500, "persons")
    assert any("peers" in note["en"] for note in made["notes"])
    assert {each["fact"] for each in made["as_recorded"]} >= {"insured_staff_growth", "insurance_months"}


def test_stating_what_is_so_changes_nothing_and_gives_the_options_of_today(city: Shell, snapshot: OpenSnapshot) -> None:
    uscc = a_firm(snapshot, "insured_staff")
    made = suppose(city, uscc, insured_staff=snapshot.value("insured_staff", snapshot.row_of(uscc)))
    options = city.http.get(f"/v1/firms/{uscc}/options", params=NEED, headers=city.asks("office")).json()
    for part in ("need", "counts", "options", "settles", "first_loan", "claims"):
        assert made[part] == options[part], part
    score = city.http.get(f"/v1/firms/{uscc}/score", headers=city.asks("office")).json()
    for name, value in made["score"]["before"].items():
        assert (float(value) if name in ("score", "low", "high") else value) == score[name], name
    assert made["score"]["before"] == made["score"]["after"]
    assert made["score"]["difference"] == "0.000"
    effect = made["effect"]
    assert not [part for part in effect if part not in ("best", "claims") and effect[part]]
    assert effect["best"]["difference_yuan"] in ("0.00", None)
    assert not made["followed"]


def test_lines_and_dimensions_add_up_to_the_difference(city: Shell, snapshot: OpenSnapshot) -> None:
    changes: tuple[dict[str, object], ...] = (
        {"tax_credit_grade": "D", "insurance_months": 2},
        {"dishonest_debtor": True},
        {"penalty_serious": 4, "leverage": "0.3"},
        {"entity_type": "sole_proprietor"},
        {"public_credit_grade": "D", "high_tech": True, "specialised_label": True},
    )
    moved = 0
    for row in range(0, snapshot.firms, 17):
        for facts in changes:
            score = suppose(city, snapshot.firm_at(row), **facts)["score"]
            if score["difference"] is None:
                continue
            difference = Decimal(score["difference"])
            assert difference == Decimal(score["after"]["score"]) - Decimal(score["before"]["score"])
            lines = [Decimal(each["after"] or 0) - Decimal(each["before"] or 0) for each in score["lines"]]
            assert sum(lines) == difference, (snapshot.firm_at(row), facts)
            assert all(each["before"] != each["after"] for each in score["lines"])
            moved += difference != 0
    assert moved > 8


def test_a_veto_shows_as_one_and_shuts_options(city: Shell, snapshot: OpenSnapshot) -> None:
    uscc = next(
        snapshot.firm_at(row)
        for row in range(snapshot.firms)
        if snapshot.value("dishonest_debtor", row) is False and (snapshot.value("score", row) or 0) > 800
    )
    made = suppose(city, uscc, dishonest_debtor=True)
    assert made["score"]["after"]["grade"] == "D"
    (veto,) = made["score"]["vetoes"]
    assert (veto["id"], veto["before"], veto["after"]) == ("dishonest_debtor", "unmet", "met")
    effect = made["effect"]
    assert effect["closed"]
    assert all(each["was"] == "eligible" for each in effect["closed"])
    statuses = {each["id"]: each["status"] for each in made["options"]}
    for part in ("opened", "closed", "otherwise_moved"):
        assert all(statuses[each["id"]] == each["becomes"] != each["was"] for each in effect[part])
    back = suppose(city, uscc, dishonest_debtor=False)
    assert not back["effect"]["closed"]


def test_what_an_option_costs_is_compared_in_yuan(city: Shell, snapshot: OpenSnapshot) -> None:
    uscc = snapshot.firm_at(2)
    made = suppose(city, uscc, need_amount_yuan="2000000")
    assert made["need"]["amount_yuan"] == "1000000.00"
    assert made["effect"]["costs"]
    then = {option["id"]: option["cost"] for option in made["options"]}
    today = city.http.get(f"/v1/firms/{uscc}/options", params=NEED, headers=city.asks("office")).json()["options"]
    was = {option["id"]: option["cost"] for option in today}
    for each in made["effect"]["costs"]:
        costs = was[each["id"]], then[each["id"]]
        assert [each["cost_before_yuan"], each["cost_after_yuan"]] == [cost and cost["total_yuan"] for cost in costs]
        if all(costs):
            difference = Decimal(costs[1]["total_yuan"]) - Decimal(costs[0]["total_yuan"])
            assert Decimal(each["difference_yuan"]) == difference


def test_a_founding_day_moves_the_age_and_sales_move_the_longer_window(city: Shell, snapshot: OpenSnapshot) -> None:
    uscc = a_firm(snapshot, "sales_24m")
    made = suppose(city, uscc, established_on="2024-04-30", sales_12m="123456789.00")
    followed = {each["fact"]: each for each in made["followed"]}
    assert followed["firm_age_months"]["becomes"] == 6
    recorded = [snapshot.value(name, snapshot.row_of(uscc)) for name in ("sales_12m", "sales_24m")]
    assert Decimal(followed["sales_24m"]["becomes"]) == Decimal(str(recorded[1])) + Decimal("123456789") - Decimal(
        str(recorded[0])
    )
    assert "Holds the months" in followed["sales_24m"]["because"]["en"]


def test_penalties_may_be_stated_by_year(city: Shell, snapshot: OpenSnapshot) -> None:
    uscc = a_firm(snapshot, "penalty_general")
    made = suppose(city, uscc, **{"penalty_general.y1": 1, "penalty_general.y2": 0, "penalty_general.y3": 1})
    facts = {each["fact"]: each["becomes"] for each in made["changed"] + made["followed"]}
    assert facts.get("penalty_general", 2) == 2
    line = next(each for each in made["score"]["lines"] if each["id"] == "penalty_general")
    assert (
        Decimal(line["after"])
        == {"financing": -26, "financing_sole_proprietor": Decimal("-19.5")}[made["score"]["after"]["model"]]
    )


def test_staff_do_not_learn_a_personal_value_and_the_firm_does(city: Shell, snapshot: OpenSnapshot) -> None:
    item = next(
        item.id
        for item in catalogue().items.values()
        if item.personal and item.kind.value in ("count", "ratio", "money", "months")
        and any(snapshot.value(item.id, row) is not None for row in range(snapshot.firms))
    )  # fmt: skip
    uscc = a_firm(snapshot, item)
    (masked,) = suppose(city, uscc, **{item: "1"})["changed"]
    assert (masked["was"], masked["becomes"], masked["masked"]) == (None, None, True)
    body = {"facts": {item: "1"}, "confirmed": [item]}
    (shown,) = post(city, uscc, body, "firm", uscc).json()["changed"]
    assert shown["was"] is not None
    assert not shown["masked"]
    for asked in ({item: "1"}, {item: "many"}, {item: "-1"}):
        assert str(shown["was"]) not in post(city, uscc, {"facts": asked}).text, "a refusal tells it neither"


def test_another_tenants_firm_does_not_exist(city: Shell, snapshot: OpenSnapshot) -> None:
    mine, other = snapshot.firm_at(0), snapshot.firm_at(1)
    body = {"facts": {"insured_staff": 5}}
    assert post(city, mine, body, "firm", mine).status_code == 200
    for role, tenant in (("firm", mine), ("bank", "yunshan-bank"), ("guarantor", "g")):
        is_problem(post(city, other, body, role, tenant), 404, "unknown_firm")
    is_problem(post(city, a_code(4242), body), 404, "unknown_firm")
    is_problem(post(city, other, body, "agency", "a"), 403, "forbidden")


@pytest.mark.parametrize(
    ("facts", "code", "field", "says"),
    [
        ({}, "no_change", "facts", "State a fact"),
        ({"colour": "red"}, "unknown_fact", "facts.colour", "Did you mean"),
        ({"insured_stafff": 3}, "unknown_fact", "facts.insured_stafff", "insured_staff"),
        ({"size_class": "small"}, "worked_out", "facts.size_class", "industry_code, insured_staff, revenue, sales_12m"),
        ({"score": 900}, "worked_out", "facts.score", "related_party_risk"),
        ({"firm_age_months": 60}, "worked_out", "facts.firm_age_months", "established_on"),
        ({"official_grade": "A"}, "worked_out", "facts.official_grade", "public_credit_grade"),
        ({"insured_staff": "many"}, "bad_value", "facts.insured_staff", "persons"),
        ({"insured_staff": True}, "bad_value", "facts.insured_staff", "persons"),
        ({"high_tech": 1}, "bad_value", "facts.high_tech", "true or false"),
        ({"high_tech": [True]}, "bad_value", "facts.high_tech", "true or false"),
        ({"tax_credit_grade": "Z"}, "bad_value", "facts.tax_credit_grade", "A or B"),
        ({"established_on": "2024-02-30"}, "bad_date", "facts.established_on", "2024-10-31"),
        ({"established_on": "2025-01-01"}, "impossible_date", "facts.established_on", "2024-10-31"),
        ({"need_amount_yuan": "300"}, "suspicious_unit", "facts.need_amount_yuan", "万元"),
        ({"industry_code": "Z9999"}, "unknown_industry", "facts.industry_code", "C3311"),
        ({"firm_name": "别的"}, "bad_value", "facts.firm_name", "text cannot be compared"),
        ({"penalty_general": 1, "penalty_general.y1": 9}, "two_values", "facts.penalty_general", "come to"),
        ({"insured_staff": 10**18}, "", "facts.insured_staff", ""),
        ({"sales_12m": "99999999999999999999"}, "", "facts.sales_12m", ""),
        ({"leverage": "NaN"}, "bad_value", "facts.leverage", "fraction"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    city: Shell, snapshot: OpenSnapshot, facts: dict[str, object], code: str, field: str, says: str
) -> None:
    uscc = a_firm(snapshot, "penalty_general")
    problem = is_problem(post(city, uscc, {"facts": facts}), 422, code)
    assert problem["field"] == field
    assert says in f"{problem['rule']} {problem['fix']}"


def test_an_amount_in_ten_thousands_is_asked_back_unless_confirmed(city: Shell, snapshot: OpenSnapshot) -> None:
    uscc = a_firm(snapshot, "sales_12m")
    body = {"facts": {"sales_12m": "100"}, "need": NEED}
    assert "万元" in is_problem(post(city, uscc, body), 422, "suspicious_unit")["rule"]
    assert post(city, uscc, {**body, "confirmed": ["sales_12m"]}).status_code == 200
    bad_need = {"facts": {"insured_staff": 1}, "need": {"amount_yuan": "300"}}
    assert is_problem(post(city, uscc, bad_need), 422, "suspicious_unit")["field"] == "need.need_amount_yuan"


def test_the_body_is_strict(city: Shell, snapshot: OpenSnapshot) -> None:
    uscc, headers = snapshot.firm_at(0), city.asks("office")
    is_problem(post(city, uscc, {"facts": {"insured_staff": 1}, "fact": 1}), 422)
    is_problem(post(city, uscc, {"need": {}}), 422)
    is_problem(post(city, uscc, {"facts": {"insured_staff": 1}, "need": {"amount": "1"}}), 422)
    twice = b'{"facts": {"insured_staff": 1, "insured_staff": 2}}'
    path = f"/v1/firms/{uscc}/what-if"
    answer = city.http.post(path, content=twice, headers={**headers, "Content-Type": "application/json"})
    is_problem(answer, 400)
    is_problem(post(city, uscc, {"facts": {"insured_staff": 1}, "as_of": "2020-01-01"}), 404, "no_snapshot_of_day")


def test_the_model_of_today_scores_both_sides_and_says_so_where_it_has_changed(
    city: Shell, snapshot: OpenSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    uscc = a_firm(snapshot, "insured_staff")
    assert len(suppose(city, uscc, insured_staff=5)["notes"]) == 1
    facts, value, built = OpenSnapshot.facts, OpenSnapshot.value, snapshot.value("score", snapshot.row_of(uscc))
    monkeypatch.setattr(OpenSnapshot, "facts", lambda *asked: {**facts(*asked), "score": 1.0, "grade": "D"})
    monkeypatch.setattr(OpenSnapshot, "value", lambda *asked: 1.0 if asked[1] == "score" else value(*asked))
    made = suppose(city, uscc, insured_staff=5)
    assert "model has changed" in made["notes"][1]["en"]
    assert float(made["score"]["before"]["score"]) == built, "not the score of another model"


@pytest.fixture
def at(city: Shell, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RONGQIAO_HOME", str(city.office.home))
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    return city.office.home


ASKED = ("--amount-yuan", "1000000", "--term-months", "12", "--purpose", "working_capital")


def test_the_command_line_gives_the_same_answer(
    city: Shell, snapshot: OpenSnapshot, at: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    uscc = a_firm(snapshot, "insured_staff")
    stated = ("--set", "high_tech=true", "--set", "insured_staff=500", "--set", "tax_credit_grade=unknown")
    assert run(["what-if", uscc, *stated, *ASKED, "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told == suppose(city, uscc, high_tech=True, insured_staff="500", tax_credit_grade=None)


@pytest.mark.parametrize(("locale", "words"), [("en_GB.UTF-8", "Hypothetical"), ("zh_CN.UTF-8", "假设性测算")])
def test_the_terminal_reads_it_in_both_languages(
    snapshot: OpenSnapshot,
    at: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    locale: str,
    words: str,
) -> None:
    monkeypatch.setenv("LANG", locale)
    uscc = a_firm(snapshot, "sales_24m")
    assert run(["what-if", uscc, "--set", "sales_12m=50000000", "--set", "dishonest_debtor=true", *ASKED]) == 0
    shown = capfd.readouterr().out
    assert words in shown
    for model in evaluations().scored:
        assert model.card.id not in shown
    assert run(["what-if", uscc, "--set", f"uscc={uscc}"]) == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--set", "insured_staff"), "bad_usage"),
        (("--set", "=5"), "bad_usage"),
        (("--set", "insured_staff="), "bad_usage"),
        ((), "bad_usage"),
        (("--set", "insured_staff=1", "--set", "insured_staff=2"), "two_values"),
        (("--set", "high_tech=yes"), "bad_value"),
        (("--set", "size_class=small"), "worked_out"),
        (("--set", "insured_staff=1", "--as-of", "2024-13-01"), "bad_date"),
    ],
)
def test_a_wrong_command_line_is_refused(
    snapshot: OpenSnapshot, at: Path, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: str
) -> None:
    assert run(["what-if", snapshot.firm_at(0), *arguments, "--json"]) == 2
    assert json.loads(capfd.readouterr().err)["code"] == code
