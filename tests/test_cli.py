"""The command line: exit codes, JSON, both languages, refusals, stopping."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from service import labels
from service.books.rulebook import offers, rules
from service.cli import run
from tests.postgres import environ_of
from tests.shell import a_code

FIRMS = ("--firms", "60")
DEMO = (sys.executable, "-m", "service.cli", "demo", *FIRMS, "--no-serve")


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, bytes]:
    """A demo stopped by Ctrl-C when its first batch had landed: its folder, exit code and standard error."""
    folder = tmp_path_factory.mktemp("demo")
    command = [*DEMO, "--home", str(folder)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environ_of(folder))
    for _ in range(3000):
        if list(folder.glob("lake/*/*.parquet")):
            break
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    assert not (folder / "demo-clients.json").exists()
    return folder, running.returncode, err


@pytest.fixture(scope="module")
def home(interrupted: tuple[Path, int, bytes]) -> Path:
    """A demo city of 60 firms: the interrupted one, taken up again and finished."""
    folder = interrupted[0]
    command = [*DEMO, "--json", "--home", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120, env=environ_of(folder))
    assert done.returncode == 0, done.stderr.decode()
    (folder / "story.json").write_bytes(done.stdout)
    return folder


@pytest.fixture
def at(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RONGQIAO_HOME", str(home))
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    return home


def told(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """The JSON value a command prints; refusals are told on standard error."""
    assert run([*arguments, "--json"]) == code
    out, err = capfd.readouterr()
    return json.loads(err if code else out)


def demo_firm(home: Path) -> str:
    story: dict[str, Any] = json.loads((home / "story.json").read_bytes())
    return str(story["firm"]["uscc"])


def test_ctrl_c_during_a_demo_exits_130_without_a_traceback(interrupted: tuple[Path, int, bytes]) -> None:
    _, code, err = interrupted
    assert code == 130, err.decode()
    assert b"Traceback" not in err


def test_the_demo_tells_its_story_and_starts_from_what_is_there(at: Path, capfd: pytest.CaptureFixture[str]) -> None:
    story = json.loads((at / "story.json").read_bytes())
    assert story["synthetic"]
    assert story["fresh"]
    assert story["overview"]["firms"] == 60
    assert len(story["options"]["options"]) == 3
    assert all(option["cost"] for option in story["options"]["options"])
    by = {step["kind"]: step["by"] for step in story["model"]["history"]}
    assert by["registered"] != by["approved"]
    assert story["pd"]["low"] < story["pd"]["pd"] < story["pd"]["high"]
    assert story["pd"]["model"]["id"] == story["options"]["models"]["pd"]["id"] == story["model"]["id"]
    assert len(story["pd"]["lines"]) > 3
    assert "uscc" not in json.dumps(story["prospects"])
    again = told(capfd, "demo", *FIRMS, "--no-serve", "--home", str(at))
    assert not again["fresh"]
    assert again["overview"] == story["overview"]
    assert told(capfd, "demo", "--firms", "70", "--no-serve", "--home", str(at), code=2)["code"] == "other_city"


def test_demo_clients_are_nine_of_every_role_and_private(at: Path) -> None:
    clients = json.loads((at / "demo-clients.json").read_bytes())["clients"]
    roles = sorted(client["role"] for client in clients)
    assert roles == ["agency", "approver", "auditor", "bank", "bank", "firm", "firm", "guarantor", "office"]
    assert (at / "demo-clients.json").stat().st_mode & 0o777 == 0o600
    assert len({client["client_secret"] for client in clients}) == 9


def test_a_folder_with_other_records_does_not_become_a_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RONGQIAO_HOME", str(tmp_path))
    file = tmp_path / "ratings.csv"
    file.write_text(f"uscc,year,grade,rated_on\n{a_code(1)},2023,A,2024-04-20\n")
    told(capfd, "ingest", "tax_credit_rating", str(file))
    assert told(capfd, "demo", "--no-serve", "--home", str(tmp_path), code=2)["code"] == "home_in_use"
    assert not (tmp_path / "demo-clients.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("feeds",),
        ("feeds", "tax_credit_rating"),
        ("batches",),
        ("scheme", "list"),
        ("size", "--industry", "C3311", "--employees", "50", "--revenue-yuan", "5000000"),
        ("uscc", "91210100MA0UXYT71A"),
        ("prospects", "score-based-loan", "--limit", "3"),
        ("firm", "{firm}"),
        ("firm", "{firm}", "--as-of", "2024-09-30"),
        ("options", "{firm}", "--amount-yuan", "3000000", "--term-months", "12", "--purpose", "working_capital"),
        ("build", "--as-of", "2024-10-31"),
    ],
)
@pytest.mark.parametrize("language", ["zh_CN.UTF-8", "en_US.UTF-8"])
def test_every_command_prints_a_table_and_json(
    at: Path,
    arguments: tuple[str, ...],
    language: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LANG", language)
    filled = [argument.format(firm=demo_firm(at)) for argument in arguments]
    assert run(filled) == 0
    out, err = capfd.readouterr()
    assert out.strip()
    assert not err
    assert bool(re.search(r"[一-鿿]", out.splitlines()[-1] + out)) or language.startswith("en")
    assert isinstance(told(capfd, *filled), dict)


def test_firm_and_options_say_the_same_as_json_and_table(at: Path, capfd: pytest.CaptureFixture[str]) -> None:
    firm = told(capfd, "firm", demo_firm(at))
    assert len(firm["profile"]["items"]) == 139
    assert firm["score"]["score"] == firm["evaluation"]["score"]
    options = told(capfd, "options", demo_firm(at), "--amount-yuan", "3000000", "--term-months", "12")
    assert {each["id"] for each in options["options"]} == {
        *rules().local_offers.products,
        *rules().local_offers.schemes,
    }
    run(["options", demo_firm(at), "--amount-yuan", "3000000", "--term-months", "12"])
    table = capfd.readouterr().out
    best = options["options"][0]
    assert best["id"] in table
    assert f"{best['cost']['all_in_annual_rate'] * 100:.2f} %" in table


def test_a_scheme_is_asked_by_facts_from_a_file(at: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text(
        '{"size_class": "small", "loan_first": true, "loan_lender_kind": "bank", "loan_amount_yuan": "3000000",'
        '"loan_annual_rate": "0.0435", "loan_contract_on": "2024-06-18", "loan_term_months": 12}'
    )
    asked = ("scheme", "evaluate", "sy-first-loan-subsidy-2024", "--facts", str(facts), "--as-of", "2024-10-31")
    answer = told(capfd, *asked)
    assert answer["verdict"] == "met"
    assert answer["benefit"]["annual_rate"] == pytest.approx(0.0435 - 0.7 * 0.0345)
    assert run(list(asked)) == 0
    assert "000:83" in capfd.readouterr().out
    facts.write_text('{"size_class": NaN}')
    assert told(capfd, *asked, code=2)["code"] == "bad_json"
    facts.write_text('{"no_such_fact": 1}')
    assert told(capfd, *asked, code=2)["code"] == "unknown_fact"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("firm", "91210100MA0000000X"), "uscc"),
        (("firm", "９１２１０１００MA0000001G"), "uscc"),
        (("firm", a_code(4242)), "uscc"),
        (("firm", "{firm}", "--as-of", "2024-13-01"), "as_of"),
        (("firm", "{firm}", "--as-of", "2019-01-01"), "as_of"),
        (("options", "{firm}", "--amount-yuan", "-5"), "amount_yuan"),
        (("options", "{firm}", "--enjoyed", "sy-nothing=2024-01-01"), "enjoyed"),
        (("options", "{firm}", "--enjoyed", "sy-insurer-award-2024=2099-01-01"), "enjoyed"),
        (("options", "{firm}", "--amount-yuan", "NaN"), "amount_yuan"),
        (("options", "{firm}", "--amount-yuan", "1e6"), "amount_yuan"),
        (("options", "{firm}", "--term-months", "0"), "term_months"),
        (("options", "{firm}", "--purpose", "gambling"), "purpose"),
        (("prospects", "no-such-product"), "product"),
        (("prospects", "score-based-loan", "--cursor", "abc"), "cursor"),
        (("prospects", "score-based-loan", "--limit", "0"), "limit"),
        (("scheme", "evaluate", "no-such", "--facts", "/dev/null"), "body"),
        (("scheme", "check", "/no/such/file.yaml"), "file"),
        (("size", "--industry", "C3311", "--employees", "-1"), "employees"),
        (("size", "--industry", "Q9999"), "industry"),
        (("size", "--industry", "C3311", "--revenue-yuan", "-1"), "revenue_yuan"),
        (("feeds", "no_such_feed"), "feed"),
        (("feeds", "tax_credit_rating", "--template", "/no/such/folder/t.csv"), "template"),
        (("feeds", "tax_credit_rating", "--template", "t.docx"), "format"),
        (("ingest", "tax_credit_rating", "/no/such/file.csv"), "file"),
        (("ingest", "no_such_feed", "x.csv"), "feed"),
        (("ingest", "tax_credit_rating"), "files"),
        (("build", "--as-of", "2999-01-01"), "as_of"),
        (("build", "--engine", "abacus"), "engine"),
        (("demo", "--firms", "3", "--home", "{empty}", "--no-serve"), "firms"),
        (("no-such-command",), "command"),
        (("batches", "--no-such-option"), "--no-such-option"),
    ],
)
def test_bad_input_exits_2_and_names_field_value_rule_and_fix(
    at: Path, tmp_path: Path, arguments: tuple[str, ...], field: str, capfd: pytest.CaptureFixture[str]
) -> None:
    filled = [argument.format(firm=demo_firm(at), empty=tmp_path) for argument in arguments]
    problem = told(capfd, *filled, code=2)
    assert problem["field"] == field
    assert problem["rule"]
    assert problem["fix"]
    assert run(filled) == 2
    out, err = capfd.readouterr()
    assert not out
    assert problem["rule"] in err
    assert problem["fix"] in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.csv", b"", "empty_file"),
        ("shifted.csv", f"uscc,year,grade,rated_on\n2023,{a_code(1)},2024-04-20,A\n".encode(), "too_many_bad_rows"),
        (
            "twice.csv",
            f"uscc,year,grade,rated_on\n{a_code(1)},2023,A,2024-04-20\n{a_code(1)},2023,B,2024-04-20\n".encode(),
            "too_many_bad_rows",
        ),
        (
            "unknown.csv",
            f"uscc,year,grade,rated_on,verdict\n{a_code(1)},2023,A,2024-04-20,x\n".encode(),
            "unknown_column",
        ),
    ],
)
def test_a_bad_file_is_refused_and_its_rejects_can_be_read(
    tmp_path: Path,
    name: str,
    content: bytes,
    code: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RONGQIAO_HOME", str(tmp_path / "home"))
    (tmp_path / name).write_bytes(content)
    rejects = tmp_path / "rejects.csv"
    assert run(["ingest", "tax_credit_rating", str(tmp_path / name), "--rejects", str(rejects), "--json"]) == 2
    assert json.loads(capfd.readouterr().err)["code"] == code
    assert rejects.exists() == (code == "too_many_bad_rows")
    assert told(capfd, "batches")["items"] == [] or told(capfd, "batches")["items"][0]["rows_landed"] == 0


def test_an_invalid_code_is_answered_and_exits_2(at: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["uscc", "91210100MA0UXYT71X", "--json"]) == 2
    answer = json.loads(capfd.readouterr().out)
    assert (answer["valid"], answer["reason"]) == (False, "check_character")


@pytest.mark.parametrize("ending", ["csv", "xlsx", "ndjson", "parquet"])
def test_a_template_is_written_and_accepted_back(
    at: Path, tmp_path: Path, ending: str, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"template.{ending}"
    told(capfd, "feeds", "tax_credit_rating", "--template", str(file))
    assert file.stat().st_size > 0


def test_all_rule_files_and_their_cases_hold(capfd: pytest.CaptureFixture[str]) -> None:
    checked = told(capfd, "scheme", "check")["items"]
    assert {each["id"] for each in checked} == {*offers().products, *offers().schemes}
    assert all(each["cases"] for each in checked)


def test_a_wrong_rule_file_is_named_by_file_and_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("id: x\nkind: scheme\nkind: scheme\n")
    problem = told(capfd, "scheme", "check", str(file), code=2)
    assert (problem["file"], problem["line"]) == (str(file), 3)


def test_both_languages_say_everything() -> None:
    zh, en = labels.labels("zh").texts, labels.labels("en").texts
    assert zh.keys() == en.keys()
    for key in zh:
        places = [sorted(re.findall(r"\{(\w+)\}", text)) for text in (zh[key], en[key])]
        assert places[0] == places[1], key
    used: set[str] = set()
    service = Path(labels.__file__).parents[1]
    for path in (*service.glob("cli/*.py"), *service.glob("pages/templates/*.html")):
        used |= set(re.findall(r"\bt\(\s*['\"]([a-z_.]+)['\"]", path.read_text(encoding="utf-8")))
    assert used <= en.keys(), f"no words for {sorted(used - en.keys())}"


def _serve(home: Path) -> tuple[subprocess.Popen[bytes], str]:
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--json"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, env={**environ_of(home), "RONGQIAO_HOME": str(home)})
    assert server.stdout is not None
    said = b""
    while b"}" not in said:
        line = server.stdout.readline()
        assert line, "the server ended before it listened"
        said += line
    return server, json.loads(said)["listening"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_serve_listens_and_stops_cleanly(at: Path, how: signal.Signals) -> None:
    server, url = _serve(at)
    with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:
        assert answer.status == 200
    server.send_signal(how)
    assert server.wait(timeout=20) == 0


def test_a_taken_port_is_a_refused_input(at: Path, capfd: pytest.CaptureFixture[str]) -> None:
    server, url = _serve(at)
    try:
        assert told(capfd, "serve", "--port", url.rpartition(":")[2], code=2)["code"] == "address_in_use"
    finally:
        server.terminate()
        server.wait(timeout=20)
