"""Builders for tests of the shell: an office in a folder, its HTTP application, callers of every role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from models.tables import Client
from models.uscc import check_character
from seed.city import Delivery, plan_city, write_deliveries
from service.access.auth import Role, hashed
from service.app import create_app
from service.office import Office
from service.settings import Settings
from service.usecases.run_demo import DemoPlan, run_demo

SECRET = "a secret of a test"
#: Tests ask faster than any client may, and wait for what they landed; those of the limits set their own.
OFTEN = dict.fromkeys(
    ("requests_per_minute", "look_ups_per_minute", "tokens_per_minute", "sign_ins_per_minute", "delta_wait_seconds"),
    1_000_000,
)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, start: datetime = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)):
        self.moment = start

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **step: float) -> None:
        self.moment += timedelta(**step)


@dataclass
class Shell:
    """An application under test. ``asks(role, tenant)`` gives headers with a fresh token, and a lender's purpose."""

    office: Office
    http: TestClient
    clock: Clock
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    def asks(self, role: str, tenant: str = "") -> dict[str, str]:
        if (role, tenant) not in self.tokens:
            client_id = f"{role}-{tenant}" if tenant else role
            with self.office.write() as session:
                session.merge(Client(id=client_id, secret_sha256=hashed(SECRET), role=role, tenant=tenant))
            form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": SECRET}
            self.tokens[role, tenant] = self.http.post("/v1/oauth/token", data=form).json()["access_token"]
        headers = {"Authorization": f"Bearer {self.tokens[role, tenant]}"}
        return headers | ({"X-Purpose": "pre_loan"} if role in ("bank", "guarantor") else {})

    def as_each_role(self) -> dict[str, dict[str, str]]:
        return {
            role.value: self.asks(role.value, "x" if role not in (Role.OFFICE, Role.APPROVER) else "") for role in Role
        }


def a_shell(home: Path, **settings: Any) -> Shell:
    """A fresh office in ``home`` with its application."""
    clock = Clock()
    office = Office.open(home)
    app = create_app(office, Settings(**{**OFTEN, "home": home, "snapshot_check_seconds": 0, **settings}), clock)
    return Shell(office, TestClient(app), clock)


def a_code(number: int) -> str:
    """A well-formed code of an invented firm in Shenyang."""
    first = f"91210100MA{number:07d}"
    return first + check_character(first)


def is_problem(response: Any, status: int, code: str = "") -> dict[str, Any]:
    """The problem of a response, checked for everything a problem must say."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    for name in (
        "type",
        "title",
        "status",
        "detail",
        "code",
        "field",
        "value",
        "rule",
        "fix",
        "request_id",
        "instance",
    ):
        assert name in problem, f"{name} is missing"
    assert problem["request_id"] == response.headers["x-request-id"]
    if code:
        assert problem["code"] == code
    return problem


def a_city(home: Path, firms: int = 60) -> Shell:
    """A small demo city, delivered and built as of 2024-10-31 and its last quarter end, with its application."""
    shell = a_shell(home)

    def write(plan: DemoPlan, folder: Path, progress: Callable[[int, int], None]) -> list[Delivery]:
        return write_deliveries(plan_city(plan.firms, plan.as_of, months=12, seed=plan.seed), folder)

    run_demo(shell.office, DemoPlan(firms, date(2024, 10, 31), seed=7), write)
    return shell
