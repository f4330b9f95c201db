"""The process the repair kill test kills: ``python -m tests.killed_repair``.

It imports everything once, then forks one child per line ``HOME REPAIR STEP`` on standard input. A child grants the
repair and acknowledges it with a file ``acknowledged`` beside HOME; with STEP above 0 it kills itself at that flush or
rename before, with 0 right after the acknowledgment. Prints the child's wait status.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from service.access.auth import Caller, Role
from service.office import Office
from service.usecases.step_repair import RepairStepAsked, step_repair
from tests.cases_city import NOON
from tests.killed_ingest import die_at

APPROVER = Caller("approver", Role.APPROVER)


def grant(home: Path, repair: str) -> str:
    """Grant a reviewed repair; the stage it is in then."""
    office = Office.open(home)
    asked = RepairStepAsked("grant", "conditions met")
    stage: str = step_repair(office, APPROVER, repair, asked, NOON, "")["state"]["id"]
    office.close()
    return stage


def main() -> None:
    for line in sys.stdin:
        home, repair, step = line.split()
        child = os.fork()
        if child == 0:
            die_at(int(step))
            grant(Path(home), repair)
            Path(home).with_suffix(".acknowledged").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        print(os.waitpid(child, 0)[1], flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
