"""Parts of a scheme's file beside conditions and benefit: readings, what it defines, its card, once-only rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from matching.conditions import parse_conditions
from matching.facts import FactBook, FactSpec, Source
from matching.nodes import Node
from matching.parameters import ParameterBook
from matching.rulefile import Name, RuleFile
from matching.verdicts import Requirements, truth_of
from models.kinds import Scalar
from models.truth import Truth

#: How support reaches a firm: 免申即享, 快申快享, 普通. Their clocks are in seed/service_classes.yaml.
SERVICE_CLASSES = ("instant", "fast", "ordinary")
#: For whom, or for what, support is given once.
ONCE_PER = ("firm", "loan", "event", "year", "lifetime")
#: What a claim says of the scheme's past: whether it was enjoyed, when last, and the yuan that count against it.
BEFORE, LAST_ON, PAID = "claim_enjoyed_before", "claim_last_enjoyed_on", "claim_enjoyed_yuan"


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
    """When a fact of the loan or claim is true, and when false, under one scheme; unknown where neither is met.

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
class Card:
    """What a policy card shows beside name, conditions and office. ``None`` and empty: the text does not say."""

    beneficiaries: Name | None = None
    redeemed: Name | None = None
    place: Name | None = None
    phone: str = ""


#: The card of a scheme whose text says nothing more.
BLANK = Card()


@dataclass(frozen=True)
class Once:
    """Support given once ``per`` firm, loan, event, year or lifetime; again after ``window_months`` where so written.

    ``before``, ``last_on`` and ``paid`` are the facts that say what was enjoyed.
    """

    per: str
    window_months: int | None
    cite: str
    before: FactSpec
    last_on: FactSpec
    paid: FactSpec


_READING = ("id", "zh", "en", "value", "note")


def parse_readings(file: RuleFile) -> tuple[Reading, ...]:
    """The part ``readings``."""
    return tuple(_parse_reading(part) for part in file.parts("readings", (*_READING, "choices"), _READING))


def _parse_reading(part: RuleFile) -> Reading:
    if "source silent" not in part.text("note"):
        raise part.raw.wrong("note", "A reading says that the source is silent, and why we read it so.", "Add that.")
    choices = tuple(part.raw.get("choices", ()))
    if choices and part.raw["value"] not in choices:
        raise part.raw.wrong("value", "The value is not among the choices.", f"One of {choices}.")
    return Reading(part.text("id"), part.name(), part.raw["value"], choices, part.text("note"))


def parse_definition(fact: str, raw: object, facts: FactBook) -> Definition:
    """One entry of the part ``defines``."""
    part = RuleFile.of(raw, ("true_when", "false_when", "note"), ("true_when",))
    spec = facts.get(fact)
    if spec is None or spec.source not in (Source.LOAN, Source.CLAIM):
        raise part.raw.wrong("true_when", f"{fact} is no fact of a loan or claim.", "Define one, such as loan_first.")
    false_when = part.raw.get("false_when")
    return Definition(
        fact,
        parse_conditions(part.raw["true_when"], facts),
        parse_conditions(false_when, facts) if false_when else None,
    )


def parse_card(file: RuleFile) -> Card:
    """The part ``card``; an empty card where the file has none."""
    if not file.has("card"):
        return BLANK
    part = file.part("card", ("beneficiaries", "redeemed", "place", "phone"))
    said = {
        name: part.part(name, ("zh", "en")).name() for name in ("beneficiaries", "redeemed", "place") if part.has(name)
    }
    return Card(**said, phone=part.text("phone"))


def parse_once(file: RuleFile, facts: FactBook) -> Once | None:
    """The part ``once``."""
    if not file.has("once"):
        return None
    part = file.part("once", ("per", "window_months", "cite"), ("per", "cite"))
    months = part.whole("window_months", 1, 600) if part.has("window_months") else None
    per = part.one_of("per", ONCE_PER)
    if months is not None and per != "firm":
        raise part.raw.wrong("window_months", f"Once per {per} has no window of its own.", "Drop it, or per: firm.")
    for fact in (BEFORE, LAST_ON, PAID):
        if fact not in facts:
            raise part.raw.wrong("per", f"Nothing says what was enjoyed: there is no fact {fact}.", "Declare it.")
    return Once(per, months, part.text("cite"), facts[BEFORE], facts[LAST_ON], facts[PAID])
