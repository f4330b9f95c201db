"""Public support schemes: one rule file each, parsed into a frozen scheme. `evaluate_scheme` asks them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from matching.benefit_terms import LOAN_DAYS, BenefitTerms, parse_benefit
from matching.benefits import RateToShare
from matching.conditions import parse_conditions
from matching.facts import FactBook, Source
from matching.nodes import Node
from matching.parameters import ParameterBook
from matching.rulefile import Name, RuleFile, clash, replaced
from matching.verdicts import Requirements, Validity, Verdict, truth_of
from models.errors import NotFound
from models.kinds import Scalar
from models.marked import MarkedDict
from models.truth import Truth

OFFERS = ("interest_subsidy", "guarantee", "re_guarantee")

_PARTS = (
    *("id", "kind", "city", "zh", "en", "offers", "office", "cite", "confirmed", "terms_published", "valid"),
    *("supersedes", "superseded_by", "readings", "defines", "conditions", "limit", "benefit", "documents", "note"),
)
_REQUIRED = ("id", "kind", "city", "zh", "en", "offers", "office", "cite", "confirmed", "conditions", "documents")


@dataclass(frozen=True)
class Reading:
    """A point the source leaves open, and how we read it: a named value an office may set otherwise.

    ``choices`` are the values the arithmetic knows; empty where any fitting value will do.
    """

    id: str
    name: Name
    value: Any
    choices: tuple[Any, ...]
    note: str


@dataclass(frozen=True)
class Definition:
    """When a fact of the loan is true, and when false, under one scheme; unknown where neither condition is met.

    First loan is such a fact: every place defines it otherwise.
    """

    fact: str
    true_when: Node
    false_when: Node | None

    @cached_property
    def _asked(self) -> tuple[Requirements, Requirements | None]:
        return Requirements(self.true_when), Requirements(self.false_when) if self.false_when else None

    def value(self, values: Mapping[str, Scalar | None], parameters: ParameterBook, as_of: date) -> bool | None:
        true_when, false_when = self._asked
        if truth_of(true_when.judge(values, parameters, as_of)) is Truth.MET:
            return True
        if false_when and truth_of(false_when.judge(values, parameters, as_of)) is Truth.MET:
            return False
        return None


@dataclass(frozen=True)
class Scheme:
    """One public support scheme of one city (or ``national``).

    ``confirmed`` is false where no official text was read; ``terms_published`` false where no terms are known, and
    then no firm is ever told it is met. ``documents`` settle what the profile cannot.
    """

    id: str
    city: str
    name: Name
    offers: str
    office: Name
    cite: str
    confirmed: bool
    terms_published: bool
    validity: Validity
    conditions: Node
    readings: tuple[Reading, ...]
    definitions: tuple[Definition, ...]
    benefit: BenefitTerms | None
    documents: tuple[Name, ...]
    supersedes: tuple[str, ...] = ()
    superseded_by: str = ""
    note: str = ""

    @cached_property
    def requirements(self) -> Requirements:
        """The conditions, compiled."""
        return Requirements(self.conditions)


def parse_scheme(document: object, facts: FactBook, parameters: ParameterBook | None = None) -> Scheme:
    """The scheme of one document of ``seed/schemes``; ``DataFileError`` with file and line at the first fault.

    ``parameters``, when given, must hold every parameter the file names.
    """
    file = RuleFile.of(document, _PARTS, _REQUIRED)
    file.one_of("kind", ("scheme",))
    readings = tuple(_parse_reading(part) for part in file.parts("readings", _READING_PARTS, _READING_PARTS[:5]))
    values, used = {reading.id: reading.value for reading in readings}, set[str]()
    raw = replaced(file.raw, values, used)
    for reading, part in zip(readings, file.raw.get("readings", ()), strict=True):
        if reading.id not in used:
            raise part.wrong("id", "No part of the scheme uses this reading.", "Write {reading: id} where it counts.")
    resolved = RuleFile(raw)
    limit = resolved.part("limit", _LIMIT, _LIMIT) if file.has("limit") else None
    benefit = parse_benefit(resolved, parameters) if file.has("benefit") else None
    if limit and isinstance(benefit, RateToShare) and limit.one_of("larger_loans", _LARGER) == "capped":
        benefit = replace(benefit, limit_yuan=limit.yuan("yuan"))
    return Scheme(
        id=file.identifier(),
        city=file.text("city"),
        name=file.name(),
        offers=file.one_of("offers", OFFERS),
        office=file.part("office", ("zh", "en")).name(),
        cite=file.text("cite"),
        confirmed=file.flag("confirmed"),
        terms_published=file.flag("terms_published", True),
        validity=file.validity(("as_of", *LOAN_DAYS)),
        conditions=parse_conditions(_conditions(raw["conditions"], limit), facts, parameters=parameters, cited=True),
        readings=readings,
        definitions=tuple(_parse_definition(name, raw["defines"], facts) for name in raw.get("defines", ())),
        benefit=benefit,
        documents=file.names("documents"),
        supersedes=file.texts("supersedes"),
        superseded_by=file.text("superseded_by"),
        note=file.text("note"),
    )


_LIMIT = ("yuan", "larger_loans", "cite")
_LARGER = ("excluded", "capped")


def _conditions(raw: object, limit: RuleFile | None) -> object:
    """The conditions, and that the loan is within the limit where larger loans are excluded."""
    if limit is None or limit.one_of("larger_loans", _LARGER) == "capped":
        return raw
    within = {"fact": "loan_amount_yuan", "op": "le", "value": str(limit.yuan("yuan")), "cite": limit.text("cite")}
    spec = limit.raw
    return {"all": [raw, MarkedDict(within, file=spec.file, line=spec.line, lines=spec.lines)]}


_READING_PARTS = ("id", "zh", "en", "value", "note", "choices")


def _parse_reading(part: RuleFile) -> Reading:
    if "source silent" not in part.text("note"):
        raise part.raw.wrong("note", "A reading says that the source is silent, and why we read it so.", "Add that.")
    choices = tuple(part.raw.get("choices", ()))
    if choices and part.raw["value"] not in choices:
        raise part.raw.wrong("value", "The value is not among the choices.", f"One of {choices}.")
    return Reading(part.text("id"), part.name(), part.raw["value"], choices, part.text("note"))


def _parse_definition(fact: str, raw: Mapping[str, Any], facts: FactBook) -> Definition:
    part = RuleFile.of(raw[fact], ("true_when", "false_when", "note"), ("true_when",))
    spec = facts.get(fact)
    if spec is None or spec.source is not Source.LOAN:
        raise part.raw.wrong("true_when", f"{fact} is no fact of a loan.", "Define a loan fact, such as loan_first.")
    false_when = part.raw.get("false_when")
    return Definition(
        fact,
        parse_conditions(part.raw["true_when"], facts),
        parse_conditions(false_when, facts) if false_when else None,
    )


class SchemeBook(dict[str, Scheme]):
    """Schemes by id. Refuses ids used twice and successions that do not name each other."""

    def __init__(self, schemes: Iterable[Scheme] = ()):
        super().__init__()
        for scheme in schemes:
            if scheme.id in self:
                raise clash(scheme.id, "id", scheme.id, "A scheme id is used once.", "Choose another.")
            self[scheme.id] = scheme
        for scheme in self.values():
            successor = self.get(scheme.superseded_by)
            if scheme.superseded_by and (successor is None or scheme.id not in successor.supersedes):
                rule = f"No scheme {scheme.superseded_by} says that it supersedes {scheme.id}."
                raise clash(scheme.id, "superseded_by", scheme.superseded_by, rule, "Name each in the other.")

    def get_or_refuse(self, scheme_id: str) -> Scheme:
        """The scheme, or ``NotFound`` that says how to list them."""
        if scheme_id not in self:
            raise NotFound("scheme", scheme_id, "There is no such scheme.", "See GET /v1/schemes.", "unknown_scheme")
        return self[scheme_id]

    def in_force(self, scheme_id: str, day: date) -> Scheme:
        """The scheme, or the first of its successors that has not ended by ``day``."""
        scheme = self[scheme_id]
        while scheme.superseded_by and scheme.validity.outside(day) is Verdict.EXPIRED:
            scheme = self[scheme.superseded_by]
        return scheme
