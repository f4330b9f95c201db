"""Reading the terms of a benefit from a scheme's file: names checked, facts and parameters resolved, faults told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from matching.benefits.amounts import CappedPerPayee, Fixed, InKind, PerUnit, ShareOfAmount, UpTo
from matching.benefits.benefit import BenefitTerms
from matching.conditions import parse_conditions
from matching.facts import STATED, FactBook, FactSpec
from matching.nodes import Node
from matching.parameters import ParameterBook
from matching.rulefile import RuleFile
from models.errors import RefusedInput
from models.kinds import Kind


def deciding_days(facts: FactBook) -> tuple[str, ...]:
    """What may say which day counts: the day of the question, or a date the firm states of need, loan or claim."""
    stated = facts.of_source(*STATED)
    return ("as_of", *(spec.id for spec in stated if spec.kind is Kind.DATE))


@dataclass(frozen=True)
class Reader:
    """One benefit being read: the facts and parameters it may name, and the clause its parts inherit."""

    facts: FactBook
    parameters: ParameterBook | None
    cite: str

    def terms(self, part: RuleFile, parsers: Mapping[str, Parser]) -> BenefitTerms:
        """The benefit of one part; with ``up_to: true`` what it comes to is a ceiling."""
        kind = part.one_of("kind", parsers)
        terms = parsers[kind](part, self)
        if not (part.has("up_to") and part.flag("up_to")):
            return terms
        if kind not in BOUNDED:
            raise part.raw.wrong("up_to", "Only a sum has a ceiling of its own.", f"One of {', '.join(BOUNDED)}.")
        if SET_BY not in self.facts:
            raise part.raw.wrong("up_to", f"Nothing says what the office set: there is no {SET_BY}.", "Declare it.")
        return UpTo(terms, self.facts[SET_BY], self.clause(part))

    def known(self, part: RuleFile, required: Iterable[str], optional: Iterable[str] = ()) -> RuleFile:
        """The part with its names checked; every kind has ``kind`` and may have ``cite`` and ``up_to``."""
        return RuleFile.of(part.raw, ("kind", "cite", "up_to", *required, *optional), required)

    def clause(self, part: RuleFile) -> str:
        """The part's own clause, else that of the benefit it stands in."""
        return part.text("cite") or self.cite

    def given(self, part: RuleFile, name: str) -> BenefitTerms:
        """The simple benefit nested under ``name``."""
        inner = part.part(name, part.raw.get(name) or (), ("kind",))
        return replace(self, cite=self.clause(part)).terms(inner, SIMPLE)

    def fact(self, part: RuleFile, name: str, *kinds: Kind) -> FactSpec:
        spec = self.facts.get(part.text(name))
        if spec is None:
            near = self.facts.near(part.text(name))
            raise part.raw.wrong(name, "There is no such fact.", f"Did you mean {near}?")
        if spec.kind not in kinds:
            rule = f"{spec.id} is a {spec.kind}."
            raise part.raw.wrong(name, rule, f"Name a fact of kind {' or '.join(kinds)}.")
        return spec

    def day(self, part: RuleFile, name: str) -> str:
        return part.one_of(name, deciding_days(self.facts))

    def ratio_parameter(self, part: RuleFile, name: str, parameter: str) -> str:
        if self.parameters is not None:
            try:
                self.parameters.fits(parameter, Kind.RATIO)
            except RefusedInput as problem:
                raise part.raw.wrong(name, problem.rule, problem.fix) from None
        return parameter

    def when(self, part: RuleFile) -> Node:
        return parse_conditions(part.raw["when"], self.facts, "when", parameters=self.parameters)


Parser = Callable[[RuleFile, Reader], BenefitTerms]

#: What the office set, for sums the text only bounds.
SET_BY = "claim_award_set_yuan"
#: Kinds whose sum may be a ceiling (最高, 不超过).
BOUNDED = (Fixed.kind, ShareOfAmount.kind, PerUnit.kind)


def optional_yuan(part: RuleFile, name: str) -> Decimal | None:
    return part.yuan(name) if part.has(name) else None


def _share_of_amount(raw: RuleFile, reader: Reader) -> ShareOfAmount:
    part = reader.known(raw, ("of", "share"), ("cap_yuan", "floor_yuan"))
    cap, floor = optional_yuan(part, "cap_yuan"), optional_yuan(part, "floor_yuan")
    if cap is not None and floor is not None and floor > cap:
        raise part.raw.wrong("floor_yuan", "A floor is not above the cap.", "Swap the two.")
    return ShareOfAmount(reader.fact(part, "of", Kind.MONEY), part.decimal("share"), reader.clause(part), cap, floor)


def _fixed(raw: RuleFile, reader: Reader) -> Fixed:
    part = reader.known(raw, ("yuan",))
    return Fixed(part.yuan("yuan"), reader.clause(part))


def _per_unit(raw: RuleFile, reader: Reader) -> PerUnit:
    part = reader.known(raw, ("of", "yuan_each"), ("cap_yuan",))
    of = reader.fact(part, "of", Kind.COUNT, Kind.MONTHS)
    return PerUnit(of, part.yuan("yuan_each"), reader.clause(part), optional_yuan(part, "cap_yuan"))


def capped_per_payee(raw: RuleFile, reader: Reader) -> CappedPerPayee:
    part = reader.known(raw, ("of", "share", "cap_yuan", "payee", "per", "enjoyed"))
    return CappedPerPayee(
        of=reader.fact(part, "of", Kind.MONEY),
        share=part.decimal("share"),
        cap_yuan=part.yuan("cap_yuan"),
        payee=part.text("payee"),
        per=part.one_of("per", ("year", "lifetime")),
        enjoyed=reader.fact(part, "enjoyed", Kind.MONEY),
        cite=reader.clause(part),
    )


def _in_kind(raw: RuleFile, reader: Reader) -> InKind:
    part = reader.known(raw, ("zh", "en"))
    return InKind(part.name(), reader.clause(part))


#: Kinds that may be given by a tier, a stage or in yearly parts.
SIMPLE: Mapping[str, Parser] = {
    Fixed.kind: _fixed,
    ShareOfAmount.kind: _share_of_amount,
    PerUnit.kind: _per_unit,
    InKind.kind: _in_kind,
}
