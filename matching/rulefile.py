"""Reading rule files: one mapping whose parts are named in advance, every fault told with file and line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from matching.verdicts import Validity
from models.dates import parse_date
from models.errors import DataFileError, RefusedInput
from models.marked import MarkedDict, marked

_NUMBER = re.compile(r"-?\d{1,14}(\.\d{1,12})?", re.ASCII)
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True)
class Name:
    """A name or sentence in both languages."""

    zh: str
    en: str


@dataclass(frozen=True)
class RuleFile:
    """Typed access to one mapping. Each method raises ``DataFileError`` that says what to write instead."""

    raw: MarkedDict

    @classmethod
    def of(cls, document: object, known: Iterable[str], required: Iterable[str] = ()) -> RuleFile:
        """The mapping, with no part outside ``known`` and every part of ``required``."""
        if not isinstance(document, dict):
            raise MarkedDict().wrong("file", "A rule file is one mapping.", "Begin it with `id:`.")
        raw = marked(document)
        listed = tuple(known)
        for name in raw:
            if name not in listed:
                raise raw.wrong(str(name), "There is no such part here.", f"Keep {', '.join(listed)}.")
        for name in required:
            if raw.get(name) is None:
                raise raw.wrong(name, "This must be said.", f"Add `{name}:`.")
        return cls(raw)

    def has(self, name: str) -> bool:
        return self.raw.get(name) is not None

    def part(self, name: str, known: Iterable[str], required: Iterable[str] = ()) -> RuleFile:
        """The mapping under ``name``."""
        if not isinstance(self.raw.get(name), dict):
            raise self.raw.wrong(name, "This is a mapping.", "Write it as `name: value` lines.")
        return RuleFile.of(self.raw[name], known, required)

    def parts(self, name: str, known: Iterable[str], required: Iterable[str] = ()) -> tuple[RuleFile, ...]:
        """The mappings listed under ``name``; none when the part is absent."""
        listed = self.raw.get(name, [])
        if not isinstance(listed, list):
            raise self.raw.wrong(name, "This is a list.", "Begin each entry with `- `.")
        names = tuple(known)
        return tuple(RuleFile.of(entry, names, required) for entry in listed)

    def text(self, name: str, default: str = "") -> str:
        value = self.raw.get(name, default)
        if not isinstance(value, str):
            raise self.raw.wrong(name, "This is text.", "Put it in quotes.")
        return value

    def identifier(self) -> str:
        """The rule's id: lower case words joined by hyphens."""
        if not isinstance(self.raw.get("id"), str) or not _ID.fullmatch(self.raw["id"]):
            raise self.raw.wrong("id", "An id is lower case words joined by hyphens.", "Write it like sy-first-loan.")
        return str(self.raw["id"])

    def texts(self, name: str) -> tuple[str, ...]:
        listed = self.raw.get(name, [])
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise self.raw.wrong(name, "This is a list of texts.", "Write it like [a, b].")
        return tuple(listed)

    def flag(self, name: str, default: bool | None = None) -> bool:
        value = self.raw.get(name, default)
        if not isinstance(value, bool):
            raise self.raw.wrong(name, "This is true or false.", "Write true or false.")
        return value

    def whole(self, name: str, low: int, high: int) -> int:
        value = self.raw.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.raw.wrong(name, f"This is a whole number from {low} to {high}.", "Write it without a point.")
        return value

    def decimal(self, name: str, low: str = "0", high: str = "1") -> Decimal:
        """An exact number within bounds: a whole number, or text so that no digit is lost."""
        value = self.raw.get(name)
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if (
            not isinstance(text, str)
            or not _NUMBER.fullmatch(text)
            or not Decimal(low) <= Decimal(text) <= Decimal(high)
        ):
            raise self.raw.wrong(name, f"This is a number from {low} to {high}.", 'Write it like "0.0435".')
        return Decimal(text)

    def yuan(self, name: str) -> Decimal:
        """An amount above zero in whole fen."""
        amount = self.decimal(name, "0.01", "10000000000")
        if amount != amount.quantize(Decimal("0.01")):
            raise self.raw.wrong(name, "An amount has at most two decimals.", "Write yuan, like 3000000.")
        return amount

    def choice(self, name: str, choices: type[Choice]) -> Choice:
        try:
            return choices(str(self.raw.get(name)))
        except ValueError:
            listed = ", ".join(each.value for each in choices)
            raise self.raw.wrong(name, "There is no such choice.", f"One of {listed}.") from None

    def one_of(self, name: str, choices: Iterable[str]) -> str:
        listed = tuple(choices)
        if self.raw.get(name) not in listed:
            raise self.raw.wrong(name, "There is no such choice.", f"One of {', '.join(listed)}.")
        return str(self.raw[name])

    def name(self) -> Name:
        """``zh`` and ``en`` of this mapping, both said."""
        for language in ("zh", "en"):
            if not self.text(language):
                raise self.raw.wrong(language, "A name is given in both languages.", f"Add `{language}:`.")
        return Name(self.raw["zh"], self.raw["en"])

    def names(self, name: str) -> tuple[Name, ...]:
        return tuple(part.name() for part in self.parts(name, ("zh", "en"), ("zh", "en")))

    def day(self, name: str) -> date | None:
        value = self.raw.get(name)
        if value is None or isinstance(value, date):
            return value
        try:
            return parse_date(str(value), name)
        except RefusedInput as problem:
            raise self.raw.wrong(name, problem.rule, problem.fix) from None

    def validity(self, deciding_days: Iterable[str] = ("as_of",)) -> Validity:
        """The part ``valid``: ``{from, until, selected_by}``; a rule without it is open at both ends."""
        if not self.has("valid"):
            return Validity()
        part = self.part("valid", ("from", "until", "selected_by"))
        since, until = part.day("from"), part.day("until")
        if since and until and until < since:
            raise part.raw.wrong("until", "A rule ends on or after its first day.", "Swap the two days.")
        selected_by = part.one_of("selected_by", deciding_days) if part.has("selected_by") else "as_of"
        return Validity(since, until, selected_by)


def clash(rule_id: str, field: str, value: object, rule: str, fix: str) -> DataFileError:
    """The error that a rule does not fit the other rules; it names the rule, since no one line is at fault."""
    return DataFileError(f"{rule_id}.yaml", 0, field, value, rule, fix)


def replaced(raw: Any, readings: Mapping[str, Any], used: set[str]) -> Any:
    """``raw`` with every ``{reading: id}`` replaced by that reading's value; ``used`` collects the ids met."""
    if isinstance(raw, list):
        return [replaced(each, readings, used) for each in raw]
    if not isinstance(raw, dict):
        return raw
    if set(raw) == {"reading"}:
        if raw["reading"] not in readings:
            raise marked(raw).wrong("reading", "The scheme has no such reading.", "Declare it under `readings`.")
        used.add(str(raw["reading"]))
        return readings[raw["reading"]]
    spec = marked(raw)
    made = {name: replaced(value, readings, used) for name, value in raw.items()}
    return MarkedDict(made, file=spec.file, line=spec.line, lines=spec.lines)
