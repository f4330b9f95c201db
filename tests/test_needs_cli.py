"""Commands of needs and applications: a table and one JSON value each, refused input named."""

from __future__ import annotations

import json

import pytest

from service.cli import run
from tests.needs_calls import a_firm, stated, took


def test_each_command_prints_a_table_and_json(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shell, firm = a_firm()
    made = stated(shell, firm)
    took(shell, made["applications"][0], "decline", reason="tax_owed")
    monkeypatch.setenv("RONGQIAO_HOME", str(shell.office.home))
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    shown = {
        # The machine's own day is far past the test's: by now every clock of the city has run out.
        ("need", "clocks"): "Needs that changed",
        ("need", "list", firm): made["id"],
        ("application", "list", "--firm", firm): made["applications"][0]["id"],
        ("application", "show", made["applications"][0]["id"]): "Taxes owed",
        ("application", "figures"): made["applications"][1]["lender"]["en"],
        ("ticket", "list", "--stage", "open"): "Pay taxes owed",
    }
    for command, words in shown.items():
        assert run([*command]) == 0, command
        assert words in capfd.readouterr().out, command
        assert run([*command, "--json"]) == 0
        json.loads(capfd.readouterr().out)
    assert run(["need", "clocks", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {"needs_changed": 0}, "twice is once"
    (ticket,) = [
        each for each in json.loads(told(capfd, "ticket", "list", "--json"))["items"] if each["need_id"] == made["id"]
    ]
    step = ("ticket", "step", ticket["id"], "solve", "--version", "1", "--text", "Paid.")
    assert "solved" in told(capfd, *step).lower()
    for wrong in (("need", "list", "X"), ("application", "list", "--stage", "x"), ("ticket", "list", "--stage", "x")):
        assert run([*wrong]) == 2
    assert run(["application", "show", "x"]) == 2
    assert "application_id" in capfd.readouterr().err


def told(capfd: pytest.CaptureFixture[str], *command: str) -> str:
    capfd.readouterr()
    assert run([*command]) == 0
    return capfd.readouterr().out
