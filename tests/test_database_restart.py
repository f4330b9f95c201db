"""The database goes away under load and comes back: 503, never 500; nothing acknowledged missing, nothing doubled."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from starlette.testclient import TestClient

from models.tables import AuditEntry, Batch, Consent
from service import store
from service.app import create_app
from service.audit.journal import record, verify
from service.books.rulebook import lenders
from service.books.seedbook import catalogue
from service.office import Office
from service.settings import Settings
from service.store import DatabaseUnavailable, sqlite_module
from service.usecases.ingest_batch import ingest_batch
from tests import postgres
from tests.deliveries import PENALTY, RECEIVED, penalty, write
from tests.shell import OFTEN, Clock, Shell, a_code, a_shell, is_problem
from tests.test_audit import an_event

RESTARTS = 3
needs_server = pytest.mark.skipif(
    bool(postgres.binaries() is None and not postgres.must_be_there()), reason=postgres.why_not()
)


def consent(number: int) -> dict[str, Any]:
    """A consent of its own for each number."""
    dimension, days = divmod(number, 300)
    return {
        "lender": next(iter(lenders())),
        "purpose": "pre_loan",
        "dimensions": [catalogue().dimensions[dimension].id],
        "valid_from": "2024-11-05",
        "valid_until": (date(2024, 11, 6) + timedelta(days)).isoformat(),
    }


@dataclass
class Load:
    """Writers in threads until ``ended``; what each was told was done, and what came back over HTTP."""

    shell: Shell
    other: Office
    folder: Path
    ended: threading.Event = field(default_factory=threading.Event)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    refused: int = 0
    consents: list[tuple[str, str]] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)
    batches: list[str] = field(default_factory=list)

    def gives_consents(self, firm: str, keyed: bool) -> None:
        """Each consent is asked for again until it is given, as a client does after a 503."""
        http = TestClient(self.shell.http.app)
        for number in count():
            body = consent(number)
            told = self.shell.asks("firm", firm) | ({"Idempotency-Key": f"{firm}-{number}"} if keyed else {})
            made = self._asked(lambda: http.post(f"/v1/firms/{firm}/consents/text", json=body, headers=told))  # noqa: B023
            if made is None:
                return
            agreed = body | {"text_sha256": made.json()["text_sha256"]}
            given = self._asked(lambda: http.post(f"/v1/firms/{firm}/consents", json=agreed, headers=told))  # noqa: B023
            if given is None:
                return
            self.consents.append((given.json()["id"], body["valid_until"]))

    def _asked(self, ask: Callable[[], Any]) -> Any:
        while not self.ended.is_set():
            answer = ask()
            self.statuses[answer.status_code] += 1
            if answer.status_code in (200, 201):
                return answer
            if answer.status_code == 503:
                is_problem(answer, 503, "database_unavailable")
                assert int(answer.headers["Retry-After"]) > 0
            else:
                self.wrong.append(f"{answer.status_code} {answer.text}")
            self.ended.wait(0.02)
        return None

    def writes_entries(self, writer: int) -> None:
        """Each entry is tried once: one that failed is unknown and never tried again."""
        for number in count():
            if self.ended.is_set():
                return
            name = f"{writer}-{number}"
            try:
                with self.other.write() as session:
                    record(session, an_event(writer, object_id=name))
                self.entries.append(name)
            except DatabaseUnavailable:
                self.refused += 1
            self.ended.wait(0.01)

    def delivers(self) -> None:
        for number in count():
            file = write(self.folder / f"{number}.csv", [penalty(100 * number + row) for row in range(5)])
            while not self.ended.is_set():
                with suppress(DatabaseUnavailable):
                    self.batches.append(ingest_batch(self.other, PENALTY, file, received_at=RECEIVED).batch_id)
                    break
                self.ended.wait(0.02)
            if self.ended.is_set():
                return

    @contextmanager
    def running(self, firms: list[str]) -> Iterator[None]:
        work: list[tuple[Callable[..., None], tuple[Any, ...]]] = [
            (self.gives_consents, (firms[0], False)),
            (self.gives_consents, (firms[1], True)),
            *((self.writes_entries, (writer,)) for writer in (1, 2)),
            (self.delivers, ()),
        ]
        threads = [threading.Thread(target=self._guarded, args=(call, *rest), daemon=True) for call, rest in work]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.ended.set()
            for thread in threads:
                thread.join(60)

    def _guarded(self, call: Callable[..., None], *rest: Any) -> None:
        try:
            call(*rest)
        except BaseException as error:
            self.wrong.append(repr(error))

    def moves_on(self) -> None:
        """Wait until each kind of writer has been told of something done since now."""
        done = (self.consents, self.entries, self.batches)
        before, end = [len(each) for each in done], time.monotonic() + 60
        while not all(len(each) > count for each, count in zip(done, before, strict=True)):
            assert not self.wrong, self.wrong
            assert time.monotonic() < end, [len(each) for each in done]
            time.sleep(0.02)


@pytest.fixture
def cluster() -> Iterator[postgres.Cluster]:
    """A server that keeps its promises, unlike the quick one of the other tests."""
    with postgres.a_cluster(durable=True) as made:
        yield made


@needs_server
def test_restarts_under_load_lose_nothing_and_double_nothing(cluster: postgres.Cluster, tmp_path: Path) -> None:
    home, url = tmp_path / "home", postgres.Server(cluster.url).database("load")
    office, other = Office.open(home, url), Office.open(home, url)
    clock = Clock()
    shell = Shell(office, TestClient(create_app(office, Settings(**OFTEN, home=home), clock)), clock)
    firms = [a_code(1), a_code(2)]
    for firm in firms:
        shell.asks("firm", firm)
    load = Load(shell, other, tmp_path)
    with load.running(firms):
        for _ in range(RESTARTS):
            load.moves_on()
            cluster.stop("immediate")
            time.sleep(0.3)
            cluster.start()
        began = time.monotonic()
        load.moves_on()
        recovered = time.monotonic() - began
    assert load.wrong == []
    assert load.statuses.keys() == {200, 201, 503}, "the restarts were noticed, and never as a 500"
    assert load.refused > 0
    assert recovered < 30
    with other.read() as session:
        consents = session.execute(select(Consent.id, Consent.firm, Consent.dimensions, Consent.valid_until)).all()
        entries = session.scalars(select(AuditEntry.object_id).where(AuditEntry.action == "read_firm")).all()
        told = session.scalars(select(AuditEntry.object_id).where(AuditEntry.action == "give_consent")).all()
        batches = session.scalars(select(Batch.id)).all()
    assert {identifier for identifier, _ in load.consents} <= {row.id for row in consents}
    assert max(Counter((row.firm, *row.dimensions, row.valid_until) for row in consents).values()) == 1
    assert sorted(told) == sorted(row.id for row in consents), "each consent is in the journal once"
    assert set(load.entries) <= set(entries)
    assert len(entries) == len(set(entries))
    assert set(load.batches) <= set(batches)
    assert len(batches) == len(set(batches))
    assert all((other.lake / PENALTY / f"{batch}.parquet").exists() for batch in batches)
    found = verify(other)
    assert found.broken is None
    assert found.entries >= len(entries) + len(told)
    office.close()
    other.close()


@needs_server
def test_without_its_server_an_office_says_so_and_heals(cluster: postgres.Cluster, tmp_path: Path) -> None:
    office = Office.open(tmp_path, postgres.Server(cluster.url).database("gone"))
    http = TestClient(create_app(office, Settings(**OFTEN, home=tmp_path), Clock()))
    form = {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "x"}
    assert http.post("/v1/oauth/token", data=form).status_code == 401
    cluster.stop("immediate")
    gone = http.post("/v1/oauth/token", data=form)
    is_problem(gone, 503, "database_unavailable")
    assert gone.headers["Retry-After"] == "5"
    assert http.get("/readyz").json()["checks"]["database"] is False
    assert http.get("/healthz").status_code == 200
    with pytest.raises(DatabaseUnavailable):
        Office.open(tmp_path / "other", office.store.url)
    cluster.start()
    assert http.post("/v1/oauth/token", data=form).status_code == 401, "the first request after the return is served"
    assert http.get("/readyz").json()["checks"]["database"] is True
    office.close()


def test_a_long_writer_elsewhere_is_a_503_and_reading_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PATIENCE_SECONDS", 0.2)
    shell = a_shell(tmp_path)
    firm = shell.asks("firm", a_code(1))
    text_sha256 = shell.http.post(f"/v1/firms/{a_code(1)}/consents/text", json=consent(1), headers=firm).json()
    agreed = consent(1) | {"text_sha256": text_sha256["text_sha256"]}
    other = Office.open(tmp_path)
    with other.write() as session:
        session.connection()
        busy = shell.http.post(f"/v1/firms/{a_code(1)}/consents", json=agreed, headers=firm)
        is_problem(busy, 503, "database_unavailable")
        keyed = firm | {"Idempotency-Key": "k1"}
        busy = shell.http.post(f"/v1/firms/{a_code(1)}/consents", json=agreed, headers=keyed)
        is_problem(busy, 503, "database_unavailable")
        assert busy.headers["Retry-After"] == "5"
        with shell.office.read() as reading:
            assert reading.scalars(select(Consent)).all() == []
        assert shell.http.get("/readyz").json()["checks"]["database"] is True
    assert shell.http.post(f"/v1/firms/{a_code(1)}/consents", json=agreed, headers=keyed).status_code == 201
    assert len(shell.http.get("/v1/consents", headers=firm).json()["items"]) == 1
    other.close()


def test_a_busy_pool_is_a_busy_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PATIENCE_SECONDS", 0.2)
    office = Office.open(tmp_path)
    with office.write() as session:
        session.connection()
        with pytest.raises(DatabaseUnavailable, match="busy"), office.write() as second:
            second.connection()
    office.close()


def test_a_wrong_statement_is_not_an_unavailable_database(tmp_path: Path) -> None:
    office = Office.open(tmp_path)
    with pytest.raises((OperationalError, ProgrammingError)), office.read() as session:
        session.execute(text("select nothing from nowhere"))
    office.close()


def test_a_reader_sees_one_moment_and_cannot_write(tmp_path: Path) -> None:
    office = Office.open(tmp_path)
    with office.read() as session:
        assert session.scalars(select(AuditEntry)).all() == []
        with office.write() as writing:
            record(writing, an_event(1))
        assert session.scalars(select(AuditEntry)).all() == [], "the second look is of the same moment as the first"
    with pytest.raises(Exception, match=r"(?i)read-?only"), office.read() as session:
        session.execute(text("update audit_head set seq = 7"))
    assert verify(office).entries == 1
    office.close()


def test_a_full_sqlite_disk_is_a_503_not_a_fault(tmp_path: Path) -> None:
    if postgres.chosen():
        pytest.skip("the file is SQLite's")
    office = Office.open(tmp_path)
    with office.write() as session:
        pages = session.execute(text("pragma page_count")).scalar_one()
        session.execute(text(f"pragma max_page_count = {pages}"))
    with pytest.raises(DatabaseUnavailable, match="full"), office.write() as session:
        record(session, *(an_event(number, detail="x" * 4_000) for number in range(50)))
    assert verify(office).entries == 0
    office.close()
    assert sqlite_module.connect(tmp_path / "rongqiao.db").execute("pragma integrity_check").fetchone() == ("ok",)
