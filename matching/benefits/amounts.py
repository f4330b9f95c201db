"""Grants: a fixed sum, a share, so much a unit, a payee's cap; sums that are ceilings; and what is no money."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from matching.benefits.benefit import ZERO, Asked, Benefit, BenefitTerms, granted
from matching.facts import FactSpec
from matching.rulefile import Name
from matching.steps import Step
from models.money import round_down


@dataclass(frozen=True)
class Fixed:
    """One sum, whoever it is."""

    yuan: Decimal
    cite: str

    kind = "fixed"

    def worked_out(self, asked: Asked) -> Benefit:
        return granted(self.kind, self.yuan, [Step("定额", "Fixed sum", self.yuan, "yuan", self.cite)])


@dataclass(frozen=True)
class ShareOfAmount:
    """``share`` of a stated amount, at most ``cap_yuan``, and at least ``floor_yuan`` where there is any amount."""

    of: FactSpec
    share: Decimal
    cite: str
    cap_yuan: Decimal | None = None
    floor_yuan: Decimal | None = None

    kind = "share_of_amount"

    def worked_out(self, asked: Asked) -> Benefit:
        base = asked.number(self.of.id)
        if base is None:
            return _open(self.kind, self.of.id, self.cap_yuan)
        amount, steps = _share(base, self.share, self.of, self.cite)
        if self.floor_yuan is not None:
            amount = max(amount, self.floor_yuan) if base > 0 else amount
            steps.append(Step("下限", "At least", self.floor_yuan, "yuan", self.cite))
        return _capped(self.kind, amount, self.cap_yuan, steps, self.cite)


@dataclass(frozen=True)
class PerUnit:
    """``yuan_each`` for each of a stated number, at most ``cap_yuan``."""

    of: FactSpec
    yuan_each: Decimal
    cite: str
    cap_yuan: Decimal | None = None

    kind = "per_unit"

    def worked_out(self, asked: Asked) -> Benefit:
        units = asked.number(self.of.id)
        if units is None:
            return _open(self.kind, self.of.id, self.cap_yuan)
        amount = round_down(max(units, ZERO) * self.yuan_each)
        steps = [
            Step(self.of.zh, self.of.en, units, "count"),
            Step("每单位", "For each", self.yuan_each, "yuan", self.cite),
            Step("数量 × 每单位", "Number × sum for each", amount, "yuan", self.cite),
        ]
        return _capped(self.kind, amount, self.cap_yuan, steps, self.cite)


@dataclass(frozen=True)
class CappedPerPayee:
    """``share`` of a stated amount under a cap that one payee has for one period (000:96: an insurer, a year).

    ``enjoyed`` is what this payee was already paid in the period. ``payee`` and ``per`` are words for the answer.
    """

    of: FactSpec
    share: Decimal
    cap_yuan: Decimal
    payee: str
    per: str
    enjoyed: FactSpec
    cite: str

    kind = "capped_per_payee"

    def worked_out(self, asked: Asked) -> Benefit:
        base, enjoyed = asked.number(self.of.id), asked.number(self.enjoyed.id)
        left = None if enjoyed is None else max(self.cap_yuan - max(enjoyed, ZERO), ZERO)
        if base is None or enjoyed is None or left is None:
            missing = asked.unknown((self.of.id, self.enjoyed.id))
            most = self.cap_yuan if left is None else left
            if base is not None:
                most = min(most, _share(base, self.share, self.of, self.cite)[0])
            return Benefit(self.kind, missing=missing, at_least_yuan=ZERO, at_most_yuan=most)
        amount, steps = _share(base, self.share, self.of, self.cite)
        paid = min(amount, left)
        named = f"{self.payee}, {self.per}"
        steps += [
            Step(f"上限（{named}）", f"At most ({named})", self.cap_yuan, "yuan", self.cite),
            Step(self.enjoyed.zh, self.enjoyed.en, enjoyed, "yuan"),
            Step("剩余额度", "Left of the cap", left, "yuan", self.cite),
            Step("实得", "Paid", paid, "yuan", self.cite),
        ]
        return granted(self.kind, paid, steps)


@dataclass(frozen=True)
class InKind:
    """A label, a service, a floor for a land price: named, and no yuan."""

    given: Name
    cite: str

    kind = "in_kind"

    def worked_out(self, asked: Asked) -> Benefit:
        return Benefit(self.kind, given=self.given)


@dataclass(frozen=True)
class UpTo:
    """A sum the text calls 最高, 不超过, up to: what ``of`` comes to is its ceiling, the office sets what is paid.

    ``set_by`` is the fact that says what the office set. Until it is known the amount is open between zero and the
    ceiling.
    """

    of: BenefitTerms
    set_by: FactSpec
    cite: str

    @property
    def kind(self) -> str:
        return self.of.kind

    def worked_out(self, asked: Asked) -> Benefit:
        given, decided = self.of.worked_out(asked), asked.number(self.set_by.id)
        steps = [*given.steps]
        if given.at_most_yuan is not None:
            steps.append(
                Step("最高，由主管部门核定", "At most; the office sets the sum", given.at_most_yuan, "yuan", self.cite)
            )
        if decided is None and given.at_most_yuan != 0:
            missing = tuple(dict.fromkeys((*given.missing, self.set_by.id)))
            return replace(given, amount_yuan=None, at_least_yuan=ZERO, steps=tuple(steps), missing=missing)
        paid = max(decided or ZERO, ZERO)
        low, high = (
            paid if ceiling is None else min(paid, ceiling) for ceiling in (given.at_least_yuan, given.at_most_yuan)
        )
        if decided is not None:
            steps.append(Step(self.set_by.zh, self.set_by.en, paid, "yuan"))
        known = given.amount_yuan is not None or (low == high and given.at_least_yuan is not None)
        if not known:
            return replace(given, at_least_yuan=low, at_most_yuan=high, steps=tuple(steps))
        steps.append(Step("实得", "Paid", high, "yuan", self.cite))
        return replace(granted(self.kind, high, steps), unconfirmed=given.unconfirmed)


def _share(base: Decimal, share: Decimal, of: FactSpec, cite: str) -> tuple[Decimal, list[Step]]:
    """A share of an amount, down to the fen; nothing of an amount below zero."""
    amount = round_down(max(base, ZERO) * share)
    return amount, [
        Step(of.zh, of.en, base, "yuan"),
        Step(f"{of.zh} × {share}，舍去不足一分", f"{of.en} × {share}, rounded down to the fen", amount, "yuan", cite),
    ]


def _capped(kind: str, amount: Decimal, cap: Decimal | None, steps: list[Step], cite: str) -> Benefit:
    if cap is not None:
        steps.append(Step("上限", "At most", cap, "yuan", cite))
        amount = min(amount, cap)
    return granted(kind, amount, [*steps, Step("实得", "Paid", amount, "yuan", cite)])


def _open(kind: str, fact: str, cap: Decimal | None) -> Benefit:
    return Benefit(kind, missing=(fact,), at_least_yuan=ZERO, at_most_yuan=cap)
