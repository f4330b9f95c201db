"""docs/security.md says what is so: its tables are the policy's, its 44 checks are there, the tests it names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.authorisation import PAGE, render
from service.access.auth import MAY

ROOT = Path(__file__).parent.parent
TEXT = PAGE.read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", TEXT, re.MULTILINE)


def test_the_authorisation_tables_are_those_of_the_policy() -> None:
    assert render(TEXT) == TEXT, "run: python -m bench.authorisation"
    for action in MAY:
        assert f"\n| {action} |" in TEXT


def test_all_44_checks_are_answered() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, 45))
    assert {state for _, _, state, _ in ROWS} <= {"yes", "part", "no"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_test_a_check_names_exists(row: tuple[str, str, str, str]) -> None:
    _, what, state, said = row
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", said)
    assert named or state == "no", f"{what} is held by no test"
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), f"{file}::{test}"
    rest = re.sub(r"`test_\w+\.py::test_\w+`", "", said).strip(" ;")
    assert bool(rest) == (state != "yes"), f"{what}: what is missing is said, and only where something is"
