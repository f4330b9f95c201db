"""Unusual readings of firms' data, found in the journal. Pure: looks and rules in, alarms out; the figures are data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from statistics import median

from models.marked import MarkedDict, marked
from service.access.auth import Role
from service.access.policy import Purpose
from service.clock import CITY_TIME, day_of


class Rule(StrEnum):
    """Why somebody is told."""

    HOUR = "hour"
    DAY = "day"
    NIGHT = "night"
    DENIALS = "denials"
    OUTSIDE_DISTRICT = "outside_district"
    NO_NEED = "no_need"


@dataclass(frozen=True)
class Look:
    """One reading, or one that was refused, as the journal tells it.

    ``district`` is the firm's (``None``: unknown), ``needed`` whether the firm had asked for financing not long before.
    """

    seq: int
    at: datetime
    actor: str
    role: str
    tenant: str
    firm: str
    purpose: str
    allowed: bool
    district: str | None = None
    needed: bool = False


@dataclass(frozen=True)
class Volume:
    """So many readings are unusual: above ``least``, and above ``times_median`` of the caller's own median."""

    least: int
    times_median: int


@dataclass(frozen=True)
class Part:
    """So many readings of a kind in a day are unusual: ``least``, and ``share`` of the caller's readings that day."""

    least: int
    share: Decimal


@dataclass(frozen=True)
class AlarmRules:
    """The figures of ``seed/alarms.yaml``."""

    baseline_days: int
    hour: Volume
    day: Volume
    night_hours: frozenset[int]
    night_least: int
    denials: Part
    outside_district: Part
    no_need: Part
    need_days: int
    lender_districts: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Alarm:
    """One caller, one stretch of time, one reason. Firms are counted, not named: the entries name them.

    ``threshold`` is the number of readings that would have gone unsaid at most, less one where the floor decides.
    """

    rule: Rule
    actor: str
    role: str
    tenant: str
    since: datetime
    readings: int
    threshold: int
    firms: int
    first_entry: int
    last_entry: int


def find_alarms(looks: Iterable[Look], rules: AlarmRules, since: datetime) -> list[Alarm]:
    """Every alarm of hours and days that begin at ``since`` or later, newest first.

    ``looks`` are in order of time and begin ``rules.baseline_days`` before ``since``; what lies before is only
    compared with. A caller without a past is measured by the floor alone.
    """
    counted = [look for look in looks if look.role != Role.FIRM]
    found = [
        *_volumes(counted, Rule.HOUR, rules.hour, _hour_of, rules),
        *_volumes(counted, Rule.DAY, rules.day, _midnight_of, rules),
        *_by_day(counted, Rule.NIGHT, Part(rules.night_least, Decimal(0)), lambda look: _at_night(look, rules)),
        *_by_day(counted, Rule.DENIALS, rules.denials, lambda look: not look.allowed),
        *_by_day(counted, Rule.OUTSIDE_DISTRICT, rules.outside_district, lambda look: _outside(look, rules)),
        *_by_day(counted, Rule.NO_NEED, rules.no_need, _without_need),
    ]
    return sorted(
        (alarm for alarm in found if alarm.since >= since), key=lambda a: (-a.since.timestamp(), a.rule, a.actor)
    )


def _volumes(
    looks: Sequence[Look], rule: Rule, volume: Volume, begin: Callable[[datetime], datetime], rules: AlarmRules
) -> Iterator[Alarm]:
    for stretches in _stretches(looks, begin).values():
        past: list[tuple[datetime, int]] = []
        for start, together in stretches.items():
            own = [count for then, count in past if start - then <= timedelta(days=rules.baseline_days)]
            threshold = max(volume.least, int(volume.times_median * median(own))) if own else volume.least
            if len(together) > threshold:
                yield _alarm(rule, start, together, threshold)
            past.append((start, len(together)))


def _by_day(looks: Sequence[Look], rule: Rule, part: Part, counts: Callable[[Look], bool]) -> Iterator[Alarm]:
    for days in _stretches(looks, _midnight_of).values():
        for start, together in days.items():
            hits = [look for look in together if counts(look)]
            if hits and len(hits) >= part.least and len(hits) >= part.share * len(together):
                yield _alarm(rule, start, hits, part.least - 1)


def _stretches(
    looks: Sequence[Look], begin: Callable[[datetime], datetime]
) -> Mapping[str, Mapping[datetime, list[Look]]]:
    """Looks by caller and by the hour or day they fall into, both in order of time."""
    found: dict[str, dict[datetime, list[Look]]] = defaultdict(lambda: defaultdict(list))
    for look in looks:
        found[look.actor][begin(look.at)].append(look)
    return found


def _alarm(rule: Rule, start: datetime, together: Sequence[Look], threshold: int) -> Alarm:
    first, last = together[0], together[-1]
    firms = len({look.firm for look in together})
    return Alarm(
        rule, first.actor, first.role, first.tenant, start, len(together), threshold, firms, first.seq, last.seq
    )


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(CITY_TIME).replace(minute=0, second=0, microsecond=0)


def _midnight_of(moment: datetime) -> datetime:
    day = day_of(moment)
    return datetime(day.year, day.month, day.day, tzinfo=CITY_TIME)


def _at_night(look: Look, rules: AlarmRules) -> bool:
    return look.at.astimezone(CITY_TIME).hour in rules.night_hours


def _outside(look: Look, rules: AlarmRules) -> bool:
    works_in = rules.lender_districts.get(look.tenant)
    return works_in is not None and look.district is not None and look.district not in works_in


def _without_need(look: Look) -> bool:
    return look.allowed and look.purpose == Purpose.PRE_LOAN and not look.needed


def parse_alarm_rules(document: object) -> AlarmRules:
    """The rules of a parsed ``alarms.yaml``; ``DataFileError`` naming the line of a figure that makes no sense."""
    whole = marked(document if isinstance(document, dict) else {})
    night, no_need = _section(whole, "night"), _section(whole, "no_need")
    return AlarmRules(
        baseline_days=_count(whole, "baseline_days"),
        hour=_volume(_section(whole, "hour")),
        day=_volume(_section(whole, "day")),
        night_hours=frozenset(_hours(_count(night, "from_hour", 23), _count(night, "until_hour", 23))),
        night_least=_count(night, "least"),
        denials=_part(_section(whole, "denials")),
        outside_district=_part(_section(whole, "outside_district")),
        no_need=_part(no_need),
        need_days=_count(no_need, "need_days"),
        lender_districts={
            str(lender): frozenset(map(str, districts))
            for lender, districts in _section(whole, "lender_districts").items()
        },
    )


def _hours(start: int, end: int) -> Iterator[int]:
    hour = start
    while hour != end:
        yield hour
        hour = (hour + 1) % 24


def _section(whole: MarkedDict, name: str) -> MarkedDict:
    part = whole.get(name)
    if not isinstance(part, dict):
        raise whole.wrong(name, "This section is missing.", "See the file as it was shipped.")
    return marked(part)


def _volume(part: MarkedDict) -> Volume:
    return Volume(_count(part, "least"), _count(part, "times_median"))


def _part(part: MarkedDict) -> Part:
    try:
        share = Decimal(str(part.get("share")))
    except InvalidOperation:
        share = Decimal(-1)
    if not 0 <= share <= 1:
        raise part.wrong("share", "A part of the whole lies between 0 and 1.", 'Write it like "0.5".')
    return Part(_count(part, "least"), share)


def _count(part: MarkedDict, name: str, most: int = 1_000_000) -> int:
    value = part.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise part.wrong(name, f"This is a whole number from 0 to {most}.", "See the file as it was shipped.")
    return value
