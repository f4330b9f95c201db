"""The command line `rongqiao`: exit 0 done, 1 failure, 2 refused input, 130 stopped by Ctrl-C."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main", "run"]


def main() -> None:
    """Entry point of the installed command."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code."""
    # Imported here: an interrupt while the libraries load is then handled like any other.
    try:
        from service.cli.program import run_program

        return run_program(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return 130
    except BrokenPipeError:
        # The reader (`head`) has seen enough; the interpreter must not complain again when it closes the stream.
        sys.stdout = None
        return 0
