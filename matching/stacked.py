"""Scheme answers into the resolver and back: what is counted on one loan, and what may be claimed side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from matching.all_in import Flow
from matching.benefits import Benefit
from matching.evaluate_scheme import SchemeResult
from matching.option import Dropped, Option
from matching.rulefile import Name
from matching.schemes import Scheme
from matching.stacking import INTEREST_SUBSIDY, Candidate, LeftOut, Pair, Resolution, SchemeSet, resolve
from matching.status import Status
from matching.steps import Step
from matching.verdicts import Verdict

#: Schemes that go with a loan; every other is claimed by the firm itself.
ON_LOANS = (INTEREST_SUBSIDY, "guarantee", "re_guarantee", "pool", "loan", "insurance")


@dataclass(frozen=True)
class Counted:
    """The subsidies counted on one loan: ids, their benefits cut to what the interest leaves, and all that is not."""

    ids: tuple[str, ...]
    benefits: tuple[Benefit, ...]
    dropped: tuple[Dropped, ...]
    next_best: SchemeSet | None
    pairs: tuple[Pair, ...]


def counted_on_loan(
    schemes: Mapping[str, Scheme], given: Sequence[SchemeResult], asked: Sequence[SchemeResult], interest_yuan: Decimal
) -> Counted:
    """The best legal set among the subsidies ``asked`` on one loan, beside the schemes ``given`` with it.

    Only what is met is counted; what is unknown is dropped and says what would settle it.
    """
    met = {result.scheme: result for result in asked if result.verdict is Verdict.MET}
    candidates = [_candidate(schemes[result.scheme], None, given=True) for result in given]
    candidates += [_candidate(schemes[each], _amount(result)) for each, result in met.items()]
    found = resolve(candidates, interest_yuan)
    dropped = [_dropped(each) for each in found.left_out]
    dropped += [_open(schemes[result.scheme], result) for result in asked if result.verdict is Verdict.UNKNOWN]
    return Counted(
        ids=found.best.ids,
        benefits=tuple(cut_to(_benefit(met[each]), yuan) for each, yuan in found.best.paid),
        dropped=tuple(dropped),
        next_best=found.next_best,
        pairs=found.pairs,
    )


def claimed_together(schemes: Mapping[str, Scheme], options: Sequence[Option]) -> Resolution:
    """The best legal set among the eligible schemes that pay the firm itself and hang on no loan.

    Schemes that pay no yuan at all (a label, a service) are not weighed; an unknown sum is listed and not counted.
    """
    paying = [
        option
        for option in options
        if option.status is Status.ELIGIBLE and option.kind not in ON_LOANS and option.benefit and _pays(option.benefit)
    ]
    return resolve([_claimed(schemes[option.id], option) for option in paying])


def _candidate(scheme: Scheme, yuan: Decimal | None, given: bool = False) -> Candidate:
    return Candidate(scheme.id, yuan, scheme.offers, scheme.stacking, given)


def _claimed(scheme: Scheme, option: Option) -> Candidate:
    bound = option.benefit.at_most_yuan if option.benefit else None
    return replace(_candidate(scheme, _benefit_yuan(option.benefit)), at_most_yuan=bound)


def _amount(result: SchemeResult) -> Decimal | None:
    return _benefit_yuan(result.benefit)


def _benefit_yuan(benefit: Benefit | None) -> Decimal | None:
    return benefit.amount_yuan if benefit else None


def _pays(benefit: Benefit) -> bool:
    """Whether the benefit is money the firm keeps, known or not."""
    return benefit.amount_yuan is not None or bool(benefit.missing and not benefit.funding_yuan)


def _benefit(result: SchemeResult) -> Benefit:
    assert result.benefit is not None, result.scheme
    return result.benefit


def cut_to(benefit: Benefit, yuan: Decimal) -> Benefit:
    """The benefit cut to ``yuan``: the last payments go first, and a step says so."""
    if benefit.amount_yuan is None or benefit.amount_yuan <= yuan:
        return benefit
    left, flows = yuan, []
    for flow in benefit.flows:
        paid = min(flow.yuan, left)
        left -= paid
        if paid:
            flows.append(Flow(flow.on, paid))
    step = Step(
        "贴息合计不超过贷款利息，本项减为",
        "Interest subsidies together never exceed the interest of the loan: this one is cut to",
        yuan,
        "yuan",
    )
    return replace(benefit, amount_yuan=yuan, flows=tuple(flows), steps=(*benefit.steps, step))


def _dropped(left_out: LeftOut) -> Dropped:
    return Dropped(
        scheme=left_out.id,
        reason=left_out.words.en,
        reason_zh=left_out.words.zh,
        ruling=left_out.ruling.value,
        cite=left_out.cite,
        beside=tuple(pair.second for pair in left_out.barred_by),
        yuan_with=left_out.yuan_with,
    )


def _open(scheme: Scheme, result: SchemeResult) -> Dropped:
    words = open_words(scheme, result)
    return Dropped(result.scheme, words.en, words.zh, "open")


def open_words(scheme: Scheme, result: SchemeResult) -> Name:
    """What settles an unknown scheme: the papers in English as its answer has them, in Chinese fact by fact."""
    papers = scheme.papers_zh
    named = dict.fromkeys(papers[fact] for fact in result.missing if fact in papers)
    zh = "待核实：" + ("；".join(named) or "政策条款未公布")
    return Name(zh, "open until known: " + "; ".join(result.settled_by))
