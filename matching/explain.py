"""The explaining evaluator: one firm, one or many rules, every condition with what was expected and what was found.

Kleene's values are numbers here: unmet 0, unknown ½, met 1. ``all`` is then the smallest child, ``any`` the largest,
``not`` the complement. Findings are built only when somebody reads them: building them costs more than deciding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from operator import itemgetter
from typing import Any as Anything
from typing import NamedTuple

from matching.arguments import Arguments, Stored, constant_arguments, dated_arguments, has_parameter
from matching.facts import FactSpec
from matching.nodes import All, Any, Condition, Node, Not, Op, leaves
from matching.parameters import ParameterBook, ParameterValue
from models.errors import RefusedInput
from models.evidence import Finding
from models.kinds import Kind, Scalar, encode
from models.truth import Truth

UNKNOWN = 0.5
_TRUTHS: Mapping[float, Truth] = {0: Truth.UNMET, UNKNOWN: Truth.UNKNOWN, 1: Truth.MET}

Decide = Callable[[list[float]], float]
Expected = Scalar | tuple[Scalar, ...] | None


def explain(node: Node, values: Mapping[str, Scalar | None], parameters: ParameterBook, as_of: date) -> Outcome:
    """What one rule says of one firm. ``values`` are facts by id (absent or ``None``: unknown), money in yuan.

    ``RefusedInput`` if a value does not fit its fact.
    """
    return Examiner({"": node}).examine(values, parameters, as_of)[""]


def truth(node: Node, values: Mapping[str, Scalar | None], parameters: ParameterBook, as_of: date) -> Truth:
    """As :func:`explain`, the verdict alone."""
    return Examiner({"": node}).examine(values, parameters, as_of).truth("")


class Examiner:
    """Rules compiled for asking one firm after another. Equal conditions of different rules are decided once.

    One instance may serve many threads: after construction it only remembers the conditions of rules explained.
    """

    def __init__(self, rules: Mapping[str, Node]):
        self.rules = dict(rules)
        self._specs: list[FactSpec] = []
        self._slots: dict[str, int] = {}
        self._places: dict[tuple[object, ...], int] = {}
        self._asked: list[Condition] = []
        self._fixed: list[tuple[int, int, Callable[[Anything], bool]]] = []
        self._dated: list[tuple[int, int]] = []
        self._deciders: dict[str, Decide] = {rule: self._compile(node) for rule, node in self.rules.items()}
        self._readers = [(spec.id, _reader(spec)) for spec in self._specs]
        self._leaves: dict[str, tuple[_Leaf, ...]] = {}

    def examine(self, values: Mapping[str, Scalar | None], parameters: ParameterBook, as_of: date) -> Examination:
        """Decides every rule for one firm. ``values`` as for :func:`explain`."""
        stored: list[Stored | None] = [
            None if (value := values.get(fact)) is None else read(value) for fact, read in self._readers
        ]
        truths: list[float] = [UNKNOWN] * len(self._asked)
        for place, slot, check in self._fixed:
            known = stored[slot]
            if known is not None:
                truths[place] = check(known)
        arguments = {}
        for place, slot in self._dated:
            made = dated_arguments(self._asked[place], values, parameters, as_of)
            arguments[place] = made
            known = stored[slot]
            if known is not None and made.stored is not None:
                truths[place] = _check(self._asked[place].op, made.stored)(known)
        return Examination(
            self, values, truths, arguments, {rule: decide(truths) for rule, decide in self._deciders.items()}
        )

    def leaves(self, rule: str) -> tuple[_Leaf, ...]:
        """Conditions of a rule in the order written."""
        if rule not in self._leaves:
            self._leaves[rule] = tuple(_leaf(each, self._place(each)) for each in leaves(self.rules[rule]))
        return self._leaves[rule]

    def _compile(self, node: Node) -> Decide:
        match node:
            case Condition():
                return itemgetter(self._place(node))
            case Not(child):
                inner = self._compile(child)
                return lambda truths: 1 - inner(truths)
            case All(children):
                return self._group(children, min, 1)
            case Any(children):
                return self._group(children, max, 0)

    def _group(self, children: tuple[Node, ...], pick: Callable[..., float], empty: float) -> Decide:
        places = [self._place(child) for child in children if isinstance(child, Condition)]
        inner = [self._compile(child) for child in children if not isinstance(child, Condition)]
        if len(places) > 1:
            many = itemgetter(*places)
            if not inner:
                return lambda truths: pick(many(truths))
            inner.append(lambda truths: pick(many(truths)))
        elif places:
            inner.append(itemgetter(places[0]))
        if not inner:
            return lambda truths: empty
        return lambda truths: pick([decide(truths) for decide in inner])

    def _place(self, condition: Condition) -> int:
        key = (condition.spec.id, condition.op, condition.values)
        if key not in self._places:
            place = self._places[key] = len(self._asked)
            self._asked.append(condition)
            slot = self._slots.setdefault(condition.spec.id, len(self._slots))
            if slot == len(self._specs):
                self._specs.append(condition.spec)
            if has_parameter(condition):
                self._dated.append((place, slot))
            else:
                stored = constant_arguments(condition).stored
                assert stored is not None
                self._fixed.append((place, slot, _check(condition.op, stored)))
        return self._places[key]


class Examination(Mapping[str, "Outcome"]):
    """One firm's outcomes by rule id."""

    def __init__(
        self,
        examiner: Examiner,
        values: Mapping[str, Scalar | None],
        truths: list[float],
        arguments: Mapping[int, Arguments],
        verdicts: Mapping[str, float],
    ):
        self._examiner = examiner
        self._values = values
        self._truths = truths
        self._arguments = arguments
        self._verdicts = verdicts

    def __getitem__(self, rule: str) -> Outcome:
        return Outcome(self, rule)

    def __iter__(self) -> Iterator[str]:
        return iter(self._verdicts)

    def __len__(self) -> int:
        return len(self._verdicts)

    def truth(self, rule: str) -> Truth:
        """The verdict of one rule."""
        return _TRUTHS[self._verdicts[rule]]

    def findings(self, rule: str) -> tuple[Finding, ...]:
        """What each condition of a rule expected and found, in the order written."""
        return tuple([self._finding(leaf) for leaf in self._examiner.leaves(rule)])

    def parameters(self, rule: str) -> tuple[ParameterValue, ...]:
        """The dated parameter values that a rule used, each once."""
        dated = (self._arguments[leaf.place] for leaf in self._examiner.leaves(rule) if leaf.dated)
        return tuple(dict.fromkeys(value for arguments in dated for value in arguments.used))

    def _finding(self, leaf: _Leaf) -> Finding:
        place, fact, op, expected, dated, source, cite, unit, settled_by = leaf
        actual = self._values.get(fact)
        if actual != actual:
            actual = None
        answer = _TRUTHS[self._truths[place]]
        if dated:
            arguments = self._arguments[place]
            expected = _expected(op, arguments)
            if actual is not None:
                settled_by = arguments.missing
        return Finding(
            fact, op, expected, actual, answer, source, cite, unit, settled_by if answer is Truth.UNKNOWN else ""
        )


class Outcome:
    """What one rule says of one firm: ``truth``, and on demand ``findings`` and the ``parameters`` it rests on."""

    def __init__(self, examination: Examination, rule: str):
        self._examination = examination
        self._rule = rule
        self.truth = examination.truth(rule)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """One finding per condition, in the order written; a condition under ``not`` is reported as written."""
        return self._examination.findings(self._rule)

    @cached_property
    def parameters(self) -> tuple[ParameterValue, ...]:
        """The dated parameter values used; ``confirmed`` and ``note`` say how far each can be trusted."""
        return self._examination.parameters(self._rule)


class _Leaf(NamedTuple):
    """The part of a finding that no firm changes. ``expected`` is filled per firm when ``dated``."""

    place: int
    fact: str
    op: Op
    expected: Expected
    dated: bool
    source: str
    cite: str
    unit: str
    settled_by: str


def _leaf(condition: Condition, place: int) -> _Leaf:
    spec, dated = condition.spec, has_parameter(condition)
    return _Leaf(
        place=place,
        fact=spec.id,
        op=condition.op,
        expected=None if dated else _expected(condition.op, constant_arguments(condition)),
        dated=dated,
        source=spec.origin,
        cite=condition.cite,
        unit=spec.unit,
        settled_by=condition.settled_by or spec.settled_by,
    )


def _expected(op: Op, arguments: Arguments) -> Expected:
    """The argument as people read it, several as a tuple; ``None`` when there is none or one is unknown."""
    shown = tuple(value for value in arguments.shown if value is not None)
    if not shown or len(shown) < len(arguments.shown):
        return None
    return shown if op in (Op.IN, Op.NOT_IN, Op.BETWEEN) else shown[0]


def _check(op: Op, stored: tuple[Stored, ...]) -> Callable[[Anything], bool]:
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


def _reader(spec: FactSpec) -> Callable[[Scalar], Stored | None]:
    """How a value of this fact becomes its stored form; codes stay text. NaN is unknown."""
    kind = spec.kind
    if kind is Kind.CODE:
        listed = frozenset(spec.codes)

        def read_code(value: Scalar) -> Stored | None:
            if not isinstance(value, str) or (listed and value not in listed):
                raise _unfit(spec, value)
            return value

        return read_code

    fitting = _TYPES[kind]

    def read(value: Scalar) -> Stored | None:
        if type(value) not in fitting:
            raise _unfit(spec, value)
        try:
            stored = encode(kind, value)
        except (ValueError, ArithmeticError):
            raise _unfit(spec, value) from None
        return stored if stored == stored else None

    return read


def _unfit(spec: FactSpec, value: Scalar) -> RefusedInput:
    return RefusedInput(
        "bad_value", spec.id, value, f"{spec.id} is a {spec.kind}.", "Give a value of that kind, exact to its unit."
    )
