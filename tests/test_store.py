"""The database: safe build, migrations both ways, one writer, UTC or nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from models.tables import Snapshot
from service.office import Office, opened
from service.store import UnsafeSqlite, check_sqlite, sqlite_module


def snapshot(identifier: str, at: datetime) -> Snapshot:
    return Snapshot(
        id=identifier, as_of=date(2024, 10, 31), known_by=at, built_at=at, firms=1, manifest_sha256="0" * 64
    )


def test_a_failed_block_leaves_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as office:
        with pytest.raises(StatementError), office.write() as session:
            session.add_all([snapshot("a", datetime(2024, 11, 1, tzinfo=UTC)), snapshot("b", datetime(2024, 11, 1))])
        with office.read() as session:
            assert session.scalars(select(Snapshot)).all() == []


def test_moments_come_back_in_utc_and_naive_ones_are_refused(tmp_path: Path) -> None:
    at = datetime(2024, 11, 1, 8, 30, 15, 250, tzinfo=UTC)
    with opened(tmp_path) as office:
        with office.write() as session:
            session.add(snapshot("a", at))
        with office.read() as session:
            assert session.scalars(select(Snapshot)).one().known_by == at
        with pytest.raises(StatementError, match="time zone"), office.write() as session:
            session.add(snapshot("b", datetime(2024, 11, 1)))


def test_a_reader_does_not_wait_for_the_writer(tmp_path: Path) -> None:
    with opened(tmp_path) as office, office.write() as session:
        session.add(snapshot("a", datetime(2024, 11, 1, tzinfo=UTC)))
        session.flush()
        with office.read() as other:
            assert other.scalars(select(Snapshot)).all() == []


def test_reopening_keeps_what_was_committed(tmp_path: Path) -> None:
    with opened(tmp_path) as office, office.write() as session:
        session.add(snapshot("a", datetime(2024, 11, 1, tzinfo=UTC)))
    office = Office.open(tmp_path)
    with office.read() as session:
        assert session.scalars(select(Snapshot.id)).all() == ["a"]
    office.close()


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 51, 2), (3, 50, 6)])
def test_builds_with_the_wal_race_are_refused(version: tuple[int, ...]) -> None:
    with pytest.raises(UnsafeSqlite, match="pysqlite3"):
        check_sqlite(version)


@pytest.mark.parametrize("version", [(3, 51, 3), (3, 53, 4), (3, 44, 6), (3, 50, 7)])
def test_mended_builds_are_taken(version: tuple[int, ...]) -> None:
    check_sqlite(version)


def test_the_build_in_use_is_safe() -> None:
    check_sqlite(sqlite_module.sqlite_version_info)
