"""What every command starts with: the settings and the office."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from models.errors import RefusedInput
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
    """The office of the home folder, created where it is missing."""
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
    with opened(settings.home, settings.database_url) as office:
        yield office
