"""Says in one line which PostgreSQL the tests will use, and installs Debian's package where it may."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.postgres import GIVEN, binaries, must_be_there, why_not


def install() -> None:
    """Install the server's programs, where this is root on a Debian. No cluster of the machine's own is made."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    quiet = Path("/etc/postgresql-common/createcluster.d/rongqiao-tests.conf")
    quiet.parent.mkdir(parents=True, exist_ok=True)
    quiet.write_text("create_main_cluster = false\n", encoding="utf-8")
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", "postgresql"]):
        subprocess.run(["apt-get", *arguments], env=environ, stdout=sys.stderr, check=False)


def main() -> int:
    """0, or 1 where no server is there and one must be."""
    if why_not():
        install()
    missing, given = why_not(), os.environ.get(GIVEN)
    if missing:
        sys.stdout.write(f"{missing}; the tests on it are skipped\n")
        return 1 if must_be_there() else 0
    sys.stdout.write(f"PostgreSQL: {make_url(given) if given else f'an own server from {binaries()}'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
