"""The API document holds: whatever a client of three roles sends, no 5xx and no status the document does not name."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.shell import Shell, a_city

#: Per operation, role and kind of input (as the document says, and not): some 25 seconds in all on one core.
EXAMPLES = 4
#: Who may ask most, a lender, and a firm.
ROLES = ("office", "bank", "firm")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_city(tmp_path_factory.mktemp("contract"), firms=50)


@pytest.fixture(scope="module")
def operations(city: Shell) -> list[Any]:
    schema = schemathesis.openapi.from_asgi("/openapi.json", city.http.app)
    return [found.ok() for found in schema.get_all_operations()]


def statuses(operation: Any, mode: GenerationMode, headers: dict[str, str], **known: Any) -> list[int]:
    """What an operation answers to a few requests, the same ones each time."""
    seen: list[int] = []

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode, **known))
    def ask(case: Any) -> None:
        seen.append(case.call(headers=headers).status_code)

    # Of an operation without input nothing wrong can be asked.
    with contextlib.suppress(*(() if mode is GenerationMode.POSITIVE else (Unsatisfiable,))):
        ask()
    return seen


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
@pytest.mark.parametrize("role", ROLES)
def test_every_answer_is_one_the_document_names(
    city: Shell, operations: list[Any], role: str, mode: GenerationMode
) -> None:
    shelf = city.http.app.state.desk.shelf  # type: ignore[attr-defined]
    firm = shelf.current().firm_at(4)
    headers = city.asks(role, {"bank": "demo", "firm": firm}.get(role, ""))
    seen: Counter[int] = Counter()
    undocumented: set[tuple[str, int]] = set()
    for operation in operations:
        known = {"path_parameters": {"uscc": firm}} if "{uscc}" in operation.path else {}
        found = statuses(operation, mode, headers, **known)
        told = {int(status) for status in operation.definition.raw["responses"]}
        undocumented |= {(operation.label, status) for status in found if status not in told}
        seen.update(found)
    assert undocumented == set()
    assert not [status for status in seen if status >= 500]
    assert sum(seen.values()) > 60
    if mode is GenerationMode.POSITIVE:
        assert seen[200] >= 5, "much of what the document allows is answered"


def test_every_operation_of_the_api_is_tried(city: Shell, operations: list[Any]) -> None:
    paths = city.http.get("/openapi.json").json()["paths"]
    assert {each.label for each in operations} == {
        f"{method.upper()} {path}" for path, methods in paths.items() for method in methods
    }
    assert len(operations) > 40
