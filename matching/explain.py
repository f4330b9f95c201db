"""The explaining evaluator: one firm, one or many rules, every condition with what was expected and what was found.

Kleene's values are numbers here: unmet 0, unknown ½, met 1. ``all`` is then the smallest child, ``any`` the largest,
``not`` the complement. Findings are built only when somebody reads them: building them costs as much again as deciding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cached_property
from operator import itemgetter
from typing import Any as Anything

from matching.arguments import Arguments, constant_arguments, dated_arguments, has_parameter
from matching.compare import STORED_AS_GIVEN, check, reader
from matching.facts import FactSpec
from matching.findings import FindingSheet
from matching.nodes import All, Any, Condition, Node, Not, leaves
from matching.parameters import ParameterBook, ParameterValue
from models.evidence import Finding
from models.kinds import Scalar
from models.truth import Truth

UNKNOWN = 0.5
_TRUTHS: Mapping[float, Truth] = {0: Truth.UNMET, UNKNOWN: Truth.UNKNOWN, 1: Truth.MET}

Decide = Callable[[list[float]], float]


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
        # Most rules are `all` of conditions and are decided without a Python frame each.
        self._plain: dict[str, Callable[[list[float]], tuple[float, ...]]] = {}
        self._deciders: dict[str, Decide] = {}
        for rule, node in self.rules.items():
            if isinstance(node, All) and len(node.children) > 1 and set(map(type, node.children)) == {Condition}:
                self._plain[rule] = itemgetter(*[self._place(each) for each in leaves(node)])
            else:
                self._deciders[rule] = self._compile(node)
        self._facts = [spec.id for spec in self._specs]
        self._types = [STORED_AS_GIVEN.get(spec.kind) for spec in self._specs]
        self._readers = [reader(spec) for spec in self._specs]

    def examine(self, values: Mapping[str, Scalar | None], parameters: ParameterBook, as_of: date) -> Examination:
        """Decides every rule for one firm. ``values`` as for :func:`explain`."""
        given = list(map(values.get, self._facts))
        stored: list[Anything] = [
            None if value is None else value if type(value) is as_given else read(value)
            for value, as_given, read in zip(given, self._types, self._readers, strict=True)
        ]
        truths: list[float] = [UNKNOWN] * len(self._asked)
        for place, slot, passes in self._fixed:
            known = stored[slot]
            if known is not None:
                truths[place] = passes(known)
        arguments = {}
        for place, slot in self._dated:
            made = dated_arguments(self._asked[place], values, parameters, as_of)
            arguments[place] = made
            known = stored[slot]
            if known is not None and made.stored is not None:
                truths[place] = check(self._asked[place].op, made.stored)(known)
        verdicts: dict[str, float] = {rule: min(every(truths)) for rule, every in self._plain.items()}
        verdicts |= {rule: decide(truths) for rule, decide in self._deciders.items()}
        return Examination(self, given, truths, arguments, verdicts)

    @cached_property
    def sheet(self) -> FindingSheet:
        """The conditions of every rule, ready for findings."""
        asked = {rule: tuple(leaves(node)) for rule, node in self.rules.items()}
        return FindingSheet(asked, self._place, self._slots)

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
        if len(places) == 1:
            inner.append(itemgetter(places[0]))
        if len(places) <= 1:
            if len(inner) == 1:
                return inner[0]
            return lambda truths: pick([decide(truths) for decide in inner], default=empty)
        many = itemgetter(*places)
        if not inner:
            return lambda truths: pick(many(truths))
        return lambda truths: pick(*many(truths), *[decide(truths) for decide in inner])

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
                self._fixed.append((place, slot, check(condition.op, stored)))
        return self._places[key]


class Examination(Mapping[str, "Outcome"]):
    """One firm's outcomes by rule id."""

    def __init__(
        self,
        examiner: Examiner,
        values: list[Scalar | None],
        truths: list[float],
        arguments: Mapping[int, Arguments],
        verdicts: Mapping[str, float],
    ):
        self._examiner = examiner
        self._values = values
        self._truths = truths
        self._arguments = arguments
        self._verdicts = verdicts
        self._findings: tuple[Finding, ...] | None = None

    def __getitem__(self, rule: str) -> Outcome:
        return Outcome(self, rule)

    def __iter__(self) -> Iterator[str]:
        return iter(self._examiner.rules)

    def __len__(self) -> int:
        return len(self._verdicts)

    def truth(self, rule: str) -> Truth:
        """The verdict of one rule."""
        return _TRUTHS[self._verdicts[rule]]

    def findings(self, rule: str) -> tuple[Finding, ...]:
        """What each condition of a rule expected and found, in the order written."""
        return self._examiner.sheet.picks[rule](self._every_finding())

    def explained(self) -> list[tuple[Truth, tuple[Finding, ...]]]:
        """Truth and findings of every rule, in the order of the rules: all of them at the cost of few calls."""
        found, verdicts = self._every_finding(), self._verdicts
        return [(_TRUTHS[verdicts[rule]], pick(found)) for rule, pick in self._examiner.sheet.picks.items()]

    def parameters(self, rule: str) -> tuple[ParameterValue, ...]:
        """The dated parameter values that a rule used, each once."""
        return self._examiner.sheet.parameters(rule, self._arguments)

    def _every_finding(self) -> tuple[Finding, ...]:
        """Those of every rule are made when the first are read."""
        if self._findings is None:
            truths = list(map(_TRUTHS.__getitem__, self._truths))
            values = [value if value == value else None for value in self._values]
            self._findings = self._examiner.sheet.answered(truths, values, self._arguments)
        return self._findings


class Outcome:
    """What one rule says of one firm: ``truth``, and on demand ``findings`` and the ``parameters`` it rests on."""

    __slots__ = ("_examination", "_rule", "truth")

    def __init__(self, examination: Examination, rule: str):
        self._examination = examination
        self._rule = rule
        self.truth = examination.truth(rule)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One finding per condition, in the order written; a condition under ``not`` is reported as written."""
        return self._examination.findings(self._rule)

    @property
    def parameters(self) -> tuple[ParameterValue, ...]:
        """The dated parameter values used; ``confirmed`` and ``note`` say how far each can be trusted."""
        return self._examination.parameters(self._rule)
