"""What every command starts with: the settings and the office."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from pydantic import ValidationError

from models.errors import RefusedInput
from models.uscc import check_uscc
from service.access.auth import Role
from service.access.policy import PURPOSES
from service.audit.journal import record
from service.audit.told import Asker, asking, told
from service.clock import utc_now
from service.office import Office, opened
from service.settings import Settings


def settings_of(home: Path | None = None) -> Settings:
    """The settings from the environment; ``home`` from the command line wins."""
    try:
        return Settings(home=home) if home else Settings()
    except ValidationError as error:
        fault = error.errors()[0]
        name = f"RONGQIAO_{'_'.join(str(part) for part in fault['loc']).upper()}"
        raise RefusedInput(
            "bad_setting", name, fault.get("input"), f"{fault['msg']}.", "Correct or unset the environment variable."
        ) from None


@contextmanager
def office_of(settings: Settings) -> Iterator[Office]:
    """The office of the home folder, created where it is missing, opened to the command that runs.

    Every command that opens it is in the journal first: the command, the operating system's user, and the firm it is
    about. What cannot be written down is not done.
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise RefusedInput(
            "bad_home",
            "RONGQIAO_HOME",
            str(settings.home),
            f"The data folder cannot be used: {problem.strerror}.",
            "Name a folder you may write to.",
        ) from None
    with opened(settings.home, settings.database_url) as office, asking(terminal()):
        with office.write() as session:
            record(session, told("run_command", utc_now(), *_running.get(), result="allowed"))
        yield office


def terminal() -> Asker:
    """The person at the office's terminal, by the name the operating system knows."""
    purpose = PURPOSES[Role.OFFICE][0].value
    return Asker("terminal", Role.OFFICE, person=getpass.getuser()[:64], purpose=purpose)


_running: ContextVar[tuple[str, str]] = ContextVar("running", default=("", ""))


def runs(command: str, arguments: Sequence[str]) -> None:
    """Say which command runs; the firm it is about is the first argument that is a firm's code."""
    words = [each.rpartition("=")[2] for each in arguments]
    _running.set((next((word for word in words if check_uscc(word).valid), ""), command))
