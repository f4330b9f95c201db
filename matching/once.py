"""Support given once: whether what was enjoyed before stands in the way, until when, and what is left of its stages.

History decides only where it is stated. What nobody stated refuses nothing: the answer stands, and names the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from matching.benefits import Benefit, Fixed, Staged
from matching.nodes import Condition, Op
from matching.parameters import ParameterBook
from matching.rulefile import Name
from matching.scheme_parts import BEFORE, LAST_ON, PAID, Once
from matching.schemes import Scheme
from matching.steps import Step
from matching.verdicts import Requirement, Requirements, truth_of
from models.dates import add_months
from models.kinds import Scalar
from models.truth import Truth

Facts = Mapping[str, Scalar | None]
_ZERO = Decimal(0)
#: The day that tells one loan, or one event, from another.
_DAY_OF = {"loan": "loan_contract_on", "event": "claim_on"}


@dataclass(frozen=True)
class OnceAnswer:
    """Where a firm stands with a once-only rule.

    ``truth``: MET, nothing enjoyed stands in the way; UNMET, it is used up; UNKNOWN, nobody says, and ``record`` is
    the paper that would. ``opens_on`` is the day a window or a year ends (``None``: used up for good, or not used up).
    ``asked`` are the conditions it came to, asked of ``values``; ``requirements`` what they answered.
    """

    rule: Once
    truth: Truth
    values: Facts
    asked: Requirements | None = None
    requirements: tuple[Requirement, ...] = ()
    opens_on: date | None = None
    record: Name | None = None


def once_answer(scheme: Scheme, values: Facts, parameters: ParameterBook, as_of: date) -> OnceAnswer | None:
    """What the scheme's once-only rule says of a claim; ``None`` for a scheme without one."""
    once = scheme.once
    if once is None:
        return None
    known = dict(values)
    if known.get(LAST_ON) is not None:
        known[BEFORE] = True
    elif known.get(BEFORE) is False:
        known[PAID] = _ZERO
    day = scheme.validity.day(values, as_of)
    condition = _condition(scheme, once, known, day, as_of)
    if condition is None:
        record = Name(once.last_on.settled_by_zh, once.last_on.settled_by)
        return OnceAnswer(once, Truth.UNKNOWN, known, record=record)
    asked = Requirements(condition)
    requirements = asked.judge(known, parameters, as_of)
    truth = truth_of(requirements)
    opens_on = _opens_on(once, known) if truth is Truth.UNMET else None
    if opens_on and scheme.validity.outside(opens_on):
        opens_on = None
    return OnceAnswer(once, truth, known, asked, requirements, opens_on)


def _condition(scheme: Scheme, once: Once, known: Facts, day: date | None, as_of: date) -> Condition | None:
    """What the rule asks of what was enjoyed; ``None`` where what is known does not decide it."""
    last, before = known.get(LAST_ON), known.get(BEFORE)
    if isinstance(scheme.benefit, Staged):
        whole = whole_yuan(scheme.benefit)
        return Condition(once.paid, Op.LT, (whole,), once.cite) if whole and _paid(known) is not None else None
    if before is None:
        return None
    never = Condition(once.before, Op.IS, (False,), once.cite)
    if before is False or (once.per in ("firm", "lifetime") and once.window_months is None):
        return never
    if not isinstance(last, date):
        return None
    if once.window_months is not None:
        return Condition(once.last_on, Op.LE, (_latest(once.window_months, as_of),), once.cite)
    if once.per == "year":
        if day is None or last.year > day.year:
            return None
        return Condition(once.last_on, Op.LT, (date(day.year, 1, 1),), once.cite)
    # Enjoyed before this loan or event was: it was another. Enjoyed since: it may have been this one.
    began = known.get(_DAY_OF[once.per])
    if not isinstance(began, date) or last >= began:
        return None
    return Condition(once.last_on, Op.LT, (began,), once.cite)


def _latest(months: int, as_of: date) -> date:
    """The last day whose window of ``months`` is over by ``as_of``."""
    day = add_months(as_of, -months)
    while add_months(day, months) > as_of:
        day -= timedelta(1)
    while add_months(day + timedelta(1), months) <= as_of:
        day += timedelta(1)
    return day


def _opens_on(once: Once, known: Facts) -> date | None:
    last = known.get(LAST_ON)
    if not isinstance(last, date):
        return None
    if once.window_months is not None:
        return add_months(last, once.window_months)
    return date(last.year + 1, 1, 1) if once.per == "year" else None


def whole_yuan(benefit: Staged) -> Decimal | None:
    """What all stages together ever pay one firm; ``None`` where a stage has no fixed sum."""
    sums = [stage.give.yuan for stage in benefit.stages if isinstance(stage.give, Fixed)]
    if len(sums) < len(benefit.stages):
        return benefit.cap_yuan
    return sum(sums, _ZERO) if benefit.cap_yuan is None else min(sum(sums, _ZERO), benefit.cap_yuan)


def _paid(known: Facts) -> Decimal | None:
    """The yuan enjoyed before."""
    value = known.get(PAID)
    return None if value is None else Decimal(str(value))


def less_enjoyed(scheme: Scheme, benefit: Benefit, answer: OnceAnswer | None) -> Benefit:
    """The benefit without the stages already paid: each is given once. As it is where nothing is said to be enjoyed."""
    if answer is None or not isinstance(scheme.benefit, Staged):
        return benefit
    paid, once = _paid(answer.values), answer.rule
    if paid is None:
        if answer.values.get(BEFORE) is not True:
            return benefit
        missing = tuple(dict.fromkeys((*benefit.missing, PAID)))
        return replace(benefit, amount_yuan=None, at_least_yuan=_ZERO, missing=missing)
    if not paid:
        return benefit
    amount, low, high = (
        None if yuan is None else max(yuan - paid, _ZERO)
        for yuan in (benefit.amount_yuan, benefit.at_least_yuan, benefit.at_most_yuan)
    )
    steps = [*benefit.steps, Step(once.paid.zh, once.paid.en, paid, "yuan", once.cite)]
    if amount is not None:
        steps.append(Step("扣除后实得", "Paid after what was enjoyed", amount, "yuan", once.cite))
    return replace(benefit, amount_yuan=amount, at_least_yuan=low, at_most_yuan=high, steps=tuple(steps))
