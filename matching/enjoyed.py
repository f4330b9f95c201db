"""What a firm says it has had of a scheme before: stated with its need, handed to the scheme as facts of a claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches

from matching.benefits import CappedPerPayee
from matching.scheme_parts import BEFORE, LAST_ON, PAID
from matching.schemes import Scheme
from models.dates import parse_date
from models.errors import RefusedInput
from models.kinds import Scalar
from models.money import parse_yuan

NEVER = "never"
_HOW = "Write SCHEME=2021-06-30, SCHEME=2021-06-30:50000 or SCHEME=never."


@dataclass(frozen=True)
class Enjoyed:
    """One time a scheme was enjoyed: a day of the period it was granted for, and the yuan where they are stated.

    ``on`` is ``None`` where the firm says it never enjoyed the scheme.
    """

    scheme: str
    on: date | None
    yuan: Decimal | None = None


def read_enjoyed(
    raw: object, schemes: Mapping[str, Scheme], as_of: date, field: str = "enjoyed"
) -> tuple[Enjoyed, ...]:
    """What a caller wrote, as a list of ``SCHEME=DATE``, ``SCHEME=DATE:YUAN`` or ``SCHEME=never``.

    ``RefusedInput`` for an unknown scheme, a day after ``as_of``, an amount of nothing, a scheme both never and once
    enjoyed, one line twice.
    """
    if not isinstance(raw, (list, tuple)) or not all(isinstance(each, str) for each in raw):
        raise RefusedInput("bad_value", field, raw, "What was enjoyed is a list of texts.", _HOW)
    read: list[Enjoyed] = []
    for text in raw:
        entry = _entry(text, schemes, as_of, field)
        others = [each for each in read if each.scheme == entry.scheme]
        if entry in others or any(each.on is None or entry.on is None for each in others):
            rule = f"{entry.scheme} stands here twice."
            raise RefusedInput("two_values", field, text, rule, "Keep one line for each time it was enjoyed.")
        read.append(entry)
    return tuple(read)


def _entry(text: str, schemes: Mapping[str, Scheme], as_of: date, field: str) -> Enjoyed:
    scheme, said, rest = text.partition("=")
    if not said or not rest:
        raise RefusedInput("bad_value", field, text, "It names a scheme and a day.", _HOW)
    if scheme not in schemes:
        near = ", ".join(get_close_matches(scheme, schemes, n=3))
        fix = f"Did you mean {near}?" if near else "See GET /v1/schemes."
        raise RefusedInput("unknown_scheme", field, scheme, "There is no such scheme.", fix)
    if rest == NEVER:
        return Enjoyed(scheme, None)
    day, _, amount = rest.partition(":")
    on = parse_date(day, field)
    if on > as_of:
        rule = f"{on} is after {as_of}, the day asked about."
        raise RefusedInput("later_day", field, text, rule, "Give a day on which it had been enjoyed.")
    yuan = parse_yuan(amount, field) if amount else None
    if yuan is not None and yuan <= 0:
        raise RefusedInput("bad_amount", field, text, "What was enjoyed is above zero.", "Leave the amount out.")
    return Enjoyed(scheme, on, yuan)


def written(entry: Enjoyed) -> str:
    """The entry as :func:`read_enjoyed` reads it."""
    if entry.on is None:
        return f"{entry.scheme}={NEVER}"
    return f"{entry.scheme}={entry.on}" + (f":{entry.yuan}" if entry.yuan is not None else "")


def enjoyed_facts(
    enjoyed: Iterable[Enjoyed], scheme: Scheme, values: Mapping[str, Scalar | None], as_of: date
) -> dict[str, Scalar]:
    """What is stated of ``scheme`` as facts of a claim under it; empty where nothing is.

    The day is that of the last time; where support is for a year, of the last time in the year that decides. The
    yuan are those that count against what the scheme still gives: a year's where its cap is a year's, else all; not
    stated where one of them is not.
    """
    own = [each for each in enjoyed if each.scheme == scheme.id]
    if not own:
        return {}
    dated = [(each.on, each.yuan) for each in own if each.on is not None]
    if not dated:
        return {BEFORE: False, PAID: Decimal(0)}
    year = (scheme.validity.day(values, as_of) or as_of).year
    in_year = [(on, yuan) for on, yuan in dated if on.year == year]
    by_year = scheme.once is not None and scheme.once.per == "year"
    facts: dict[str, Scalar] = {BEFORE: True, LAST_ON: max(on for on, _ in (in_year if by_year else ()) or dated)}
    yearly = isinstance(scheme.benefit, CappedPerPayee) and scheme.benefit.per == "year"
    amounts = [yuan for _, yuan in (in_year if yearly else dated)]
    known = [yuan for yuan in amounts if yuan is not None]
    if len(known) == len(amounts):
        facts[PAID] = sum(known, Decimal(0))
    return facts


def check_enjoyed(values: Mapping[str, Scalar | None], as_of: date) -> None:
    """Refuse claim facts about the past that cannot be: a day after ``as_of``, a day of what was never enjoyed."""
    last = values.get(LAST_ON)
    if not isinstance(last, date):
        return
    field = f"facts.{LAST_ON}"
    if last > as_of:
        rule = f"{last} is after {as_of}, the day asked about."
        raise RefusedInput("later_day", field, last, rule, "Give a day on which it had been enjoyed.")
    if values.get(BEFORE) is False:
        rule = f"{BEFORE} says that the scheme was never enjoyed."
        raise RefusedInput("two_values", field, last, rule, "Keep one of the two.")
