"""Conditions in words, in one language, as a policy card shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from matching.facts import FactSpec
from matching.nodes import All, Any, Condition, Node, Not
from matching.parameters import Parameter, ParameterRef
from models.kinds import Kind, Scalar
from service.labels import Labels


def in_words(node: Node, t: Labels, parameters: Mapping[str, Parameter]) -> str:
    """A condition tree in one sentence: facts by name, amounts in yuan, fractions in per cent."""
    match node:
        case Condition():
            return _condition(node, t, parameters)
        case Not(child):
            return t("condition.not", part=in_words(child, t, parameters))
        case All(children):
            return _joined(children, t, parameters, "condition.all")
        case Any(children):
            return _joined(children, t, parameters, "condition.any")


def _joined(children: tuple[Node, ...], t: Labels, parameters: Mapping[str, Parameter], word: str) -> str:
    said = [in_words(child, t, parameters) for child in children]
    if len(children) == 1:
        return said[0]
    parts = [words if _short(child) else f"({words})" for child, words in zip(children, said, strict=True)]
    return f" {t(word)} ".join(parts)


def _short(node: Node) -> bool:
    """Whether the words of a node cannot be mistaken for those of its neighbours."""
    return isinstance(node, Not) or (isinstance(node, Condition) and len(node.values) < 2)


def _condition(condition: Condition, t: Labels, parameters: Mapping[str, Parameter]) -> str:
    spec, name = condition.spec, t.name(condition.spec)
    if spec.kind is Kind.FLAG and len(condition.values) == 1:
        yes = (condition.values[0] is True) == (condition.op.value == "is")
        return t("condition.yes" if yes else "condition.no", fact=name)
    values = [_value(value, spec, t, parameters) for value in condition.values]
    if condition.op.value == "between":
        return t("condition.between", fact=name, low=values[0], high=values[1])
    return " ".join(part for part in (name, t.word("op", condition.op.value), t("condition.or").join(values)) if part)


def _value(value: Scalar | ParameterRef, spec: FactSpec, t: Labels, parameters: Mapping[str, Parameter]) -> str:
    if isinstance(value, ParameterRef):
        named = t.name(parameters[value.id]) if value.id in parameters else value.id
        times = f"{_number(value.times)} × " if value.times != 1 else ""
        plus = f" + {_percent(value.plus)}" if value.plus else ""
        return f"{times}{named}{plus}"
    if spec.kind is Kind.CODE:
        # A word of the fact's own, else the one the code has everywhere.
        own = t.word(f"code.{spec.id}", str(value))
        return own if own != str(value) else t.word("code", str(value))
    if isinstance(value, date):
        return value.isoformat()
    number = Decimal(str(value))
    if spec.kind is Kind.MONEY:
        return t("unit.yuan", amount=f"{number.normalize():,f}")
    if spec.kind is Kind.MONTHS:
        return t("unit.months", months=value)
    return _percent(number) if spec.kind is Kind.RATIO else _number(number)


def _percent(number: Decimal) -> str:
    return f"{_number(number * 100)} %"


def _number(number: Decimal) -> str:
    return f"{number.normalize():,f}"
