"""A PostgreSQL server of the tests' own: a fresh cluster in a temporary folder, gone when the process ends.

Found by `initdb` on the PATH or where Debian puts it. Root may not run the server, so a root process starts it as the
user `postgres`.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from functools import cache
from hashlib import sha256
from pathlib import Path

from sqlalchemy import create_engine, text


def binaries() -> Path | None:
    """The folder of the newest installed server's programs; ``None`` where no server is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


WHY_NOT = "" if binaries() else "no PostgreSQL server is installed (Debian: apt-get install postgresql)"


class Cluster:
    """A running server. ``stop("immediate")`` is the pulled plug, ``start()`` what follows it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port = _free_port()
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
            self._as_user = ["runuser", "-u", "postgres", "--"]
        self._run("initdb", "-D", str(folder / "data"), "-U", "rongqiao", "-A", "trust", "-E", "UTF8", "--locale=C")

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-o", options, "-l", log, "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "stop")

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://rongqiao@127.0.0.1:{self.port}/{database}"

    def database(self, name: str) -> str:
        """The URL of an own database called after ``name``, created on first use."""
        database = "t" + sha256(name.encode()).hexdigest()[:24]
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            known = connection.execute(text("select 1 from pg_database where datname = :name"), {"name": database})
            if known.scalar() is None:
                connection.execute(text(f'create database "{database}"'))
        engine.dispose()
        return self.url(database)

    def _run(self, program: str, *arguments: str) -> None:
        folder = binaries()
        assert folder is not None, WHY_NOT
        command = [*self._as_user, str(folder / program), *arguments]
        # Not captured through pipes: the server would inherit them and the wait for their end would not end.
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/")


@cache
def cluster() -> Cluster:
    """The one server of this test process, started on first use."""
    folder = Path(tempfile.mkdtemp(prefix="rongqiao-pg-"))
    folder.chmod(0o755)
    made = Cluster(folder)
    made.start()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(made.stop)
    return made


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
