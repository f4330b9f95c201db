"""Calls of the cost list routes as bank, firm and others make them, and the draft they begin with."""

from __future__ import annotations

from typing import Any

from service.api.shapes_cost_list import CostListAnswer
from service.books.rulebook import lenders
from tests.shell import Shell, a_code

BANKS = [lender.id for lender in lenders().values() if lender.kind == "bank"]
BANK, OTHER_BANK = BANKS[:2]
FIRM, OTHER_FIRM = a_code(1), a_code(2)
SUBSIDY = "sy-first-loan-subsidy-2024"
#: Bullet, months over 12: interest 38,500; 3,000 and a guarantee fee of 10,000 up front; 16,800 back at the end.
DRAFT: dict[str, Any] = {
    "reference": "L-1",
    "firm_name": "甲公司（虚构）",
    "principal_yuan": "1000000",
    "months": 12,
    "drawn_on": "2023-11-06",
    "annual_rate": "0.0385",
    "repayment": "bullet",
    "day_count": "monthly",
    "fees": [
        {"zh": "评估费", "en": "Appraisal", "charged_by": "appraiser", "when": "drawdown", "yuan": "3000"},
        {"zh": "担保费", "kind": "guarantee_fee", "charged_by": "guarantor", "when": "yearly", "rate": "0.01"},
    ],
    "preferences": [{"scheme": SUBSIDY, "yuan": "16800", "on": "2024-11-06"}],
    "reductions_open": [{"zh": "担保费补贴", "reason": "待公布额度"}],
}


def drafted(shell: Shell, bank: str = BANK, firm: str = FIRM, status: int = 201, **changed: Any) -> dict[str, Any]:
    answer = shell.http.post(
        f"/v1/firms/{firm}/cost-lists", json={**DRAFT, **changed}, headers=shell.asks("bank", bank)
    )
    assert answer.status_code == status, answer.text
    made: dict[str, Any] = CostListAnswer.model_validate_json(answer.content).model_dump(mode="json")
    return made


def confirmed(
    shell: Shell, made: dict[str, Any], role: str, tenant: str, name: str = "李某（虚构）", **body: Any
) -> Any:
    said = {"name": name, "content_sha256": made["content_sha256"], **body}
    return shell.http.post(f"/v1/cost-lists/{made['id']}/confirmations", json=said, headers=shell.asks(role, tenant))


def agreed(shell: Shell, reference: str) -> dict[str, Any]:
    made = drafted(shell, reference=reference)
    assert confirmed(shell, made, "bank", BANK).status_code == 201
    answer = confirmed(shell, made, "firm", FIRM, "王某（虚构）")
    assert answer.status_code == 201
    assert answer.json()["state"] == "agreed"
    return made


def charged(shell: Shell, made: dict[str, Any], role: str, tenant: str, *charges: dict[str, Any]) -> Any:
    body = {"charges": list(charges)}
    return shell.http.post(f"/v1/cost-lists/{made['id']}/charges", json=body, headers=shell.asks(role, tenant))


def read(shell: Shell, made: dict[str, Any], role: str, tenant: str = "", **query: str) -> Any:
    return shell.http.get(f"/v1/cost-lists/{made['id']}", params=query, headers=shell.asks(role, tenant))
