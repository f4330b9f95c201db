"""``kill -9`` at any moment of a registration leaves no model or a whole one, and registering again gives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.answers.models import models_answer
from service.office import Office
from service.registry.files import folder_of
from service.registry.store import load, register
from tests.killed_register import BASE
from tests.made_models import NOW, a_bundle, a_scorecard, staffed
from tests.postgres import copy_office

#: Flushes and renames of one registration: five files, the folder, the rename, the folder of models; twice each.
STEPS = 16


@pytest.fixture(scope="module")
def killer() -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.killed_register"], cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield child
    child.communicate()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("killed") / "empty"
    staffed(Office.open(home)).close()
    return home


def run(killer: subprocess.Popen[str], home: Path, step: int) -> int:
    assert killer.stdin is not None
    assert killer.stdout is not None
    killer.stdin.write(f"{home} {step}\n")
    killer.stdin.flush()
    return int(killer.stdout.readline())


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_killed_between_flush_rename_and_commit(killer: subprocess.Popen[str], empty: Path, step: int) -> None:
    home = empty.with_name(f"step-{step}")
    copy_office(empty, home)
    assert os.WTERMSIG(run(killer, home, step)) == signal.SIGKILL
    office = Office.open(home)
    assert models_answer(office)["items"] == [], "the row comes after everything that was killed here"
    row = register(office, a_bundle(BASE), "ben", "again", NOW)
    assert row.registered_by == "ben"
    assert load(office, row.id).scorecard == a_scorecard(BASE)
    assert {path.name for path in folder_of(office, row.id).parent.iterdir()} == {row.id}
    assert [path.name for path in office.work.iterdir()] == ["models.lock"]
    office.close()


def test_every_moment_was_tried(killer: subprocess.Popen[str], empty: Path) -> None:
    home = empty.with_name("alive")
    copy_office(empty, home)
    assert run(killer, home, STEPS + 1) == 0
    office = Office.open(home)
    assert len(models_answer(office)["items"]) == 1
    office.close()
