"""Reads ``seed/repair.yaml``; every fault is told with file and line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from matching.letters import parse_letter
from matching.procedure import parse_limit, parse_procedure
from matching.repair_rules import (
    Dated,
    LongerMinimum,
    Material,
    MaterialSet,
    RecordKind,
    Regime,
    RepairClass,
    RepairRules,
)
from matching.rulefile import RuleFile

_PARTS = ("regimes", "materials", "records", "stages", "steps", "agency_update", "lift")
_LETTERS = ("decision_letter", "repair_letter", "promise_letter")
_REGIME = ("id", "zh", "en", "valid", "cite", "classes", "longer")
_CLASS = ("id", "zh", "en", "severities", "shown", "min_months", "max_months", "cite", "confirmed")
_LONGER = ("matters", "zh", "en", "min_months", "cite", "confirmed")
_SET = ("id", "valid", "cite", "confirmed", "asks")
_RECORD = ("feed", "document", "decided_on", "severity", "authority")
_NAMED = ("name", "uscc", "document", "decided_on", "authority", "agency", "class")
_TERMS = ("earliest", "latest", "materials", "regime", "notes")


def parse_repair_rules(document: object) -> RepairRules:
    """The rules of ``seed/repair.yaml``; ``DataFileError`` with file and line at the first fault."""
    file = RuleFile.of(document, (*_PARTS, *_LETTERS), (*_PARTS, *_LETTERS))
    lift = file.part("lift", ("zh", "en", "cite"), ("zh", "en", "cite"))
    return RepairRules(
        regimes=_in_order(file, "regimes", [_regime(part) for part in file.parts("regimes", _REGIME, _REGIME[:-1])]),
        materials=_in_order(file, "materials", [_materials(part) for part in file.parts("materials", _SET, _SET)]),
        records={
            part.text("feed"): RecordKind(*(part.text(name) for name in _RECORD))
            for part in file.parts("records", _RECORD, _RECORD[:3])
        },
        procedure=parse_procedure(file),
        agency_update=parse_limit(file, "agency_update"),
        lift=lift.name(),
        lift_cite=lift.text("cite"),
        decision_letter=parse_letter(file, "decision_letter", _NAMED),
        repair_letter=parse_letter(file, "repair_letter", (*_NAMED, *_TERMS)),
        promise_letter=parse_letter(file, "promise_letter", _NAMED[:4]),
    )


def _regime(part: RuleFile) -> Regime:
    classes = tuple(_class(each) for each in part.parts("classes", _CLASS, _CLASS))
    severities = [severity for each in classes for severity in each.severities]
    if not classes or len(severities) != len(set(severities)):
        raise part.raw.wrong("classes", "Each severity belongs to one class.", "List it once.")
    longer = tuple(
        LongerMinimum(
            frozenset(each.texts("matters")),
            each.name(),
            each.whole("min_months", 1, 600),
            each.text("cite"),
            each.flag("confirmed"),
        )
        for each in part.parts("longer", _LONGER, _LONGER)
    )
    return Regime(part.text("id"), part.name(), part.validity(), part.text("cite"), classes, longer)


def _class(part: RuleFile) -> RepairClass:
    least, most = part.whole("min_months", 0, 600), part.whole("max_months", 0, 600)
    if most < least:
        raise part.raw.wrong("max_months", "What is shown longest is not below the least.", "Swap the two.")
    severities = frozenset(part.texts("severities"))
    return RepairClass(
        part.text("id"), part.name(), severities, part.flag("shown"), least, most, part.text("cite"),
        part.flag("confirmed"),
    )  # fmt: skip


def _materials(part: RuleFile) -> MaterialSet:
    known = ("id", "zh", "en", "fetched")
    asks = tuple(
        Material(each.text("id"), each.name(), each.flag("fetched", False))
        for each in part.parts("asks", known, known[:3])
    )
    if len({each.id for each in asks}) != len(asks):
        raise part.raw.wrong("asks", "Each material is asked for once.", "Remove the second.")
    return MaterialSet(part.text("id"), part.validity(), part.text("cite"), part.flag("confirmed"), asks)


def _in_order(file: RuleFile, name: str, sets: Sequence[Dated]) -> tuple[Dated, ...]:
    """The sets themselves, once their days follow each other without a gap and only the last one is open."""
    for earlier, later in pairwise(sets):
        until, since = earlier.validity.until, later.validity.since
        if until is None or since is None or (since - until).days != 1:
            raise file.raw.wrong(name, f"{later.id} begins the day after {earlier.id} ends.", "Correct the days.")
    if not sets or sets[-1].validity.until is not None:
        raise file.raw.wrong(name, "The last set of rules has no last day.", "Leave `until` out.")
    return tuple(sets)
