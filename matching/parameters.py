"""Dated public numbers (the LPR, caps): a value by day, its source, and how far it has been confirmed."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from models.dates import parse_date
from models.errors import NotFound, RefusedInput
from models.kinds import Kind
from models.marked import MarkedDict, marked

_NUMBER = re.compile(r"-?\d{1,16}(\.\d{1,12})?", re.ASCII)

#: Kinds a parameter of this unit may be compared with.
_KINDS_OF_UNIT: Mapping[str, frozenset[Kind]] = {
    "fraction": frozenset({Kind.RATIO}),
    "yuan": frozenset({Kind.MONEY}),
    "months": frozenset({Kind.MONTHS}),
    "number": frozenset({Kind.NUMBER, Kind.COUNT}),
}


@dataclass(frozen=True)
class DatedValue:
    """``value`` holds from ``since`` until the next entry. ``confirmed``: two independent sources agree."""

    since: date
    value: Decimal
    confirmed: bool
    source: str


@dataclass(frozen=True)
class ParameterValue:
    """The answer for one day. ``note`` is empty for a confirmed value, else says what it rests on."""

    id: str
    on: date
    value: Decimal
    unit: str
    in_force_from: date
    confirmed: bool
    last_confirmed: date
    source: str
    note: str = ""


@dataclass(frozen=True)
class Parameter:
    """One dated number. ``unit`` is fraction, yuan, months or number. ``entries`` run forward in time.

    ``last_confirmed`` is the last day two sources agree on; ``seen_until`` the last publication any source shows.
    """

    id: str
    zh: str
    en: str
    unit: str
    source: str
    last_confirmed: date
    seen_until: date
    entries: tuple[DatedValue, ...]

    def on(self, day: date) -> ParameterValue:
        """The value on ``day``.

        After ``last_confirmed`` the last confirmed value is answered, marked unconfirmed. Before the first entry
        there is no value: ``RefusedInput``.
        """
        at = bisect_right(self.entries, day, key=lambda entry: entry.since) - 1
        if at < 0:
            first = self.entries[0].since
            raise RefusedInput(
                "before_first_value",
                "on",
                day.isoformat(),
                f"{self.id} has no value before {first}.",
                f"Ask a day from {first} on.",
            )
        confirmed, note = True, ""
        if day > self.last_confirmed:
            confirmed = False
            note = f"Last confirmed on {self.last_confirmed}; the value may have changed since."
            if self.seen_until > self.last_confirmed:
                note += f" One source shows it unchanged until {self.seen_until}."
            while not self.entries[at].confirmed:
                at -= 1
        elif not self.entries[at].confirmed:
            confirmed, note = False, "One source only."
        entry = self.entries[at]
        return ParameterValue(
            id=self.id,
            on=day,
            value=entry.value,
            unit=self.unit,
            in_force_from=self._in_force_from(at),
            confirmed=confirmed,
            last_confirmed=self.last_confirmed,
            source=entry.source or self.source,
            note=note,
        )

    def _in_force_from(self, at: int) -> date:
        """The day the value of entry ``at`` began, looking through entries that only repeat it."""
        while at and self.entries[at - 1].value == self.entries[at].value:
            at -= 1
        return self.entries[at].since


class ParameterBook(Mapping[str, Parameter]):
    """Parameters by id."""

    def __init__(self, parameters: Iterable[Parameter] = ()):
        self._parameters = {parameter.id: parameter for parameter in parameters}
        # A shelf asks for a few numbers on a few days, over and over.
        self._on = lru_cache(maxsize=256)(self._value)

    def __getitem__(self, parameter_id: str) -> Parameter:
        return self._parameters[parameter_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)

    def on(self, parameter_id: str, day: date) -> ParameterValue:
        """The value of one parameter on ``day``; ``NotFound`` for an unknown id, ``RefusedInput`` before its start."""
        return self._on(parameter_id, day)

    def _value(self, parameter_id: str, day: date) -> ParameterValue:
        if parameter_id not in self._parameters:
            listed = ", ".join(self._parameters) or "none"
            raise NotFound("param", parameter_id, "There is no such parameter.", f"Known: {listed}.")
        return self._parameters[parameter_id].on(day)

    def fits(self, parameter_id: str, kind: Kind) -> None:
        """Nothing when the parameter exists and its unit can be compared with ``kind``; ``RefusedInput`` otherwise."""
        if parameter_id not in self._parameters:
            listed = ", ".join(self._parameters) or "none"
            raise NotFound("param", parameter_id, "There is no such parameter.", f"Known: {listed}.")
        unit = self._parameters[parameter_id].unit
        if kind not in _KINDS_OF_UNIT[unit]:
            raise RefusedInput(
                "bad_parameter", "param", parameter_id, f"Its unit is {unit}.", f"Compare it with a fact in {unit}."
            )


@dataclass(frozen=True)
class ParameterRef:
    """An argument taken from a parameter: ``min(max(value · times + plus, at_least), at_most)``.

    ``on`` is ``as_of`` or the id of a date fact of the need or the loan; ``settled_by`` is what makes that day known.
    """

    id: str
    on: str = "as_of"
    times: Decimal = Decimal(1)
    plus: Decimal = Decimal(0)
    at_most: Decimal | None = None
    at_least: Decimal | None = None
    settled_by: str = ""

    def of(self, value: Decimal) -> Decimal:
        """The argument for a parameter value, exact."""
        made = value * self.times + self.plus
        if self.at_least is not None:
            made = max(made, self.at_least)
        return made if self.at_most is None else min(made, self.at_most)


def parse_reference(raw: Mapping[str, object]) -> ParameterRef:
    """``{param: id, on: …, times: …, plus: …, at_most: …, at_least: …}``; ``RefusedInput`` for anything else."""
    for name in raw:
        if name not in ("param", "on", "times", "plus", "at_most", "at_least"):
            raise RefusedInput(
                "bad_parameter",
                str(name),
                raw[name],
                "No such part.",
                "Keep param, on, times, plus, at_most, at_least.",
            )
    if not isinstance(raw.get("param"), str):
        raise RefusedInput(
            "bad_parameter", "param", raw.get("param"), "It names a parameter.", "Write {param: lpr_1y}."
        )
    on = raw.get("on", "as_of")
    made = ParameterRef(
        id=str(raw["param"]),
        on=str(on),
        times=_decimal(raw.get("times", 1), "times"),
        plus=_decimal(raw.get("plus", 0), "plus"),
        at_most=_decimal(raw["at_most"], "at_most") if "at_most" in raw else None,
        at_least=_decimal(raw["at_least"], "at_least") if "at_least" in raw else None,
    )
    if made.at_least is not None and made.at_most is not None and made.at_least > made.at_most:
        raise RefusedInput("bad_parameter", "at_least", raw["at_least"], "It exceeds at_most.", "Swap or drop one.")
    return made


def parse_parameters(documents: Iterable[object]) -> ParameterBook:
    """The book from the documents of ``seed/parameters`` (each a list of parameters); ``DataFileError`` at a fault."""
    parsed: dict[str, Parameter] = {}
    for document in documents:
        assert isinstance(document, list)
        for entry in document:
            raw = marked(entry)
            parameter = _parse_parameter(raw)
            if parameter.id in parsed:
                raise raw.wrong("id", "A parameter id is used once.", "Choose another.")
            parsed[parameter.id] = parameter
    return ParameterBook(parsed.values())


def _parse_parameter(raw: MarkedDict) -> Parameter:
    for name in ("id", "zh", "en", "unit", "source", "last_confirmed", "values"):
        if not raw.get(name):
            raise raw.wrong(name, "A parameter must say this.", f"Add `{name}:`.")
    if raw["unit"] not in _KINDS_OF_UNIT:
        raise raw.wrong("unit", "No such unit.", f"One of {', '.join(_KINDS_OF_UNIT)}.")
    last_confirmed = _day(raw, "last_confirmed")
    entries = tuple(_parse_entry(marked(entry), last_confirmed) for entry in raw["values"])
    for earlier, later, spec in zip(entries, entries[1:], raw["values"][1:], strict=False):
        if later.since <= earlier.since:
            raise marked(spec).wrong("from", "Entries run forward in time.", "Put it in its place.")
    if not entries[0].confirmed:
        raise raw.wrong("values", "The first value is a confirmed one.", "Start where two sources agree.")
    seen_until = _day(raw, "seen_until") if "seen_until" in raw else last_confirmed
    if seen_until < last_confirmed:
        raise raw.wrong("seen_until", "It is not before last_confirmed.", "Drop it or move it.")
    return Parameter(raw["id"], raw["zh"], raw["en"], raw["unit"], raw["source"], last_confirmed, seen_until, entries)


def _parse_entry(raw: MarkedDict, last_confirmed: date) -> DatedValue:
    for name in raw:
        if name not in ("from", "value", "confirmed", "source"):
            raise raw.wrong(name, "An entry has no such part.", "Keep from, value, confirmed, source.")
    since = _day(raw, "from")
    if since > last_confirmed:
        raise raw.wrong("from", "A value after last_confirmed would never be answered.", "Move last_confirmed.")
    try:
        value = _decimal(raw.get("value"), "value")
    except RefusedInput as problem:
        raise raw.wrong("value", problem.rule, problem.fix) from None
    confirmed = raw.get("confirmed", True)
    if not isinstance(confirmed, bool):
        raise raw.wrong("confirmed", "It is true or false.", "Write true or false.")
    return DatedValue(since, value, confirmed, raw.get("source", ""))


def _day(raw: MarkedDict, name: str) -> date:
    """A YAML date arrives as a date when unquoted, as text when quoted; both are accepted."""
    value = raw.get(name)
    if isinstance(value, date):
        return value
    try:
        return parse_date(str(value), name)
    except RefusedInput as problem:
        raise raw.wrong(name, problem.rule, problem.fix) from None


def _decimal(raw: object, name: str) -> Decimal:
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = str(raw)
    if not isinstance(raw, str) or not _NUMBER.fullmatch(raw):
        raise RefusedInput("bad_parameter", name, raw, "It is a plain decimal number.", 'Write it like "0.70".')
    return Decimal(raw)
