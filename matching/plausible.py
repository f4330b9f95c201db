"""Numbers that are well-formed and yet cannot be meant: refused, or asked back, before anything is worked out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal

from matching.facts import FactBook, FactSpec
from models.errors import RefusedInput
from models.kinds import Kind, Scalar

#: Nobody borrows less; a smaller amount is an amount in 万元.
LEAST_LOAN_YUAN = Decimal(1000)
#: An amount this many times below the known one is taken for 万元 written where yuan is asked (10,000 times).
TIMES_BELOW = 5000
_LOANS = ("need_amount_yuan", "loan_amount_yuan")
_EARLIEST, _LATEST = date(1900, 1, 1), date(2200, 12, 31)
#: Facts that tell of something past.
_PAST = ("established_on",)
_NEVER_NEGATIVE = (Kind.COUNT, Kind.MONTHS)

EXAMPLES: Mapping[Kind, str] = {
    Kind.MONEY: 'three million yuan is "3000000"',
    Kind.COUNT: "20",
    Kind.MONTHS: "two years are 24",
    Kind.NUMBER: '"12.5"',
    Kind.RATIO: '4.35 % is "0.0435"',
    Kind.DATE: "2024-10-31",
    Kind.CODE: "one of its codes",
    Kind.FLAG: "true or false",
    Kind.TEXT: "text",
}


def example(spec: FactSpec) -> str:
    """How a value of this fact is written, with its unit."""
    shown = " or ".join(spec.codes[:2]) if spec.codes else EXAMPLES[spec.kind]
    return f"{spec.id} is a {spec.kind}{f' in {spec.unit}' if spec.unit else ''}: {shown}."


def check_plausible(
    values: Mapping[str, Scalar | None],
    known: Mapping[str, Scalar | None],
    facts: FactBook,
    as_of: date,
    confirmed: Collection[str] = (),
    field: str = "facts",
) -> None:
    """Raises ``RefusedInput`` for the first value that cannot be meant, naming fact, unit and an example.

    Codes: ``suspicious_unit`` (looks like 万元 or per cent; an amount passes for the facts in ``confirmed``),
    ``negative``, ``bad_amount``, ``bad_rate``, ``impossible_date``. ``known`` are the values held so far.
    """
    for fact, value in values.items():
        if value is not None:
            _check(facts[fact], value, known.get(fact), as_of, fact in confirmed, f"{field}.{fact}")


def _check(spec: FactSpec, value: Scalar, known: Scalar | None, as_of: date, confirmed: bool, field: str) -> None:
    def refused(code: str, rule: str, fix: str = "") -> RefusedInput:
        return RefusedInput(code, field, value, rule, f"{fix} {example(spec)}".strip())

    match spec.kind:
        case Kind.MONEY:
            amount = Decimal(str(value))
            ask_back = f"Write the amount in yuan, or confirm {spec.id}."
            if spec.id in _LOANS and amount <= 0:
                raise refused("bad_amount", "An amount asked for is above zero.")
            if spec.id in _LOANS and amount < LEAST_LOAN_YUAN and not confirmed:
                raise refused("suspicious_unit", f"Is this in 万元? {amount} yuan is no loan.", ask_back)
            if isinstance(known, Decimal) and _shrunk(amount, known) and not confirmed:
                raise refused("suspicious_unit", f"Is this in 万元? The value known is {known} yuan.", ask_back)
        case Kind.RATIO if spec.id.endswith("_rate"):
            rate = float(str(value))
            if rate < 0:
                raise refused("bad_rate", "A rate is never negative.")
            if rate > 1:
                raise refused("suspicious_unit", "Is this in per cent? A rate is a fraction from 0 to 1.")
        case kind if kind in _NEVER_NEGATIVE and int(str(value)) < 0:
            raise refused("negative", "This is never negative.")
        case Kind.DATE if isinstance(value, date):
            if not _EARLIEST <= value <= _LATEST:
                raise refused("impossible_date", f"A date lies between {_EARLIEST} and {_LATEST}.")
            if spec.id in _PAST and value > as_of:
                raise refused("impossible_date", f"This day lies after {as_of}, the day asked about.")


def _shrunk(amount: Decimal, known: Decimal) -> bool:
    return amount > 0 and amount * TIMES_BELOW <= known
