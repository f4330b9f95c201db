"""The `benefit` part of a scheme's file: parsed by its `kind`, and worked out from the facts of one firm and loan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TypedDict

from matching.benefits.amounts import CappedPerPayee
from matching.benefits.benefit import Asked, Benefit, BenefitTerms
from matching.benefits.combined import Conditional, Counting, SplitYears, Staged, Tiers, YearPart
from matching.benefits.funds import Equity, Pool, ProRataPot
from matching.benefits.guarantee import GuaranteeTerms
from matching.benefits.interest import Payout, PointsOff, RateToShare, ShareOfInterest
from matching.benefits.read_funds import equity, guarantee, pool, pro_rata_pot
from matching.benefits.reader import SIMPLE, Parser, Reader, capped_per_payee, deciding_days, optional_yuan
from matching.facts import FactBook
from matching.loans import LONGEST_MONTHS, DayCount, Loan
from matching.parameters import ParameterBook
from matching.rulefile import RuleFile
from models.kinds import Kind, Scalar

__all__ = ["KINDS", "benefit_of", "deciding_days", "parse_benefit"]


def benefit_of(
    terms: BenefitTerms,
    values: Mapping[str, Scalar | None],
    parameters: ParameterBook,
    as_of: date,
    loan: Loan | None = None,
) -> Benefit:
    """The benefit for the firm and the loan that ``values`` describe (or on ``loan``, whose schedule is then known).

    Where a fact is unknown the amounts that hang on it are ``None`` and ``missing`` names it. ``RefusedInput`` for a
    rate, an amount or a term no loan can have.
    """
    return terms.worked_out(Asked(values, parameters, as_of, loan))


def parse_benefit(scheme: RuleFile, facts: FactBook, parameters: ParameterBook | None = None) -> BenefitTerms:
    """The terms under ``benefit``; ``DataFileError`` for a fault, an unknown kind, fact or parameter."""
    part = scheme.part("benefit", scheme.raw["benefit"], ("kind", "cite"))
    return Reader(facts, parameters, part.text("cite")).terms(part, _PARSERS)


_LOAN = ("months_at_most", "day_count", "payout")
_LIMIT = ("limit_yuan", "enjoyed")


def _enjoyed(part: RuleFile, reader: Reader) -> str:
    if not part.has("enjoyed"):
        return ""
    if not part.has("limit_yuan"):
        raise part.raw.wrong("enjoyed", "What was enjoyed counts against a limit.", "Add limit_yuan or drop it.")
    return reader.fact(part, "enjoyed", Kind.MONEY).id


class _Paid(TypedDict):
    """How an interest subsidy is paid, whatever its rate; the fields are those of the terms."""

    months_at_most: int
    day_count: DayCount
    payout: Payout
    limit_yuan: Decimal | None
    enjoyed: str


def _paid(part: RuleFile, reader: Reader) -> _Paid:
    return _Paid(
        months_at_most=part.whole("months_at_most", 1, LONGEST_MONTHS),
        day_count=part.choice("day_count", DayCount),
        payout=part.choice("payout", Payout),
        limit_yuan=optional_yuan(part, "limit_yuan"),
        enjoyed=_enjoyed(part, reader),
    )


def _rate_to_share(raw: RuleFile, reader: Reader) -> RateToShare:
    part = reader.known(raw, ("parameter", "share", "cap", "day", *_LOAN), (*_LIMIT, "plus"))
    return RateToShare(
        parameter=reader.ratio_parameter(part, "parameter", part.text("parameter")),
        share=part.decimal("share"),
        cap=part.decimal("cap"),
        cite=reader.clause(part),
        day=reader.day(part, "day"),
        **_paid(part, reader),
        plus=part.decimal("plus", "-1", "1") if part.has("plus") else Decimal(0),
    )


def _points_off(raw: RuleFile, reader: Reader) -> PointsOff:
    part = reader.known(raw, ("points", *_LOAN), _LIMIT)
    return PointsOff(points=part.decimal("points"), cite=reader.clause(part), **_paid(part, reader))


def _share_of_interest(raw: RuleFile, reader: Reader) -> ShareOfInterest:
    part = reader.known(raw, ("share", *_LOAN), _LIMIT)
    return ShareOfInterest(share=part.decimal("share"), cite=reader.clause(part), **_paid(part, reader))


def _conditional(part: RuleFile, reader: Reader) -> Conditional:
    return Conditional(part.name(), reader.when(part), reader.given(part, "give"), reader.clause(part), part.text("id"))


_REACHED = ("when", "give", "zh", "en")


def _tiers(raw: RuleFile, reader: Reader) -> Tiers:
    part = reader.known(raw, ("counting", "tiers"), ("cap_yuan",))
    tiers = tuple(_conditional(tier, reader) for tier in part.parts("tiers", (*_REACHED, "id", "cite"), _REACHED))
    if not tiers:
        raise part.raw.wrong("tiers", "There is at least one tier.", "Add it, or use another kind.")
    return Tiers(part.choice("counting", Counting), tiers, reader.clause(part), optional_yuan(part, "cap_yuan"))


def _staged(raw: RuleFile, reader: Reader) -> Staged:
    part = reader.known(raw, ("stages",), ("cap_yuan",))
    required = ("id", *_REACHED)
    stages = tuple(_conditional(stage, reader) for stage in part.parts("stages", (*required, "cite"), required))
    if not stages:
        raise part.raw.wrong("stages", "There is at least one stage.", "Add it, or use another kind.")
    if len({stage.id for stage in stages}) < len(stages):
        raise part.raw.wrong("stages", "A stage's id is used once.", "Choose another.")
    return Staged(stages, reader.clause(part), optional_yuan(part, "cap_yuan"))


def _split_years(raw: RuleFile, reader: Reader) -> SplitYears:
    part = reader.known(raw, ("of", "parts"))
    required = ("share", "when", "zh", "en")
    parts = tuple(
        YearPart(each.decimal("share"), each.name(), reader.when(each), reader.clause(each))
        for each in part.parts("parts", (*required, "cite"), required)
    )
    if sum(each.share for each in parts) != 1:
        raise part.raw.wrong("parts", "The shares of the parts sum to 1.", "Correct one of them.")
    return SplitYears(reader.given(part, "of"), parts, reader.clause(part))


_PARSERS: Mapping[str, Parser] = {
    **SIMPLE,
    RateToShare.kind: _rate_to_share,
    PointsOff.kind: _points_off,
    ShareOfInterest.kind: _share_of_interest,
    Tiers.kind: _tiers,
    Staged.kind: _staged,
    SplitYears.kind: _split_years,
    Equity.kind: equity,
    Pool.kind: pool,
    ProRataPot.kind: pro_rata_pot,
    CappedPerPayee.kind: capped_per_payee,
    GuaranteeTerms.kind: guarantee,
}
#: Every kind of benefit a scheme's file may name.
KINDS = tuple(_PARSERS)
