"""Clients and people from the command line: what is told once, what is never an argument, what is refused."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import orjson
import pyotp
import pytest
from joserfc.jwk import ECKey

from models.tables import AuditEntry, Client, Person
from service.access.auth import hashed
from service.access.second_factor import password_fits
from service.books.rulebook import lenders
from service.cli import run
from service.office import Office
from service.usecases.read_audit import ANCHORS
from tests.shell import a_code

WORDS = "correct horse battery staple"
LENDER = next(iter(lenders()))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RONGQIAO_HOME", str(tmp_path))
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    return tmp_path


def told(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """The JSON of a command, checked for its exit code."""
    capfd.readouterr()
    assert run([*arguments, "--json"]) == code, capfd.readouterr().err
    out, err = capfd.readouterr()
    return json.loads(out if code == 0 else err[err.index("{") :])


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def journal(home: Path) -> list[str]:
    """What was changed, in order. That a command ran at all is in tests/test_told.py."""
    with Office.open(home).read() as session:
        rows = session.query(AuditEntry).where(AuditEntry.action != "run_command").order_by(AuditEntry.seq)
        return [row.action for row in rows]


def a_key(folder: Path, name: str = "key.json") -> Path:
    path = folder / name
    path.write_bytes(orjson.dumps(ECKey.generate_key("P-256").as_dict(private=False)))
    return path


def test_a_client_from_first_secret_to_shut_out(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = told(capfd, "client", "add", "bank-1", "--role", "bank", "--tenant", LENDER, "--en", "Bank One")
    with Office.open(home).read() as session:
        assert session.get_one(Client, "bank-1").secret_sha256 == hashed(made["client_secret"])
    renewed = told(capfd, "client", "renew", "bank-1")["client_secret"]
    assert renewed != made["client_secret"]
    told(capfd, "client", "add-key", "bank-1", str(a_key(home)), "--kid", "k1")
    told(capfd, "client", "add-key", "bank-1", str(a_key(home, "other.json")), "--kid", "k2")
    assert told(capfd, "client", "renew", "bank-1", code=2)["rule"] == "This client proves itself by key."
    told(capfd, "client", "retire-key", "bank-1", "--kid", "k1")
    (listed,) = told(capfd, "client", "list")["items"]
    assert listed["proves_itself_by"] == "key"
    assert [(key["kid"], key["retired_at"] is None) for key in listed["keys"]] == [("k1", False), ("k2", True)]
    told(capfd, "client", "disable", "bank-1")
    assert told(capfd, "client", "list")["items"][0]["disabled_at"]
    assert journal(home) == [
        "add_client", "renew_secret", "add_client_key", "add_client_key", "retire_client_key", "disable_client"
    ]  # fmt: skip


def test_a_person_is_told_the_second_factor_once_and_types_the_password(
    home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, f"{WORDS}\nnot this line\n")
    firm = ("--role", "firm", "--tenant", a_code(1), "--power", "view", "--power", "consent")
    made = told(capfd, "person", "add", "li.na", "--name", "Li Na", *firm)
    assert pyotp.parse_uri(made["uri"]).secret == made["second_factor"]  # type: ignore[attr-defined]
    with Office.open(home).read() as session:
        kept = session.get_one(Person, "li.na")
        assert password_fits(WORDS, kept.password_hash)
        assert made["second_factor"].encode() not in kept.second_factor
    listed = told(capfd, "person", "list")["items"]
    assert listed[0]["powers"] == ["consent", "view"]
    assert made["second_factor"] not in str(listed)
    typed(monkeypatch, "another long enough secret\r\n")
    told(capfd, "person", "password", "li.na")
    with Office.open(home).read() as session:
        assert password_fits("another long enough secret", session.get_one(Person, "li.na").password_hash)
    told(capfd, "person", "disable", "li.na")
    assert journal(home) == ["add_person", "change_password", "disable_person"]


def test_a_person_of_the_provider_has_no_password_here(
    home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    who = ("person", "add", "wang", "--name", "Wang", "--role", "office", "--subject", "s-17")
    assert "RONGQIAO_OIDC_ISSUER" in told(capfd, *who, code=2)["fix"]
    monkeypatch.setenv("RONGQIAO_OIDC_ISSUER", "https://login.example.cn")
    told(capfd, *who)
    assert told(capfd, "person", "list")["items"][0]["signs_in"] == "provider"
    again = ("person", "add", "wang2", *who[3:])
    assert told(capfd, *again, code=2)["field"] == "subject"
    typed(monkeypatch, WORDS)
    assert "provider" in told(capfd, "person", "password", "wang", code=2)["rule"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("client", "add", "a b", "--role", "office"), "client_id"),
        (("client", "add", "bank-1", "--role", "bank"), "tenant"),
        (("client", "add", "bank-1", "--role", "bank", "--tenant", "nobody"), "tenant"),
        (("client", "add", "firm-1", "--role", "firm", "--tenant", "91210100MA0000000X"), "uscc"),
        (("client", "add", "office-1", "--role", "office", "--tenant", "tax"), "tenant"),
        (("client", "add", "king", "--role", "king"), "role"),
        (("client", "disable", "nobody"), "client_id"),
        (("client", "add-key", "nobody", "/no/such/file", "--kid", "k"), "file"),
        (("person", "add", "li", "--name", "Li", "--role", "office", "--power", "view"), "powers"),
        (("person", "add", "li", "--name", "Li", "--role", "firm", "--tenant", a_code(1)), "powers"),
        (("person", "add", "li", "--name", "Li", "--role", "office"), "password"),
        (("person", "disable", "nobody"), "person"),
        (("audit", "alarms", "--since", "yesterday"), "since"),
    ],
)
def test_what_cannot_be_is_refused(
    home: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    field: str,
) -> None:
    typed(monkeypatch, "short\n")
    assert field in told(capfd, *arguments, code=2)["field"]
    assert journal(home) == []


def test_a_private_key_is_refused_and_not_repeated(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told(capfd, "client", "add", "bank-1", "--role", "bank", "--tenant", LENDER)
    private = ECKey.generate_key("P-256").as_dict(private=True)
    path = home / "private.json"
    path.write_bytes(orjson.dumps(private))
    problem = told(capfd, "client", "add-key", "bank-1", str(path), "--kid", "k", code=2)
    assert private["d"] not in str(problem)


def test_tables_are_in_both_languages(
    home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(capfd, "client", "add", "tax-1", "--role", "agency", "--tenant", "tax")
    for lang, words in (("en_GB.UTF-8", ("agency", "Stands for")), ("zh_CN.UTF-8", ("数源部门", "代表"))):
        monkeypatch.setenv("LANG", lang)
        assert run(["client", "list"]) == 0
        said = capfd.readouterr().out
        assert all(word in said for word in words), said
        for command in (["person", "list"], ["audit", "list"], ["audit", "alarms"], ["audit", "anchor"]):
            assert run(command) == 0
            assert capfd.readouterr().out.strip()


def test_the_journal_is_anchored_listed_and_verified(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told(capfd, "client", "add", "tax-1", "--role", "agency", "--tenant", "tax")
    anchored = told(capfd, "audit", "anchor")
    # Each command is an entry itself: adding the client, the client, anchoring, the first key.
    assert anchored["seq"] == 4
    listed = {each["seq"]: each["entry_hash"] for each in told(capfd, "audit", "list")["items"]}
    assert listed[4] == anchored["entry_hash"]
    assert max(listed) == 5
    assert told(capfd, "audit", "list", "--actor", "nobody")["items"] == []
    state = told(capfd, "audit", "verify")
    assert (state["whole"], state["anchors"]) == (True, 1)


@pytest.mark.parametrize(
    "change",
    [(b'"seq":4', b'"seq":5'), (b'"key_id":"', b'"key_id":"0'), (b'"signature":"', b'"signature":"00')],
)
def test_an_anchor_somebody_else_wrote_is_found(
    home: Path, capfd: pytest.CaptureFixture[str], change: tuple[bytes, bytes]
) -> None:
    told(capfd, "client", "add", "tax-1", "--role", "agency", "--tenant", "tax")
    told(capfd, "audit", "anchor")
    path = home / ANCHORS
    assert change[0] in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(*change))
    assert told(capfd, "audit", "verify", code=2)["field"] == "signature"
