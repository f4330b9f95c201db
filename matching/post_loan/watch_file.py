"""What lenders are told of their borrowers, as ``seed/watch/borrowers.yaml`` says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from matching.alarms import Severity, conditions_of_firm
from matching.facts import FactBook, Source
from matching.nodes import Node
from matching.parameters import ParameterBook
from matching.rulefile import Name, RuleFile
from models.kinds import Kind

_MOST_ALERTS, _MOST_MONTHS = 50, 60
Where = tuple[tuple[str, tuple[str, ...]], ...]


class Finds(StrEnum):
    """How an event is found: a record that was not there, a code that fell in its order, a sum over months that fell, a
    guarantee circle under stress.
    """

    RECORD = "record"
    RANK = "rank"
    FALL = "fall"
    CIRCLE = "circle"


@dataclass(frozen=True)
class Grade:
    """One severity and what makes an event that grave; the part that fits how the alert is found.

    ``where``: the record says so (nothing: every record). ``to``: the code it fell to. ``fall``: the least fraction
    lost. ``defaulted``: the least other members of the circle in default; ``failing``: the firm itself would fail.
    """

    severity: Severity
    where: Where = ()
    to: tuple[str, ...] = ()
    fall: Decimal = Decimal(0)
    defaulted: int = 0
    failing: bool = False


@dataclass(frozen=True)
class BorrowerAlertRule:
    """One kind of alert. ``item`` is what a consent must cover for it to be told; its feed is where it is found.

    ``grades``: gravest first, the first that fits counts. ``window_months``: a record older than this is no news; of a
    fall, the months that are added up. ``months_back``: how much earlier the months a fall is measured against end.
    ``every_month``: where a month without a record leaves a fall unknown.
    """

    id: str
    finds: Finds
    item: str
    name: Name
    cite: str
    grades: tuple[Grade, ...]
    window_months: int = 0
    months_back: int = 0
    every_month: bool = False


@dataclass(frozen=True)
class BorrowerWatch:
    """The whole file. ``distress``: when a member of a guarantee circle counts as in default. A firm can pay
    ``capacity_share`` of ``capacity_item`` when guarantees are called. ``outcomes``: how a lender may close an alert.
    """

    id: str
    name: Name
    acknowledge_within_days: int
    outcomes: Mapping[str, Name]
    distress: Node
    capacity_item: str
    capacity_share: Decimal
    rules: Mapping[str, BorrowerAlertRule]


_PARTS = ("id", "kind", "zh", "en", "acknowledge_within_days", "outcomes", "distress", "capacity", "alerts")
_ALERT = ("id", "finds", "item", "zh", "en", "cite", "grades")
_MORE: Mapping[Finds, tuple[str, ...]] = {
    Finds.RECORD: ("window_months",),
    Finds.RANK: (),
    Finds.FALL: ("window_months", "months_back", "every_month"),
    Finds.CIRCLE: (),
}
_GRADE: Mapping[Finds, tuple[str, ...]] = {
    Finds.RECORD: ("where",),
    Finds.RANK: ("to",),
    Finds.FALL: ("fall",),
    Finds.CIRCLE: ("defaulted", "failing"),
}


def parse_borrower_watch(
    document: object,
    facts: FactBook,
    parameters: ParameterBook,
    columns: Mapping[str, Mapping[str, tuple[str, ...]]],
) -> BorrowerWatch:
    """The watch of borrowers; ``DataFileError`` with file and line for the first fault.

    ``columns``: for each item, the code columns of its feed with their values.
    """
    file = RuleFile.of(document, _PARTS, _PARTS)
    file.one_of("kind", ("borrower_watch",))
    outcomes: dict[str, Name] = {}
    for part in file.parts("outcomes", ("id", "zh", "en"), ("id", "zh", "en")):
        outcomes[part.identifier()] = part.name()
    if not outcomes:
        raise file.raw.wrong("outcomes", "An alert is closed with an outcome.", "Name at least one.")
    capacity = file.part("capacity", ("item", "share", "cite"), ("item", "share", "cite"))
    rules: dict[str, BorrowerAlertRule] = {}
    for raw in file.parts("alerts", (*_ALERT, *dict.fromkeys(sum(_MORE.values(), ()))), _ALERT):
        rule = _rule(raw, facts, columns)
        if rule.id in rules:
            raise raw.raw.wrong("id", "An alert's id is used once.", "Choose another.")
        rules[rule.id] = rule
    if not 1 <= len(rules) <= _MOST_ALERTS:
        raise file.raw.wrong("alerts", f"A watch has 1 to {_MOST_ALERTS} alerts.", "Add or drop some.")
    return BorrowerWatch(
        id=file.identifier(),
        name=file.name(),
        acknowledge_within_days=file.whole("acknowledge_within_days", 1, 365),
        outcomes=outcomes,
        distress=conditions_of_firm(file, "distress", facts, parameters),
        capacity_item=_item(capacity, facts, (Kind.MONEY,)),
        capacity_share=capacity.decimal("share"),
        rules=rules,
    )


def _rule(part: RuleFile, facts: FactBook, columns: Mapping[str, Mapping[str, tuple[str, ...]]]) -> BorrowerAlertRule:
    finds = part.choice("finds", Finds)
    allowed = _MORE[finds]
    for name in part.raw:
        if name not in (*_ALERT, *allowed):
            raise part.raw.wrong(str(name), f"An alert that finds a {finds} does not say this.", "Leave it out.")
    kinds = {Finds.RANK: (Kind.CODE,), Finds.FALL: (Kind.MONEY, Kind.COUNT)}.get(finds, tuple(Kind))
    item = _item(part, facts, kinds)
    values = {item: facts[item].codes} if finds is Finds.RANK else columns.get(item, {})
    grades = tuple(_grade(raw, finds, item, values) for raw in part.parts("grades", ("severity", *_GRADE[finds])))
    if not grades:
        raise part.raw.wrong("grades", "An alert has a severity.", "Name at least one grade.")
    gravity = [list(Severity).index(grade.severity) for grade in grades]
    if gravity != sorted(gravity, reverse=True) or len(set(gravity)) != len(gravity):
        raise part.raw.wrong("grades", "Grades stand from the gravest down, each severity once.", "Sort them.")
    return BorrowerAlertRule(
        id=part.identifier(),
        finds=finds,
        item=item,
        name=part.name(),
        cite=part.text("cite"),
        grades=grades,
        window_months=part.whole("window_months", 1, _MOST_MONTHS) if "window_months" in allowed else 0,
        months_back=part.whole("months_back", 1, _MOST_MONTHS) if "months_back" in allowed else 0,
        every_month=part.flag("every_month") if "every_month" in allowed else False,
    )


def _grade(part: RuleFile, finds: Finds, item: str, values: Mapping[str, tuple[str, ...]]) -> Grade:
    severity = part.choice("severity", Severity)
    if finds is Finds.FALL:
        return Grade(severity, fall=part.decimal("fall"))
    if finds is Finds.CIRCLE:
        failing = part.flag("failing", default=False)
        return Grade(severity, defaulted=0 if failing else part.whole("defaulted", 1, 100_000), failing=failing)
    if finds is Finds.RANK:
        return Grade(severity, to=_codes(part, "to", values[item]))
    if not part.has("where"):
        return Grade(severity)
    where = part.part("where", values)
    return Grade(severity, where=tuple((name, _codes(where, str(name), values[str(name)])) for name in where.raw))


def _codes(part: RuleFile, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    named = part.texts(name)
    if not named or set(named) - set(known):
        raise part.raw.wrong(name, "A grade names codes of the feed.", f"Some of {', '.join(known)}.")
    return named


def _item(part: RuleFile, facts: FactBook, kinds: tuple[Kind, ...]) -> str:
    name = part.text("item")
    if name not in facts:
        raise part.raw.wrong("item", f"{name}: there is no such item.", f"Did you mean {facts.near(name)}?")
    if facts[name].source is not Source.ITEM or facts[name].kind not in kinds:
        raise part.raw.wrong("item", f"{name} is no item this can be found by.", "Name an item of the catalogue.")
    return name
