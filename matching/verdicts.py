"""How a rule is judged: which dates it holds for, each requirement's truth, and the one verdict of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from matching.explain import Examiner
from matching.nodes import All, Node
from matching.parameters import ParameterBook
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
        ends = tuple(end for end in (self.since, self.until) if end)
        if not ends:
            return None
        truth = Truth.UNKNOWN if day is None else Truth.UNMET if self.outside(day) else Truth.MET
        return Finding(
            fact=self.selected_by,
            op="between" if len(ends) == 2 else "ge" if self.since else "le",
            expected=ends if len(ends) == 2 else ends[0],
            actual=day,
            truth=truth,
            source="validity",
            cite=cite,
            settled_by=settled_by if day is None else "",
        )


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
    """What a rule asks, compiled once for asking one firm after another."""

    def __init__(self, *nodes: Node):
        self.nodes = tuple(part for node in nodes for part in requirements_of(node))
        self._examiner = Examiner({str(place): node for place, node in enumerate(self.nodes)})

    def judge(
        self, values: Mapping[str, Scalar | None], parameters: ParameterBook, as_of: date
    ) -> tuple[Requirement, ...]:
        """Every requirement with its truth and findings, in the order written."""
        explained = self._examiner.examine(values, parameters, as_of).explained()
        return tuple([Requirement(truth, findings) for truth, findings in explained])


def truth_of(requirements: tuple[Requirement, ...]) -> Truth:
    """UNMET beats UNKNOWN beats MET."""
    return all_of(requirement.truth for requirement in requirements)


def open_facts(requirements: tuple[Requirement, ...]) -> tuple[Finding, ...]:
    """The unknown findings that keep a requirement open, one per fact."""
    found: dict[str, Finding] = {}
    for requirement in requirements:
        if requirement.truth is Truth.UNKNOWN:
            for finding in requirement.findings:
                if finding.truth is Truth.UNKNOWN:
                    found.setdefault(finding.fact, finding)
    return tuple(found.values())
