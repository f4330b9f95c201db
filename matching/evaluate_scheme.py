"""Asks one scheme about one firm and one loan: dates, conditions, benefit, and what would settle the unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from matching.arguments import dated_arguments
from matching.benefit_terms import benefit_of
from matching.benefits import Benefit
from matching.benefits.benefit import unconfirmed_of
from matching.loans import Loan
from matching.once import OnceAnswer, less_enjoyed, once_answer
from matching.parameters import ParameterBook
from matching.schemes import Scheme
from matching.verdicts import Requirement, Verdict, open_facts, truth_of
from models.evidence import Finding
from models.kinds import Scalar
from models.truth import Truth


@dataclass(frozen=True)
class SchemeResult:
    """The answer of one scheme for one firm and loan.

    ``benefit`` is present when the verdict is MET or UNKNOWN and its facts are known, so that a firm sees what is at
    stake. ``opens_on`` is set for NOT_YET, ``closed_on`` and ``successor`` for EXPIRED. ``settled_by`` are the
    documents that would settle an UNKNOWN, ``missing`` the facts. ``once`` is what the scheme's once-only rule says;
    where nobody states what was enjoyed, ``settled_by`` ends with the record that would, whatever the verdict.
    ``confirmed`` is false when the answer rests on a number that no official text or second source shows;
    ``unconfirmed`` says which.
    """

    scheme: str
    as_of: date
    verdict: Verdict
    requirements: tuple[Requirement, ...]
    benefit: Benefit | None = None
    opens_on: date | None = None
    closed_on: date | None = None
    successor: str = ""
    missing: tuple[str, ...] = ()
    settled_by: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    once: OnceAnswer | None = None

    @property
    def confirmed(self) -> bool:
        """Whether every number the answer rests on is confirmed."""
        return not self.unconfirmed

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every condition asked, the dates first."""
        return tuple(finding for requirement in self.requirements for finding in requirement.findings)


def evaluate_scheme(
    scheme: Scheme,
    facts: Mapping[str, Scalar | None],
    parameters: ParameterBook,
    as_of: date,
    loan: Loan | None = None,
) -> SchemeResult:
    """What ``scheme`` says of a firm and a loan. ``facts`` by id, absent or ``None`` is unknown; money in yuan.

    Facts the scheme defines (first loan) are worked out where ``facts`` leaves them open. ``loan``, where its terms are
    known, gives the schedule the benefit is reckoned on; without it the principal counts as owed for the whole term.
    """
    values = scheme_values(scheme, facts, parameters, as_of)
    day = scheme.validity.day(values, as_of)
    dated = scheme.validity.finding(day, scheme.cite, _document(scheme))
    requirements = scheme.requirements.judge(values, parameters, as_of)
    if dated:
        requirements = (Requirement(dated.truth, (dated,)), *requirements)
    once = once_answer(scheme, values, parameters, as_of)
    requirements = (*requirements, *(once.requirements if once else ()))
    verdict = _verdict(scheme, day, requirements)
    benefit = None
    if scheme.benefit and verdict in (Verdict.MET, Verdict.UNKNOWN):
        benefit = less_enjoyed(scheme, benefit_of(scheme.benefit, values, parameters, as_of, loan), once)
    open_ones = open_facts(requirements) if verdict is Verdict.UNKNOWN else ()
    settled_by = tuple(dict.fromkeys(finding.settled_by for finding in open_ones))
    if verdict is Verdict.UNKNOWN and not scheme.grantable:
        awaited = "The office brings the plan into force" if scheme.planned else "The office publishes the terms"
        settled_by = (awaited, *settled_by)
    if once and once.record and verdict in (Verdict.MET, Verdict.UNKNOWN):
        settled_by = tuple(dict.fromkeys((*settled_by, once.record.en)))
    return SchemeResult(
        scheme=scheme.id,
        as_of=as_of,
        verdict=verdict,
        requirements=requirements,
        benefit=benefit,
        opens_on=scheme.validity.since if verdict is Verdict.NOT_YET else None,
        closed_on=scheme.validity.until if verdict is Verdict.EXPIRED else None,
        successor=scheme.superseded_by if verdict is Verdict.EXPIRED else "",
        missing=tuple(finding.fact for finding in open_ones),
        settled_by=settled_by,
        unconfirmed=_unconfirmed(scheme, benefit, values, parameters, as_of),
        once=once,
    )


def scheme_values(
    scheme: Scheme, facts: Mapping[str, Scalar | None], parameters: ParameterBook, as_of: date
) -> Mapping[str, Scalar | None]:
    """``facts`` with those the scheme defines (first loan) worked out where they are open."""
    if not scheme.definitions:
        return facts
    values = dict(facts)
    for definition in scheme.definitions:
        if values.get(definition.fact) is None:
            values[definition.fact] = definition.value(values, parameters, as_of)
    return values


def _unconfirmed(
    scheme: Scheme,
    benefit: Benefit | None,
    values: Mapping[str, Scalar | None],
    parameters: ParameterBook,
    as_of: date,
) -> tuple[str, ...]:
    """What the answer rests on without confirmation: the scheme's own numbers, and dated parameters of late."""
    own = scheme.unconfirmed_terms
    if not scheme.dated_conditions:
        return tuple(dict.fromkeys((*own, *benefit.unconfirmed))) if benefit else own
    used = [
        value
        for condition in scheme.dated_conditions
        for value in dated_arguments(condition, values, parameters, as_of).used
    ]
    return tuple(dict.fromkeys((*own, *unconfirmed_of(used), *(benefit.unconfirmed if benefit else ()))))


def _document(scheme: Scheme) -> str:
    return scheme.documents[0].en if scheme.documents else ""


def _verdict(scheme: Scheme, day: date | None, requirements: tuple[Requirement, ...]) -> Verdict:
    outside = scheme.validity.outside(day) if day else None
    if outside:
        return outside
    truth = truth_of(requirements)
    if truth is Truth.MET and not scheme.grantable:
        return Verdict.UNKNOWN
    return Verdict(truth.value)
