"""How a rule is judged: which dates it holds for, each requirement's truth, and the one verdict of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from operator import is_, itemgetter
from typing import NamedTuple

from matching.explain import Examiner
from matching.facts import STATED
from matching.nodes import All, Node, leaves
from matching.parameters import ParameterBook, ParameterRef
from models.evidence import Finding
from models.kinds import Scalar
from models.truth import Truth, all_of


class Verdict(StrEnum):
    """The answer of a rule. Outside its dates a rule answers so, whatever its conditions say."""

    MET = "met"
    UNMET = "unmet"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    NOT_YET = "not_yet"


@dataclass(frozen=True)
class Validity:
    """First and last day of a rule (``None``: open), and what day is asked: ``as_of`` or a date fact of the loan."""

    since: date | None = None
    until: date | None = None
    selected_by: str = "as_of"

    def day(self, values: Mapping[str, Scalar | None], as_of: date) -> date | None:
        """The day that decides; ``None`` while the fact that says it is unknown."""
        if self.selected_by == "as_of":
            return as_of
        value = values.get(self.selected_by)
        return value if isinstance(value, date) else None

    def outside(self, day: date) -> Verdict | None:
        """EXPIRED or NOT_YET, ``None`` on a day the rule holds."""
        if self.since and day < self.since:
            return Verdict.NOT_YET
        if self.until and day > self.until:
            return Verdict.EXPIRED
        return None

    def finding(self, day: date | None, cite: str, settled_by: str) -> Finding | None:
        """The dates as a finding; ``None`` for a rule without dates."""
        if self.since is None and self.until is None:
            return None
        op, expected = self._between
        truth = Truth.UNKNOWN if day is None else Truth.UNMET if self.outside(day) else Truth.MET
        by = settled_by if day is None else ""
        return Finding(self.selected_by, op, expected, day, truth, "validity", cite, settled_by=by)

    @cached_property
    def _between(self) -> tuple[str, date | tuple[date, date] | None]:
        """The dates as an operator and what it expects."""
        if self.since and self.until:
            return "between", (self.since, self.until)
        return ("ge", self.since) if self.since else ("le", self.until)


class Requirement(NamedTuple):
    """One of the things a rule asks that must all hold; an ``any`` group is one requirement with several findings."""

    truth: Truth
    findings: tuple[Finding, ...]


def requirements_of(node: Node) -> tuple[Node, ...]:
    """The nodes that must all hold: the children of nested ``all``, else the node itself."""
    if isinstance(node, All):
        return tuple(each for child in node.children for each in requirements_of(child))
    return (node,)


class Requirements:
    """What a rule asks, compiled once for asking one firm after another.

    A firm is asked again and again: about each loan a scheme may go with, and with changes made. What is asked of the
    firm alone and what is asked of need, loan and claim are judged apart, so that the one stands while the other moves.
    """

    def __init__(self, *nodes: Node):
        self.nodes = tuple(part for node in nodes for part in requirements_of(node))
        #: The conditions of each node, in the order written.
        self.leaves = tuple(tuple(leaves(node)) for node in self.nodes)
        stated = [any(leaf.spec.source in STATED for leaf in asked) for asked in self.leaves]
        places = [[place for place, said in enumerate(stated) if said is part] for part in (False, True)]
        self._parts = tuple(_Part([self.nodes[at] for at in part], part is places[1]) for part in places if part)
        judged = [place for part in places for place in part]
        #: Takes what the parts answered into the order written.
        self._order = None if len(self._parts) < 2 else itemgetter(*map(judged.index, range(len(judged))))

    def judge(
        self, values: Mapping[str, Scalar | None], parameters: ParameterBook, as_of: date
    ) -> tuple[Requirement, ...]:
        """Every requirement with its truth and findings, in the order written."""
        if self._order is None:
            return self._parts[0].judge(values, parameters, as_of) if self._parts else ()
        first, second = self._parts
        answers = (*first.judge(values, parameters, as_of), *second.judge(values, parameters, as_of))
        return self._order(answers)  # type: ignore[no-any-return]


#: Answers a part keeps about what callers state: the loans of a shelf are of few kinds, whoever asks.
_MOST_KEPT = 32
_WRITTEN_OUT = frozenset({Decimal, float})


class _Part:
    """Some requirements of a rule, with the last question they were asked and its answer.

    That question counts as the same only where every value is the very same object. Where all is ``stated`` by the
    caller (need, loan, claim) some more answers are kept, by the values written out with their types: equal values of
    two types may be judged or shown differently. Serves any number of threads: each change is one step.
    """

    def __init__(self, nodes: Sequence[Node], stated: bool):
        self._stated = stated
        self._kept: dict[tuple[object, ...], tuple[Requirement, ...]] = {}
        self._examiner = Examiner({str(place): node for place, node in enumerate(nodes)})
        asked = [leaf for node in nodes for leaf in leaves(node)]
        days = [value.on for leaf in asked for value in leaf.values if isinstance(value, ParameterRef)]
        self._facts = tuple(dict.fromkeys([*(leaf.fact for leaf in asked), *days]))
        self._dated = bool(days)
        self._last: tuple[list[object], tuple[Requirement, ...]] | None = None

    def judge(
        self, values: Mapping[str, Scalar | None], parameters: ParameterBook, as_of: date
    ) -> tuple[Requirement, ...]:
        question: list[object] = list(map(values.get, self._facts))
        if self._dated:
            question += (parameters, as_of)
        last = self._last
        if last is not None and all(map(is_, last[0], question)):
            return last[1]
        key = self._key(question) if self._stated and not self._dated else None
        answer = self._kept.get(key) if key is not None else None
        if answer is None:
            explained = self._examiner.examine(values, parameters, as_of).explained()
            answer = tuple([Requirement(truth, findings) for truth, findings in explained])
            if key is not None:
                if len(self._kept) >= _MOST_KEPT:
                    self._kept = {}
                self._kept[key] = answer
        self._last = question, answer
        return answer

    @staticmethod
    def _key(question: Sequence[object]) -> tuple[object, ...]:
        """The values with their types; of a number also its digits, since 1.0 and 1.00, 0.0 and -0.0 are equal."""
        written = [repr(value) if type(value) in _WRITTEN_OUT else value for value in question]
        return (*written, *map(type, question))


def truth_of(requirements: tuple[Requirement, ...]) -> Truth:
    """UNMET beats UNKNOWN beats MET."""
    return all_of([requirement.truth for requirement in requirements])


def open_facts(requirements: tuple[Requirement, ...]) -> tuple[Finding, ...]:
    """The unknown findings that keep a requirement open, one per fact."""
    found: dict[str, Finding] = {}
    for requirement in requirements:
        if requirement.truth is Truth.UNKNOWN:
            for finding in requirement.findings:
                if finding.truth is Truth.UNKNOWN:
                    found.setdefault(finding.fact, finding)
    return tuple(found.values())
