"""A consistent copy of the database while it is written to, and its return into an empty one.

SQLite is copied by its own online backup; PostgreSQL by ``pg_dump``, which must be installed beside the server.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url

from models.errors import RefusedInput, RongqiaoError
from service.store import Store, sqlite_module

SQLITE, POSTGRESQL = "database.sqlite", "database.pgdump"


class CopyFailed(RongqiaoError):
    """The database could not be copied or brought back."""


def copy_database(store: Store, folder: Path) -> Path:
    """A file in ``folder`` with everything that was committed when the copy began."""
    if not store.is_sqlite:
        target = folder / POSTGRESQL
        _run("pg_dump", store.url, "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")
        return target
    target = folder / SQLITE
    with store.read() as session:
        source = session.connection().connection.driver_connection
        copy = sqlite_module.connect(target)
        try:
            source.backup(copy)  # type: ignore[union-attr]  # the driver's connection is a SQLite one here
            # A copy is one file: without this a reader of it would make a log beside it.
            copy.execute("pragma journal_mode=delete")
        except sqlite_module.OperationalError as error:
            raise CopyFailed(f"the database could not be copied: {error}") from error
        finally:
            copy.close()
    return target


def return_database(copy: Path, store_url: str, sqlite_file: Path) -> str:
    """Bring a copy back and answer with the URL it now lives at.

    A SQLite copy becomes ``sqlite_file``; a PostgreSQL copy goes into the database of ``store_url``, which must be
    there and empty. ``RefusedInput`` where the kind of copy and the URL do not fit.
    """
    if copy.name == SQLITE:
        if store_url:
            raise _misfit("a SQLite copy", "Unset RONGQIAO_DATABASE_URL.")
        shutil.move(copy, sqlite_file)
        return f"sqlite:///{sqlite_file}"
    if not store_url or make_url(store_url).get_backend_name() != "postgresql":
        raise _misfit("a PostgreSQL copy", "Set RONGQIAO_DATABASE_URL to an empty PostgreSQL database.")
    store = Store(store_url)
    try:
        with store.read() as session:
            if inspect(session.connection()).get_table_names():
                raise _misfit("a PostgreSQL copy", "The database has tables already; name an empty one.")
    finally:
        store.close()
    _run("pg_restore", store_url, "--no-owner", "--exit-on-error", "--single-transaction", str(copy), by_name=True)
    return store_url


def check_integrity(store: Store) -> None:
    """Raise ``CopyFailed`` when SQLite finds its file damaged; PostgreSQL checks pages as it reads them."""
    if store.is_sqlite:
        with store.read() as session:
            said: Sequence[str] = session.execute(text("pragma integrity_check")).scalars().all()
        if list(said) != ["ok"]:
            raise CopyFailed(f"the database is damaged: {said[0]}")


def _run(program: str, url: str, *arguments: str, by_name: bool = False) -> None:
    path = shutil.which(program)
    if path is None:
        raise CopyFailed(f"{program} is not installed; it comes with the PostgreSQL client programs")
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    done = subprocess.run(
        [path, *((f"--dbname={plain}", *arguments) if by_name else (*arguments, plain))], capture_output=True, text=True
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise CopyFailed(f"{program} failed: {said[-1]}")


def _misfit(what: str, fix: str) -> RefusedInput:
    return RefusedInput(
        "other_database", "RONGQIAO_DATABASE_URL", None, f"The backup holds {what}, and it cannot go there.", fix
    )
