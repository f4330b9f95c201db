"""Findings of a whole rule book: what no firm changes stands ready in columns, what a firm answers is filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any as Anything

from matching.arguments import Arguments, constant_arguments, has_parameter
from matching.nodes import Condition, Op
from matching.parameters import ParameterValue
from models.evidence import Finding
from models.kinds import Scalar
from models.truth import Truth

Expected = Scalar | tuple[Scalar, ...] | None
_UNKNOWN = Truth.UNKNOWN
#: A finding of its fields in order. A plain call would add a Python frame to each, a fifth of the cost of making it.
_finding: Callable[[tuple[object, ...]], Finding] = partial(tuple.__new__, Finding)


class FindingSheet:
    """The conditions of rules, ready to be answered by one firm after another.

    ``rules``: the conditions of each, in the order written. ``places`` and ``slots`` say where in a firm's answers the
    truth of a condition and the value of a fact stand. Conditions alike in every part, clause too, share a finding.
    """

    def __init__(
        self,
        rules: Mapping[str, Sequence[Condition]],
        places: Callable[[Condition], int],
        slots: Mapping[str, int],
    ):
        rows: dict[Condition, int] = {}
        written = {
            rule: [rows.setdefault(condition, len(rows)) for condition in conditions]
            for rule, conditions in rules.items()
        }
        asked = tuple(rows)
        #: Takes the findings of one rule, in the order written, out of all that a firm answered.
        self.picks = {rule: _picker(chosen) for rule, chosen in written.items()}
        self._truths = _picker([places(condition) for condition in asked])
        self._actuals = _picker([slots[condition.fact] for condition in asked])
        self._dated = tuple((row, places(each)) for row, each in enumerate(asked) if has_parameter(each))
        self._dated_places = {
            rule: tuple(places(asked[row]) for row in chosen if has_parameter(asked[row]))
            for rule, chosen in written.items()
        }
        self._facts = tuple(condition.fact for condition in asked)
        self._ops = tuple(condition.op for condition in asked)
        self._expected = tuple(
            None if has_parameter(each) else _expected(each.op, constant_arguments(each)) for each in asked
        )
        self._said = (
            tuple(condition.spec.origin for condition in asked),
            tuple(condition.cite for condition in asked),
            tuple(condition.spec.unit for condition in asked),
        )
        self._settled_by = tuple(condition.settled_by or condition.spec.settled_by for condition in asked)

    def answered(
        self, truths: Sequence[Truth], values: Sequence[Scalar | None], arguments: Mapping[int, Arguments]
    ) -> tuple[Finding, ...]:
        """Every finding of one firm. ``truths`` and ``arguments`` by place, ``values`` by slot."""
        answers, actuals = self._truths(truths), self._actuals(values)
        expected: Sequence[Expected] = self._expected
        settled_by: Sequence[str] = self._settled_by
        if self._dated:
            expected, settled_by = list(expected), list(settled_by)
            for row, place in self._dated:
                expected[row] = _expected(self._ops[row], arguments[place])
                if actuals[row] is not None:
                    settled_by[row] = arguments[place].missing
        settled_by = [by if answer is _UNKNOWN else "" for by, answer in zip(settled_by, answers, strict=True)]
        columns = zip(self._facts, self._ops, expected, actuals, answers, *self._said, settled_by, strict=True)
        return tuple(map(_finding, columns))

    def parameters(self, rule: str, arguments: Mapping[int, Arguments]) -> tuple[ParameterValue, ...]:
        """The dated parameter values a rule used, each once. ``arguments`` by place."""
        return tuple(dict.fromkeys(value for place in self._dated_places[rule] for value in arguments[place].used))


def _expected(op: Op, arguments: Arguments) -> Expected:
    """The argument as people read it, several as a tuple; ``None`` when there is none or one is unknown."""
    shown = tuple(value for value in arguments.shown if value is not None)
    if not shown or len(shown) < len(arguments.shown):
        return None
    return shown if op in (Op.IN, Op.NOT_IN, Op.BETWEEN) else shown[0]


def _picker(places: Sequence[int]) -> Callable[[Sequence[Anything]], tuple[Anything, ...]]:
    """Takes the values at ``places`` out of a sequence, as a tuple whatever their number."""
    if len(places) > 1:
        return itemgetter(*places)
    if not places:
        return lambda values: ()
    only = places[0]
    return lambda values: (values[only],)
