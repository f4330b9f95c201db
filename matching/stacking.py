"""Which schemes may be enjoyed together on one loan or one claim, and which legal set gives the firm most.

A text bars a pair when it names the other scheme (by id, group or tag), when both stand in one highest-only group, or
when it allows one scheme of its kind per loan. Either text is enough to bar a pair; a permission lifts only what the
same text bars in general, since no office waives another's rule. Where both texts are silent the pair is allowed, and
the answer says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from matching.heaviest_sets import Weighing, places
from matching.rulefile import Name
from matching.stacking_rules import SILENT, Stacking
from matching.steps import Step
from models.money import from_fen, round_down, to_fen

INTEREST_SUBSIDY = "interest_subsidy"
NOT_EXCLUDED = Name("政策文本未排除", "not excluded by the texts")


@dataclass(frozen=True)
class Candidate:
    """One scheme on this loan or claim. ``yuan`` is what the firm receives; ``None`` is unknown and never counted.

    ``at_most_yuan`` bounds an unknown sum, where the text or the facts do: it is shown and counts for nothing.
    ``offers`` is the kind of support; interest subsidies together never pay more than the interest.
    ``given`` is set for a scheme the offer rests on (its guarantee): it is part of every set.
    """

    id: str
    yuan: Decimal | None
    offers: str = ""
    stacking: Stacking = SILENT
    given: bool = False
    at_most_yuan: Decimal | None = None

    @property
    def names(self) -> frozenset[str]:
        """Everything another text may exclude this scheme by, beside its id."""
        return frozenset(each for each in (self.offers, self.stacking.group, *self.stacking.tags) if each)


class Ruling(StrEnum):
    """Why a pair is barred or allowed, or why a scheme is left out."""

    EXCLUDED = "excluded"  # a text names the other scheme
    HIGHEST_ONLY = "highest_only"
    ONE_PER_LOAN = "one_per_loan"
    PERMITTED = "permitted"
    SILENT = "silent"
    NOTHING_PAID = "nothing_paid"
    INTEREST_COVERED = "interest_covered"
    AMOUNT_UNKNOWN = "amount_unknown"


@dataclass(frozen=True)
class Pair:
    """What the texts say of two schemes together. ``cite`` is the clause, empty where they are silent."""

    first: str
    second: str
    ruling: Ruling
    cite: str
    words: Name

    @property
    def allowed(self) -> bool:
        return self.ruling in (Ruling.PERMITTED, Ruling.SILENT)


@dataclass(frozen=True)
class LeftOut:
    """A scheme that is not counted, and why.

    ``barred_by`` are the pairs with counted schemes that rule it out. ``yuan_with`` is the most any legal set with it
    pays; ``None`` for a scheme that could not be counted at all. ``at_most_yuan`` bounds a sum that is not known.
    """

    id: str
    ruling: Ruling
    words: Name
    cite: str = ""
    barred_by: tuple[Pair, ...] = ()
    yuan_with: Decimal | None = None
    at_most_yuan: Decimal | None = None


@dataclass(frozen=True)
class SchemeSet:
    """A legal set with its worth. ``paid`` is what each scheme pays, in order of id; the cap on interest is in it."""

    paid: tuple[tuple[str, Decimal], ...]
    yuan: Decimal

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(scheme for scheme, _ in self.paid)


@dataclass(frozen=True)
class Resolution:
    """``best`` set, ``next_best`` (the best other set nothing can be added to), ``left_out`` with reasons.

    ``pairs`` says for every two schemes of ``best`` which clause permits them, or that the texts are silent.
    """

    best: SchemeSet
    next_best: SchemeSet | None
    left_out: tuple[LeftOut, ...]
    pairs: tuple[Pair, ...]
    steps: tuple[Step, ...]


def pair_of(first: Candidate, second: Candidate) -> Pair:
    """What the two texts together say of the pair; symmetric but for the order of the names."""
    for speaker, other in ((first, second), (second, first)):
        barred = _barred(speaker, other)
        if barred:
            ruling, words = barred
            return Pair(first.id, second.id, ruling, speaker.stacking.cite, words)
    for speaker, other in ((first, second), (second, first)):
        if other.id in speaker.stacking.permits:
            clause = speaker.stacking.cite
            words = Name(f"{speaker.id} 的条款允许兼得（{clause}）", f"{speaker.id} permits both ({clause})")
            return Pair(first.id, second.id, Ruling.PERMITTED, clause, words)
    return Pair(first.id, second.id, Ruling.SILENT, "", NOT_EXCLUDED)


def _barred(speaker: Candidate, other: Candidate) -> tuple[Ruling, Name] | None:
    """Whether ``speaker``'s own text bars ``other``."""
    clause = speaker.stacking
    named = other.id in clause.excludes
    if not named and other.id in clause.permits:
        return None
    if named or other.names & set(clause.excludes):
        words = Name(f"{speaker.id} 的条款排除 {other.id}", f"the text of {speaker.id} excludes {other.id}")
        return Ruling.EXCLUDED, words
    if clause.group and clause.group == other.stacking.group:
        words = Name(f"同组（{clause.group}）就高不就低", f"of the group {clause.group} only the highest is paid")
        return Ruling.HIGHEST_ONLY, words
    if clause.one_per_loan and speaker.offers == other.offers:
        words = Name(
            f"{speaker.id} 规定同一笔贷款只享受一项此类支持",
            f"{speaker.id} allows one support of this kind per loan",
        )
        return Ruling.ONE_PER_LOAN, words
    return None


def resolve(candidates: Sequence[Candidate], interest_yuan: Decimal | None = None) -> Resolution:
    """The legal set that pays the firm most, the next best one, and why each other scheme is left out.

    ``interest_yuan`` is the interest of the loan, which interest subsidies together never exceed; ``None`` for a claim
    without a loan. Amounts are yuan, 0 or more; what is below a fen is cut off. Ids must differ. Of sets that pay the
    same, the one with the lowest id in which they differ comes first. Given schemes are not weighed: what their texts
    or its own bar beside them is left out.
    """
    ordered = sorted(candidates, key=lambda each: each.id)
    if len({each.id for each in ordered}) < len(ordered):
        raise ValueError("A scheme stands twice among the candidates.")
    search = _Search(ordered, None if interest_yuan is None else to_fen(round_down(interest_yuan)))
    found = search.weighing.heaviest(search.open, keep=2)
    chosen = found[0] if found else 0
    best, covered = search.worth(chosen)
    following = search.worth(found[1])[0] if len(found) > 1 else None
    counted = [each for each in ordered if each.given or each.id in best.ids]
    pairs = [pair_of(a, b) for a in counted for b in counted if a.id < b.id]
    left_out = tuple(search.reason(at, chosen, covered) for at, one in enumerate(ordered) if one not in counted)
    return Resolution(best, following, left_out, tuple(pairs), search.cap_steps(chosen))


class _Search:
    """One question: weights in fen, sets as bits, one bit per candidate in order of id."""

    def __init__(self, candidates: list[Candidate], cap: int | None):
        self.candidates = candidates
        self.fen = [0 if each.yuan is None else to_fen(round_down(each.yuan)) for each in candidates]
        self.cap = cap
        self.bars = [0] * len(candidates)
        self.given, self.capped, self.open = 0, 0, 0
        for first, one in enumerate(candidates):
            for second in range(first):
                if not pair_of(candidates[second], one).allowed:
                    self.bars[first] |= 1 << second
                    self.bars[second] |= 1 << first
            self.given |= one.given << first
            self.capped |= (cap is not None and one.offers == INTEREST_SUBSIDY) << first
        for place, one in enumerate(candidates):
            # What may be chosen: it pays, and nothing given bars it.
            self.open |= (self.fen[place] > 0 and not one.given and not self.bars[place] & self.given) << place
        self.weighing = Weighing(self.fen, self.bars, self.capped, cap)

    def worth(self, chosen: int) -> tuple[SchemeSet, frozenset[int]]:
        """What each scheme of a set pays, and the places the interest no longer reaches.

        The interest is shared out to the largest subsidy first, equal ones by id.
        """
        left, paid, covered = self.cap or 0, dict[int, int](), set[int]()
        for place in sorted(places(chosen), key=lambda each: (-self.fen[each], each)):
            paid[place] = self.fen[place]
            if self.capped >> place & 1:
                paid[place] = min(self.fen[place], left)
                left -= paid[place]
                if not paid[place]:
                    covered.add(place)
        listed = tuple((self.candidates[place].id, from_fen(paid[place])) for place in sorted(paid) if paid[place])
        return SchemeSet(listed, from_fen(sum(paid.values()))), frozenset(covered)

    def cap_steps(self, chosen: int) -> tuple[Step, ...]:
        """The cap as a step, where it cuts."""
        asked = sum(self.fen[place] for place in places(chosen & self.capped))
        if self.cap is None or asked <= self.cap:
            return ()
        return (
            Step("贴息合计（封顶前）", "Interest subsidies before the cap", from_fen(asked), "yuan"),
            Step(
                "贴息合计不超过贷款利息",
                "Interest subsidies together never exceed the interest of the loan",
                from_fen(self.cap),
                "yuan",
            ),
        )

    def reason(self, place: int, chosen: int, covered: frozenset[int]) -> LeftOut:
        """Why the candidate at ``place`` is not counted beside ``chosen``."""
        one = self.candidates[place]
        barred_by = tuple(
            pair_of(one, self.candidates[other]) for other in places(self.bars[place] & (chosen | self.given))
        )
        if one.yuan is None:
            most = one.at_most_yuan
            bound = Name("", "") if most is None else Name(f"，最高 {most} 元", f" (at most {most} yuan)")
            words = Name(f"金额未知{bound.zh}，不计入", f"the amount is not known{bound.en}, so it is not counted")
            return LeftOut(one.id, Ruling.AMOUNT_UNKNOWN, words, barred_by=barred_by, at_most_yuan=most)
        if not self.fen[place]:
            words = Name("金额为零，不增加所得", "it pays nothing here")
            return LeftOut(one.id, Ruling.NOTHING_PAID, words, barred_by=barred_by)
        if place in covered:
            words = Name("贷款利息已全部由其他贴息覆盖", "other subsidies already cover the whole interest")
            return LeftOut(one.id, Ruling.INTEREST_COVERED, words)
        pair = barred_by[0]
        if not self.open >> place & 1:
            words = Name(
                f"与本产品所依托的 {pair.second} 不可兼得：{pair.words.zh}",
                f"not beside {pair.second}, on which the offer rests: {pair.words.en}",
            )
            return LeftOut(one.id, pair.ruling, words, pair.cite, barred_by)
        beside = self.open & ~self.bars[place] & ~(1 << place)
        with_it = self.weighing.value(self.weighing.heaviest(beside, keep=1, held=1 << place)[0])
        lost = from_fen(self.weighing.value(chosen) - with_it)
        others = ", ".join(each.second for each in barred_by)
        if lost:
            less = Name(f"选它将少得 {lost} 元", f"choosing it pays {lost} yuan less")
        else:
            less = Name("选它所得相同", "choosing it pays the same")
        words = Name(
            f"与 {others} 不可兼得：{pair.words.zh}；{less.zh}", f"not beside {others}: {pair.words.en}; {less.en}"
        )
        return LeftOut(one.id, pair.ruling, words, pair.cite, barred_by, from_fen(with_it))
