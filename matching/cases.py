"""Cases beside a rule: worked examples that must hold, and a report of what they leave untried.

A cases file is full when it has a firm that meets the rule and one whose answer is unknown, for each requirement a
firm that fails it alone, for each condition a firm on either side, and for each boundary a value on it and the
next one past it (a fen, a person, a month, a day; a ten-thousandth for fractions). The same goes for the conditions
of tiers, stages and years, and for what a once-only rule asks of the past.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from matching.benefits import Benefit
from matching.benefits.combined import whens
from matching.evaluate_product import evaluate_product
from matching.evaluate_scheme import evaluate_scheme, scheme_values
from matching.explain import explain
from matching.facts import FactBook
from matching.once import OnceAnswer
from matching.parameters import ParameterBook
from matching.products import Product
from matching.rulefile import RuleFile
from matching.schemes import Scheme
from matching.verdicts import Requirement, Verdict
from models.errors import RefusedInput
from models.evidence import Finding
from models.kinds import Scalar
from models.marked import marked
from models.truth import Truth

_EXPECTED = (
    *("verdict", "annual_rate", "amount_yuan", "amount_per_year_yuan", "at_least_yuan", "at_most_yuan"),
    *("fee_annual_rate", "fee_yuan", "funding_yuan", "contribution_low_yuan", "contribution_high_yuan"),
)


@dataclass(frozen=True)
class CasesReport:
    """``failures``: cases whose answer is not the expected one. ``missing``: what no case tries. Both in words."""

    rule: str
    tried: int
    failures: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.failures and not self.missing


@dataclass(frozen=True)
class _Answer:
    verdict: Verdict
    requirements: tuple[Requirement, ...]
    benefit: Benefit | None
    once: OnceAnswer | None = None
    reached: tuple[Finding, ...] = ()


def run_cases(document: object, rule: Scheme | Product, facts: FactBook, parameters: ParameterBook) -> CasesReport:
    """Runs the cases of one file against ``rule``.

    The file: ``rule`` (its id), ``as_of``, ``given`` (facts of the ordinary case) and ``cases``, each with ``name``,
    ``change`` (facts set otherwise, ``null`` for unknown), optionally its own ``as_of``, and ``expect`` (a verdict, or
    a mapping of verdict and amounts). ``DataFileError`` for a file that is not well-formed.
    """
    file = RuleFile.of(document, ("rule", "as_of", "given", "cases"), ("rule", "as_of", "given", "cases"))
    if file.text("rule") != rule.id:
        raise file.raw.wrong("rule", f"These cases stand beside {rule.id}.", f"Write {rule.id}.")
    usual_day, given = file.day("as_of"), file.part("given", facts).raw
    answers, failures = [], []
    for case in file.parts("cases", ("name", "change", "as_of", "expect"), ("name", "expect")):
        change = case.part("change", facts).raw if case.has("change") else {}
        try:
            values = facts.read_values({**given, **change})
        except RefusedInput as problem:
            raise case.raw.wrong("change", problem.rule, problem.fix) from None
        day = case.day("as_of") or usual_day
        assert day is not None
        answer = _ask(rule, values, parameters, day)
        answers.append(answer)
        failures += _differences(case, answer)
    return CasesReport(rule.id, len(answers), tuple(failures), tuple(_untried(rule, answers)))


def _ask(
    rule: Scheme | Product, values: Mapping[str, Scalar | None], parameters: ParameterBook, as_of: date
) -> _Answer:
    if isinstance(rule, Scheme):
        result = evaluate_scheme(rule, values, parameters, as_of)
        past = len(result.once.requirements) if result.once else 0
        asked = result.requirements[: len(result.requirements) - past]
        reached = tuple(
            finding
            for when in whens(rule.benefit)
            for finding in explain(when, scheme_values(rule, values, parameters, as_of), parameters, as_of).findings
        )
        return _Answer(result.verdict, asked, result.benefit, result.once, reached)
    judged = evaluate_product(rule, values, parameters, as_of)
    return _Answer(judged.verdict, judged.requirements, None)


def _differences(case: RuleFile, answer: _Answer) -> list[str]:
    expect = case.raw["expect"]
    wanted = marked(expect) if isinstance(expect, dict) else {"verdict": expect}
    for name in wanted:
        if name not in _EXPECTED:
            raise case.raw.wrong("expect", f"{name} is no part of an answer.", f"Keep {', '.join(_EXPECTED)}.")
    found: dict[str, object] = {"verdict": answer.verdict.value}
    for name in _EXPECTED[1:]:
        found[name] = getattr(answer.benefit, name, None)
    return [
        f"{case.text('name')}: {name} is {found[name]}, expected {value}"
        for name, value in wanted.items()
        if not _same(found[name], value)
    ]


def _same(found: object, wanted: object) -> bool:
    if isinstance(found, Decimal) and isinstance(wanted, (str, int)):
        return found == Decimal(str(wanted))
    return found == wanted


def _untried(rule: Scheme | Product, answers: list[_Answer]) -> list[str]:
    published = rule.grantable if isinstance(rule, Scheme) else rule.terms is not None
    needed = (Verdict.MET, Verdict.UNKNOWN) if published else (Verdict.UNKNOWN,)
    missing = [f"no case is {verdict}" for verdict in needed if verdict not in {each.verdict for each in answers}]
    width = len(answers[0].requirements) if answers else 0
    for place in range(width):
        column = [answer.requirements[place] for answer in answers]
        names = " or ".join(dict.fromkeys(finding.fact for finding in column[0].findings))
        alone = any(
            answer.requirements[place].truth is Truth.UNMET
            and sum(other.truth is not Truth.MET for other in answer.requirements) == 1
            for answer in answers
        )
        if not alone:
            missing.append(f"no case fails {names} alone")
        for index in range(len(column[0].findings)):
            missing += _untried_condition([requirement.findings[index] for requirement in column])
    for index in range(len(answers[0].reached) if answers else 0):
        missing += _untried_condition([answer.reached[index] for answer in answers])
    if isinstance(rule, Scheme) and rule.once:
        missing += _untried_past([answer.once for answer in answers if answer.once])
    return list(dict.fromkeys(missing))


def _untried_past(answers: list[OnceAnswer]) -> list[str]:
    """What no case tries of a once-only rule. Its bounds move with the day asked about, so each is tried on its own."""
    seen = {answer.truth for answer in answers}
    missing = [f"once: never {truth}" for truth in (Truth.MET, Truth.UNMET) if truth not in seen]
    findings = [finding for answer in answers for part in answer.requirements for finding in part.findings]
    pairs = [
        (end, side, each.actual) for each in findings for end, side in _boundaries(each) if each.actual is not None
    ]
    if pairs and not any(_equal(end, actual) for end, _, actual in pairs):
        missing.append("once: the boundary itself is not tried")
    if pairs and not any(_just_past(end, side, actual) for end, side, actual in pairs):
        missing.append("once: nothing next to the boundary on the other side")
    return missing


def _untried_condition(findings: list[Finding]) -> list[str]:
    first = findings[0]
    what = f"{first.fact} {first.op} {first.expected}"
    seen = {finding.truth for finding in findings}
    missing = [f"{what}: never {truth}" for truth in (Truth.MET, Truth.UNMET) if truth not in seen]
    actual = {finding.actual for finding in findings if finding.actual is not None}
    for boundary, outward in _boundaries(first):
        if not any(_equal(boundary, value) for value in actual):
            missing.append(f"{what}: {boundary} itself is not tried")
        if not any(_just_past(boundary, outward, value) for value in actual):
            missing.append(f"{what}: nothing next to {boundary} on the other side")
    return missing


def _boundaries(finding: Finding) -> list[tuple[Scalar, int]]:
    """Each boundary with the side on which the answer changes: +1 above, -1 below."""
    ends = finding.expected if isinstance(finding.expected, tuple) else (finding.expected,)
    match finding.op:
        case "between":
            sides = [-1, 1]
        case "ge" | "lt":
            sides = [-1]
        case "le" | "gt":
            sides = [1]
        case _:
            return []
    return [(end, side) for end, side in zip(ends, sides, strict=True) if end is not None]


def _equal(boundary: Scalar, value: Scalar) -> bool:
    return value == boundary or (isinstance(value, float) and Decimal(str(value)) == Decimal(str(boundary)))


def _just_past(boundary: Scalar, outward: int, value: Scalar) -> bool:
    if isinstance(boundary, date):
        return value == boundary + outward * timedelta(days=1)
    step = _step(boundary, value)
    past = (Decimal(str(value)) - Decimal(str(boundary))) * outward
    return 0 < past <= step


def _step(boundary: Scalar, value: Scalar) -> Decimal:
    """The smallest difference the fact's stored form can show; for fractions a ten-thousandth."""
    if isinstance(value, float):
        return Decimal("0.0001") if abs(Decimal(str(boundary))) <= 1 else Decimal("0.01")
    return Decimal("0.01") if isinstance(value, Decimal) else Decimal(1)
