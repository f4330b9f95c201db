"""The database: safe build, migrations both ways, one writer, UTC or nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError

from models.tables import Base, Snapshot
from service.office import Office, opened
from service.store import UnsafeSqlite, check_sqlite, sqlite_module


def snapshot(identifier: str, at: datetime) -> Snapshot:
    return Snapshot(
        id=identifier, as_of=date(2024, 10, 31), known_by=at, built_at=at, firms=1, manifest_sha256="0" * 64
    )


def test_tables_equal_the_migrated_schema(tmp_path: Path) -> None:
    with opened(tmp_path) as office, office.store._writer.connect() as connection:
        context = MigrationContext.configure(connection, opts={"render_as_batch": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_go_down_and_up_again(tmp_path: Path) -> None:
    with opened(tmp_path) as office:
        office.store.downgrade("base")
        with office.read() as session:
            tables = session.execute(text("select name from sqlite_master where type='table'")).scalars().all()
        assert set(tables) <= {"alembic_version", "sqlite_sequence"}
        office.store.migrate()
        with office.write() as session:
            session.add(snapshot("a", datetime(2024, 11, 1, tzinfo=UTC)))


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
