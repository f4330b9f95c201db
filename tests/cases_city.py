"""A small city for the tests of objections and repairs: firms with a grave penalty in the way of a green loan."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute

from service.clock import day_of
from service.snapshot.office_stages import office_stages
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.build_snapshot import build_snapshot
from service.usecases.ingest_batch import BatchReport, ingest_batch
from tests.deliveries import PENALTY, PENALTY_HEADER, write
from tests.postgres import keep_shared_office
from tests.shell import Shell, a_city

#: A Monday; everything of the city has been received, its calendar of working days lies open ahead.
NOON = datetime(2024, 12, 2, 4, 0, tzinfo=UTC)
GREEN = {"amount_yuan": "4000000", "term_months": 36, "purpose": "fixed_assets", "security": "mortgage"}
DOCUMENT = "融罚〔2024〕901号"


@dataclass
class CasesCity:
    """The city and its firms. Each test takes a firm of its own, so that the city is built once."""

    shell: Shell
    firms: list[str]

    def next_firm(self) -> str:
        at(self.shell, NOON)
        return self.firms.pop()


@cache
def contested_city() -> CasesCity:
    """The one such city of this test process, built on first use.

    Each of its firms has one penalty, decided on 2024-08-20 and received on 2024-11-29, and is green otherwise.
    """
    folder = Path(tempfile.mkdtemp(prefix="rongqiao-cases-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shell = a_city(folder / "home")
    keep_shared_office()
    shell.clock.moment = NOON
    firms = unblemished_firms(shell)
    graded = [{"uscc": firm, "rated_on": "2024-06-01", "grade": "green_factory"} for firm in firms]
    deliver(shell, "environmental_rating", graded, NOON)
    deliver(shell, PENALTY, [penalty(firm) for firm in firms], datetime(2024, 11, 29, 4, 0, tzinfo=UTC))
    build(shell)
    return CasesCity(shell, firms)


def unblemished_firms(shell: Shell) -> list[str]:
    """Scored firms without a penalty whose loans are sound."""
    found = snapshot(shell)
    firms = []
    for row in range(found.firms):
        value = {name: reading.value for name, reading in found.readings(row).items()}
        clean = not any(value[name] for name in ("penalty_serious", "penalty_general", "tax_penalties"))
        sound = value["worst_loan_class"] in ("none", "normal") and value["dishonest_debtor"] is False
        if found.value("score", row) and clean and sound:
            firms.append(found.firm_at(row))
    return firms


def penalty(firm: str, document: str = DOCUMENT, **changes: str) -> dict[str, str]:
    """One grave penalty of the firm as a row."""
    row = {
        "uscc": firm,
        "document_no": document,
        "decided_on": "2024-08-20",
        "authority": "融州市行政执法局",
        "severity": "serious",
        "criminal": "否",
        "amount_yuan": "50000",
    }
    return row | changes


def deliver(shell: Shell, feed: str, rows: list[dict[str, str]], at: datetime) -> BatchReport:
    """Land rows as the agency would deliver them."""
    folder = shell.office.home.parent
    path = folder / f"{feed}-{at:%Y%m%dT%H%M%S}-{len(list(folder.iterdir()))}.csv"
    header = (*PENALTY_HEADER, "revision", "withdrawn_on", "public_until") if feed == PENALTY else tuple(rows[0])
    report = ingest_batch(shell.office, feed, write(path, rows, header), received_at=at)
    assert report.rows_rejected == 0, report
    return report


def build(shell: Shell, day: date | None = None) -> OpenSnapshot:
    """Build for the clock's day, from what is known by now."""
    now = shell.clock()
    build_snapshot(shell.office, day or day_of(now), now, stages=office_stages())
    return snapshot(shell)


def snapshot(shell: Shell) -> OpenSnapshot:
    """The snapshot in use."""
    found: OpenSnapshot = shell.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    return found


def at(shell: Shell, moment: datetime) -> None:
    """Move the clock; tokens of the old hour are forgotten."""
    shell.clock.moment = moment
    shell.tokens.clear()


def get(shell: Shell, path: str, role: str, tenant: str = "", status: int = 200, **query: Any) -> Any:
    purpose = {"X-Purpose": "pre_loan"} if role in ("bank", "guarantor") else {}
    answer = shell.http.get(path, params=query, headers=shell.asks(role, tenant) | purpose)
    assert answer.status_code == status, answer.text
    hold_to_shape(shell, "GET", path, answer)
    return answer.json()


def post(shell: Shell, path: str, body: Any, role: str, tenant: str = "") -> Any:
    answer = shell.http.post(path, json=body, headers=shell.asks(role, tenant))
    hold_to_shape(shell, "POST", path, answer)
    return answer


def hold_to_shape(shell: Shell, method: str, path: str, answer: Any) -> None:
    """Check an answer against the shape its route declares for its status."""
    if answer.status_code >= 400:
        return
    for route in shell.http.app.routes:  # type: ignore[attr-defined]
        if isinstance(route, APIRoute) and method in route.methods and route.path_regex.fullmatch(path):
            route.responses[answer.status_code]["model"].model_validate_json(answer.content)
            return
    raise AssertionError(f"no route {method} {path}")


def consent(shell: Shell, firm: str, lender: str, dimensions: list[str], personal: bool = False) -> None:
    """The firm lets a lender read dimensions from the clock's day on."""
    today = day_of(shell.clock())
    wanted: dict[str, Any] = {
        "lender": lender,
        "purpose": "pre_loan",
        "dimensions": dimensions,
        "personal": personal,
        "valid_from": str(today),
        "valid_until": str(today + timedelta(60)),
    }
    text = post(shell, f"/v1/firms/{firm}/consents/text", wanted, "firm", firm).json()
    given = post(shell, f"/v1/firms/{firm}/consents", wanted | {"text_sha256": text["text_sha256"]}, "firm", firm)
    assert given.status_code == 201, given.text
