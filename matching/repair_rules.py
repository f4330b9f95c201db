"""Credit repair: how long a penalty is shown at least and at most under the rules of a day. Pure."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from matching.letters import Letter
from matching.procedure import Limit, Procedure
from matching.rulefile import Name
from matching.verdicts import Validity
from models.errors import RefusedInput


@dataclass(frozen=True)
class RepairClass:
    """A class of dishonest acts. Months count from the day of the document; ``shown`` is false for what normally is
    not shown at all."""

    id: str
    name: Name
    severities: frozenset[str]
    shown: bool
    min_months: int
    max_months: int
    cite: str
    confirmed: bool


@dataclass(frozen=True)
class LongerMinimum:
    """Matters for which the least time is longer than that of their class."""

    matters: frozenset[str]
    name: Name
    min_months: int
    cite: str
    confirmed: bool


@dataclass(frozen=True)
class Regime:
    """One set of rules, in force on the days of ``validity``."""

    id: str
    name: Name
    validity: Validity
    cite: str
    classes: tuple[RepairClass, ...]
    longer: tuple[LongerMinimum, ...]

    def class_of(self, severity: str | None) -> RepairClass | None:
        """The class of a severity; of an unknown one only where all severities are one class."""
        if severity is None:
            return self.classes[0] if len(self.classes) == 1 else None
        return next((each for each in self.classes if severity in each.severities), None)

    def least_months(self, kind: RepairClass, matter: str | None) -> int:
        """The least time of a class, longer for some matters; an unknown one (``None``) is taken for none of them."""
        return max([kind.min_months, *(each.min_months for each in self.longer if matter in each.matters)])


@dataclass(frozen=True)
class Material:
    """Something a request brings. ``fetched``: the agency is asked for it where the firm brings none."""

    id: str
    name: Name
    fetched: bool


@dataclass(frozen=True)
class MaterialSet:
    """What requests of the days of ``validity`` bring."""

    id: str
    validity: Validity
    cite: str
    confirmed: bool
    asks: tuple[Material, ...]


Dated = TypeVar("Dated", Regime, MaterialSet)


@dataclass(frozen=True)
class RecordKind:
    """A feed whose records can be repaired, and which of its columns say what the rules ask; empty where none does."""

    feed: str
    document: str
    decided_on: str
    severity: str
    authority: str


@dataclass(frozen=True)
class RepairDates:
    """When a record can be repaired and when it stops being shown by itself.

    ``earliest``: the day the least time is over, from which a request is possible; ``latest``: the last lawful day.
    Either is ``None`` while the class is unknown. ``regime`` is what ``earliest`` rests on. ``notes`` tell what is
    uncertain.
    """

    regime: Regime
    kind: RepairClass | None
    earliest: date | None
    latest: date | None
    confirmed: bool
    notes: tuple[Name, ...]


@dataclass(frozen=True)
class RepairRules:
    """Everything ``seed/repair.yaml`` says. Regimes and sets of materials are in order of their days."""

    regimes: tuple[Regime, ...]
    materials: tuple[MaterialSet, ...]
    records: Mapping[str, RecordKind]
    procedure: Procedure
    agency_update: Limit
    lift: Name
    lift_cite: str
    decision_letter: Letter
    repair_letter: Letter
    promise_letter: Letter

    def regime_on(self, day: date) -> Regime:
        """The rules in force on ``day``; ``RefusedInput`` (``no_repair_rules``) before the first."""
        return _in_force(self.regimes, day)

    def materials_on(self, day: date) -> MaterialSet:
        """What a request of ``day`` brings."""
        return _in_force(self.materials, day)

    def dates(self, severity: str | None, decided_on: date, as_of: date, matter: str | None = None) -> RepairDates:
        """What holds on ``as_of`` for a document of ``decided_on``.

        ``severity`` and ``matter`` are ``None`` where the record does not say. Where a term is not over under the rules
        of ``as_of`` when these end, the rules that follow decide.
        """
        regime = self.regime_on(as_of)
        kind = regime.class_of(severity)
        least = self._term(as_of, severity, decided_on, lambda rules, its: rules.least_months(its, matter))
        most = self._term(as_of, severity, decided_on, lambda _, its: its.max_months, before=timedelta(1))
        rests_on = least[1] if least else regime
        notes = [] if least and most else [_UNKNOWN_CLASS]
        if least:
            notes += [_longer_note(each) for each in rests_on.longer if matter is None or matter in each.matters]
        if any(_older(decided_on, term[1]) for term in (least, most) if term):
            notes.append(_CHANGED)
        confirmed = kind is not None and kind.confirmed and not notes
        return RepairDates(rests_on, kind, least and least[0], most and most[0], confirmed, tuple(notes))

    def _term(
        self,
        as_of: date,
        severity: str | None,
        decided_on: date,
        months: Callable[[Regime, RepairClass], int],
        before: timedelta = timedelta(0),
    ) -> tuple[date, Regime] | None:
        """The last day of a term and the rules it rests on; ``None`` for an unknown class.

        Under rules still to come it ends ``before`` their first day at the earliest.
        """
        start = self.regimes.index(self.regime_on(as_of))
        for place, regime in enumerate(self.regimes[start:]):
            kind = regime.class_of(severity)
            if kind is None:
                return None
            day = months_after(decided_on, months(regime, kind))
            if place and regime.validity.since:
                day = max(day, regime.validity.since - before)
            if regime.validity.until is None or day <= regime.validity.until:
                return day, regime
        return None


_UNKNOWN_CLASS = Name(
    "来源未提供失信程度，无法确定公示期限。",
    "The source does not say how serious it is, so the time it is shown cannot be told.",
)
_CHANGED = Name(
    "文书早于所依据的规则，新旧衔接规定未查到，按该规则计算。",
    "The document is older than these rules; how they treat earlier ones was not found: applied as they are.",
)


def _older(decided_on: date, regime: Regime) -> bool:
    return regime.validity.since is not None and decided_on < regime.validity.since


def _longer_note(longer: LongerMinimum) -> Name:
    return Name(
        f"{longer.name.zh}的最短公示期为{longer.min_months}个月（{longer.cite}）。",
        f"{longer.name.en}: the least time is {longer.min_months} months ({longer.cite}).",
    )


def months_after(day: date, months: int) -> date:
    """The last day of a term of months that begins the day after ``day``: the day of the same number, else the last of
    its month. (`models.dates.add_months` keeps month ends, which suits windows and not legal terms.)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def stops_on(latest: date | None, public_until: date | None) -> date | None:
    """The first day a record is no longer shown nor used: after the agency's own last day, or the lawful one if that
    comes first; ``None`` while both are unknown."""
    known = [day for day in (latest, public_until) if day]
    return min(known) + timedelta(1) if known else None


def _in_force(sets: Iterable[Dated], day: date) -> Dated:
    for each in sets:
        if each.validity.outside(day) is None:
            return each
    raise RefusedInput(
        "no_repair_rules", "day", day.isoformat(), "No rules of repair are held for this day.", "Ask for a later day."
    )
