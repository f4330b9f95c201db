"""One office's data folder: the database, the lake of records, the snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy.orm import Session

from service.settings import DEMO_CLIENTS_FILE, SANDBOX_FILE
from service.store import Store

#: The file of an office's own SQLite database.
DATABASE = "rongqiao.db"


def default_url(home: Path) -> str:
    """The database of an office that names none: SQLite in its folder."""
    return f"sqlite:///{home.resolve() / DATABASE}"


class Office:
    """Everything a use case needs to do I/O. ``home`` is ``RONGQIAO_HOME``.

    ``lake`` holds record files, ``snapshots`` built results, ``work`` unfinished files on the same file system, so
    that finishing one is a rename.
    """

    def __init__(self, home: Path, store: Store):
        self.home = home
        self.lake = home / "lake"
        self.snapshots = home / "snapshots"
        self.work = home / "work"
        self.store = store

    @classmethod
    def open(cls, home: Path, database_url: str = "") -> Office:
        """Open the folder, creating it where missing, with its schema up to date."""
        office = cls(home, Store(database_url or default_url(home)))
        for folder in (office.lake, office.snapshots, office.work):
            folder.mkdir(parents=True, exist_ok=True)
        office.store.migrate()
        return office

    @property
    def invented(self) -> bool:
        """Whether this is the office of an invented city: its firms, and whatever is learned from them, are made up."""
        return (self.home / DEMO_CLIENTS_FILE).exists() or self.is_sandbox

    @property
    def is_sandbox(self) -> bool:
        """Whether this is a sandbox: a file of its folder says so, made before anything lands in it."""
        return (self.home / SANDBOX_FILE).exists()

    def write(self) -> AbstractContextManager[Session]:
        """One committed transaction; see ``Store.write``."""
        return self.store.write()

    def read(self) -> AbstractContextManager[Session]:
        """A read-only view; see ``Store.read``."""
        return self.store.read()

    def close(self) -> None:
        self.store.close()


@contextmanager
def opened(home: Path, database_url: str = "") -> Iterator[Office]:
    """An office for the length of a block."""
    office = Office.open(home, database_url)
    try:
        yield office
    finally:
        office.close()
