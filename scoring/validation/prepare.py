"""From a table of text to what a model takes: types, target, groups, and by name whatever is left out and why.

Nothing here is learnt from the target but which value is the rarer one; all fitted preparation happens in the folds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame, Series

from models.errors import RefusedInput
from scoring.validation.column_kinds import NumberColumn, typed
from scoring.validation.contender import Floats, Ints
from scoring.validation.description import Description, Sign
from scoring.validation.outcome import listed, outcome

#: Identical rows above this share are the nature of a coarse table, not copies of one case.
_COPIES_SHARE = 0.10


@dataclass(frozen=True)
class LeftOut:
    """A column no model sees. ``why`` is a code (``constant``, ``identifier`` …), ``said`` the described reason."""

    column: str
    why: str
    said: str = ""


@dataclass(frozen=True)
class Notice:
    """Something a reader must know: a code, the column it is about, and a figure or text."""

    code: str
    column: str
    said: str


@dataclass(frozen=True)
class Prepared:
    """Rows ready for models.

    ``X``: float64 columns with NaN and, for ``categorical`` ones, text or ``None``. ``y``: 1 for a default. ``units``:
    rows with one number belong together. ``time``: NaN where unknown. ``special``: codes that occur, by column.
    """

    X: DataFrame
    y: Ints
    units: Ints
    bad: str
    categorical: tuple[str, ...]
    special: Mapping[str, tuple[float, ...]]
    directions: Mapping[str, Sign]
    weight: Floats | None
    time: Floats | None
    left_out: tuple[LeftOut, ...]
    notices: tuple[Notice, ...]


def prepare(table: DataFrame, described: Description) -> Prepared:
    """``table`` holds text only, one row per case. ``RefusedInput`` when it cannot be validated."""
    _refuse_absent(table, described)
    target, bad, kept = outcome(table[described.target], described)
    table = table.loc[kept].reset_index(drop=True)
    y: Ints = np.asarray(target[kept] == bad, dtype=np.int64)
    left_out = _described_left_out(described)
    away = {each.column for each in left_out}
    notices: list[Notice] = []
    if not kept.all():
        notices.append(Notice("no_target", described.target, str(int((~kept).sum()))))
    columns: dict[str, NDArray[np.float64] | NDArray[np.object_]] = {}
    special: dict[str, tuple[float, ...]] = {}
    for name in table.columns:
        if name in away:
            continue
        found = typed(table[name], _codes(described, name), described.missing, _forced(described, name))
        if isinstance(found, str):
            left_out.append(LeftOut(name, found))
            continue
        columns[name] = found.values
        if isinstance(found, NumberColumn):
            if found.special:
                special[name] = found.special
            if found.odd:
                notices.append(Notice("odd_values", name, ", ".join(found.odd)))
    if not columns:
        raise RefusedInput(
            "no_columns", "dataset", described.id, "No column is left to predict from.", _in_words(left_out)
        )
    # Told by name: pandas would make a text type of its own of these, with NaN instead of None.
    X = DataFrame({name: Series(values, dtype=values.dtype) for name, values in columns.items()})
    units, copies = _units(table, X, described)
    if copies:
        notices.append(Notice("copies", "", str(copies)))
    return Prepared(
        X=X,
        y=y,
        units=units,
        bad=bad,
        categorical=tuple(name for name, values in columns.items() if values.dtype == object),
        special=special,
        directions={name: sign for name, sign in described.directions.items() if name in columns},
        weight=_numbers(table, described.weight, "weight") if described.weight else None,
        time=_numbers(table, described.time, "time") if described.time else None,
        left_out=tuple(left_out),
        notices=tuple(notices),
    )


def _refuse_absent(table: DataFrame, described: Description) -> None:
    if table.empty:
        raise RefusedInput("empty_file", "file", described.id, "It has no rows.", "Deliver rows below the header.")
    if not described.target:
        raise RefusedInput(
            "no_target", "target", None, "Nothing says which column tells the default.", "Name it: --target COLUMN."
        )
    for column, part in described.columns.items():
        if column not in table.columns:
            raise RefusedInput(
                "no_such_column",
                part,
                column,
                f"The file has no such column; it has {listed(table.columns)}.",
                "Correct the name, as the header writes it.",
            )


def _described_left_out(described: Description) -> list[LeftOut]:
    parts = {
        "target": {described.target: ""},
        "leak": described.leaks,
        "described": described.drop,
        "identifier": dict.fromkeys(described.ids, ""),
        "group": {described.group: ""},
        "time": {described.time: ""},
        "weight": {described.weight: ""},
    }
    return [LeftOut(column, why, said) for why, columns in parts.items() for column, said in columns.items() if column]


def _codes(described: Description, name: str) -> tuple[float, ...]:
    return described.special.get(name, described.special.get("*", ()))


def _forced(described: Description, name: str) -> str:
    if name in described.categorical:
        return "category"
    return "number" if name in described.numeric else ""


def _numbers(table: DataFrame, column: str, part: str) -> Floats:
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=np.float64)
    if part == "weight" and not (np.isfinite(values) & (values > 0)).all():
        raise RefusedInput("bad_weight", part, column, "Each weight is a number above zero.", "Mend these rows.")
    if np.isnan(values).all():
        raise RefusedInput("bad_time", part, column, "It holds no number.", "Write time as a number, such as a year.")
    return values


def _units(table: DataFrame, X: DataFrame, described: Description) -> tuple[Ints, int]:
    """Numbers of rows that belong together, and how many rows are copies of an earlier one."""
    if described.group:
        return pd.factorize(table[described.group])[0].astype(np.int64), 0
    alone = np.arange(len(X), dtype=np.int64)
    number = pd.factorize(pd.util.hash_pandas_object(X, index=False))[0].astype(np.int64)
    informed = X.notna().any(axis=1).to_numpy() & ~_all_special(X, described)
    copied = X.duplicated().to_numpy() & informed
    copies = int(copied.sum())
    if not copies or copies > _COPIES_SHARE * len(X):
        return alone, 0
    number[~informed] = number.max() + 1 + alone[~informed]
    return pd.factorize(number)[0].astype(np.int64), copies


def _all_special(X: DataFrame, described: Description) -> NDArray[np.bool_]:
    """Rows that hold nothing but codes for missing: alike because nothing is known, not because they are copies."""
    if not described.special:
        return np.zeros(len(X), dtype=bool)
    marks = [X[name].isin(_codes(described, name)) | X[name].isna() for name in X.columns]
    every: NDArray[np.bool_] = np.logical_and.reduce([mark.to_numpy() for mark in marks])
    return every


def _in_words(left_out: list[LeftOut]) -> str:
    return "Left out: " + listed(f"{each.column} ({each.why})" for each in left_out) + "."
