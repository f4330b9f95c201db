"""`rongqiao campaign`: drafted from a file, published by another, told, reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.cli.program import REFUSED, run_program
from tests.shell import a_city

SPEC = """
quarter: 2025-01-01
name: first quarter
products:
  - {id: score-based-loan, firms: 5, yuan: "20000000"}
  - {id: micro-short-loan, firms: 5}
fair:
  - {by: size_class, least: "0.05"}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("campaign-cli")
    a_city(folder, firms=60)
    (folder / "campaign.yaml").write_text(SPEC, encoding="utf-8")
    return folder


def asked(home: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any, *words: str) -> tuple[int, Any]:
    """The exit code, and what was printed as JSON."""
    monkeypatch.setenv("RONGQIAO_HOME", str(home))
    code = run_program(["campaign", *words, "--json"])
    said = capfdbinary.readouterr()
    return code, json.loads(said.err if code else said.out)


def test_from_the_draft_to_the_report(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def ask(*words: str) -> tuple[int, Any]:
        return asked(home, monkeypatch, capfdbinary, *words)

    code, made = ask("draft", str(home / "campaign.yaml"))
    assert (code, made["version"]) == (0, 1)
    assert ask("draft", str(home / "campaign.yaml"))[1]["version"] == 1
    assert run_program(["campaign", "show", made["id"]]) == 0
    assert made["id"] in capfdbinary.readouterr().out.decode()
    _, shown = ask("show", made["id"])
    row = shown["items"][0]
    _, early = ask("outcome", made["id"], row["row"], "contacted", "--lender", row["lender"])
    assert early["code"] == "not_found", "nothing is published yet"
    assert ask("publish", made["id"], "--version", "1", "--by", shown["drawn_up_by"])[0] == REFUSED
    code, done = ask("publish", made["id"], "--version", "1", "--by", "somebody else")
    assert (code, done["published_by"]) == (0, "somebody else")
    told = ask("outcome", made["id"], row["row"], "approved", "--lender", row["lender"], "--approved-yuan", "1000.50")
    assert told[1]["approved_yuan"] == "1000.50"
    code, report = ask("report", made["id"])
    assert (code, report["all"]["approved_yuan"], report["all"]["rows"]) == (0, "1000.50", made["rows"])
    assert run_program(["campaign", "report", made["id"]]) == 0


def test_what_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    wrong = home / "wrong.yaml"
    for text in ("- a list", "quarter: 2025-01-01\nname: x\nproducts: []\n", "quarter: 2025-01-01\ncolour: red\n"):
        wrong.write_text(text, encoding="utf-8")
        code, problem = asked(home, monkeypatch, capfdbinary, "draft", str(wrong))
        assert (code, problem["code"]) == (REFUSED, "bad_campaign")
    assert asked(home, monkeypatch, capfdbinary, "show", "k_none")[0] == REFUSED
