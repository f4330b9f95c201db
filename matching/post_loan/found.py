"""What is new of a borrower between two days: records, a lower code, a fall over months. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from matching.alarms import Severity
from matching.post_loan.watch_file import BorrowerAlertRule, Grade
from models.dates import add_months, month_end

_PLACES = Decimal("0.0001")


class Revision(Protocol):
    """One revision of a record of one firm, as the lake keeps it."""

    @property
    def record_id(self) -> str: ...
    @property
    def observed_on(self) -> date: ...
    @property
    def received_at(self) -> datetime: ...
    @property
    def withdrawn_on(self) -> date | None: ...
    @property
    def public_until(self) -> date | None: ...
    @property
    def content(self) -> Mapping[str, Any]: ...


Kept = TypeVar("Kept", bound=Revision)


@dataclass(frozen=True)
class Found:
    """One event. ``event`` names it among all events of its rule and firm: found again, it is the same event.

    ``observed_on`` is the day of the source; ``record_id`` is empty where several records, or a model, tell it.
    """

    rule: str
    event: str
    severity: Severity
    observed_on: date
    record_id: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)


def counting(revisions: Sequence[Kept], as_of: date, known_by: datetime) -> Kept | None:
    """The revision of one record that counts on ``as_of`` of what was known by ``known_by``; ``None`` for none.

    ``revisions`` are of one natural key, oldest first. The newest that was known decides: a record that was withdrawn,
    or whose lawful publicity is over, does not come back by an older revision.
    """
    known = [each for each in revisions if each.received_at <= known_by]
    if not known:
        return None
    newest = known[-1]
    gone = newest.withdrawn_on is not None and newest.withdrawn_on <= as_of
    over = newest.public_until is not None and newest.public_until < as_of
    return None if newest.observed_on > as_of or gone or over else newest


def found_records(
    rule: BorrowerAlertRule,
    now: Mapping[tuple[Any, ...], Revision],
    before: Iterable[tuple[Any, ...]],
    as_of: date,
    columns: Mapping[str, str],
) -> list[Found]:
    """Records by natural key that count ``now`` and did not ``before``, graded; oldest first.

    ``columns``: the stored name of each column a grade may ask. What was observed before the rule's window is no news,
    however late it was delivered.
    """
    known, since = set(before), add_months(as_of, -rule.window_months)
    found = []
    for key, record in now.items():
        if key in known or record.observed_on <= since:
            continue
        grade = next((each for each in rule.grades if _fits(each, record.content, columns)), None)
        if grade is not None:
            event = "/".join(str(part) for part in key)
            found.append(Found(rule.id, event, grade.severity, record.observed_on, record.record_id))
    return sorted(found, key=lambda each: (each.observed_on, each.event))


def _fits(grade: Grade, content: Mapping[str, Any], columns: Mapping[str, str]) -> bool:
    return all(content.get(columns[name]) in values for name, values in grade.where)


def found_rank(
    rule: BorrowerAlertRule, order: Sequence[str], before: str | None, now: str | None, observed_on: date | None
) -> Found | None:
    """A code that stands lower in ``order`` (best first) than before; an unknown code stands nowhere in it."""
    places = {code: place for place, code in enumerate(order)}
    if observed_on is None or before not in places or now not in places or places[now] <= places[before]:
        return None
    grade = next((each for each in rule.grades if now in each.to), None)
    if grade is None:
        return None
    event = f"{observed_on}/{before}/{now}"
    return Found(rule.id, event, grade.severity, observed_on, said={"from": before, "to": now})


def fall_between(
    rule: BorrowerAlertRule, values: Iterable[tuple[date, int]], covered_to: date, first: date | None
) -> Decimal | None:
    """The fraction lost: of the sum over the months to ``covered_to`` against as many that end ``months_back`` earlier.

    ``values`` are day and value of each record; ``first`` is the firm's first day in the feed. ``None``, unknown, where
    the earlier sum is not above zero, the firm came later than the earlier months began, or a month without a record
    tells nothing (``every_month``). A rise is below zero.
    """
    earlier_end = add_months(covered_to, -rule.months_back)
    held = list(values)
    now, now_months = _window(held, covered_to, rule.window_months)
    earlier, earlier_months = _window(held, earlier_end, rule.window_months)
    first_month = month_end(add_months(earlier_end, -rule.window_months) + timedelta(days=1))
    if first is None or first > first_month or earlier <= 0:
        return None
    if rule.every_month and min(now_months, earlier_months) < rule.window_months:
        return None
    return Decimal(earlier - now) / Decimal(earlier)


def _window(values: Iterable[tuple[date, int]], end: date, months: int) -> tuple[int, int]:
    """The sum over the months that end on ``end``, and how many of them have a record."""
    after = add_months(end, -months)
    inside = [(day, value) for day, value in values if after < day <= end]
    return sum(value for _, value in inside), len({(day.year, day.month) for day, _ in inside})


def found_fall(rule: BorrowerAlertRule, before: Decimal | None, now: Decimal | None, covered_to: date) -> Found | None:
    """A fall that is graver than it was before; one that was not known before counts as none."""
    grade, old = _grade_of(rule, now), _grade_of(rule, before)
    if now is None or grade is None or (old is not None and rule.grades.index(old) <= rule.grades.index(grade)):
        return None
    said = {"fall": str(now.quantize(_PLACES)), "months": rule.window_months, "months_back": rule.months_back}
    return Found(rule.id, f"{covered_to}/{grade.severity}", grade.severity, covered_to, said=said)


def _grade_of(rule: BorrowerAlertRule, fall: Decimal | None) -> Grade | None:
    return None if fall is None else next((each for each in rule.grades if fall >= each.fall), None)
