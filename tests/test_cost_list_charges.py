"""What is charged after a cost list is agreed, held against it; wrong charges and wrong drafts are refused whole."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from models.tables import CostListCharge, CostListVersion
from service.api.shapes_cost_list import RecordedAnswer
from tests.cost_list_calls import BANK, DRAFT, FIRM, SUBSIDY, agreed, charged, confirmed, drafted, read
from tests.shell import Shell, a_shell, is_problem


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_shell(tmp_path_factory.mktemp("lists"))


@pytest.fixture(scope="module")
def without_charges(shell: Shell) -> dict[str, Any]:
    return agreed(shell, "without charges")


# --- promised against charged


def test_what_was_charged_is_held_against_what_was_promised(shell: Shell) -> None:
    made = agreed(shell, "compared")
    told = [
        {"item": "fee-1", "on": "2023-11-06", "yuan": "3500"},
        {"item": "guarantee_fee-2", "on": "2023-11-06", "yuan": "10000"},
        {"name": "咨询费", "charged_by": "bank", "on": "2023-11-07", "yuan": "5000"},
    ]
    answer = charged(shell, made, "firm", FIRM, *told)
    assert answer.status_code == 201, answer.text
    recorded = RecordedAnswer.model_validate_json(answer.content)
    assert (recorded.recorded, recorded.known) == (3, 0)
    compared = read(shell, made, "bank", BANK, until="2024-06-30").json()["comparison"]
    lines = {
        each["line"]: (each["promised_yuan"], each["charged_yuan"], each["surplus_yuan"], each["outcome"])
        for each in compared["lines"]
    }
    assert lines == {
        "interest": ("0.00", "0.00", "0.00", "as_promised"),
        "fee-1": ("3000.00", "3500.00", "500.00", "more"),
        "guarantee_fee-2": ("10000.00", "10000.00", "0.00", "as_promised"),
        SUBSIDY: ("0.00", "0.00", "0.00", "as_promised"),
        "bank: 咨询费": (None, "5000.00", "5000.00", "undisclosed"),
    }
    assert compared["surplus_yuan"] == "5500.00"
    assert compared["undisclosed"] == ["bank: 咨询费"]
    assert [compared["lines"][-1][part] for part in ("zh", "charged_by", "charger")] == ["咨询费", "bank", None]
    assert compared["charged_annual_rate"] > compared["promised_annual_rate"] == made["all_in_annual_rate"]
    assert compared["annual_rate_difference"] == pytest.approx(
        compared["charged_annual_rate"] - compared["promised_annual_rate"]
    )
    # 981,500 after the first two days' fees, as promised after; the consulting fee one day in
    late = read(shell, made, "firm", FIRM, until="2024-11-06").json()["comparison"]
    assert late["unrecorded"] == ["interest", SUBSIDY]
    assert late["surplus_yuan"] == "5500.00", "what nobody recorded is unknown, not saved"
    assert late["charged_annual_rate"] == compared["charged_annual_rate"]
    refund = {"name": "咨询费", "charged_by": "bank", "on": "2024-01-31", "yuan": "5000", "returned": True}
    assert charged(shell, made, "bank", BANK, refund).json()["cost_list"]["comparison"]["surplus_yuan"] == "500.00"


def test_a_charge_told_twice_by_either_side_is_stored_once(shell: Shell) -> None:
    made = agreed(shell, "twice")
    fee = {"item": "fee-1", "on": "2023-11-06", "yuan": "3000"}
    by_bank = charged(shell, made, "bank", BANK, {**fee, "reference": "V-1"})
    by_firm = charged(shell, made, "firm", FIRM, fee, fee)
    assert (by_bank.status_code, by_firm.status_code) == (201, 200)
    assert (by_firm.json()["recorded"], by_firm.json()["known"]) == (0, 2)
    assert charged(shell, made, "bank", BANK, {**fee, "reference": "V-2"}).json()["recorded"] == 1
    with shell.office.read() as session:
        told = session.scalars(select(CostListCharge).where(CostListCharge.list_id == made["id"])).all()
    assert [(each.reference, each.fen, each.told_by) for each in told] == [
        ("V-1", 300_000, "bank"),
        ("V-2", 300_000, "bank"),
    ]


@pytest.mark.parametrize(
    ("charge", "field", "code"),
    [
        ({"item": "fee-9", "on": "2023-11-06", "yuan": "1"}, "charges.1.item", "unknown_item"),
        ({"item": "fee-1", "on": "2023-11-06", "yuan": "-1"}, "charges.1.yuan", "negative_amount"),
        ({"item": "fee-1", "on": "2023-11-06", "yuan": "0", "returned": True}, "charges.1.yuan", "negative_amount"),
        ({"item": "fee-1", "on": "2023-11-06", "yuan": "1.005"}, "charges.1.yuan", "bad_amount"),
        ({"item": "fee-1", "on": "2023-02-30", "yuan": "1"}, "charges.1.on", "bad_date"),
        ({"item": "fee-1", "on": "2099-01-01", "yuan": "1"}, "charges.1.on", "future_date"),
        ({"item": "fee-1", "on": "2022-11-01", "yuan": "1"}, "charges.1.on", "bad_date"),
        ({"item": "fee-1", "on": "2023-11-06", "yuan": "1", "name": "x"}, "charges.1.name", "item_or_name"),
        ({"on": "2023-11-06", "yuan": "1", "charged_by": "bank"}, "charges.1.name", "no_name"),
        ({"on": "2023-11-06", "yuan": "1", "name": "x"}, "charges.1.charged_by", "unknown_charger"),
        ({"on": "2023-11-06", "yuan": "1", "name": "x", "charged_by": "other"}, "charges.1.charger", "unknown_charger"),
    ],
)
def test_a_wrong_charge_is_named_and_nothing_of_the_request_is_stored(
    shell: Shell, without_charges: dict[str, Any], charge: dict[str, Any], field: str, code: str
) -> None:
    made = without_charges
    good = {"item": "fee-1", "on": "2023-11-06", "yuan": "3000"}
    assert is_problem(charged(shell, made, "firm", FIRM, good, charge), 422, code)["field"] == field
    with shell.office.read() as session:
        assert session.scalar(select(func.count()).where(CostListCharge.list_id == made["id"])) == 0


def test_nothing_is_charged_on_a_list_that_one_side_has_not_confirmed(shell: Shell) -> None:
    made = drafted(shell, reference="half")
    confirmed(shell, made, "bank", BANK)
    answer = charged(shell, made, "firm", FIRM, {"item": "fee-1", "on": "2023-11-06", "yuan": "1"})
    is_problem(answer, 409, "not_agreed")


# --- wrong drafts


def fee(**changed: Any) -> dict[str, Any]:
    return {"fees": [{"zh": "费", "charged_by": "bank", "when": "drawdown", "yuan": "1", **changed}]}


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        (fee(yuan="-1"), "fees.0.yuan", "negative_amount"),
        (fee(yuan="1e3"), "fees.0.yuan", "bad_amount"),
        (fee(yuan=1), "fees.0.yuan", "invalid_request"),
        (fee(yuan=None, rate="1%"), "fees.0.rate", "bad_rate"),
        (fee(when="on_day", on="2024-11-07"), "fees.0.on", "fee_after_end"),
        (fee(when="on_day", on="06/11/2024"), "fees.0.on", "bad_date"),
        (fee(when="sometimes"), "fees.0.when", "invalid_request"),
        (fee(charged_by="broker"), "fees.0.charged_by", "unknown_charger"),
        ({"annual_rate": "3.85"}, "annual_rate", "bad_rate"),
        ({"annual_rate": "NaN"}, "annual_rate", "bad_rate"),
        ({"principal_yuan": "0"}, "principal", "bad_amount"),
        ({"months": 0}, "months", "bad_term"),
        ({"months": 481}, "months", "bad_term"),
        ({"months": "12"}, "months", "invalid_request"),
        ({"drawn_on": "2024-02-30"}, "drawn_on", "bad_date"),
        ({"reference": ""}, "reference", "invalid_request"),
        ({"reference": "L-1 "}, "reference", "invalid_request"),
        ({"product": "no-such"}, "product", "unknown_product"),
        ({"preferences": [{"scheme": "no-such"}]}, "preferences.0.scheme", "unknown_scheme"),
        ({"preferences": [{"zh": "减免", "yuan": "1"}]}, "preferences.0.on", "yuan_and_day"),
        ({"preferences": [{}]}, "preferences.0.zh", "no_name"),
        ({"reductions_open": [{"scheme": SUBSIDY, "reason": "x"}]}, "reductions_open", "named_twice"),
        ({"lender": "x"}, "lender", "invalid_request"),
    ],
)
def test_a_draft_that_cannot_be_is_refused_and_stores_nothing(
    shell: Shell, changed: dict[str, Any], field: str, code: str
) -> None:
    with shell.office.read() as session:
        before = session.scalar(select(func.count()).select_from(CostListVersion))
    answer = shell.http.post(
        f"/v1/firms/{FIRM}/cost-lists",
        json={**DRAFT, "reference": "refused", **changed},
        headers=shell.asks("bank", BANK),
    )
    status = 404 if code == "unknown_product" else 422
    problem = is_problem(answer, status, code)
    assert problem["field"] == field
    assert problem["fix"]
    with shell.office.read() as session:
        assert session.scalar(select(func.count()).select_from(CostListVersion)) == before


def test_a_firm_may_not_draft_and_a_wrong_code_is_no_firm(shell: Shell) -> None:
    path = f"/v1/firms/{FIRM}/cost-lists"
    is_problem(shell.http.post(path, json=DRAFT, headers=shell.asks("firm", FIRM)), 403, "forbidden")
    answer = shell.http.post("/v1/firms/123/cost-lists", json=DRAFT, headers=shell.asks("bank", BANK))
    is_problem(answer, 422, "bad_uscc")
