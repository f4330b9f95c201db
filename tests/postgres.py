"""The PostgreSQL server of the tests: one that runs already (``RONGQIAO_TEST_PG``, a URL), else one of their own.

An own server lives in a temporary folder and is gone when the process ends. Its programs are those of Debian's package
``postgresql``, which ``python -m tests.find_postgres`` installs where it may. Root may not run a server, so a root
process starts it as another user.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from service import office
from service.store import Store

#: A server that runs already, for this process and the ones it starts: a user who may create databases, any database.
GIVEN = "RONGQIAO_TEST_PG"
#: ``postgresql`` puts every office of the tests there, of this process and the ones it starts.
CHOSEN = "RONGQIAO_TEST_DATABASE"
#: Tells this run's databases from those of another run on the same server.
_RUN = "RONGQIAO_TEST_RUN"
#: Not for data that must survive, but two times faster.
_CARELESS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
    "shared_buffers=64MB",
)


def binaries() -> Path | None:
    """The folder of the newest installed server's programs; ``None`` where no server is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def why_not() -> str:
    """Why no test can use PostgreSQL here; empty where they can."""
    if os.environ.get(GIVEN) or binaries():
        return ""
    return f"no PostgreSQL: {GIVEN} names no running server and none is installed (Debian: apt-get install postgresql)"


def must_be_there() -> bool:
    """Whether a missing server is a failure: in CI nothing is skipped."""
    return bool(os.environ.get("CI"))


def chosen() -> bool:
    """Whether the offices of this test run live on PostgreSQL."""
    return os.environ.get(CHOSEN) == "postgresql"


def whole() -> bool:
    """Whether everything that can open an office runs there, not only what is about stored state."""
    return os.environ.get("RONGQIAO_TEST_WHOLE") == "1"


class Server:
    """A running server, reached by ``url``, whose user may create databases."""

    def __init__(self, url: str):
        self.url = make_url(url).set(drivername="postgresql+psycopg")
        self._run = os.environ.setdefault(_RUN, uuid4().hex[:8])
        self._made: set[str] = set()
        self._kept: set[str] = set()

    def keep_made(self) -> None:
        """What has been made so far stays when a module ends: an office that the whole process shares."""
        self._kept |= self._made

    def database(self, name: str) -> str:
        """The URL of an own database called after ``name``, created with the newest schema on first use."""
        return self._created(name, template=self._template())

    def empty(self, name: str) -> str:
        """The same, without a table."""
        return self._created(name, template="template0")

    def copy(self, source: str, target: str) -> None:
        """Make the database of ``target`` a copy of that of ``source``, which nobody may be connected to."""
        self._created(target, template=self._named(source))

    def drop_all(self, template_too: bool = False) -> None:
        """Drop the databases of this run but the kept ones; whoever is connected is thrown out. With ``template_too``
        those and the template go as well.
        """
        kept = set() if template_too else {self._template(), *self._kept}
        with self._connected() as connection:
            known = connection.execute(text("select datname from pg_database")).scalars().all()
            for database in known:
                if database.startswith(self._named_like()) and database not in kept:
                    connection.execute(text(f'drop database if exists "{database}" with (force)'))
        self._made &= kept

    def _named_like(self) -> str:
        return f"rongqiao_test_{self._run}_"

    def _named(self, name: str) -> str:
        return self._named_like() + sha256(name.encode()).hexdigest()[:16]

    def _at(self, database: str) -> str:
        return self.url.set(database=database).render_as_string(hide_password=False)

    def _created(self, name: str, template: str) -> str:
        database = self._named(name)
        if database not in self._made:
            with self._connected() as connection:
                known = text("select 1 from pg_database where datname = :name")
                if connection.execute(known, {"name": database}).scalar() is None:
                    connection.execute(text(f'create database "{database}" template "{template}"'))
                    self._made.add(database)
        return self._at(database)

    @cache  # noqa: B019  # one server for a process
    def _template(self) -> str:
        """An office's empty database with the newest schema, to be copied; made once in a run."""
        database = self._named("template")
        with self._connected() as connection:
            # Two processes of a run may want it at once: the second waits.
            connection.execute(text("select pg_advisory_lock(hashtext(:name))"), {"name": database})
            known = text("select 1 from pg_database where datname = :name")
            if connection.execute(known, {"name": database}).scalar() is None:
                connection.execute(text(f"create database \"{database}\" template template0 encoding 'UTF8'"))
                store = Store(self._at(database))
                store.migrate()
                store.close()
        return database

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            yield connection


class Cluster:
    """A server of our own. ``stop("immediate")`` is the pulled plug, ``start()`` what follows it.

    With ``durable`` it keeps every promise a server of an office keeps; without, it is quick.
    """

    def __init__(self, folder: Path, durable: bool = False):
        self.folder = folder
        self.port = _free_port()
        self._is_up = False
        self._settings = () if durable else _CARELESS
        self._user: str | None = None
        if os.geteuid() == 0:
            account = _an_account()
            os.chown(folder, account.pw_uid, account.pw_gid)
            self._user = account.pw_name
        self._call(
            "initdb", "-D", str(folder / "data"), "-U", "rongqiao", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"
        )

    @property
    def url(self) -> str:
        return URL.create("postgresql+psycopg", "rongqiao", None, "127.0.0.1", self.port, "postgres").render_as_string()

    def start(self) -> None:
        settings = ("listen_addresses=127.0.0.1", "max_connections=300", *self._settings)
        options = f"-p {self.port} -k {self.folder} " + " ".join(f"-c {setting}" for setting in settings)
        log = str(self.folder / "log")
        self._call("pg_ctl", "-D", str(self.folder / "data"), "-o", options, "-l", log, "-w", "start")
        self._is_up = True

    def stop(self, mode: str = "immediate") -> None:
        if self._is_up:
            self._call("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "stop")
            self._is_up = False

    def _call(self, program: str, *arguments: str) -> None:
        folder = binaries()
        assert folder is not None, why_not()
        # Not captured through pipes: the server would inherit them and the wait for their end would not end.
        subprocess.run(
            [str(folder / program), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            user=self._user,
            group=self._user and pwd.getpwnam(self._user).pw_gid,
            extra_groups=[] if self._user else None,
        )


@contextmanager
def a_cluster(durable: bool = False) -> Iterator[Cluster]:
    """An own server, started, for the length of a block."""
    folder = Path(tempfile.mkdtemp(prefix="rongqiao-pg-"))
    folder.chmod(0o755)
    try:
        made = Cluster(folder, durable)
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        for _ in range(20):  # a process of the server may still be writing its last file
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(0.1)


def keep_shared_office() -> None:
    """Said by whoever builds an office that all modules of a test process share."""
    if chosen():
        server().keep_made()


@cache
def server() -> Server:
    """The server of this test process and of the ones it starts, started on first use where none is given."""
    begins, process = _RUN not in os.environ, os.getpid()
    given = os.environ.get(GIVEN)
    if not given:
        own = a_cluster()
        os.environ[GIVEN] = own.__enter__().url
    found = Server(os.environ[GIVEN])

    def end() -> None:
        if os.getpid() != process:  # a forked child
            return
        if not given:
            own.__exit__(None, None, None)
        elif begins:
            found.drop_all(template_too=True)

    _ends.append(end)
    atexit.register(stop_using)
    return found


#: What ends the use of the server; empty before it begins and after it ended.
_ends: list[Callable[[], None]] = []


def stop_using() -> None:
    """Stop the own server, or clear up on the given one. Called early where a process may not live to its exit."""
    while _ends:
        _ends.pop()()


def copy_office(source: Path, target: Path, *left_out: str) -> None:
    """Copy an office that nobody has open: its folder, and its database where that is not in the folder."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*left_out))
    if chosen():
        server().copy(str(source.resolve()), str(target.resolve()))


def environ_of(home: Path) -> dict[str, str]:
    """The environment in which another process finds the database that this one uses for ``home``."""
    return os.environ | ({"RONGQIAO_DATABASE_URL": office.default_url(home)} if chosen() else {})


def empty_url(home: Path) -> str:
    """The URL of a database without a table for the office in ``home``; empty where it lies in the folder."""
    return server().empty(str(home.resolve())) if chosen() else ""


def put_offices_here() -> None:
    """Every office that names no database lives on PostgreSQL from now on, in this process."""
    office.default_url = lambda home: server().database(str(home.resolve()))


def _an_account() -> pwd.struct_passwd:
    """Somebody who is not root: the server refuses to run as root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LookupError("there is neither a user postgres nor a user nobody to run a server as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
