"""One value of one fact: how it becomes its stored form, and how one operator tests that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any as Anything

from matching.arguments import Stored
from matching.facts import FactSpec
from matching.nodes import Op
from models.errors import RefusedInput
from models.kinds import Kind, Scalar, encoder


def check(op: Op, stored: tuple[Stored, ...]) -> Callable[[Anything], bool]:
    """The test of one operator on a known stored value. Bound methods of the constant: no Python frame per call."""
    constant: Anything = stored[0] if stored else None
    match op:
        case Op.IS:
            return constant.__eq__  # type: ignore[no-any-return]
        case Op.IS_NOT:
            return constant.__ne__  # type: ignore[no-any-return]
        case Op.LT:
            return constant.__gt__  # type: ignore[no-any-return]
        case Op.LE:
            return constant.__ge__  # type: ignore[no-any-return]
        case Op.GT:
            return constant.__lt__  # type: ignore[no-any-return]
        case Op.GE:
            return constant.__le__  # type: ignore[no-any-return]
        case Op.IN:
            return frozenset(stored).__contains__
        case Op.NOT_IN:
            others = frozenset(stored)
            return lambda value: value not in others
        case Op.BETWEEN:
            low: Anything = stored[0]
            high: Anything = stored[1]
            return lambda value: low <= value <= high
        case Op.KNOWN:
            return lambda value: True


_TYPES: Mapping[Kind, tuple[type, ...]] = {
    Kind.MONEY: (Decimal, int),
    Kind.COUNT: (int,),
    Kind.MONTHS: (int,),
    Kind.NUMBER: (float, int, Decimal),
    Kind.RATIO: (float, int, Decimal),
    Kind.DATE: (date,),
    Kind.FLAG: (bool,),
}


#: A value of this kind and exactly this type is its own stored form.
STORED_AS_GIVEN: Mapping[Kind, type] = {Kind.COUNT: int, Kind.MONTHS: int, Kind.FLAG: bool}


def reader(spec: FactSpec) -> Callable[[Scalar], Stored | None]:
    """How a value of this fact becomes its stored form; codes stay text. NaN is unknown."""
    kind = spec.kind
    if kind is Kind.CODE:
        listed = frozenset(spec.codes)

        def read_code(value: Scalar) -> Stored | None:
            if not isinstance(value, str) or (listed and value not in listed):
                raise _unfit(spec, value)
            return value

        return read_code

    fitting, store = _TYPES[kind], encoder(kind)

    def read(value: Scalar) -> Stored | None:
        if type(value) not in fitting:
            raise _unfit(spec, value)
        try:
            stored = store(value)
        except (ValueError, ArithmeticError):
            raise _unfit(spec, value) from None
        return stored if stored == stored else None

    return read


def _unfit(spec: FactSpec, value: Scalar) -> RefusedInput:
    return RefusedInput(
        "bad_value", spec.id, value, f"{spec.id} is a {spec.kind}.", "Give a value of that kind, exact to its unit."
    )
