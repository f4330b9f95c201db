"""The description of a data set: what each column is to a model. A bank writes one for its own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from models.marked import MarkedDict, marked

#: +1: a larger value means a larger probability of default; -1 the reverse.
Sign = Literal[-1, 1]

_KEYS = {
    "id", "zh", "en", "file", "reader", "source", "licence", "notes", "synthetic", "target", "drop", "leaks",
    "ids", "group", "categorical", "numeric", "time", "special", "missing", "weight", "directions", "folds", "repeats",
}  # fmt: skip
_DIRECTIONS: Mapping[str, Sign] = {"higher_is_riskier": 1, "lower_is_riskier": -1}


@dataclass(frozen=True)
class Description:
    """One data set. Every part but ``id`` may be empty, and then follows from the rows.

    ``bad`` is the text of the target that means default (empty: the rarer one). ``drop`` and ``leaks`` map a column to
    the reason. ``group``: rows with one value of it stay in one fold. ``time_from``: rows whose ``time`` is at least
    this are the later part of the out-of-time test. ``special``: codes that are kinds of missing, by column or, under
    ``*``, for every numeric column. ``missing``: texts that mean missing, instead of the usual ones.
    """

    id: str
    zh: str = ""
    en: str = ""
    file: str = ""
    reader: str = ""
    source: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()
    synthetic: bool = False
    target: str = ""
    bad: str = ""
    drop: Mapping[str, str] = field(default_factory=dict)
    leaks: Mapping[str, str] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    group: str = ""
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    time: str = ""
    time_from: float | None = None
    special: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    weight: str = ""
    directions: Mapping[str, Sign] = field(default_factory=dict)
    folds: int = 5
    repeats: int = 2

    @property
    def columns(self) -> dict[str, str]:
        """Every column the description names, with the part that names it."""
        named = {
            "target": [self.target],
            "drop": [*self.drop],
            "leaks": [*self.leaks],
            "ids": [*self.ids],
            "group": [self.group],
            "categorical": [*self.categorical],
            "numeric": [*self.numeric],
            "time": [self.time],
            "special": [name for name in self.special if name != "*"],
            "weight": [self.weight],
            "directions": [*self.directions],
        }
        return {column: part for part, columns in named.items() for column in columns if column}


def parse_description(document: Mapping[str, Any], default_id: str = "") -> Description:
    """A description from its file. ``DataFileError`` names file, line and field of the first fault."""
    raw = marked(document)  # type: ignore[arg-type]
    for key in raw:
        if key not in _KEYS:
            raise raw.wrong(key, "No part of a description has this name.", f"Use one of {', '.join(sorted(_KEYS))}.")
    identity = str(raw.get("id", default_id))
    if not identity:
        raise raw.wrong("id", "A data set has an id.", "Give one, such as `loans_2024`.")
    target = _table(raw, "target")
    time = _table(raw, "time")
    return Description(
        id=identity,
        zh=str(raw.get("zh", "")),
        en=str(raw.get("en", "")),
        file=str(raw.get("file", "")),
        reader=str(raw.get("reader", "")),
        source=str(raw.get("source", "")),
        licence=str(raw.get("licence", "")),
        notes=_names(raw, "notes"),
        synthetic=_flag(raw, "synthetic"),
        target=_text(target, "column", raw, "target") if target else "",
        bad=str(target.get("bad", "")),
        drop=_reasons(raw, "drop"),
        leaks=_reasons(raw, "leaks"),
        ids=_names(raw, "ids"),
        group=str(raw.get("group", "")),
        categorical=_names(raw, "categorical"),
        numeric=_names(raw, "numeric"),
        time=_text(time, "column", raw, "time") if time else "",
        time_from=_number(time, "from", time.get("from")) if time else None,
        special=_special(raw),
        missing=_names(raw, "missing"),
        weight=str(raw.get("weight", "")),
        directions=_directions(raw),
        folds=_count(raw, "folds", 5, 2),
        repeats=_count(raw, "repeats", 2, 1),
    )


def _table(raw: MarkedDict, key: str) -> MarkedDict:
    found = raw.get(key, {})
    if not isinstance(found, Mapping):
        raise raw.wrong(key, "It is a mapping.", f"Write `{key}: {{column: …}}`.")
    return marked(found)  # type: ignore[arg-type]


def _text(table: MarkedDict, key: str, raw: MarkedDict, part: str) -> str:
    if not table.get(key):
        raise raw.wrong(part, f"`{part}` names its {key}.", f"Write `{part}: {{{key}: …}}`.")
    return str(table[key])


def _names(raw: MarkedDict, key: str) -> tuple[str, ...]:
    found = raw.get(key, [])
    if isinstance(found, str) or not isinstance(found, list):
        raise raw.wrong(key, "It is a list.", f"Write `{key}: [one, another]`.")
    return tuple(str(name) for name in found)


def _flag(raw: MarkedDict, key: str) -> bool:
    found = raw.get(key, False)
    if not isinstance(found, bool):
        raise raw.wrong(key, "It is true or false.", "Write one of them.")
    return found


def _reasons(raw: MarkedDict, key: str) -> dict[str, str]:
    table = _table(raw, key)
    for column, why in table.items():
        if not why:
            raise table.wrong(column, "A column that is left out has a reason.", f"Write `{column}: why`.")
    return {str(column): str(why) for column, why in table.items()}


def _number(table: MarkedDict, key: str, value: object) -> float:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise table.wrong(key, f"{value!r} is no number.", "Write a number.")
    return float(number)


def _special(raw: MarkedDict) -> dict[str, tuple[float, ...]]:
    table = _table(raw, "special")
    for column, codes in table.items():
        if not isinstance(codes, list) or not codes:
            raise table.wrong(column, "Special values are a list of numbers.", f"Write `{column}: [-9, -8]`.")
    return {str(column): tuple(_number(table, column, code) for code in codes) for column, codes in table.items()}


def _directions(raw: MarkedDict) -> dict[str, Sign]:
    table = _table(raw, "directions")
    for column, word in table.items():
        if word not in _DIRECTIONS:
            raise table.wrong(column, f"{word!r} is no direction.", f"Write {' or '.join(_DIRECTIONS)}.")
    return {str(column): _DIRECTIONS[word] for column, word in table.items()}


def _count(raw: MarkedDict, key: str, usual: int, least: int) -> int:
    found = raw.get(key, usual)
    if not isinstance(found, int) or isinstance(found, bool) or found < least:
        raise raw.wrong(key, f"It is a whole number from {least}.", f"Write {usual}.")
    return found
