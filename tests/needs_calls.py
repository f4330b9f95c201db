"""Calls of needs, applications and tickets as firms, lenders and the office make them, over a city of their own."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from service.books.seedbook import catalogue
from service.clock import day_of
from tests.cases_city import NOON, at, get, hold_to_shape, post
from tests.cases_city import snapshot as newest_of
from tests.postgres import keep_shared_office
from tests.shell import Shell, a_city

WANTED: dict[str, Any] = {
    "amount": {"low_yuan": "200000", "high_yuan": "3000000"},
    "term": {"number": 12, "unit": "month"},
    "use": "working_capital",
    "security": "none_stated",
    "valid_until": "2025-01-31",
}
DIMENSIONS = sorted({item.dimension for item in catalogue().items.values()})


@cache
def needs_city() -> tuple[Shell, list[str]]:
    """The one such city of this test process, built on first use, and the firms no test has taken."""
    folder = Path(tempfile.mkdtemp(prefix="rongqiao-needs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shell = a_city(folder / "home", firms=180)
    keep_shared_office()
    snapshot = newest_of(shell)
    return shell, [snapshot.firm_at(row) for row in range(snapshot.firms)]


def a_firm(matched: int = 4) -> tuple[Shell, str]:
    """A firm of its own whose need fits at least so many lenders, and the clock at its beginning."""
    shell, firms = needs_city()
    at(shell, NOON)
    while True:
        firm = firms.pop()
        ranking = post(shell, f"/v1/firms/{firm}/needs/ranking", WANTED, "firm", firm).json()
        if len({each["lender"]["id"] for each in ranking["items"]}) >= matched:
            return shell, firm


def stated(shell: Shell, firm: str, status: int = 201, **changed: Any) -> dict[str, Any]:
    answer = post(shell, f"/v1/firms/{firm}/needs", WANTED | changed, "firm", firm)
    assert answer.status_code == status, answer.text
    made: dict[str, Any] = answer.json()
    return made


def need_of(shell: Shell, made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = get(shell, f"/v1/firms/{made['uscc']}/needs/{made['id']}", "firm", made["uscc"])
    return found


def withdrawn(shell: Shell, made: dict[str, Any], role: str = "firm", tenant: str = "") -> Any:
    path = f"/v1/firms/{made['uscc']}/needs/{made['id']}"
    answer = shell.http.delete(path, headers=shell.asks(role, tenant or made["uscc"]))
    hold_to_shape(shell, "DELETE", path, answer)
    return answer


def consent_text(shell: Shell, firm: str, lender: str) -> dict[str, Any]:
    """A consent over everything from the clock's day on, with the words of it."""
    today = day_of(shell.clock())
    days = {"valid_from": str(today), "valid_until": str(today + timedelta(60))}
    wanted = {"lender": lender, "dimensions": DIMENSIONS, "personal": True, **days}
    body = {**wanted, "purpose": "pre_loan"}
    text = post(shell, f"/v1/firms/{firm}/consents/text", body, "firm", firm)
    assert text.status_code == 200, text.text
    return {**wanted, "text_sha256": text.json()["text_sha256"]}


def consented(shell: Shell, firm: str, lender: str) -> str:
    """The firm lets a lender read it; the consent's id."""
    body = {**consent_text(shell, firm, lender), "purpose": "pre_loan"}
    given = post(shell, f"/v1/firms/{firm}/consents", body, "firm", firm)
    assert given.status_code == 201, given.text
    return str(given.json()["id"])


def step(shell: Shell, application: dict[str, Any], name: str, role: str = "bank", who: str = "", **body: Any) -> Any:
    """Take a step on the version that is current, unless another is named."""
    who = who or (application["lender"]["id"] if role == "bank" else firm_of(shell, application))
    body.setdefault("version", current(shell, application)["version"])
    return post(shell, f"/v1/applications/{application['id']}/steps", {"step": name, **body}, role, who)


def took(shell: Shell, application: dict[str, Any], *names: str, **body: Any) -> dict[str, Any]:
    """Steps of the lender in a row; the last answer. ``body`` goes with the last one."""
    answer: Any = None
    for name in names:
        answer = step(shell, application, name, **(body if name == names[-1] else {}))
        assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def current(shell: Shell, application: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = get(shell, f"/v1/applications/{application['id']}", "office")
    return found


def firm_of(shell: Shell, application: dict[str, Any]) -> str:
    return str(current(shell, application)["uscc"])


TERMS: dict[str, Any] = {
    "amount_yuan": "500000",
    "annual_rate": "0.0435",
    "term_months": 12,
    "fees": [{"name": "评估费", "yuan": "800"}],
}


def approved(shell: Shell, made: dict[str, Any], place: int = 0, **terms: Any) -> dict[str, Any]:
    """The application at ``place``, taken to its approval under a consent."""
    application = made["applications"][place]
    consented(shell, made["uscc"], application["lender"]["id"])
    return took(shell, application, "accept", "review", "approve", terms=TERMS | terms)


def drawn(shell: Shell, application: dict[str, Any], amount: str = "500000", on: str = "") -> dict[str, Any]:
    loan = {"amount_yuan": amount, "drawn_on": on or str(day_of(shell.clock())), "reference": "L-1"}
    return took(shell, application, "draw", loan=loan)
