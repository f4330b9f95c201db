"""Reads a rule file as its editor would want it read: every fault at once, each with file and line, and notes.

Faults keep a rule out of the book: unknown facts, missing citations, values and units, parts that can never be met,
editions that overlap, cases that fail or leave a boundary untried. Notes are what a reader should know: what is not
confirmed, our readings, conditions that ask nothing new.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from matching.benefits.combined import whens
from matching.cases import run_cases
from matching.conditions import parse_conditions
from matching.facts import FactBook
from matching.nodes import leaves
from matching.parameters import ParameterBook
from matching.products import Product, parse_product
from matching.reach import dead, in_force, look_through
from matching.rulefile import replaced
from matching.schemes import Scheme, parse_scheme
from matching.units import suspicious
from models.errors import DataFileError, RefusedInput, shown
from models.marked import MarkedDict, marked

Rule = Scheme | Product
_WHEN = ("when", "true_when", "false_when")


@dataclass(frozen=True)
class Remark:
    """One fault (``error``) or note about a place in a rule file. ``fix`` says what to do."""

    file: str
    line: int
    field: str
    error: bool
    rule: str
    fix: str = ""

    @classmethod
    def of(cls, fault: DataFileError) -> Remark:
        """A fault as a remark; the value that was found stands in the rule."""
        found = "" if fault.value is None else f"{shown(fault.value)}: "
        return cls(fault.file, fault.line, fault.field, True, found + fault.rule, fault.fix)

    def as_error(self) -> DataFileError:
        """The remark as the error a parser would have raised."""
        return DataFileError(self.file, self.line, self.field, None, self.rule, self.fix)


def lint_rule(document: Any, facts: FactBook, parameters: ParameterBook) -> tuple[Rule | None, list[Remark]]:
    """The rule of one document, ``None`` where it cannot be read, and every remark about it."""
    remarks = [Remark.of(fault) for fault in _conditions(document, facts, parameters)]
    is_product = isinstance(document, dict) and document.get("kind") == "product"
    rule: Rule | None = None
    try:
        rule = parse_product(document, facts, parameters) if is_product else parse_scheme(document, facts, parameters)
    except DataFileError as fault:
        places = {(remark.line, remark.field) for remark in remarks}
        if (fault.line, fault.field) not in places:
            remarks.append(Remark.of(fault))
    remarks += [Remark.of(fault) for fault in suspicious(document, facts)]
    if rule is not None:
        remarks += _unreachable(marked(document), rule, facts)
    if isinstance(rule, Scheme):
        remarks += _notes(marked(document), rule)
    return rule, remarks


def _resolved(document: Any) -> Any:
    """The document with its readings put in, as far as they can be."""
    listed = document.get("readings") if isinstance(document, dict) else None
    values = {
        str(each["id"]): each["value"]
        for each in (listed if isinstance(listed, list) else ())
        if isinstance(each, dict) and "id" in each and "value" in each
    }
    try:
        return replaced(document, values, set())
    except DataFileError:
        return document


def _conditions(document: Any, facts: FactBook, parameters: ParameterBook) -> Iterator[DataFileError]:
    """The fault of each condition by itself, so that one does not hide the next."""
    if not isinstance(document, dict):
        return
    for part, raw in _resolved(document).items():
        for leaf in _leaves(raw):
            try:
                parse_conditions(leaf, facts, parameters=parameters, cited=part == "conditions")
            except DataFileError as fault:
                yield fault
            except RefusedInput as refused:
                yield leaf.wrong(refused.field.rpartition(".")[2], refused.rule, refused.fix)


def _leaves(raw: Any) -> Iterator[MarkedDict]:
    if isinstance(raw, list):
        for entry in raw:
            yield from _leaves(entry)
    elif isinstance(raw, dict):
        if "fact" in raw and "op" in raw:
            yield marked(raw)
        for value in raw.values():
            yield from _leaves(value)


def _unreachable(document: MarkedDict, rule: Rule, facts: FactBook) -> Iterator[Remark]:
    around = in_force(rule.validity, facts) if isinstance(rule, Scheme) else ()
    if dead(rule.conditions, around):
        never = "No firm can meet the conditions on the days the rule holds."
        yield Remark.of(document.wrong("conditions", never, "Compare them with `valid`."))
        return
    for found in look_through(rule.conditions, around):
        file, _, line = found.condition.where.rpartition(":")
        fix = "Change or drop one of them."
        yield Remark(file or document.file, int(line or 0), found.condition.fact, found.dead, found.rule, fix)
    for part in ("benefit", "defines"):
        for place, raw in _whens(_resolved(document).get(part)):
            if dead(parse_conditions(raw, facts), (*around, rule.conditions) if part == "benefit" else around):
                never = "A firm that meets the conditions can never reach this part."
                yield Remark.of(place.wrong("when", never, "Change or drop it."))


def _whens(raw: Any) -> Iterator[tuple[MarkedDict, Any]]:
    """Every condition of a benefit or definition, with the mapping it stands in."""
    if isinstance(raw, list):
        for entry in raw:
            yield from _whens(entry)
    elif isinstance(raw, dict):
        for name, value in raw.items():
            if name in _WHEN and isinstance(value, dict):
                yield marked(raw), value
            else:
                yield from _whens(value)


def _notes(document: MarkedDict, scheme: Scheme) -> Iterator[Remark]:
    def note(field: str, rule: str) -> Remark:
        return Remark(document.file, document.lines.get(field, document.line), field, False, rule)

    if not scheme.confirmed:
        named = ", ".join(name.en for name in scheme.unconfirmed) or "every number in it"
        yield note("confirmed", f"Not confirmed: {named}.")
    if not scheme.terms_published:
        yield note("terms_published", "The office has published no terms: no firm is told that it is met.")
    if scheme.planned:
        yield note("planned", "Announced only: no firm is told that it is met.")
    if scheme.card.beneficiaries is None:
        yield note("card", "The card does not say in words for whom it is.")
    for raw, reading in zip(document.get("readings", ()), scheme.readings, strict=True):
        yield Remark(document.file, marked(raw).line, reading.id, False, f"Our reading: {reading.name.en}.")


def lint_cases(document: Any, rule: Rule, facts: FactBook, parameters: ParameterBook) -> tuple[int, list[Remark]]:
    """How many cases were tried, and what they get wrong or leave out, at the case's or the condition's line."""
    try:
        report = run_cases(document, rule, facts, parameters)
    except DataFileError as fault:
        return 0, [Remark.of(fault)]
    except RefusedInput as refused:
        raw = marked(document)
        return 0, [Remark.of(raw.wrong("cases", f"{refused.field}: {refused.rule}", refused.fix))]
    cases = marked(document)
    lines = {str(case["name"]): marked(case).line for case in cases["cases"]}
    remarks = []
    for failure in report.failures:
        name = max((each for each in lines if failure.startswith(f"{each}: ")), key=len, default="")
        fix = "Mend the case or the rule, whichever the text contradicts."
        remarks.append(Remark(cases.file, lines.get(name, cases.line), "cases", True, failure, fix))
    for missing in report.missing:
        file, line = _asked_at(rule, missing, cases)
        remarks.append(Remark(file, line, "cases", True, f"{missing}.", f"Add a case to {cases.file}."))
    return report.tried, remarks


def _asked_at(rule: Rule, missing: str, cases: MarkedDict) -> tuple[str, int]:
    """The line of the condition that ``missing`` speaks of, else the cases file."""
    inner = whens(rule.benefit) if isinstance(rule, Scheme) else ()
    for condition in (leaf for node in (rule.conditions, *inner) for leaf in leaves(node)):
        file, _, line = condition.where.rpartition(":")
        if missing.startswith(f"{condition.fact} {condition.op.value} ") and line.isdigit():
            return file, int(line)
    return cases.file, cases.line
