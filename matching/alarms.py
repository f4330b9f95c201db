"""Alarms over firms: rules that fire on known facts alone, with the day they came true and how grave they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from matching.atoms import Columns, Flags
from matching.bulk import RuleBook, match
from matching.conditions import parse_conditions
from matching.facts import STATED, FactBook, FactSpec
from matching.nodes import Node, leaves
from matching.parameters import ParameterBook
from matching.rulefile import Name, RuleFile
from models.kinds import UNKNOWN_INT32, Kind

_AMONG = "among"
_MOST_ALARMS = 50


class Severity(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True)
class Alarm:
    """One reason to look at a firm. ``dated_by``: facts of which the latest known day is the alarm's day."""

    id: str
    severity: Severity
    name: Name
    cite: str
    conditions: Node
    dated_by: tuple[FactSpec, ...]

    @property
    def gravity(self) -> int:
        """The place of its severity, the least grave 0."""
        return list(Severity).index(self.severity)


@dataclass(frozen=True)
class AlarmBook:
    """A watch list. ``among`` says whom it watches, ``groups`` is the code fact the list can be narrowed by."""

    id: str
    name: Name
    among: Node
    groups: FactSpec
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True)
class Sounded:
    """A watch list over ``n`` firms.

    ``rows``: firms with an alarm, newest first, of one day the gravest first, then in snapshot order; ``days``: the day
    of each, days since 1970 or ``UNKNOWN_INT32``. ``fired`` is (alarms × n). ``unknown[k]``: watched firms of which the
    facts do not say whether alarm ``k`` holds. ``watched``: firms looked at; ``unplaced``: firms of which nobody says
    whether they are to be watched.
    """

    rows: npt.NDArray[np.int64]
    days: npt.NDArray[np.int32]
    fired: Flags
    unknown: tuple[int, ...]
    watched: int
    unplaced: int


def parse_alarms(document: object, facts: FactBook, parameters: ParameterBook) -> AlarmBook:
    """The watch list of one document of ``seed/watch``; ``DataFileError`` with file and line for the first fault."""
    parts = ("id", "kind", "zh", "en", "groups", "among", "alarms")
    file = RuleFile.of(document, parts, parts)
    file.one_of("kind", ("watch",))
    groups = _fact(file, file.text("groups"), "groups", facts, Kind.CODE)
    known = ("id", "severity", "zh", "en", "cite", "dated_by", "conditions")
    alarms: list[Alarm] = []
    for part in file.parts("alarms", known, known):
        alarm = Alarm(
            id=part.identifier(),
            severity=part.choice("severity", Severity),
            name=part.name(),
            cite=part.text("cite"),
            conditions=conditions_of_firm(part, "conditions", facts, parameters),
            dated_by=tuple(_fact(part, name, "dated_by", facts, Kind.DATE) for name in part.texts("dated_by")),
        )
        if alarm.id == _AMONG or alarm.id in {other.id for other in alarms}:
            raise part.raw.wrong("id", "An alarm's id is used once, and never `among`.", "Choose another.")
        alarms.append(alarm)
    if not 1 <= len(alarms) <= _MOST_ALARMS:
        raise file.raw.wrong("alarms", f"A watch list has 1 to {_MOST_ALARMS} alarms.", "Add or drop some.")
    among = conditions_of_firm(file, _AMONG, facts, parameters)
    return AlarmBook(file.identifier(), file.name(), among, groups, tuple(alarms))


def conditions_of_firm(file: RuleFile, name: str, facts: FactBook, parameters: ParameterBook) -> Node:
    """The rule under ``name``, which asks nothing that is stated with a question; ``DataFileError`` otherwise."""
    node = parse_conditions(file.raw[name], facts, name, parameters=parameters, cited=True)
    for condition in leaves(node):
        if condition.spec.source in STATED:
            raise file.raw.wrong(name, f"{condition.fact} is stated with a question.", "Ask a fact of the firm.")
    return node


def _fact(file: RuleFile, name: str, part: str, facts: FactBook, kind: Kind) -> FactSpec:
    if name not in facts:
        raise file.raw.wrong(part, f"{name}: there is no such fact.", f"Did you mean {facts.near(name)}?")
    if facts[name].kind is not kind or facts[name].source in STATED:
        raise file.raw.wrong(part, f"{name} is no {kind} of a firm.", f"Name a fact of kind {kind}.")
    return facts[name]


def sound(
    book: AlarmBook,
    columns: Columns,
    n: int,
    parameters: ParameterBook,
    as_of: date,
    dictionaries: Mapping[str, Sequence[str]],
    within: Flags,
) -> Sounded:
    """Every alarm over ``n`` firms. ``columns`` and ``dictionaries`` as for :func:`matching.bulk.match`; ``within``:
    the firms to look at (one bool per firm).
    """
    rules = RuleBook({_AMONG: book.among, **{alarm.id: alarm.conditions for alarm in book.alarms}})
    matches = match(rules, columns, n, {}, parameters, as_of, dictionaries)
    watched = matches.eligible(_AMONG) & within
    fired = np.zeros((len(book.alarms), n), np.bool_)
    newest = np.full(n, UNKNOWN_INT32, np.int32)
    gravest = np.zeros(n, np.int8)
    unknown = []
    for place, alarm in enumerate(book.alarms):
        met = matches.eligible(alarm.id)
        np.logical_and(met, watched, out=fired[place])
        unknown.append(int(np.count_nonzero(matches.not_unmet(alarm.id) & ~met & watched)))
        rows = np.flatnonzero(fired[place])
        for spec in alarm.dated_by:
            if spec.id in columns:
                newest[rows] = np.maximum(newest[rows], columns[spec.id][rows])
        gravest[rows] = np.maximum(gravest[rows], alarm.gravity)
    rows = np.flatnonzero(fired.any(axis=0))
    order = np.lexsort((rows, -gravest[rows], -newest[rows].astype(np.int64)))
    return Sounded(
        rows=rows[order],
        days=newest[rows[order]],
        fired=fired,
        unknown=tuple(unknown),
        watched=int(np.count_nonzero(watched)),
        unplaced=int(np.count_nonzero(matches.not_unmet(_AMONG) & ~matches.eligible(_AMONG) & within)),
    )
