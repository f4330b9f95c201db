"""The database: one writer connection, a pool of readers, migrations at the door.

SQLite by default (WAL, synchronous=full, the bundled build where there is one), PostgreSQL by URL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.orm import Session

import models.tables
from models.errors import RongqiaoError

try:
    from pysqlite3 import dbapi2 as sqlite_module
except ImportError:  # no wheel for this platform: the standard module, checked below
    sqlite_module = sqlite3

_MIGRATIONS = Path(models.tables.__file__).parent / "migrations"
#: SQLite builds in this half-open range can corrupt a WAL database when a reset races with a writer.
_WAL_RACE = ((3, 7, 0), (3, 51, 3))
_MENDED = {(3, 44, 6), (3, 50, 7)}


class UnsafeSqlite(RongqiaoError):
    """The SQLite library found here can lose a WAL database."""


def check_sqlite(version: tuple[int, ...]) -> None:
    """Raise ``UnsafeSqlite`` for a build with the WAL-reset race."""
    if _WAL_RACE[0] <= version < _WAL_RACE[1] and version not in _MENDED:
        shown = ".".join(map(str, version))
        raise UnsafeSqlite(
            f"SQLite {shown} can corrupt a write-ahead log. Install pysqlite3 (its wheel brings a current build), "
            "or set RONGQIAO_DATABASE_URL to a PostgreSQL database."
        )


class Store:
    """Two engines on one database: ``write()`` is one transaction at a time, ``read()`` never blocks on it."""

    def __init__(self, url: str):
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._writer = self._engine(pool_size=1, max_overflow=0, pool_timeout=60)
        self._readers = self._engine(pool_size=4, max_overflow=12)

    def _engine(self, **pool: Any) -> Engine:
        if not self.is_sqlite:
            return create_engine(self.url, pool_pre_ping=True, **pool)
        check_sqlite(sqlite_module.sqlite_version_info)
        engine = create_engine(
            self.url, module=sqlite_module, connect_args={"check_same_thread": False, "timeout": 60}, **pool
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate if pool["pool_size"] == 1 else _begin_deferred)
        return engine

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction, committed when the block ends, rolled back when it raises."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view that cannot write."""
        # Closing, not rolling back: a rollback would expire the objects that the block hands out.
        with Session(self._readers, expire_on_commit=False) as session:
            yield session

    def migrate(self) -> None:
        """Bring the schema to the newest revision; nothing happens when it is there already."""
        with self._writer.connect() as connection, connection.begin():
            if _revision(connection) != newest_revision():
                command.upgrade(_config(connection), "head")

    def downgrade(self, revision: str) -> None:
        """Take the schema back to ``revision`` (``base`` empties it)."""
        with self._writer.connect() as connection, connection.begin():
            command.downgrade(_config(connection), revision)

    def close(self) -> None:
        self._writer.dispose()
        self._readers.dispose()


def newest_revision() -> str:
    """The newest migration that is shipped."""
    return str(ScriptDirectory(str(_MIGRATIONS)).get_current_head())


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("select version_num from alembic_version")).scalar()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: the "begin" listeners below do, with the right lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=on"):
        cursor.execute(f"pragma {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("begin immediate")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("begin")
