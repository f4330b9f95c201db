"""The column that tells the outcome: which of its values means default, and which rows have one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from pandas import Series

from models.errors import RefusedInput
from scoring.validation.column_kinds import known_text
from scoring.validation.description import Description


def outcome(column: Series[str], described: Description) -> tuple[Series[str], str, NDArray[np.bool_]]:
    """The target as text, the value that means default, and which rows have a target at all.

    ``RefusedInput`` for one class, and where it does not say which value means default.
    """
    text = column.str.strip()
    kept = known_text(text, described.missing)
    counts = text[kept].value_counts()
    if len(counts) < 2:
        held = f"only {counts.index[0]!r}" if len(counts) else "no value"
        raise RefusedInput(
            "one_class_target",
            "target",
            described.target,
            f"It holds {held}: there is nothing to tell apart.",
            "Bring rows of both outcomes.",
        )
    if described.bad and described.bad not in counts.index:
        raise RefusedInput(
            "no_such_value",
            "bad",
            described.bad,
            f"The target {described.target} holds {listed(counts.index)}.",
            "Name one of these as the default.",
        )
    if described.bad:
        return text, described.bad, kept
    if len(counts) > 2:
        raise RefusedInput(
            "many_class_target",
            "target",
            described.target,
            f"It holds {len(counts)} values ({listed(counts.index)}), and no one says which means default.",
            "Name it with --bad VALUE; all others then count as no default.",
        )
    if counts.iloc[0] == counts.iloc[1]:
        raise RefusedInput(
            "even_target",
            "target",
            described.target,
            f"Its values {listed(counts.index)} are equally frequent, so that neither is the rarer one.",
            "Name the one that means default with --bad VALUE.",
        )
    return text, str(counts.index[1]), kept


def listed(names: Iterable[object], most: int = 12) -> str:
    """The first ``most`` names and how many more there are."""
    every = [str(name) for name in names]
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")
