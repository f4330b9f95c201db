"""Public support schemes: one rule file each, parsed into a frozen scheme. `evaluate_scheme` asks them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from matching.arguments import has_parameter
from matching.benefit_terms import deciding_days, parse_benefit
from matching.benefits import BenefitTerms, PointsOff, RateToShare, ShareOfInterest
from matching.conditions import parse_conditions
from matching.facts import FactBook
from matching.nodes import Condition, Node, leaves
from matching.parameters import ParameterBook
from matching.rulefile import Name, RuleFile, clash, replaced
from matching.scheme_parts import (
    BLANK,
    SERVICE_CLASSES,
    Card,
    Definition,
    Once,
    Reading,
    parse_card,
    parse_definition,
    parse_once,
    parse_readings,
)
from matching.stacking_rules import SILENT, STACKING_PARTS, Stacking, parse_stacking
from matching.verdicts import Requirements, Validity, Verdict
from models.errors import NotFound
from models.marked import MarkedDict

#: The fact that says whether a loan is the firm's first.
FIRST_LOAN = "loan_first"
#: What a scheme may offer. The first three are asked about a loan; the others about the firm and its claim.
OFFERS = (
    *("interest_subsidy", "guarantee", "re_guarantee"),
    *("award", "grant", "equity", "pool", "loan", "insurance", "compensation", "fee_relief", "tax_relief"),
    *("cost_relief", "talent", "land", "procurement", "label", "service"),
)

_PARTS = (
    *("id", "kind", "city", "zh", "en", "offers", "office", "cite", "confirmed", "unconfirmed", "terms_published"),
    *("planned", "valid", "supersedes", "superseded_by", "readings", "defines", "conditions", "limit", "benefit"),
    *("service_class", "card", "once", "stacking", "documents", "note"),
)
_REQUIRED = ("id", "kind", "city", "zh", "en", "offers", "office", "cite", "confirmed", "conditions", "documents")


@dataclass(frozen=True)
class Scheme:
    """One public support scheme of one city (or ``national``).

    ``confirmed`` is false where no official text was read, and ``unconfirmed`` then names the numbers that rest on
    something else (all of them where it names none). ``terms_published`` is false where no terms are known, ``planned``
    true where the text only announces: either way no firm is ever told it is met. ``documents`` settle what the profile
    cannot.
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
    planned: bool = False
    unconfirmed: tuple[Name, ...] = ()
    service_class: str = "ordinary"
    card: Card = BLANK
    once: Once | None = None
    stacking: Stacking = SILENT

    @property
    def grantable(self) -> bool:
        """Whether a firm may be told that it is met: the terms are out and in force."""
        return self.terms_published and not self.planned

    @cached_property
    def requirements(self) -> Requirements:
        """The conditions, compiled."""
        return Requirements(self.conditions)

    @cached_property
    def asked_of_first_loan(self) -> Condition | None:
        """The condition that asks for a first loan, the first of several."""
        return next((leaf for leaf in leaves(self.conditions) if leaf.fact == FIRST_LOAN), None)

    @cached_property
    def papers_zh(self) -> Mapping[str, str]:
        """What settles each fact the conditions ask for, in Chinese."""
        return {leaf.fact: leaf.settled_by_zh or leaf.spec.settled_by_zh for leaf in leaves(self.conditions)}

    @cached_property
    def unconfirmed_terms(self) -> tuple[str, ...]:
        """What of its own numbers no official text shows, as an answer says it: all of them where none is named."""
        if self.confirmed or self.unconfirmed:
            return tuple(f"{self.id}: {name.en}" for name in self.unconfirmed)
        return (f"{self.id}: all its terms ({self.cite})",)

    @cached_property
    def dated_conditions(self) -> tuple[Condition, ...]:
        """The conditions that compare with a dated parameter."""
        return tuple(condition for condition in leaves(self.conditions) if has_parameter(condition))


def parse_scheme(document: object, facts: FactBook, parameters: ParameterBook | None = None) -> Scheme:
    """The scheme of one document of ``seed/schemes``; ``DataFileError`` with file and line at the first fault.

    ``parameters``, when given, must hold every parameter the file names.
    """
    file = RuleFile.of(document, _PARTS, _REQUIRED)
    file.one_of("kind", ("scheme",))
    readings = parse_readings(file)
    values, used = {reading.id: reading.value for reading in readings}, set[str]()
    raw = replaced(file.raw, values, used)
    for reading, part in zip(readings, file.raw.get("readings", ()), strict=True):
        if reading.id not in used:
            raise part.wrong("id", "No part of the scheme uses this reading.", "Write {reading: id} where it counts.")
    resolved = RuleFile(raw)
    limit = resolved.part("limit", _LIMIT, _LIMIT) if file.has("limit") else None
    published, planned = file.flag("terms_published", True), file.flag("planned", False)
    benefit = parse_benefit(resolved, facts, parameters) if file.has("benefit") else None
    if limit and limit.one_of("larger_loans", _LARGER) == "capped":
        if not isinstance(benefit, (RateToShare, PointsOff, ShareOfInterest)):
            raise limit.raw.wrong("larger_loans", "Only an interest subsidy is capped at a limit.", "Exclude them.")
        benefit = replace(benefit, limit_yuan=limit.yuan("yuan"))
    unconfirmed = file.names("unconfirmed")
    defined = resolved.part("defines", raw["defines"]).raw if file.has("defines") else {}
    if unconfirmed and file.flag("confirmed"):
        raise file.raw.wrong("confirmed", "A scheme with unconfirmed numbers is not confirmed.", "Write false.")
    return Scheme(
        id=file.identifier(),
        city=file.text("city"),
        name=file.name(),
        offers=file.one_of("offers", OFFERS),
        office=file.part("office", ("zh", "en")).name(),
        cite=file.text("cite"),
        confirmed=file.flag("confirmed"),
        terms_published=published,
        validity=resolved.validity(deciding_days(facts)),
        conditions=parse_conditions(_conditions(raw["conditions"], limit), facts, parameters=parameters, cited=True),
        readings=readings,
        definitions=tuple(parse_definition(name, each, facts) for name, each in defined.items()),
        benefit=benefit,
        documents=file.names("documents"),
        supersedes=file.texts("supersedes"),
        superseded_by=file.text("superseded_by"),
        note=file.text("note"),
        planned=planned,
        unconfirmed=unconfirmed,
        service_class=file.one_of("service_class", SERVICE_CLASSES) if file.has("service_class") else "ordinary",
        card=parse_card(file),
        once=parse_once(resolved, facts),
        stacking=parse_stacking(resolved.part("stacking", STACKING_PARTS)) if file.has("stacking") else SILENT,
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

    @cached_property
    def interest_subsidies(self) -> tuple[Scheme, ...]:
        """Those that go with any loan, in the order of the book."""
        return tuple(scheme for scheme in self.values() if scheme.offers == "interest_subsidy")

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
