"""The way to an offer that is shut, what may be combined, what would settle the unknown: as plain values."""

from __future__ import annotations

from typing import Any

from matching.first_loan import FirstLoan
from matching.near_miss import Change, Gap, NearMiss
from matching.option import Dropped, OptionWarning
from matching.settles import Settles
from matching.stacking import LeftOut, Pair, Resolution, SchemeSet
from service.answers.rules import finding_answer, named, plain
from service.web.encode import yuan_text


def near_miss_answer(way: NearMiss) -> dict[str, Any]:
    """What fails and by how much, the cheapest changes that open the offer, and when time alone does."""
    return {
        "gaps": [_gap(gap) for gap in way.gaps],
        "changes": [_change(change) for change in way.changes],
        "changes_on": way.changes_on,
        "opens_on": way.opening.on if way.opening else None,
        "opens_no_later_than": way.opening.no_later_than if way.opening else None,
        "undated": list(way.undated),
        "unknown": list(way.unknown),
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "fact": gap.fact,
        **named(gap.name),
        "op": gap.op,
        "expected": plain(gap.expected),
        "actual": plain(gap.actual),
        "wanted": gap.wanted,
        "by": None if gap.by is None else format(gap.by, "f"),
        "unit": gap.unit,
        "cite": gap.cite,
        "effort": named(gap.effort.name) if gap.effort else None,
        "passing": gap.passing.value if gap.passing else None,
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "fact": change.fact,
        **named(change.name),
        "was": plain(change.was),
        "becomes": plain(change.becomes),
        "unit": change.unit,
        "effort": named(change.effort.name),
    }


def warning_answer(warning: OptionWarning) -> dict[str, Any]:
    """What taking this offer would use up, and what to take instead."""
    amount = warning.instead_amount_yuan
    return {
        "kind": warning.kind,
        "scheme": warning.scheme,
        "loss": warning.loss,
        "yuan_forgone": yuan_text(warning.yuan_forgone),
        "instead": warning.instead,
        "instead_amount_yuan": None if amount is None else yuan_text(amount),
        **named(warning.words),
        "cite": warning.cite,
    }


def dropped_answer(dropped: Dropped) -> dict[str, Any]:
    """A scheme that is not counted, why, under which clause, and beside what."""
    return {
        "scheme": dropped.scheme,
        "reason": dropped.reason,
        "reason_zh": dropped.reason_zh,
        "ruling": dropped.ruling,
        "cite": dropped.cite,
        "beside": list(dropped.beside),
        "yuan_with": None if dropped.yuan_with is None else yuan_text(dropped.yuan_with),
    }


def set_answer(found: SchemeSet) -> dict[str, Any]:
    """Schemes paid together, with the yuan of each."""
    return {
        "paid": [{"scheme": each, "yuan": yuan_text(yuan)} for each, yuan in found.paid],
        "yuan": yuan_text(found.yuan),
    }


def pair_answer(pair: Pair) -> dict[str, Any]:
    """What the texts say of two schemes that are counted together."""
    return {
        "first": pair.first,
        "second": pair.second,
        "ruling": pair.ruling.value,
        "cite": pair.cite,
        **named(pair.words),
    }


def _left_out(left: LeftOut) -> dict[str, Any]:
    with_it = left.yuan_with
    return {
        "scheme": left.id,
        "ruling": left.ruling.value,
        **named(left.words),
        "cite": left.cite,
        "barred_by": [pair_answer(pair) for pair in left.barred_by],
        "yuan_with": None if with_it is None else yuan_text(with_it),
    }


def claims_answer(resolution: Resolution) -> dict[str, Any]:
    """Which awards, those not tied to a loan, may be claimed together: the best set, the next best, and the rest."""
    return {
        "best": set_answer(resolution.best),
        "next_best": set_answer(resolution.next_best) if resolution.next_best else None,
        "pairs": [pair_answer(pair) for pair in resolution.pairs],
        "left_out": [_left_out(left) for left in resolution.left_out],
    }


def settles_answer(settled: Settles) -> dict[str, Any]:
    """One unknown fact: the document that would settle it and the offers it could open."""
    return {
        "fact": settled.fact,
        **named(settled.name),
        "document": named(settled.document),
        "opens": list(settled.opens),
        "needed_by": list(settled.needed_by),
    }


def first_loan_answer(standing: FirstLoan) -> dict[str, Any]:
    """Whether the next loan would be the firm's first under one scheme, and what proves it."""
    return {
        "scheme": standing.scheme,
        "first": standing.first,
        "stated": standing.stated,
        "definition": [finding_answer(finding) for finding in standing.definition],
        "proof": named(standing.proof),
        "cite": standing.cite,
    }
