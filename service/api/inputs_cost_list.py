"""Bodies of the cost list routes, and what they say as values. The command line reads its files by them, too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError
from pydantic.config import JsonDict

from matching.all_in import Flow
from matching.cost_document import CostDocument
from matching.cost_draft import Draft, DraftFee, DraftPreference, DraftReduction
from matching.drafted_cost import listed
from matching.financing_cost import CHARGERS, ItemKind, When
from matching.loans import DayCount, Repayment
from matching.offers import Offers
from matching.products import Lender
from matching.rulefile import Name
from matching.schemes import Scheme
from models.errors import RefusedInput
from models.money import parse_yuan
from service.api.inputs import Body
from service.asking import asked_day
from service.usecases.record_charged_costs import ToldCharge

#: One line that neither begins nor ends in a space.
_LINE = r"^\S(.*\S)?$"
_RATE = re.compile(r"-?\d{1,2}(\.\d{1,8})?", re.ASCII)
_ANY_LOAN = Name("企业贷款", "Business loan")
_WHO = f"One of {', '.join(CHARGERS)}"
_DRAFT_EXAMPLE: JsonDict = {
    "reference": "L-2024-0117",
    "firm_name": "演示企业（虚构）",
    "principal_yuan": "1000000",
    "months": 12,
    "drawn_on": "2024-11-06",
    "annual_rate": "0.0385",
    "repayment": "interest_monthly",
    "day_count": "actual_360",
    "fees": [
        {"zh": "抵押物评估费", "en": "Appraisal", "charged_by": "appraiser", "when": "drawdown", "yuan": "3000"},
        {"zh": "担保费", "kind": "guarantee_fee", "charged_by": "guarantor", "when": "yearly", "rate": "0.01"},
    ],
    "preferences": [{"scheme": "sy-first-loan-subsidy-2024", "yuan": "16800", "on": "2025-12-15"}],
    "reductions_open": [{"zh": "担保费补贴", "reason": "待区财政公布额度"}],
}


class FeeBody(Body):
    """A charge beside interest: exactly one of ``rate`` and ``yuan``."""

    zh: str = Field(max_length=80, description="What it is for")
    en: str = Field(default="", max_length=80)
    kind: Literal["fee", "guarantee_fee"] = "fee"
    charged_by: str = Field(max_length=40, description=_WHO)
    charger: str = Field(default="", max_length=80, description="The name of who charges it")
    when: Literal["drawdown", "yearly", "maturity", "on_day"] = Field(description="Yearly is in advance")
    on: str | None = Field(default=None, description="The day, for on_day")
    rate: str | None = Field(default=None, description="Share of the principal; yearly: of what is then owed")
    yuan: str | None = Field(default=None, description="A sum; each year, if yearly")
    cite: str = Field(default="", max_length=200)


class PreferenceBody(Body):
    """Something that lowers the cost: a scheme, or the lender's own."""

    scheme: str = Field(default="", max_length=120, description="Id of a scheme; empty: the lender's own")
    zh: str = Field(default="", max_length=120, description="Empty: the name of the scheme")
    en: str = Field(default="", max_length=120)
    yuan: str = Field(default="0", description="What the firm receives; 0 where rate or fee have it in already")
    on: str | None = Field(default=None, description="The day it is received; needed above 0")
    cite: str = Field(default="", max_length=200)


class ReductionBody(Body):
    """What could still lower the cost."""

    scheme: str = Field(default="", max_length=120)
    zh: str = Field(default="", max_length=120, description="Empty: the name of the scheme")
    en: str = Field(default="", max_length=120)
    yuan: str | None = Field(default=None, description="Over the term; null: not known")
    reason: str = Field(max_length=200, description="What is in the way")


class CostListDraft(Body):
    """The terms of one loan and all that is charged with it."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, json_schema_extra={"examples": [_DRAFT_EXAMPLE]}
    )

    reference: str = Field(max_length=80, pattern=_LINE, description="The lender's own number of the loan")
    firm_name: str = Field(max_length=120, pattern=_LINE)
    product: str = Field(default="", max_length=120, description="Id of the lender's product; empty: not on the shelf")
    principal_yuan: str
    months: int
    drawn_on: str
    annual_rate: str = Field(description="Contract rate, a fraction a year")
    repayment: Literal["equal_instalments", "equal_principal", "interest_monthly", "bullet"]
    day_count: Literal["actual_360", "actual_365", "monthly"] = "actual_360"
    fees: list[FeeBody] = Field(default=[], max_length=50)
    deposit_yuan: str = Field(default="0", description="Held from the drawdown to the end")
    preferences: list[PreferenceBody] = Field(default=[], max_length=50)
    reductions_open: list[ReductionBody] = Field(default=[], max_length=50)

    def document(self, uscc: str, lender: Lender, offers: Offers) -> CostDocument:
        """The list this draft comes to; ``RefusedInput`` names the part that cannot be."""
        product = offers.products.get_or_refuse(self.product) if self.product else None
        if product and product.lender.id != lender.id:
            rule = "This product is of another lender."
            raise RefusedInput("other_lender", "product", self.product, rule, "Name one of your own, or none.")
        draft = Draft(
            product=self.product,
            lender=lender.id,
            lender_kind=lender.kind,
            principal=parse_yuan(self.principal_yuan, "principal_yuan"),
            months=self.months,
            drawn_on=asked_day(self.drawn_on, "drawn_on"),
            annual_rate=asked_rate(self.annual_rate, "annual_rate"),
            repayment=Repayment(self.repayment),
            day_count=DayCount(self.day_count),
            fees=tuple(_fee(fee, f"fees.{n}") for n, fee in enumerate(self.fees)),
            deposit=parse_yuan(self.deposit_yuan, "deposit_yuan"),
            preferences=tuple(_preference(each, f"preferences.{n}", offers) for n, each in enumerate(self.preferences)),
            reductions_open=tuple(
                _reduction(each, f"reductions_open.{n}", offers) for n, each in enumerate(self.reductions_open)
            ),
        )
        return CostDocument(
            reference=self.reference,
            uscc=uscc,
            firm_name=self.firm_name,
            lender=lender.id,
            lender_name=lender.name,
            product_name=product.name if product else _ANY_LOAN,
            cost=listed(draft),
        )


class ConfirmationBody(Body):
    """The word of one person on what the digest stands for."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        json_schema_extra={"examples": [{"name": "李某（虚构）", "content_sha256": "0" * 64}]},
    )

    name: str = Field(max_length=80, pattern=_LINE, description="The person who confirms")
    content_sha256: str = Field(min_length=64, max_length=64, description="Of the content the person has seen")


class ChargeBody(Body):
    """Money that moved: on an item of the list, or undisclosed, with name and charger."""

    item: str = Field(default="", max_length=120, description="Id of an item or a preference; empty: undisclosed")
    on: str
    yuan: str = Field(description="0 says that nothing moved")
    returned: bool = Field(default=False, description="The money went back")
    name: str = Field(default="", max_length=80, description="What an undisclosed charge was for")
    charged_by: str = Field(default="", max_length=40, description=_WHO)
    charger: str = Field(default="", max_length=80)
    reference: str = Field(default="", max_length=80, description="Voucher; tells apart equal charges of one day")


class ChargesBody(Body):
    """What was charged, all stored or nothing."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "charges": [
                        {"item": "fee-1", "on": "2024-11-06", "yuan": "3000"},
                        {"name": "咨询费", "charged_by": "bank", "on": "2024-11-07", "yuan": "5000"},
                    ]
                }
            ]
        },
    )

    charges: list[ChargeBody] = Field(min_length=1, max_length=500)

    def told(self) -> list[ToldCharge]:
        """The charges as values."""
        return [
            ToldCharge(
                item=each.item,
                on=asked_day(each.on, f"charges.{n}.on"),
                yuan=parse_yuan(each.yuan, f"charges.{n}.yuan"),
                name=each.name,
                charged_by=each.charged_by,
                charger=each.charger,
                reference=each.reference,
                returned=each.returned,
            )
            for n, each in enumerate(self.charges)
        ]


def read_draft(raw: Any) -> CostListDraft:
    """The draft of a JSON value that came by no route; ``RefusedInput`` names the first part that is wrong."""
    try:
        return CostListDraft.model_validate(raw)
    except ValidationError as error:
        fault = error.errors()[0]
        field = ".".join(str(part) for part in fault["loc"]) or "file"
        value = None if fault["type"] == "missing" else fault.get("input")
        fix = "See the body of POST /v1/firms/{uscc}/cost-lists at /docs."
        raise RefusedInput("invalid_draft", field, value, f"{fault['msg']}.", fix) from None


def asked_rate(text: str, field: str) -> Decimal:
    """A rate from text such as ``0.0385``."""
    if not _RATE.fullmatch(text):
        raise RefusedInput("bad_rate", field, text, "A rate is a fraction as text.", "Write 3.85 % as 0.0385.")
    return Decimal(text)


def _fee(body: FeeBody, field: str) -> DraftFee:
    return DraftFee(
        name=Name(body.zh, body.en or body.zh),
        kind=ItemKind(body.kind),
        charged_by=body.charged_by,
        when=When(body.when),
        rate=None if body.rate is None else asked_rate(body.rate, f"{field}.rate"),
        yuan=None if body.yuan is None else parse_yuan(body.yuan, f"{field}.yuan"),
        on=_day(body.on, f"{field}.on"),
        charger=body.charger,
        cite=body.cite,
    )


def _preference(body: PreferenceBody, field: str, offers: Offers) -> DraftPreference:
    scheme = _scheme(body.scheme, offers.schemes, field)
    yuan, on = parse_yuan(body.yuan, f"{field}.yuan"), _day(body.on, f"{field}.on")
    if (on is None) != (yuan == 0):
        rule = "A preference that is paid says when; one that is in the rate already says neither."
        raise RefusedInput("yuan_and_day", f"{field}.on", body.on, rule, "Give both yuan and on, or none of them.")
    return DraftPreference(
        scheme=body.scheme,
        name=_name(body.zh, body.en, scheme),
        due=(Flow(on, yuan),) if on else (),
        cite=body.cite or (scheme.cite if scheme else ""),
        confirmed=scheme.confirmed if scheme else True,
    )


def _reduction(body: ReductionBody, field: str, offers: Offers) -> DraftReduction:
    scheme = _scheme(body.scheme, offers.schemes, field)
    return DraftReduction(
        scheme=body.scheme,
        name=_name(body.zh, body.en, scheme),
        reason=Name(body.reason, body.reason),
        yuan=None if body.yuan is None else parse_yuan(body.yuan, f"{field}.yuan"),
        confirmed=scheme.confirmed if scheme else True,
    )


def _scheme(scheme_id: str, schemes: Mapping[str, Scheme], field: str) -> Scheme | None:
    if scheme_id and scheme_id not in schemes:
        fix = "See GET /v1/schemes, or leave it out and give a name."
        raise RefusedInput("unknown_scheme", f"{field}.scheme", scheme_id, "There is no such scheme.", fix)
    return schemes[scheme_id] if scheme_id else None


def _name(zh: str, en: str, scheme: Scheme | None) -> Name:
    if scheme and not zh:
        return scheme.name
    return Name(zh, en or zh)


def _day(text: str | None, field: str) -> date | None:
    return None if text is None else asked_day(text, field)
