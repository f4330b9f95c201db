"""The process the kill test kills: ``python -m tests.killed_ingest FOLDER``.

It imports everything once, then forks one child per line ``HOME STEP`` on standard input. A child ingests every
delivery of FOLDER into HOME; with STEP above 0 it kills itself at that moment, counting one moment before and one
after each flush and rename. Prints the child's process id, then its wait status.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from service.office import Office
from service.usecases.ingest_batch import ingest_batch
from tests.deliveries import RECEIVED


def ingest_all(home: Path, folder: Path) -> None:
    """Ingest the deliveries (``03.feed_id.csv``) in order, one day apart."""
    office = Office.open(home)
    for day, path in enumerate(sorted(folder.iterdir())):
        ingest_batch(office, path.name.split(".")[1], path, received_at=RECEIVED + timedelta(days=day))
    office.close()


def die_at(step: int) -> None:
    """Replace flush and rename of this process with ones that kill it at the given moment."""
    left = step

    def moment() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any) -> Any:
            moment()
            answer = call(*arguments)
            moment()
            return answer

        return made

    os.fsync, os.replace = counted(os.fsync), counted(os.replace)


def main() -> None:
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        home, step = line.split()
        child = os.fork()
        if child == 0:
            die_at(int(step))
            ingest_all(Path(home), folder)
            os._exit(0)
        print(child, flush=True)  # noqa: T201
        print(os.waitpid(child, 0)[1], flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
