"""What the two databases could do differently and must not; and how the tests come by a PostgreSQL server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from models.tables import LenderTerms
from service.audit.journal import record, verify
from service.office import Office
from tests import find_postgres, postgres
from tests.database_tests import opens_an_office
from tests.shell import a_code, a_shell, is_problem
from tests.test_audit import an_event

WRITERS, TURNS = 8, 12


def test_eight_offices_on_one_database_make_one_chain_and_lose_no_update(tmp_path: Path) -> None:
    """Each office has a writer of its own, as eight worker processes have."""
    offices = [Office.open(tmp_path) for _ in range(WRITERS)]
    with offices[0].write() as session:
        session.add(LenderTerms(lender="a", max_consent_age_days=0))

    def works(writer: int) -> None:
        for number in range(TURNS):
            with offices[writer].write() as session:
                # Read, think, write: right only because a write transaction is alone.
                row = session.get_one(LenderTerms, "a")
                row.max_consent_age_days = (row.max_consent_age_days or 0) + 1
                record(session, an_event(writer, object_id=f"{writer}-{number}"))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(works, range(WRITERS)))
    found = verify(offices[0])
    assert (found.entries, found.broken) == (WRITERS * TURNS, None)
    with offices[0].read() as session:
        assert session.get_one(LenderTerms, "a").max_consent_age_days == WRITERS * TURNS
    for office in offices:
        office.close()


def test_the_chain_is_whole_to_somebody_who_looks_while_others_write(tmp_path: Path) -> None:
    office, other = Office.open(tmp_path), Office.open(tmp_path)
    with other.read() as session:
        first = session.execute(text("select seq from audit_head")).scalar_one()
        with office.write() as writing:
            record(writing, an_event(1))
        assert session.execute(text("select count(*) from audit_entry")).scalar_one() == first
    office.close()
    other.close()


def test_nul_and_half_characters_are_refused_wherever_text_comes_in(tmp_path: Path) -> None:
    shell = a_shell(tmp_path)
    firm = shell.asks("firm", a_code(1)) | {"Content-Type": "application/json"}
    path = f"/v1/firms/{a_code(1)}/consents"
    for body in (rb'{"lender": "a\u0000"}', rb'{"a": [["\ud800"]]}', rb'{"\u0000": 1}'):
        is_problem(shell.http.post(path, content=body, headers=firm), 400, "bad_json")
    is_problem(shell.http.get("/v1/consents?cursor=%00", headers=firm), 400, "bad_address")
    is_problem(shell.http.get("/v1/firms/%00", headers=firm), 400, "bad_address")
    form = {"grant_type": "client_credentials", "client_id": "a\0", "client_secret": "b"}
    assert shell.http.post("/v1/oauth/token", data=form).status_code == 400
    whole = shell.http.post(f"{path}/text", content=b'{"lender": "\\ud842\\udfb7"}', headers=firm)
    assert whole.status_code == 422, "a whole pair is a character"


def test_without_a_server_the_tests_on_it_are_skipped_here_and_fail_in_ci(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(postgres, "binaries", lambda: None)
    monkeypatch.setattr(find_postgres, "install", lambda: None)
    monkeypatch.delenv(postgres.GIVEN, raising=False)
    monkeypatch.delenv("CI", raising=False)
    assert find_postgres.main() == 0
    assert "no PostgreSQL" in capsys.readouterr().out
    monkeypatch.setenv("CI", "1")
    assert find_postgres.main() == 1
    monkeypatch.setenv(postgres.GIVEN, "postgresql://tester:secret@database.example/test")
    assert find_postgres.main() == 0
    told = capsys.readouterr().out
    assert "database.example" in told
    assert "secret" not in told


def test_ci_has_a_server() -> None:
    if not postgres.must_be_there():
        pytest.skip("this is not CI")
    assert postgres.why_not() == ""


def test_the_run_on_postgresql_leaves_out_only_what_opens_no_office() -> None:
    for module in ("test_store", "test_consents", "test_repair_killed", "test_cli", "test_contract", "test_ingest"):
        assert opens_an_office(module), module
    for module in ("test_uscc", "test_woe", "test_working_days"):
        assert not opens_an_office(module), module
