"""The registry and the review queue from the command line."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.tables import ReviewCase
from service.cli.program import run_program
from service.office import Office
from tests.made_models import NAME, a_bundle, staffed


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RONGQIAO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    (tmp_path / "home").mkdir()
    office = staffed(Office.open(tmp_path / "home"))
    with office.write() as session:
        session.add(
            ReviewCase(
                id="c" * 20, quarter=date(2024, 9, 30), uscc="91210100MA0UXYT71A", snapshot_id="s",
                as_of=date(2024, 10, 31), score=512.5, grade="D", rate=1.0,
            )
        )  # fmt: skip
    office.close()
    return tmp_path


def said(capfdbinary: Any, *arguments: str) -> tuple[int, Any, str]:
    """Exit code, the JSON value on standard output, standard error."""
    code = run_program([*arguments, "--json"])
    out, err = capfdbinary.readouterr()
    return code, json.loads(out) if out else None, err.decode()


def test_a_model_goes_through_two_people_and_back(home: Path, capfdbinary: Any) -> None:
    for base in (500_000, 510_000):
        a_bundle(base).write(home / f"out-{base}")
        code, shown, err = said(
            capfdbinary, "model", "register", str(home / f"out-{base}"), "--by", "ana", "--reason", "n"
        )
        assert (code, err) == (0, "")
        assert (shown["status"], shown["registered_by"]) == ("registered", "ana")
        model = shown["id"]
        code, _, err = said(capfdbinary, "model", "approve", model, "--by", "ana", "--reason", "me again")
        assert (code, json.loads(err)["status"]) == (2, 403)
        assert (
            said(capfdbinary, "model", "approve", model, "--by", "chen", "--reason", "fine")[1]["status"] == "approved"
        )
        code, shown, _ = said(capfdbinary, "model", "activate", model, "--by", "ben", "--reason", "go")
        assert (code, shown["status"]) == (0, "active")
    code, shown, _ = said(capfdbinary, "model", "rollback", NAME, "--by", "ben", "--reason", "complaints")
    assert (code, shown["id"], shown["status"]) == (0, a_bundle(500_000).id, "active")
    code, listed, _ = said(capfdbinary, "model", "list")
    assert {each["status"] for each in listed["items"]} == {"active", "rolled_back"}
    assert said(capfdbinary, "model", "keys", "rotate")[1]["key_id"]
    assert said(capfdbinary, "model", "show", a_bundle(500_000).id)[1]["fault"] is None
    retired = said(capfdbinary, "model", "retire", a_bundle(510_000).id, "--by", "ben", "--reason", "old")[1]
    assert retired["status"] == "retired"


def test_there_is_no_way_past_a_gate(home: Path, capfdbinary: Any) -> None:
    weak = a_bundle(520_000, auc=0.5)
    weak.write(home / "weak")
    assert said(capfdbinary, "model", "register", str(home / "weak"), "--by", "ana", "--reason", "n")[0] == 0
    code, _, err = said(capfdbinary, "model", "approve", weak.id, "--by", "chen", "--reason", "please")
    assert (code, json.loads(err)["code"]) == (2, "gate_failed")
    for word in ("--override", "--force"):
        code, _, err = said(capfdbinary, "model", "approve", weak.id, "--by", "chen", "--reason", "please", word)
        assert (code, json.loads(err)["code"]) == (2, "bad_usage")


def test_tables_are_shown_in_words(home: Path, capfdbinary: Any) -> None:
    a_bundle().write(home / "out")
    said(capfdbinary, "model", "register", str(home / "out"), "--by", "ana", "--reason", "first figures")
    for arguments, words in (
        (("model", "list"), ("pd-enterprise", "registered", "ana")),
        (("model", "show", a_bundle().id), ("first figures", "Population stability", "≤ 0.2500")),
        (("review", "list"), ("91210100MA0UXYT71A", "512.5")),
        (("review", "list", "--state", "decided"), ("No case.",)),
    ):
        assert run_program(arguments) == 0
        out = capfdbinary.readouterr().out.decode()
        for word in words:
            assert word in out, (arguments, word)


def test_a_review_is_decided_once(home: Path, capfdbinary: Any) -> None:
    case = said(capfdbinary, "review", "list")[1]["items"][0]["id"]
    code, _, err = said(capfdbinary, "review", "decide", case, "confirm", "--by", "bank", "--reason", "as_expected")
    assert (code, json.loads(err)["code"]) == (2, "person_may_not")
    code, done, _ = said(capfdbinary, "review", "decide", case, "confirm", "--by", "ana", "--reason", "as_expected")
    assert (code, done["decision"], done["decided_by"]) == (0, "confirm", "ana")
    assert said(capfdbinary, "review", "decide", case, "confirm", "--by", "ana", "--reason", "as_expected")[0] == 2
