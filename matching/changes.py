"""What a firm can change about itself and at what effort, and what time does to a fact: `seed/changes.yaml`, parsed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from matching.facts import FactBook, FactSpec, Source
from matching.rulefile import Name, RuleFile
from models.kinds import Kind

#: Facts of the loan that a firm moves by moving its need.
NEED_BEHIND: Mapping[str, str] = {
    "loan_amount_yuan": "need_amount_yuan",
    "loan_term_months": "need_term_months",
    "loan_purpose": "need_purpose",
}


@dataclass(frozen=True)
class Effort:
    """A class of effort. Only the order and the sums of ``weight`` count; it is no amount of anything."""

    id: str
    weight: int
    name: Name


class Towards(StrEnum):
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Changeable:
    """A fact the firm can change: its effort, the way it may be moved (``None``: either), codes never to move to."""

    spec: FactSpec
    effort: Effort
    towards: Towards | None = None
    never: tuple[str, ...] = ()


class Passing(StrEnum):
    """What time alone does to a fact."""

    AGE = "age"
    STREAK = "streak"
    WINDOW = "window"
    LISTING = "listing"


@dataclass(frozen=True)
class InTime:
    """How one fact moves with time. ``since``: the date an age counts from; ``most``: where a streak stops counting.

    ``months``: after how long the last record has left a window, and the fact is 0.
    """

    fact: str
    passing: Passing
    since: str = ""
    most: int = 0
    months: int = 0


@dataclass(frozen=True)
class ChangeBook:
    """Changeable facts and facts that time moves, by fact. A fact in neither is fixed."""

    changeable: Mapping[str, Changeable]
    in_time: Mapping[str, InTime]

    def of(self, fact: str) -> Changeable | None:
        """How the firm can change ``fact``; a fact of the loan through the need behind it."""
        return self.changeable.get(NEED_BEHIND.get(fact, fact))


def parse_changes(document: object, facts: FactBook) -> ChangeBook:
    """The book of ``seed/changes.yaml``; ``DataFileError`` with file and line at the first fault."""
    file = RuleFile.of(document, ("efforts", "changes", "time"), ("efforts", "changes", "time"))
    efforts: dict[str, Effort] = {}
    for part in file.parts("efforts", ("id", "weight", "zh", "en"), ("id", "weight", "zh", "en")):
        efforts[part.text("id")] = Effort(part.text("id"), part.whole("weight", 1, 1000), part.name())
    changeable: dict[str, Changeable] = {}
    for part in file.parts("changes", ("fact", "effort", "towards", "never"), ("fact", "effort")):
        fact = _fact(part, facts, changeable)
        if part.has("towards") and facts[fact].kind in (Kind.FLAG, Kind.CODE):
            raise part.raw.wrong("towards", "Only a number is moved up or down.", "Drop it.")
        towards = part.choice("towards", Towards) if part.has("towards") else None
        effort = efforts[part.one_of("effort", efforts)]
        changeable[fact] = Changeable(facts[fact], effort, towards, part.texts("never"))
    in_time: dict[str, InTime] = {}
    for part in file.parts("time", ("fact", "kind", "since", "most", "months", "empty"), ("fact", "kind")):
        fact = _fact(part, facts, in_time)
        in_time[fact] = _in_time(part, fact, facts)
    return ChangeBook(changeable, in_time)


def _fact(part: RuleFile, facts: FactBook, seen: Mapping[str, object]) -> str:
    fact = part.text("fact")
    if fact not in facts:
        raise part.raw.wrong("fact", "There is no such fact.", f"Did you mean {facts.near(fact)}?")
    if facts[fact].source is Source.LOAN:
        raise part.raw.wrong("fact", "A loan is changed through the need behind it.", "Name the fact of the need.")
    if fact in seen:
        raise part.raw.wrong("fact", "A fact stands here once.", "Drop one of the two.")
    return fact


_SAYS: Mapping[Passing, tuple[str, ...]] = {
    Passing.AGE: ("since",),
    Passing.STREAK: ("most",),
    Passing.WINDOW: ("months", "empty"),
    Passing.LISTING: (),
}


def _in_time(part: RuleFile, fact: str, facts: FactBook) -> InTime:
    passing = part.choice("kind", Passing)
    RuleFile.of(part.raw, ("fact", "kind", *_SAYS[passing]), ("fact", "kind", *_SAYS[passing]))
    since, most, months = "", 0, 0
    match passing:
        case Passing.AGE:
            since = part.text("since")
            if since not in facts or facts[since].kind is not Kind.DATE:
                raise part.raw.wrong("since", "An age counts from a fact that is a date.", "Name one.")
        case Passing.STREAK:
            most = part.whole("most", 1, 1200)
        case Passing.WINDOW:
            months = part.whole("months", 1, 1200)
            part.whole("empty", 0, 0)
            if facts[fact].kind not in (Kind.COUNT, Kind.MONTHS, Kind.MONEY):
                raise part.raw.wrong("fact", "Only a count or a sum empties with its window.", "Drop it.")
    if passing in (Passing.AGE, Passing.STREAK) and facts[fact].kind is not Kind.MONTHS:
        raise part.raw.wrong("fact", "Only a number of months grows with time.", "Drop it.")
    return InTime(fact, passing, since, most, months)
