"""What the learners of a card refuse among their settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from scoring.scorecard.faults import bad_training

Direction = Literal[-1, 0, 1, "auto"]


def check_columns(names: Iterable[str], **settings: Iterable[object] | None) -> None:
    """``RefusedValues`` where a setting names a column that is not among ``names``."""
    there = set(names)
    for setting, named in settings.items():
        unknown = sorted({str(name) for name in named or ()} - there)
        if unknown:
            raise bad_training(setting, unknown, "The table has no such column.", "Name a column of the table.")


def check_directions(monotone: Mapping[str, Direction] | None) -> None:
    """``RefusedValues`` for a direction that is none."""
    for name, direction in (monotone or {}).items():
        if direction not in (-1, 0, 1, "auto"):
            raise bad_training("monotone", {name: direction}, "A direction is -1, 0, 1 or auto.", "Take one of them.")


def check_prior(prior: float | None) -> None:
    """``RefusedValues`` for a default rate that is no fraction."""
    if prior is not None and not 0.0 < prior < 1.0:
        raise bad_training("prior", prior, "A default rate lies between 0 and 1.", "Give a fraction.")


def check_whole(setting: str, value: int, least: int, most: int) -> None:
    """``RefusedValues`` for a number outside ``least..most``."""
    if not least <= value <= most:
        raise bad_training(setting, value, f"It lies in {least}..{most}.", "Change it.")


def check_positive(setting: str, value: float) -> None:
    """``RefusedValues`` for a number that is not above zero, or not finite."""
    if not 0.0 < value < float("inf"):
        raise bad_training(setting, value, "It is a finite number above zero.", "Change it.")


def check_share(setting: str, value: float) -> None:
    """``RefusedValues`` for a number outside 0..1."""
    if not 0.0 <= value <= 1.0:
        raise bad_training(setting, value, "It lies in 0..1.", "Change it.")
