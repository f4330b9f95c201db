"""The cost list of a loan: items add up, preferences and open reductions are told apart, promised against charged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.charged_cost import Charge, Confirmation, ConfirmedList, Outcome, Side, charged_rate, compare
from matching.cost import cost_of, quote
from matching.cost_document import CostDocument, read_document
from matching.evaluate_scheme import SchemeResult, evaluate_scheme
from matching.financing_cost import CHARGERS, CostList, ItemKind
from matching.option_cost import cost_list
from matching.products import Product
from matching.rulefile import Name
from matching.verdicts import Verdict
from models.errors import RefusedInput
from service.books.rulebook import facts, offers, parameters
from tests.cost_products import ON, product
from tests.shell import a_code

D = Decimal
FIRST_LOAN = "sy-first-loan-subsidy-2024"
FACTORY = {"size_class": "small", "loan_first": True, "loan_lender_kind": "bank", "loan_contract_on": ON.isoformat()}


def charged_product(**changed: Any) -> Product:
    """The product with two fees, a guarantee and a deposit."""
    parts: dict[str, Any] = {
        "repayment": "interest_monthly",
        "fees": [
            {"zh": "评估费", "en": "Appraisal", "charged": "drawdown", "payee": "appraiser", "yuan": 3_000},
            {"zh": "抵押登记费", "en": "Registration", "charged": "drawdown", "payee": "registry", "yuan": 550},
        ],
        "guarantee": {"scheme": "cn-government-guarantee-2019", "fee_annual_rate": "0.01"},
        "deposit": "0.05",
    }
    return product(**{**parts, **changed})


def result(of: Product, amount: int = 1_000_000, **changed: Any) -> SchemeResult:
    quoted = quote(of, D(amount), 12, ON, parameters())
    assert of.terms
    stated = {
        **FACTORY,
        "loan_amount_yuan": amount,
        "loan_annual_rate": str(quoted.annual_rate),
        "loan_term_months": 12,
    }
    values = facts().read_values({**stated, **changed})
    return evaluate_scheme(offers().schemes[FIRST_LOAN], values, parameters(), ON, quoted.loan(of.terms))


def made(counted: bool = True, asked: SchemeResult | None = None) -> CostList:
    of = charged_product()
    quoted = quote(of, D(1_000_000), 12, ON, parameters())
    answer = asked or result(of)
    assert answer.benefit
    cost = cost_of(of, quoted, [answer.benefit] if counted else [])
    return cost_list(of, quoted, cost, offers().schemes, [answer], [FIRST_LOAN] if counted else [])


def document(listed: CostList) -> CostDocument:
    name = Name("甲银行（虚构）", "A Bank (invented)")
    return CostDocument("L-1", a_code(1), "乙公司（虚构）", "a-bank", name, Name("贷款", "A loan"), listed)


def test_each_item_says_what_it_costs_and_who_charges_it() -> None:
    items = {item.id: (item.kind, item.charged_by, item.yuan) for item in made().items}
    assert items == {
        "interest": (ItemKind.INTEREST, "bank", D("39999.96")),
        "guarantee_fee-1": (ItemKind.GUARANTEE_FEE, "guarantor", D("10000.00")),
        "fee-2": (ItemKind.FEE, "appraiser", D("3000.00")),
        "fee-3": (ItemKind.FEE, "registry", D("550.00")),
        "deposit": (ItemKind.DEPOSIT, "bank", D(0)),
    }
    assert made().items[-1].held_yuan == 50_000


def test_one_footing_a_year_for_all() -> None:
    listed = made()
    # a million owed for the 365 days from 31 October 2024: every item is its yuan over a million
    assert {item.id: item.annual_rate for item in listed.items} == {
        "interest": D("0.040000"),
        "guarantee_fee-1": D("0.010000"),
        "fee-2": D("0.003000"),
        "fee-3": D("0.000550"),
        "deposit": 0,
    }
    (subsidy,) = listed.preferences
    assert (subsidy.yuan, subsidy.annual_rate) == (D("18300.00"), D("0.018300"))
    assert listed.total_yuan == D("35249.96")
    assert listed.total_annual_rate == D("0.035250")
    assert listed.all_in_annual_rate is not None
    assert listed.all_in_annual_rate > listed.total_annual_rate, "fees up front and a deposit held cost more than that"


def test_what_is_not_counted_is_a_reduction_still_open() -> None:
    listed = made(counted=False)
    assert listed.preferences == ()
    (still,) = listed.reductions_open
    assert (still.scheme, still.yuan, still.annual_rate) == (FIRST_LOAN, D("18300.00"), D("0.018300"))
    unknown = made(counted=False, asked=result(charged_product(), loan_first=None))
    assert unknown.reductions_open[0].settled_by[0] == "Credit report of the central bank (企业信用报告)"
    assert unknown.reductions_open[0].reason.en.startswith("open until known: Credit report")
    assert unknown.reductions_open[0].reason.zh.startswith("待核实：")
    refused = result(charged_product(), size_class="large", sole_proprietor=False, owner_business_loan=False)
    assert refused.verdict is Verdict.UNMET
    listed = made(counted=False, asked=replace(refused, benefit=result(charged_product()).benefit))
    assert listed.reductions_open == (), "what the firm cannot have is no reduction"


def test_a_list_of_another_loan_is_no_list() -> None:
    of = charged_product()
    quoted = quote(of, D(1_000_000), 12, ON, parameters())
    with pytest.raises(ValueError, match="the items come to"):
        cost_list(of, quoted, replace(cost_of(of, quoted), subsidy_yuan=D(1)), offers().schemes)


SHELF = [each for each in offers().products.values() if each.terms and not each.terms.guarantee]


@given(st.sampled_from(SHELF))
@settings(max_examples=60, deadline=None)
def test_every_product_of_the_shelf_has_a_list_that_adds_up(of: Product) -> None:
    assert of.terms
    quoted = quote(of, of.terms.amount.typical, int(of.terms.months.typical), ON, parameters())
    cost = cost_of(of, quoted)
    listed = cost_list(of, quoted, cost, offers().schemes)
    assert sum(item.yuan for item in listed.items) == listed.total_yuan == cost.total_yuan
    assert abs(sum(item.annual_rate for item in listed.items) - listed.total_annual_rate) <= D("0.000001") * len(
        listed.items
    )
    assert all(sum(flow.yuan for flow in item.due) == item.yuan for item in listed.items)
    assert {item.charged_by for item in listed.items} <= set(CHARGERS)
    assert read_document(document(listed).text) == document(listed)


# --- both sides confirm

MORNING = datetime(2024, 10, 31, 9, 30, tzinfo=UTC)


def confirmation(listed: CostList, side: Side, **changed: Any) -> Confirmation:
    return Confirmation(
        **{"side": side, "name": "甲（虚构）", "at": MORNING, "digest": document(listed).digest, **changed}
    )


def test_a_list_is_confirmed_when_bank_and_firm_have_said_so() -> None:
    listed = made()
    opened = ConfirmedList(document(listed).digest)
    by_bank = opened.with_confirmation(confirmation(listed, Side.BANK))
    assert not by_bank.confirmed
    by_both = by_bank.with_confirmation(confirmation(listed, Side.FIRM))
    assert by_both.confirmed
    assert [(each.side, each.name, each.at) for each in by_both.confirmations] == [
        (Side.BANK, "甲（虚构）", MORNING),
        (Side.FIRM, "甲（虚构）", MORNING),
    ]


def test_a_confirmation_is_of_one_list_and_one_side_speaks_once() -> None:
    listed = made()
    with pytest.raises(RefusedInput) as other:
        ConfirmedList(document(listed).digest).with_confirmation(confirmation(made(counted=False), Side.BANK))
    assert other.value.code == "other_list"
    by_bank = ConfirmedList(document(listed).digest).with_confirmation(confirmation(listed, Side.BANK))
    with pytest.raises(RefusedInput) as twice:
        by_bank.with_confirmation(confirmation(listed, Side.BANK))
    assert twice.value.code == "confirmed_before"


@pytest.mark.parametrize(
    ("changed", "field"), [({"name": "  "}, "name"), ({"at": datetime(2024, 10, 31, 9, 30)}, "at")]
)
def test_a_confirmation_needs_a_name_and_a_time_with_its_zone(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        confirmation(made(), Side.FIRM, **changed)
    assert refused.value.field == field


def test_the_digest_is_of_the_content() -> None:
    assert document(made()).digest == document(made()).digest
    assert document(made()).digest != document(made(counted=False)).digest
    assert sha256(document(made()).text.encode()).hexdigest() == document(made()).digest


def test_amounts_written_otherwise_are_the_same_content() -> None:
    listed = made()
    rewritten = replace(listed, principal_yuan=D("1E+6"), contract_annual_rate=D("0.0400000"))
    assert document(rewritten).digest == document(listed).digest
    assert document(replace(listed, principal_yuan=D("1000000.01"))).digest != document(listed).digest


# --- promised against charged


def as_promised(listed: CostList) -> list[Charge]:
    charges = [Charge(item.id, flow.on, flow.yuan) for item in listed.items for flow in item.due]
    return charges + [Charge(each.scheme, flow.on, flow.yuan) for each in listed.preferences for flow in each.due]


def test_charged_as_promised_leaves_no_difference_and_the_same_rate() -> None:
    listed = made()
    end = date(2026, 1, 1)
    assert {each.surplus for each in compare(listed, as_promised(listed), end)} == {0}
    assert charged_rate(listed, as_promised(listed)) == listed.all_in_annual_rate


def test_a_charge_too_many_a_fee_nobody_named_and_a_subsidy_unpaid_are_told() -> None:
    listed = made()
    charges = [each for each in as_promised(listed) if each.item != FIRST_LOAN]
    charges += [Charge("fee-2", ON, D("200.00")), Charge("advice", ON, D("5000.00"))]
    differences = {each.item: each for each in compare(listed, charges, date(2026, 1, 1))}
    assert differences["fee-2"].surplus == 200
    assert (differences["advice"].promised, differences["advice"].surplus) == (None, 5_000)
    assert differences[FIRST_LOAN].surplus == D("18300.00"), "what was promised and not paid harms the firm"
    assert differences["interest"].surplus == 0
    dearer = charged_rate(listed, charges)
    assert dearer is not None
    assert listed.all_in_annual_rate is not None
    assert dearer > listed.all_in_annual_rate
    outcomes = {each.item: each.outcome for each in compare(listed, charges, date(2026, 1, 1))}
    assert outcomes == {
        "interest": Outcome.AS_PROMISED,
        "guarantee_fee-1": Outcome.AS_PROMISED,
        "fee-2": Outcome.MORE,
        "fee-3": Outcome.AS_PROMISED,
        "deposit": Outcome.AS_PROMISED,
        FIRST_LOAN: Outcome.UNRECORDED,
        "advice": Outcome.UNDISCLOSED,
    }


def test_what_nobody_recorded_counts_as_promised_until_somebody_says_that_nothing_came() -> None:
    listed, end = made(), date(2026, 1, 1)
    assert charged_rate(listed, []) == listed.all_in_annual_rate
    without = [each for each in as_promised(listed) if each.item != FIRST_LOAN]
    assert charged_rate(listed, without) == listed.all_in_annual_rate
    said = [*without, Charge(FIRST_LOAN, date(2025, 12, 31), D(0))]
    assert {each.item: each.outcome for each in compare(listed, said, end)}[FIRST_LOAN] is Outcome.LESS
    dearer = charged_rate(listed, said)
    assert dearer is not None
    assert dearer == made(counted=False).all_in_annual_rate


def test_midway_the_rate_is_of_what_was_charged_and_what_is_still_promised() -> None:
    listed = made()
    twice = [Charge("fee-2", ON, D("6000.00")), Charge("fee-2", date(2025, 9, 1), D("-3000.00"))]
    before, after = (charged_rate(listed, twice, day) for day in (ON, date(2025, 9, 1)))
    assert before is not None
    assert after is not None
    assert listed.all_in_annual_rate is not None
    assert before > after > listed.all_in_annual_rate, "money that went back late still cost something"


def test_only_what_is_due_by_the_day_is_expected() -> None:
    listed = made()
    on_the_day = {each.item: each.promised for each in compare(listed, [], ON)}
    assert (on_the_day["interest"], on_the_day["fee-2"], on_the_day[FIRST_LOAN]) == (0, 3_000, 0)
    (first,) = [each for each in compare(listed, [], date(2024, 11, 30)) if each.item == "interest"]
    assert (first.promised, first.surplus) == (D("3333.33"), D("-3333.33"))
