"""An office as one file: made while others write, restored elsewhere equal to the last bit, refused when damaged."""

from __future__ import annotations

import io
import tarfile
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from models.errors import RefusedInput
from service.audit.journal import record, verify
from service.office import Office
from service.usecases.backup_office import BackupReport, backup_office, restore_office
from tests.postgres import empty_url
from tests.shell import a_city
from tests.test_audit import an_event, tampered, written

NOW = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = a_city(tmp_path_factory.mktemp("backup") / "city", firms=50).office
    written(office, 12)
    return office


def restored_to(source: Path, home: Path) -> tuple[BackupReport, Office]:
    """The office in ``home``, in a database of its own: a file in the folder, or a new one on the tests' server."""
    url = empty_url(home)
    return restore_office(source, home, url), Office.open(home, url)


def content(office: Office) -> dict[str, bytes]:
    return {
        path.relative_to(office.home).as_posix(): path.read_bytes()
        for folder in (office.lake, office.snapshots, office.home / "rulesets")
        for path in folder.rglob("*")
        if path.is_file()
    }


def counts(office: Office) -> dict[str, int]:
    with office.read() as session:
        tables = ("batch", "snapshot", "client", "token", "audit_entry", "receipt")
        return {table: session.execute(text(f"select count(*) from {table}")).scalar_one() for table in tables}


def test_a_restored_office_is_the_one_that_was_backed_up(city: Office, tmp_path: Path) -> None:
    report = backup_office(city, tmp_path / "a.tar", NOW)
    assert (tmp_path / "a.tar").stat().st_mode & 0o077 == 0, "it holds keys: nobody else reads it"
    restored_report, restored = restored_to(tmp_path / "a.tar", tmp_path / "elsewhere")
    assert restored_report.files == report.files > 20
    assert content(restored) == content(city)
    assert counts(restored) == counts(city)
    assert verify(restored) == verify(city)
    restored.close()


def test_a_backup_made_under_writing_is_whole(city: Office, tmp_path: Path) -> None:
    stop = threading.Event()
    acknowledged = 0

    def write() -> None:
        nonlocal acknowledged
        while not stop.is_set():
            with city.write() as session:
                record(session, an_event(acknowledged))
            acknowledged += 1

    writer = threading.Thread(target=write)
    writer.start()
    while acknowledged < 5:
        pass
    before = verify(city).entries
    backup_office(city, tmp_path / "b.tar", NOW)
    stop.set()
    writer.join()
    _, restored = restored_to(tmp_path / "b.tar", tmp_path / "b")
    found = verify(restored)
    assert found.broken is None
    assert before <= found.entries <= verify(city).entries
    restored.close()


def test_neither_file_nor_folder_is_overwritten(city: Office, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"precious")
    with pytest.raises(RefusedInput, match="does not overwrite"):
        backup_office(city, tmp_path / "a.tar", NOW)
    with pytest.raises(RefusedInput, match="no such folder"):
        backup_office(city, tmp_path / "none" / "a.tar", NOW)
    backup_office(city, tmp_path / "b.tar", NOW)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_bytes(b"precious")
    with pytest.raises(RefusedInput, match="empty folder"):
        restore_office(tmp_path / "b.tar", tmp_path / "full")
    assert (tmp_path / "full" / "file").read_bytes() == b"precious"
    (tmp_path / "empty").mkdir()
    restored_to(tmp_path / "b.tar", tmp_path / "empty")[1].close()


def changed(source: Path, target: Path, member: str, body: bytes | None, add: str = "") -> None:
    """The backup with one member replaced, left out, or added."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for entry in old:
            inner = old.extractfile(entry)
            assert inner is not None
            content = inner.read()
            if entry.name.endswith(member) or entry.name.startswith(member):
                if body is None:
                    continue
                content = body + content[len(body) :]
            entry.size = len(content)
            new.addfile(entry, io.BytesIO(content))
        if add:
            new.addfile(tarfile.TarInfo(add), io.BytesIO())


@pytest.mark.parametrize(
    ("member", "body", "add", "said"),
    [
        ("manifest.json", b"?", "", "content is not what was backed up"),
        ("manifest.json", None, "", "differ in this file"),
        ("database.", b"?", "", "content is not what was backed up"),
        ("nothing", None, "home/lake/extra", "differ in this file"),
        ("MANIFEST.json", None, "", "no whole backup"),
        ("nothing", None, "../outside", "no whole backup"),
    ],
)
def test_a_damaged_backup_is_refused_and_leaves_nothing(
    city: Office, tmp_path: Path, member: str, body: bytes | None, add: str, said: str
) -> None:
    backup_office(city, tmp_path / "a.tar", NOW)
    changed(tmp_path / "a.tar", tmp_path / "b.tar", member, body, add)
    with pytest.raises(RefusedInput, match=said):
        restore_office(tmp_path / "b.tar", tmp_path / "home")
    assert not (tmp_path / "home").exists()
    assert not (tmp_path / "outside").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "b.tar"]


def test_a_cut_off_backup_is_refused(city: Office, tmp_path: Path) -> None:
    backup_office(city, tmp_path / "a.tar", NOW)
    whole = (tmp_path / "a.tar").read_bytes()
    for share in (0.0, 0.3, 0.9):
        (tmp_path / "cut.tar").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(RefusedInput, match="backup"):
            restore_office(tmp_path / "cut.tar", tmp_path / "home")
        assert not (tmp_path / "home").exists()


def test_a_backup_of_a_broken_journal_is_not_restored(city: Office, tmp_path: Path) -> None:
    backup_office(city, tmp_path / "whole.tar", NOW)
    _, office = restored_to(tmp_path / "whole.tar", tmp_path / "copy")
    tampered(office, "update audit_entry set firm = 'another' where seq = 3")
    backup_office(office, tmp_path / "a.tar", NOW)
    office.close()
    with pytest.raises(RefusedInput, match="journal in the backup is not whole"):
        restored_to(tmp_path / "a.tar", tmp_path / "home")
