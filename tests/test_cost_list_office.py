"""Cost lists at the office: from a receipt, the commands, the printed page, and what a killed process leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from matching.needs import Need
from matching.option_cost import cost_list_of_option
from matching.options import options
from matching.question import Case, ProductQuestion
from models.errors import NotFound, RefusedInput
from models.tables import CostListFile, CostListVersion
from service.access.auth import Role
from service.access.disclosure import Viewer
from service.books.rulebook import offers, rules
from service.cases.cost_lists import read_list
from service.cli import run
from service.office import opened
from service.usecases.draw_up_cost_list import document_of_option
from service.usecases.list_options import firm_facts, list_options
from tests.shell import Shell, a_city, a_code

D = Decimal
NOW = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)
NEED = {"amount_yuan": "3000000", "term_months": 12, "purpose": "working_capital"}
DRAFT: dict[str, Any] = {
    "reference": "L-1",
    "firm_name": "甲公司（虚构）",
    "principal_yuan": "1000000",
    "months": 12,
    "drawn_on": "2023-11-06",
    "annual_rate": "0.0385",
    "repayment": "bullet",
    "fees": [{"zh": "评估费", "en": "Appraisal", "charged_by": "appraiser", "when": "drawdown", "yuan": "3000"}],
}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_city(tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="module")
def answers(city: Shell) -> list[dict[str, Any]]:
    snapshot = city.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    return [
        list_options(city.office, snapshot, snapshot.firm_at(row), NEED, Viewer(Role.OFFICE), NOW)
        for row in range(0, 60, 6)
    ]


@pytest.fixture
def at(city: Shell, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RONGQIAO_HOME", str(city.office.home))
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    return city.office.home


def told(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert run(["cost-list", *arguments, "--json"]) == code
    out, err = capfd.readouterr()
    return json.loads(err if code else out)


def drafted(capfd: pytest.CaptureFixture[str], folder: Path, **changed: Any) -> dict[str, Any]:
    file = folder / "draft.json"
    file.write_text(json.dumps({**DRAFT, **changed}), encoding="utf-8")
    arguments = ("draft", "--from", str(file), "--uscc", a_code(1), "--lender", "beihe-rural-bank")
    made: dict[str, Any] = told(capfd, *arguments)
    return made


def agreed(capfd: pytest.CaptureFixture[str], folder: Path, reference: str) -> dict[str, Any]:
    made = drafted(capfd, folder, reference=reference)
    for side, name in (("bank", "李某（虚构）"), ("firm", "王某（虚构）")):
        told(capfd, "confirm", made["id"], "--side", side, "--name", name, "--sha256", made["content_sha256"])
    return made


# --- from a receipt


def test_every_priced_product_of_an_answer_has_the_list_of_its_cost(city: Shell) -> None:
    """Subsidies that are cut to the interest, guarantees and what is still unknown included."""
    snapshot, book = city.http.app.state.desk.shelf.current(), rules().local_offers  # type: ignore[attr-defined]
    seen: dict[str, int] = defaultdict(int)
    for row in range(0, 60, 9):
        for amount in (D(200_000), D(3_000_000)):
            case = Case(firm_facts(snapshot, row), Need(amount, 12), snapshot.as_of)
            for option in options(case.firm, case.need, book, rules().parameters, case.as_of):
                if option.cost is None:
                    continue
                question = ProductQuestion(book.products[option.id], book, rules().parameters)
                made = cost_list_of_option(option, question, case)
                assert (made.total_yuan, made.all_in_annual_rate) == (
                    option.cost.total_yuan,
                    option.cost.all_in_annual_rate,
                )
                assert tuple(each.scheme for each in made.preferences) == option.stack
                seen["preferences"] += len(made.preferences)
                seen["open"] += len(made.reductions_open)
                seen["lists"] += 1
    assert len(seen) == 3
    assert min(seen.values()) > 10, dict(seen)


def test_no_list_without_receipt_product_or_cost(city: Shell, answers: list[dict[str, Any]]) -> None:
    receipt = answers[0]["receipt_id"]
    with pytest.raises(NotFound):
        document_of_option(city.office, "r_0", "first-loan", "L-1")
    with pytest.raises(NotFound) as no_product:
        document_of_option(city.office, receipt, "sy-first-loan-subsidy-2024", "L-1")
    assert no_product.value.code == "unknown_option"
    shut = next(o["id"] for o in answers[0]["options"] if o["cost"] is None and o["id"] in offers().products)
    with pytest.raises(RefusedInput) as no_cost:
        document_of_option(city.office, receipt, shut, "L-1")
    assert no_cost.value.code == "no_cost"


def test_an_option_of_a_receipt_becomes_a_list_on_the_command_line(
    at: Path, answers: list[dict[str, Any]], capfd: pytest.CaptureFixture[str]
) -> None:
    answer = answers[1]
    option = next(o for o in answer["options"] if o["cost"] and o["id"] in offers().products)
    arguments = ("draft", "--receipt", answer["receipt_id"], "--option", option["id"], "--reference", "L-7")
    made = told(capfd, *arguments)
    assert (made["receipt_id"], made["product"]["id"]) == (answer["receipt_id"], option["id"])
    assert made["total_yuan"] == option["cost"]["total_yuan"]
    assert told(capfd, *arguments) == made, "drawn up again it is the same version"
    assert made["id"] in {each["id"] for each in told(capfd, "list", "--uscc", answer["uscc"])["items"]}
    assert run(["cost-list", *arguments]) == 0
    assert "nothing was changed" in capfd.readouterr().out


# --- the commands


def test_draft_confirm_charge_and_show(at: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = agreed(capfd, tmp_path, "commands")
    charge = ("charge", made["id"], "--side", "firm", "--on", "2023-11-07")
    first = told(capfd, *charge, "--yuan", "5000", "--name", "咨询费", "--charged-by", "bank")
    again = told(capfd, *charge, "--yuan", "5000", "--name", "咨询费", "--charged-by", "bank")
    assert [(each["recorded"], each["known"]) for each in (first, again)] == [(1, 0), (0, 1)]
    shown = told(capfd, "show", made["id"], "--until", "2023-12-31")
    assert shown["comparison"]["undisclosed"] == ["bank: 咨询费"]
    assert [each["entered_by"] for each in shown["confirmations"]] == ["terminal", "terminal"]
    for arguments in (
        ("show", made["id"]),
        ("list",),
        (*charge, "--yuan", "3000", "--item", "fee-1"),
        ("confirm", made["id"], "--side", "bank", "--name", "李某（虚构）", "--sha256", made["content_sha256"]),
    ):
        assert run(["cost-list", *arguments]) == 0
        out, err = capfd.readouterr()
        assert out.strip()
        assert not err
    assert run(["cost-list", "show", made["id"]]) == 0
    text = capfd.readouterr().out
    for words in ("Cost list of a business loan", "not on the list", "as promised", "李某"):
        assert words in text, words


def test_the_page_is_one_file_in_either_language(at: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = drafted(capfd, tmp_path, reference="page")
    for lang, words in (("zh", "企业贷款综合融资成本清单"), ("en", "Cost list of a business loan")):
        path = tmp_path / f"{lang}.html"
        told(capfd, "show", made["id"], "--page", str(path), "--lang", lang)
        text = path.read_text(encoding="utf-8")
        assert words in text
        assert "<style>" in text
        assert "href=" not in text, "no link leads out of the file"
        assert ("Synthetic data" if lang == "en" else "虚构数据") in text, "the city is a demo"
    problem = told(capfd, "show", made["id"], "--page", str(tmp_path / "zh.html"), code=2)
    assert (problem["code"], problem["field"]) == ("unwritable_file", "page")
    problem = told(capfd, "show", made["id"], "--page", str(tmp_path / "fr.html"), "--lang", "fr", code=2)
    assert problem["field"] == "lang"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("draft",), "--from"),
        (("draft", "--from", "{draft}", "--receipt", "r_0"), "--from"),
        (("draft", "--from", "{draft}", "--uscc", "123"), "uscc"),
        (("draft", "--from", "{draft}", "--uscc", "{firm}", "--lender", "nobody"), "lender"),
        (("draft", "--from", "/no/such/file.json", "--uscc", "{firm}"), "--from"),
        (("draft", "--from", "{wrong}", "--uscc", "{firm}", "--lender", "beihe-rural-bank"), "fees.0.when"),
        (("draft", "--from", "{list}", "--uscc", "{firm}", "--lender", "beihe-rural-bank"), "file"),
        (("draft", "--receipt", "r_0", "--option", "first-loan"), "reference"),
        (("draft", "--receipt", "r_0", "--option", "first-loan", "--reference", "L-1"), "receipt"),
        (("show", "cl_0"), "cost_list"),
        (("show", "cl_0", "--until", "soon"), "until"),
        (("list", "--uscc", "123"), "uscc"),
        (("confirm", "cl_0", "--side", "bank", "--name", "x", "--sha256", "0"), "cost_list"),
        (("confirm", "cl_0", "--side", "office", "--name", "x", "--sha256", "0"), "side"),
        (("confirm", "cl_0", "--side", "bank", "--name", " ", "--sha256", "0"), "name"),
        (("charge", "cl_0", "--side", "firm", "--on", "2024-11-31", "--yuan", "1"), "on"),
        (("charge", "cl_0", "--side", "firm", "--on", "2024-11-30", "--yuan", "1万"), "yuan"),
    ],
)
def test_bad_input_exits_2_and_names_the_field(
    at: Path, tmp_path: Path, arguments: tuple[str, ...], field: str, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = {**DRAFT, "fees": [{**DRAFT["fees"][0], "when": "sometimes"}]}
    files = {"draft": DRAFT, "wrong": wrong, "list": [DRAFT]}
    for name, body in files.items():
        (tmp_path / name).write_text(json.dumps(body), encoding="utf-8")
    paths = {name: str(tmp_path / name) for name in files}
    problem = told(capfd, *(part.format(firm=a_code(1), **paths) for part in arguments), code=2)
    assert problem["field"] == field
    assert problem["rule"]
    assert problem["fix"]


def test_a_stale_version_is_refused_on_the_command_line_too(
    at: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    old = drafted(capfd, tmp_path, reference="stale")
    new = drafted(capfd, tmp_path, reference="stale", months=24)
    assert (old["id"], new["version"]) == (new["id"], 2)
    arguments = ("confirm", old["id"], "--side", "firm", "--name", "王某（虚构）")
    problem = told(capfd, *arguments, "--sha256", old["content_sha256"], code=2)
    assert problem["code"] == "other_list"
    assert told(capfd, *arguments, "--sha256", new["content_sha256"])["state"] == "firm_confirmed"


# --- kill -9


@pytest.mark.parametrize("acknowledged", [2, 13, 40])
def test_after_a_kill_nothing_acknowledged_is_missing(tmp_path: Path, acknowledged: int) -> None:
    command = [sys.executable, "-m", "tests.killed_cost_lists", str(tmp_path)]
    child = subprocess.Popen(command, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(acknowledged)]
    child.kill()
    lines += child.stdout.readlines()
    child.wait()
    said: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        what, wanted = line.split()
        said[wanted].add(what)
    with opened(tmp_path) as office, office.read() as session:
        for wanted, steps in said.items():
            kept = read_list(session, wanted)
            assert kept.document.digest == kept.current.content_sha256
            assert {side for side in steps if side in ("bank", "firm")} <= {each.side for each in kept.confirmations}
            assert len(kept.charges) in ((2,) if "charged" in steps else (0, 2)), "all of a request or nothing"
        assert session.scalar(select(func.count()).select_from(CostListFile)) == session.scalar(
            select(func.count()).select_from(CostListVersion)
        )
