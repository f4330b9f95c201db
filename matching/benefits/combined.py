"""Benefits made of parts that are each reached or not: tiers, stages, and one sum paid over several years."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from matching.benefits.benefit import ZERO, Asked, Benefit, BenefitTerms, Part, unconfirmed_of
from matching.explain import Examiner, Outcome
from matching.nodes import Node
from matching.rulefile import Name
from matching.steps import Step
from models.money import round_down
from models.truth import Truth


class Counting(StrEnum):
    """Of the tiers reached the one that gives most, or all together."""

    HIGHEST = "highest"
    CUMULATIVE = "cumulative"


@dataclass(frozen=True)
class _Reached:
    """One part asked of one firm: the bounds it pays between (``high`` ``None``: unbounded), and what that rests on."""

    part: Part
    low: Decimal
    high: Decimal | None
    missing: tuple[str, ...]
    steps: tuple[Step, ...]
    unconfirmed: tuple[str, ...]

    @classmethod
    def of(cls, outcome: Outcome, part: Part, given: Benefit) -> _Reached:
        """``given`` is what the part pays if it is reached; ``outcome`` says whether it is."""
        met, unmet = outcome.truth is Truth.MET, outcome.truth is Truth.UNMET
        asked = (each.fact for each in outcome.findings if each.truth is Truth.UNKNOWN)
        return cls(
            part=part,
            low=(given.at_least_yuan or ZERO) if met else ZERO,
            high=ZERO if unmet else given.at_most_yuan,
            missing=() if unmet else given.missing if met else (*asked, *given.missing),
            steps=given.steps if met else (),
            unconfirmed=(*unconfirmed_of(outcome.parameters), *given.unconfirmed),
        )


@dataclass(frozen=True)
class Conditional:
    """``give``, if ``when`` is met. ``id`` is empty where the text names no parts."""

    name: Name
    when: Node
    give: BenefitTerms
    cite: str
    id: str = ""

    @cached_property
    def _examiner(self) -> Examiner:
        return Examiner({"": self.when})

    def asked(self, asked: Asked) -> _Reached:
        """Whether the part is reached, and between what bounds it pays."""
        outcome = self._examiner.examine(asked.values, asked.parameters, asked.as_of)[""]
        given = self.give.worked_out(asked)
        if given.given:
            # What is given in kind is no yuan; it takes no part in a sum.
            given = replace(given, amount_yuan=ZERO, at_least_yuan=ZERO, at_most_yuan=ZERO)
        part = Part(self.id, self.name, outcome.truth, given.amount_yuan, self.cite)
        return _Reached.of(outcome, part, given)


@dataclass(frozen=True)
class Tiers:
    """Sums for thresholds. ``counting`` says whether the highest tier reached counts, or all of them."""

    counting: Counting
    tiers: tuple[Conditional, ...]
    cite: str
    cap_yuan: Decimal | None = None

    kind = "tiers"

    def worked_out(self, asked: Asked) -> Benefit:
        reached = [tier.asked(asked) for tier in self.tiers]
        if self.counting is Counting.HIGHEST:
            return _combined(self.kind, reached, _largest, self.cap_yuan, _HIGHEST, self.cite)
        return _combined(self.kind, reached, _sum, self.cap_yuan, _TOGETHER, self.cite)


@dataclass(frozen=True)
class Staged:
    """Sums for stages of one undertaking, each paid when it is reached (going public: 100 + 100 + 100)."""

    stages: tuple[Conditional, ...]
    cite: str
    cap_yuan: Decimal | None = None

    kind = "staged"

    def worked_out(self, asked: Asked) -> Benefit:
        reached = [stage.asked(asked) for stage in self.stages]
        return _combined(self.kind, reached, _sum, self.cap_yuan, _TOGETHER, self.cite)


@dataclass(frozen=True)
class YearPart:
    """A share of the whole sum, paid if ``when`` is met."""

    share: Decimal
    name: Name
    when: Node
    cite: str

    @cached_property
    def _examiner(self) -> Examiner:
        return Examiner({"": self.when})

    def asked(self, asked: Asked, given: Benefit, before: Decimal) -> _Reached:
        """This part of what ``given`` comes to; ``before`` is the share of the parts before it."""
        outcome = self._examiner.examine(asked.values, asked.parameters, asked.as_of)[""]
        least, amount, most = (
            None if whole is None else self.of(whole, before)
            for whole in (given.at_least_yuan, given.amount_yuan, given.at_most_yuan)
        )
        steps = []
        if amount is not None:
            steps.append(Step(f"{self.name.zh}：× {self.share}", f"{self.name.en}: × {self.share}", amount, "yuan"))
        part = Part("", self.name, outcome.truth, amount, self.cite)
        own = Benefit(given.kind, at_least_yuan=least, at_most_yuan=most, steps=tuple(steps), missing=given.missing)
        return _Reached.of(outcome, part, own)

    def of(self, whole: Decimal, before: Decimal) -> Decimal:
        """This part in yuan. Rounded on the running sum, so that the parts come to the whole exactly."""
        return round_down(whole * (before + self.share)) - round_down(whole * before)


@dataclass(frozen=True)
class SplitYears:
    """One sum paid in parts, each under its own condition (小升规: half at once, half if revenue keeps growing)."""

    of: BenefitTerms
    parts: tuple[YearPart, ...]
    cite: str

    kind = "split_years"

    def worked_out(self, asked: Asked) -> Benefit:
        given, before, reached = self.of.worked_out(asked), ZERO, []
        for part in self.parts:
            reached.append(part.asked(asked, given, before))
            before += part.share
        made = _combined(self.kind, reached, _sum, None, _TOGETHER, self.cite)
        unconfirmed = tuple(dict.fromkeys((*given.unconfirmed, *made.unconfirmed)))
        return replace(made, steps=(*given.steps, *made.steps), unconfirmed=unconfirmed)


def whens(terms: BenefitTerms | None) -> tuple[Node, ...]:
    """The conditions of the tiers, stages or years of a benefit, in the order written; none of a simple one."""
    match terms:
        case Tiers():
            return tuple(tier.when for tier in terms.tiers)
        case Staged():
            return tuple(stage.when for stage in terms.stages)
        case SplitYears():
            return tuple(part.when for part in terms.parts)
    return ()


def _largest(amounts: Iterable[Decimal]) -> Decimal:
    return max(amounts, default=ZERO)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


_HIGHEST = Name("达到的各档取最高", "The highest of the tiers reached")
_TOGETHER = Name("达到的各项合计", "Everything reached together")


def _combined(
    kind: str,
    reached: list[_Reached],
    join: Callable[[Iterable[Decimal]], Decimal],
    cap: Decimal | None,
    how: Name,
    cite: str,
) -> Benefit:
    """The parts joined. The amount is known as soon as what is open cannot change it."""
    low = join(each.low for each in reached)
    highs = [each.high for each in reached if each.high is not None]
    high = join(highs) if len(highs) == len(reached) else None
    if cap is not None:
        low, high = min(low, cap), cap if high is None else min(high, cap)
    steps = [step for each in reached for step in each.steps]
    known = low == high
    if known:
        joined = join(each.low for each in reached)
        steps.append(Step(how.zh, how.en, joined, "yuan", cite))
        if cap is not None:
            steps += [Step("合计上限", "Together at most", cap, "yuan", cite), Step("实得", "Paid", low, "yuan", cite)]
    still = [each for each in reached if each.high is None or each.low != each.high]
    if join is _largest:
        still = [each for each in still if each.high is None or each.high > low]
    missing = () if known else tuple(dict.fromkeys(fact for each in still for fact in each.missing))
    return Benefit(
        kind,
        amount_yuan=low if known else None,
        at_least_yuan=low,
        at_most_yuan=high,
        parts=tuple(each.part for each in reached),
        steps=tuple(steps),
        missing=missing,
        unconfirmed=tuple(dict.fromkeys(note for each in reached for note in each.unconfirmed)),
    )
