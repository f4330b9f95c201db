"""The database: one writer at a time, a pool of readers, migrations at the door.

SQLite by default (WAL, synchronous=full, the bundled build where there is one), PostgreSQL by URL. The promise is the
same: a write transaction is alone, in this process and in every other; a reader sees one moment and cannot write; what
was committed survives a pulled plug.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

import models.tables
from models.errors import RongqiaoError
from service.turns import Asked, Ending, Turns, done
from service.web.held import Held, held_now
from service.web.tracing import span

try:
    from pysqlite3 import dbapi2 as sqlite_module
except ImportError:  # no wheel for this platform: the standard module, checked below
    sqlite_module = sqlite3

Result = TypeVar("Result")
_MIGRATIONS = Path(models.tables.__file__).parent / "migrations"
#: SQLite builds in this half-open range can corrupt a WAL database when a reset races with a writer.
_WAL_RACE = ((3, 7, 0), (3, 51, 3))
_MENDED = {(3, 44, 6), (3, 50, 7)}
#: How long a writer waits for a writer of another process; then ``DatabaseUnavailable``.
PATIENCE_SECONDS = 10
#: The writers' turn on PostgreSQL: a number of ours, held from the beginning of a write transaction to its end.
_TURN = 7_134_001
#: SQLite's primary result codes busy, locked, disk I/O error, disk full, cannot open.
_SQLITE_PASSING = {5, 6, 10, 13, 14}
#: SQLSTATE classes connection, resources, operator intervention, system error; and the one state lock timeout.
_POSTGRESQL_PASSING = ("08", "53", "57", "58", "55P03")


class UnsafeSqlite(RongqiaoError):
    """The SQLite library found here can lose a WAL database."""


class DatabaseUnavailable(RongqiaoError):
    """The database cannot answer now, through no fault of the question: restarting, busy, full, out of reach.

    When it is raised as a transaction is committed, nobody can know whether the commit came through.
    """


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
        self._writer = self._engine(pool_size=1, max_overflow=0, pool_timeout=2 * PATIENCE_SECONDS)
        self._readers = self._engine(pool_size=4, max_overflow=12)
        self._turns = Turns(self.write, DatabaseUnavailable)

    def _engine(self, **pool: Any) -> Engine:
        writes = pool["pool_size"] == 1
        if not self.is_sqlite:
            # A lost connection shows at the next use (pre-ping) and is replaced; the pool heals by itself.
            engine = create_engine(self.url, pool_pre_ping=True, connect_args={"connect_timeout": 5}, **pool)
            if not writes:
                return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            event.listen(engine, "connect", _prepare_postgresql_writer)
            event.listen(engine, "begin", _take_turn)
            return engine
        check_sqlite(sqlite_module.sqlite_version_info)
        engine = create_engine(
            self.url,
            module=sqlite_module,
            connect_args={"check_same_thread": False, "timeout": PATIENCE_SECONDS},
            **pool,
        )
        event.listen(engine, "connect", _prepare_sqlite)
        if not writes:
            event.listen(engine, "connect", _forbid_writing)
        event.listen(engine, "begin", _begin_immediate if writes else _begin_deferred)
        return engine

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction, alone, committed when the block ends, rolled back when it raises.

        Raises ``DatabaseUnavailable`` where the database cannot do it now. In a request with a key it is a part of that
        request's one transaction (``service.web.held``).
        """
        held = held_now()
        if held is not None:
            with _lost_with(held), _told_apart(), held.block() as session:
                yield session
            return
        with span("write"), _told_apart(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def write_soon(self, work: Callable[[Session], Result], ending: Ending | None = None) -> Future[Result]:
        """What ``work`` returns, once it is committed, in a transaction with all the work that waited for it to begin:
        one flush to disk for all of them.

        ``work`` is done in the order of asking, alone, in the one thread that does these; it may be done again after a
        rollback, and decides on what the session shows alone. Where one raises, nothing of them is kept and each has a
        transaction of its own. ``ending`` is done last, once for all the work that names it.

        Not for a request that holds a transaction (:mod:`service.web.held`): that one takes :meth:`write_together`.
        """
        return self._turns.ask(work, ending)

    def write_together(self, work: Callable[[Session], Result], ending: Ending | None = None) -> Result:
        """What ``work`` returns, as from :meth:`write_soon`; in the request's own transaction where it holds one."""
        if held_now() is None:
            return self.write_soon(work, ending).result()
        with self.write() as session:
            found: Result = done(session, [Asked(work, ending)])[0]
            return found

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view that cannot write. Raises ``DatabaseUnavailable`` where the database cannot answer now."""
        held = held_now()
        if held is not None and held.is_between_blocks:
            with _lost_with(held), _told_apart(), held.view() as session:
                yield session
            return
        # Closing, not rolling back: a rollback would expire the objects that the block hands out.
        with span("read"), _told_apart(), Session(self._readers, expire_on_commit=False) as session:
            yield session

    def migrate(self, to: str = "head") -> None:
        """Bring the schema up to revision ``to``, the newest; nothing happens when it is there already."""
        with self._migrating() as connection:
            if _revision(connection) != (newest_revision() if to == "head" else to):
                command.upgrade(_config(connection), to)
                self._check_references(connection)

    def downgrade(self, revision: str) -> None:
        """Take the schema back to ``revision`` (``base`` empties it)."""
        with self._migrating() as connection:
            command.downgrade(_config(connection), revision)
            self._check_references(connection)

    @contextmanager
    def _migrating(self) -> Iterator[Connection]:
        with _told_apart(), self._writer.connect() as connection:
            if not self.is_sqlite:
                with connection.begin():
                    yield connection
                return
            # SQLite changes a table by making it anew: the rows that refer to it must not go with the old one. It
            # hears of this only outside a transaction.
            driver: Any = connection.connection.driver_connection
            driver.execute("pragma foreign_keys=off").close()
            try:
                with connection.begin():
                    yield connection
            finally:
                driver.execute("pragma foreign_keys=on").close()

    def _check_references(self, connection: Connection) -> None:
        if self.is_sqlite and (broken := connection.execute(text("pragma foreign_key_check")).first()):
            raise RuntimeError(f"the migration left rows of {broken[0]} that refer to nothing in {broken[2]}")

    def close(self) -> None:
        self._turns.close()
        self._writer.dispose()
        self._readers.dispose()


def newest_revision() -> str:
    """The newest migration that is shipped."""
    return str(ScriptDirectory(str(_MIGRATIONS)).get_current_head())


@contextmanager
def _told_apart() -> Iterator[None]:
    """Tell a database that cannot answer now from a statement that is wrong."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnavailable("the database is busy: no connection came free in time") from error
    except DBAPIError as error:
        if not _passes_by(error):
            raise
        said = str(error.orig).strip().splitlines() or ["no reason given"]
        raise DatabaseUnavailable(f"the database cannot answer now: {said[0]}") from error


@contextmanager
def _lost_with(held: Held) -> Iterator[None]:
    """A request's transaction ends where its database goes away: nothing more can be done in it."""
    try:
        yield
    except DatabaseUnavailable as error:
        held.lose(error)
        raise


def _passes_by(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_PASSING
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        # No word from the server: it was never reached, or the connection broke.
        return error.connection_invalidated or isinstance(error, OperationalError)
    return str(state).startswith(_POSTGRESQL_PASSING)


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


def _forbid_writing(connection: Any, _record: Any) -> None:
    connection.execute("pragma query_only=on").close()


def _prepare_postgresql_writer(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"set lock_timeout = '{PATIENCE_SECONDS}s'")
        # A worker that hangs in a transaction must not hold the writers' turn for ever.
        cursor.execute("set idle_in_transaction_session_timeout = '60s'")
        # Where the server is set to answer before it has written, this office is not.
        cursor.execute(
            "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()


def _take_turn(connection: Connection) -> None:
    # Taken before anything is read, so that what a transaction decides on cannot change under it.
    connection.exec_driver_sql(f"select pg_advisory_xact_lock({_TURN})")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("begin immediate")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("begin")
