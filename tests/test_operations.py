"""The runbook is true: its commands run, its files parse, its metrics exist; a stopping server cuts nobody off."""

from __future__ import annotations

import configparser
import io
import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
import yaml
from joserfc.jwk import ECKey

from service.books.rulebook import lenders
from service.cli import run
from service.settings import Settings
from tests.postgres import chosen, empty_url, environ_of
from tests.shell import a_shell

ROOT = Path(__file__).parent.parent
RUNBOOK = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", RUNBOOK, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]


@pytest.fixture
def srv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine of the runbook: its /srv is a temporary folder."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "password.txt").write_text("correct horse battery staple\n", encoding="utf-8")
    for year in ("2024", "2025"):
        jwk = ECKey.generate_key("P-256").as_dict(private=False)
        (tmp_path / "files" / f"bank-key-{year}.json").write_bytes(orjson.dumps(jwk))
    # The runbook sets it; this only makes sure that it is put back afterwards.
    monkeypatch.setenv("RONGQIAO_HOME", str(tmp_path))
    return tmp_path


def test_every_command_of_the_runbook_runs_in_order(
    srv: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = 0
    for line in COMMANDS:
        line = line.replace("/srv/", f"{srv}/").replace("{lender}", next(iter(lenders())))
        line, _, read_from = line.partition(" < ")
        words = shlex.split(line)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            monkeypatch.setenv(name, value)
            continue
        assert words[0] == "rongqiao", line
        typed = Path(read_from).read_text(encoding="utf-8") if read_from else ""
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        # A server does not come back; that it starts and stops is a test of its own below.
        arguments = [*words[1:2], "--help"] if words[1] == "serve" else words[1:]
        monkeypatch.setenv("RONGQIAO_DATABASE_URL", empty_url(srv / "restored") if words[1] == "restore" else "")
        assert run(arguments) == 0, f"{line}: {capfd.readouterr().err}"
        ran += 1
    assert ran > 20
    assert (srv / "restored" / ("lake" if chosen() else "rongqiao.db")).exists()


def test_the_runbook_names_every_command_of_identity_and_trust() -> None:
    named = {" ".join(line.split()[1:3]) for line in COMMANDS}
    for group in ("client add", "client renew", "client add-key", "client retire-key", "client disable", "client list"):
        assert group in named
    for group in ("person add", "person list", "person password", "person disable"):
        assert group in named
    assert {"audit anchor", "audit verify", "audit list", "audit alarms"} <= named


def test_every_metric_and_setting_the_runbook_names_exists(tmp_path: Path) -> None:
    shell = a_shell(tmp_path)
    shell.http.get("/healthz")
    told = shell.http.get("/metrics", headers=shell.asks("auditor")).text
    named = set(re.findall(r"\brongqiao_[a-z_]+", RUNBOOK))
    assert len(named) > 5
    assert {name for name in named if not re.search(rf"^{name}\b", told, re.MULTILINE)} == set()
    settings = {f"RONGQIAO_{name}".upper() for name in Settings.model_fields}
    for path in ("docs/operations.md", "compose.yaml", "deploy/rongqiao.service"):
        text = (ROOT / path).read_text(encoding="utf-8")
        assert set(re.findall(r"\bRONGQIAO_[A-Z_]+", text)) <= settings, path


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_compose_is_two_workers_that_wait_for_one_preparation(capfd: pytest.CaptureFixture[str]) -> None:
    services = compose()["services"]
    workers = {name: each for name, each in services.items() if name.startswith("worker")}
    assert len(workers) == 2
    ports = set()
    for worker in workers.values():
        assert worker["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}
        assert worker["environment"]["RONGQIAO_DATABASE_URL"].startswith("postgresql+psycopg://")
        stopping = sum(float(worker["environment"][f"RONGQIAO_{name}_SECONDS"]) for name in ("DRAIN", "STOP"))
        assert int(worker["stop_grace_period"].rstrip("s")) > stopping
        ports.add(*worker["ports"])
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports), "a proxy stands in front"
    assert "ports" not in services["database"]
    volumes = {volume.partition(":")[0] for each in services.values() for volume in each.get("volumes", ())}
    assert volumes == set(compose()["volumes"])
    for each in services.values():
        if command := each.get("command"):
            assert command[0] == "rongqiao"
            assert run([*(word for word in command[1:] if not re.match(r"--|\d", word)), "--help"]) == 0
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert not re.search(r"^\s*POSTGRES_PASSWORD: (?!\$\{)", text, re.MULTILINE), "no password stands in the file"


def test_the_unit_parses_and_stops_later_than_the_server_does(tmp_path: Path) -> None:
    path = ROOT / "deploy" / "rongqiao.service"
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(path, encoding="utf-8")
    assert unit.sections() == ["Unit", "Service", "Install"]
    service = unit["Service"]
    assert service["User"] != "root"
    assert service["NoNewPrivileges"] == "yes"
    told = dict(re.findall(r"^Environment=(\w+)=(.+)$", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert int(service["TimeoutStopSec"]) > sum(float(told[f"RONGQIAO_{each}_SECONDS"]) for each in ("DRAIN", "STOP"))
    words = shlex.split(service["ExecStart"])
    assert Path(words[0]).name == "rongqiao"
    assert run([words[1], "--help"]) == 0
    if checker := shutil.which("systemd-analyze"):
        copy = tmp_path / "rongqiao.service"
        program = re.escape(words[0])
        copy.write_text(re.sub(program, sys.executable, path.read_text(encoding="utf-8")), encoding="utf-8")
        done = subprocess.run([checker, "verify", str(copy)], capture_output=True, text=True, check=False)
        assert "Unknown key" not in done.stderr
        assert "Failed to parse" not in done.stderr


def asked(address: tuple[str, int], request: bytes) -> tuple[int, bytes]:
    """One request over a connection of its own: status and body."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request)
        return answer_of(connection)


def answer_of(connection: socket.socket) -> tuple[int, bytes]:
    received = b""
    while piece := connection.recv(65536):
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def test_a_stopping_server_says_so_first_and_finishes_what_was_begun(tmp_path: Path) -> None:
    env = {**environ_of(tmp_path), "RONGQIAO_HOME": str(tmp_path), "RONGQIAO_DRAIN_SECONDS": "3"}
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--json"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
    assert server.stdout is not None
    said = b""
    while b"}" not in said:
        said += server.stdout.readline()
    url = urlsplit(json.loads(said)["listening"])
    address = (str(url.hostname), int(url.port or 0))
    ready = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert json.loads(asked(address, ready)[1])["checks"]["open"] is True
    body = b"grant_type=client_credentials&client_id=a&client_secret=b"
    head = (
        b"POST /v1/oauth/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    begun = [socket.create_connection(address, timeout=30) for _ in range(20)]
    for connection in begun:
        connection.sendall(head + body[:10])
    time.sleep(0.3)
    server.send_signal(signal.SIGTERM)
    told_at = time.monotonic()
    time.sleep(0.2)
    status, answer = asked(address, ready)
    assert (status, json.loads(answer)["checks"]["open"]) == (503, False), "it still answers, and says not to come"
    for connection in begun[:10]:
        connection.sendall(body[10:])
        assert answer_of(connection)[0] == 401
    time.sleep(max(0.0, told_at + 4 - time.monotonic()))
    with pytest.raises(ConnectionError):
        asked(address, ready)
    assert server.poll() is None, "ten requests are still open"
    for connection in begun[10:]:
        connection.sendall(body[10:])
        assert answer_of(connection)[0] == 401
    assert server.wait(timeout=20) == 0
    assert time.monotonic() - told_at < 30
