"""The process the registry's kill test kills: ``python -m tests.killed_register``.

It imports everything once, then forks one child per line ``HOME STEP`` on standard input. A child registers a model in
HOME and kills itself at the given moment, counting one before and one after each flush and rename; step 0 lives. Prints
the child's wait status.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from service.office import Office
from service.registry.store import register
from tests.killed_ingest import die_at
from tests.made_models import NOW, a_bundle

BASE = 500_000


def main() -> None:
    for line in sys.stdin:
        home, step = line.split()
        child = os.fork()
        if child == 0:
            office = Office.open(Path(home))
            die_at(int(step))
            register(office, a_bundle(BASE), "ana", "killed", NOW)
            os._exit(0)
        print(os.waitpid(child, 0)[1], flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
