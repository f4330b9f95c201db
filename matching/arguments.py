"""What a condition is compared with, in the stored form of its fact: constants, and parameters of the right day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from matching.nodes import Condition, Op
from matching.parameters import ParameterBook, ParameterRef, ParameterValue
from models.errors import NotFound, RefusedInput
from models.kinds import Kind, Scalar, encode
from models.money import FEN_PER_YUAN

Stored = int | float | str


@dataclass(frozen=True)
class Arguments:
    """``shown`` as people read them, ``stored`` as they are compared; ``stored`` is ``None`` when one is unknown.

    ``used`` are the parameter values they rest on. ``missing`` says what would make an unknown argument known.
    """

    shown: tuple[Scalar | None, ...]
    stored: tuple[Stored, ...] | None
    used: tuple[ParameterValue, ...] = ()
    missing: str = ""


def has_parameter(condition: Condition) -> bool:
    """Whether an argument depends on a day."""
    return any(isinstance(value, ParameterRef) for value in condition.values)


def constant_arguments(condition: Condition) -> Arguments:
    """The arguments of a condition without parameters. Codes stay text: their places belong to one snapshot."""
    shown = tuple(value for value in condition.values if not isinstance(value, ParameterRef))
    kind = condition.spec.kind
    return Arguments(shown, tuple(str(value) if kind is Kind.CODE else encode(kind, value) for value in shown))


def dated_arguments(
    condition: Condition, given: Mapping[str, Scalar | None], parameters: ParameterBook, as_of: date
) -> Arguments:
    """The arguments with each parameter taken on its day.

    ``given`` holds the facts of the need and the loan. A day that is not given, or lies before a parameter's first
    value, leaves the argument unknown; an unknown parameter id raises ``NotFound``.
    """
    shown: list[Scalar | None] = []
    stored: list[Stored] = []
    used: list[ParameterValue] = []
    missing = ""
    kind = condition.spec.kind
    for place, value in enumerate(condition.values):
        if not isinstance(value, ParameterRef):
            shown.append(value)
            stored.append(encode(kind, value))
            continue
        day = as_of if value.on == "as_of" else given.get(value.on)
        try:
            answer = parameters.on(value.id, day) if isinstance(day, date) else None
        except NotFound:
            raise
        except RefusedInput as problem:
            answer, missing = None, problem.rule
        if answer is None:
            shown.append(None)
            missing = missing or value.settled_by
            continue
        used.append(answer)
        argument = value.of(answer.value)
        shown.append(argument)
        stored.append(_bound(kind, _is_lower(condition.op, place), argument))
    return Arguments(
        tuple(shown), tuple(stored) if len(stored) == len(condition.values) else None, tuple(used), missing
    )


def _is_lower(op: Op, place: int) -> bool:
    """Whether the argument in ``place`` is the first value that counts (``ge``, ``lt``, the low end of ``between``)."""
    return op in (Op.GE, Op.LT) or (op is Op.BETWEEN and place == 0)


def _bound(kind: Kind, lower: bool, argument: Decimal) -> int | float:
    """The stored number that splits stored values exactly where ``argument`` splits real ones.

    Whole kinds: ``v >= 2.5`` is ``v >= 3`` and ``v < 2.5`` is ``v < 3``; ``v > 2.5`` is ``v > 2`` and ``v <= 2.5``
    is ``v <= 2``. Nothing is rounded away.
    """
    if kind in (Kind.RATIO, Kind.NUMBER):
        return float(argument)
    units = argument * FEN_PER_YUAN if kind is Kind.MONEY else argument
    return int(units.to_integral_value(ROUND_CEILING if lower else ROUND_FLOOR))
