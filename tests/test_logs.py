"""The log of a whole tour: JSON a line, nothing of firms and people in it. And what the service counts of itself."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.tables import Job
from service.access.auth import Role
from service.cli import run
from service.usecases.manage_people import add_person
from service.web.logs import HIDDEN, configure_logs, logger_of, redacted
from tests.postgres import environ_of
from tests.shell import SECRET, Shell, a_code, a_shell
from tests.test_sign_in import NOW, WORDS

CODE, NAME, AMOUNT = a_code(4711), "沈阳某某机械制造有限公司", "8765432.10"
ID_NUMBER, PHONE = "210102198001011234", "13812345678"
MARKERS = (CODE, NAME, AMOUNT, "8765432", ID_NUMBER, PHONE, SECRET, WORDS)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Where everything that is logged goes, with the former handlers put back afterwards."""
    root, stream = logging.getLogger(), io.StringIO()
    before, level = root.handlers[:], root.level
    configure_logs(stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def tour(shell: Shell) -> None:
    """Requests of every kind with markers wherever a caller can put text; some fail, one by our fault."""
    http, office, token = shell.http, shell.asks("office"), shell.asks("office")["Authorization"]
    for role, tenant in (("office", ""), ("bank", "x"), ("firm", CODE), ("auditor", "")):
        headers = {**shell.asks(role, tenant), "X-Purpose": "pre_loan", "X-Note": NAME.encode()}
        for path in ("", "/profile", "/score", f"/options?amount_yuan={AMOUNT}", "/access-log", "/consents"):
            http.get(f"/v1/firms/{CODE}{path}", headers=headers)
        http.get(f"/v1/{NAME}/{ID_NUMBER}?{PHONE}={token}", headers=headers)
    http.post("/v1/schemes/sy-first-loan-subsidy-2024/evaluate", json={"facts": {NAME: AMOUNT}}, headers=office)
    http.post("/v1/prospects/search", content=f'{{"{ID_NUMBER}": NaN'.encode(), headers=office)
    http.post("/v1/oauth/token", data={"client_id": NAME, "client_secret": SECRET}, headers={"User-Agent": CODE})
    http.post("/sign-in", data={"person": NAME, "password": WORDS, "code": PHONE})
    http.get("/", headers={"X-Request-Id": f"{CODE}\r\nforged", "Cookie": f"__Host-rongqiao={SECRET}"})
    http.get("/", headers={"X-Request-Id": f"id-{CODE}"})
    http.request(CODE, "/v1/feeds", headers=office)

    def broken() -> None:
        raise RuntimeError(f"{NAME} {CODE} {AMOUNT} {SECRET}")

    desk, now = http.app.state.desk, http.app.state.desk.now  # type: ignore[attr-defined]
    desk.now = broken
    assert http.get(f"/v1/firms/{CODE}", headers=office).status_code == 500
    desk.now = now


def test_a_tour_with_markers_leaves_none_of_them_in_the_log(tmp_path: Path, log: io.StringIO) -> None:
    shell = a_shell(tmp_path)
    add_person(shell.office, "li", NAME, Role.OFFICE, "", (), WORDS, NOW)
    tour(shell)
    text = log.getvalue()
    tokens = shell.tokens.values()
    assert not [marker for marker in (*MARKERS, quote(NAME), *tokens) if marker in text]
    assert text.isascii()
    said = lines(log)
    assert len(said) > 25
    assert {"/v1/firms/{uscc}", "/v1/firms/{uscc}/score", "/v1/oauth/token"} <= {line.get("route") for line in said}
    (fault,) = [line for line in said if line["level"] == "error"]
    assert fault["error"] == "RuntimeError"
    assert any("broken" in frame for frame in fault["frames"])
    assert fault["request_id"] in {line["request_id"] for line in said if line.get("status") == 500}


def test_libraries_pass_the_same_net(log: io.StringIO) -> None:
    logging.getLogger("sqlalchemy.pool").error("statement for %s with %s failed", CODE, AMOUNT)
    try:
        raise ValueError(NAME)
    except ValueError:
        logging.getLogger("anything").exception("uscc=%s name=%s", CODE, NAME)
    logger_of("x").info("event", firm=CODE, whatever=NAME)
    assert not [marker for marker in MARKERS if marker in log.getvalue()]
    assert len(lines(log)) == 3
    assert "firm" not in lines(log)[2], "a field nobody decided on is dropped"


@pytest.mark.parametrize(
    "text",
    ["a\r\nforged", "\x1b[31mred", "\u202eright to left", "{}%s{0}", '"}\n{"level":"info"', "\x00", "\u2028line"],
)
def test_a_line_stays_one_line_whatever_is_in_it(log: io.StringIO, text: str) -> None:
    logger_of("x").warning(text, error=text)
    (line,) = log.getvalue().splitlines()
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["event"] == text


@pytest.mark.parametrize(
    "text",
    [
        *MARKERS[:6],
        f"GET /v1/firms/{CODE}/score",
        CODE.lower(),
        f"x{NAME}x",
        "Authorization: Bearer abcdefgh",
        "password=hunter2",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
        "1,234,567.89",
        "3000000",
        "kx7Jq2P0m4v1s8t5w9y3A6B2C7D1E4F8G5H9J3K6L0M",
    ],
)
def test_what_looks_personal_is_taken_out(text: str) -> None:
    said = redacted(f"before {text} after")
    assert HIDDEN in said
    assert not any(marker in said for marker in (*MARKERS, text))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30), st.integers(0, 9_999_999), st.text(max_size=30))
def test_a_code_never_comes_through(before: str, number: int, after: str) -> None:
    said = redacted(f"{before} {a_code(number)} {after}")
    assert a_code(number) not in said


def test_ordinary_words_stay_readable() -> None:
    text = "Waiting for connections to close. 3 of 12 done at 127.0.0.1:8000"
    assert redacted(text) == text


def test_patterns_are_quick_on_hostile_text() -> None:
    import time

    for character in ("1", "a", ",", "1,", "eyJ", "password=", "9.", "Bearer ", "-", "."):
        began = time.perf_counter()
        redacted(character * (50_000 // len(character)))
        assert time.perf_counter() - began < 1.0, character


def test_a_server_logs_json_only_and_serves_its_counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RONGQIAO_HOME", str(tmp_path))
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--json"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ_of(tmp_path))
    assert server.stdout is not None
    said = b""
    while b"}" not in said:
        said += server.stdout.readline()
    url = json.loads(said)["listening"]
    for path in ("/", f"/v1/firms/{CODE}", f"/{ID_NUMBER}"):
        try:
            urllib.request.urlopen(f"{url}{path}", timeout=20).read()
        except urllib.error.HTTPError as refused:
            refused.read()
    server.terminate()
    _, err = server.communicate(timeout=30)
    assert server.returncode == 0
    found = [json.loads(line) for line in err.decode().splitlines()]
    assert {line["route"] for line in found if line["event"] == "request"} == {"/", "/v1/firms/{uscc}", "(none)"}
    assert not [marker for marker in MARKERS if marker.encode() in err]


def test_the_command_line_does_not_tell_what_it_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RONGQIAO_HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO("li-li-li-li-li\n"))
    assert run(["person", "add", "li", "--name", NAME, "--role", "office"]) == 2
    out, err = capfd.readouterr()
    assert "li-li-li" not in out + err


def test_counters_are_by_route_template_and_gauges_tell_the_age_of_data(tmp_path: Path) -> None:
    shell = a_shell(tmp_path)
    shell.http.get(f"/v1/firms/{CODE}", headers=shell.asks("office"))
    shell.http.request("BREW", f"/{NAME}")
    answer = shell.http.get("/metrics", headers=shell.asks("auditor"))
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = answer.text
    assert CODE not in text
    assert 'route="(none)"' in text
    assert 'method="other"' in text
    assert re.search(r'rongqiao_request_seconds_bucket\{le="0.3",route="/v1/firms/\{uscc\}"\} 1.0', text)
    assert "rongqiao_audit_entries 1.0" in text
    assert "rongqiao_snapshot_built_age_seconds NaN" in text


def test_gauges_tell_what_waits_and_what_was_given_up(tmp_path: Path) -> None:
    shell = a_shell(tmp_path)
    for number, (state, due, lease) in enumerate(
        [("queued", -100, None), ("queued", -40, None), ("queued", 50, None), ("running", -90, -10),
         ("running", -90, 10), ("dead", -900, None), ("done", -900, None)]
    ):  # fmt: skip
        with shell.office.write() as session:
            session.add(a_job(number, state, shell.clock(), due, lease))
    told = shell.http.get("/metrics", headers=shell.asks("auditor")).text
    expected = {"queued": 3, "running": 2, "dead": 1, "lease_lost": 1, "wait_seconds": 100}
    for name, value in expected.items():
        assert f"rongqiao_jobs_{name} {float(value)}" in told, name
    for name in ("waiting", "dead", "overdue_seconds"):
        assert f"rongqiao_webhooks_{name} 0.0" in told, name


def a_job(number: int, state: str, now: datetime, due: int, lease: int | None) -> Job:
    return Job(
        id=f"j{number}", key=None, kind="build", arguments={}, asked_by="x", tenant="", asked_at=now,
        due_at=now + timedelta(seconds=due), state=state, attempts=1, max_attempts=3, fence=1, worker="w",
        lease_until=None if lease is None else now + timedelta(seconds=lease), heartbeat_at=None, cancel_asked=False,
        checkpoint={}, progress={}, result=None, error="", ended_at=None,
    )  # fmt: skip


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_metrics_are_not_there_for_who_comes_through_the_proxy(tmp_path: Path, header: str) -> None:
    shell = a_shell(tmp_path)
    answer = shell.http.get("/metrics", headers=shell.asks("auditor") | {header: "192.0.2.1"})
    assert answer.status_code == 404
    assert "rongqiao_requests" not in answer.text
