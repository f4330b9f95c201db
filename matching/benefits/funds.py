"""Money that comes from a pot: equity with a bounded return, loans behind a pool, a pot shared by volume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from matching.benefits.benefit import ZERO, Asked, Benefit, granted, shown_source, unconfirmed_of
from matching.benefits.guarantee import BEARERS, split
from matching.facts import FactSpec
from matching.parameters import ParameterRef
from matching.steps import Step
from models.errors import RefusedInput
from models.money import round_down

FEN = Decimal("0.01")


@dataclass(frozen=True)
class Equity:
    """A fund takes a stake: at most ``cap_yuan``, for ``months_at_most``, its return bounded by a dated parameter.

    What it puts in is asked by the facts of the loan: ``loan_amount_yuan`` and ``loan_term_months``.
    """

    cap_yuan: Decimal
    months_at_most: int
    return_cap: ParameterRef
    cite: str

    kind = "equity"

    def worked_out(self, asked: Asked) -> Benefit:
        amount, months = asked.number("loan_amount_yuan"), asked.months("loan_term_months")
        day = asked.day(self.return_cap.on)
        steps = [Step("投资额上限", "Stake at most", self.cap_yuan, "yuan", self.cite)]
        rate = None
        unconfirmed: tuple[str, ...] = ()
        if day is not None:
            base = asked.parameters.on(self.return_cap.id, day)
            rate, unconfirmed = self.return_cap.of(base.value), unconfirmed_of([base])
            steps.append(Step("参数当期值", f"{base.id} on {day}", base.value, "per_year", shown_source(base)))
            steps.append(Step("年投资回报率上限", "Return a year at most", rate, "per_year", self.cite))
        funding = None if amount is None else min(max(amount, ZERO), self.cap_yuan)
        if funding is not None:
            steps.append(Step("投资额", "Stake", funding, "yuan", self.cite))
        term = None if months is None else min(months, self.months_at_most)
        if term is not None:
            steps.append(Step("期限", "Term", Decimal(term), "months", self.cite))
        most = None
        if funding is not None and term is not None and rate is not None:
            most = round_down(funding * rate * term / 12)
            formula = ("期内回报上限 = 投资额 × 回报率 × 月数/12", "Return at most = stake × rate × months/12")
            steps.append(Step(*formula, most, "yuan", self.cite))
        return Benefit(
            self.kind,
            fee_annual_rate=rate,
            fee_yuan=most,
            funding_yuan=funding,
            steps=tuple(steps),
            missing=asked.unknown(("loan_amount_yuan", "loan_term_months", self.return_cap.on)),
            unconfirmed=unconfirmed,
        )


#: What may end a layer of a waterfall beside a sum of yuan: the firms' own contribution on this loan, the whole pool.
ENDS = ("contribution", "pool")


@dataclass(frozen=True)
class Layer:
    """Bearers of a loss side by side (shares sum to one), up to ``up_to``: yuan, one of ``ENDS``, or no end."""

    shares: Mapping[str, Decimal]
    up_to: Decimal | str | None = None


@dataclass(frozen=True)
class Pool:
    """A pool stands behind loans: ``multiple`` × pool may be lent, each firm pays in between two rates of its loan.

    A loss runs down the ``waterfall`` layer by layer. ``pool`` is the fact that says what is in it (or ``pool_yuan``
    itself), ``lent`` the fact that says what of the capacity is taken.
    """

    multiple: Decimal
    contribution_low: Decimal
    contribution_high: Decimal
    waterfall: tuple[Layer, ...]
    cite: str
    pool: FactSpec | None = None
    pool_yuan: Decimal | None = None
    lent: FactSpec | None = None

    kind = "pool"

    def capacity(self, pool_yuan: Decimal) -> Decimal:
        """What may be lent in all, down to the fen."""
        return round_down(self.multiple * max(pool_yuan, ZERO))

    def contribution(self, loan_yuan: Decimal) -> tuple[Decimal, Decimal]:
        """The least and the most a firm pays in for a loan; both down to the fen."""
        return round_down(loan_yuan * self.contribution_low), round_down(loan_yuan * self.contribution_high)

    def borne(self, loss_yuan: Decimal, pool_yuan: Decimal, contributed_yuan: Decimal = ZERO) -> dict[str, Decimal]:
        """Who bears what of a loss; the parts sum to the loss, whatever is in the pool.

        The layer that ends with the contribution takes at most what this firm paid in, the one that ends with the pool
        at most the pool. ``RefusedInput`` for a loss below zero.
        """
        if loss_yuan < 0:
            raise RefusedInput("bad_amount", "loss_yuan", loss_yuan, "A loss is not below zero.", "Give yuan.")
        ends = {"contribution": max(contributed_yuan, ZERO), "pool": max(pool_yuan, ZERO)}
        left, parts = loss_yuan, dict[str, Decimal]()
        for layer in self.waterfall:
            end = ends[layer.up_to] if isinstance(layer.up_to, str) else layer.up_to
            taken = left if end is None else min(left, end)
            for bearer, yuan in split(taken, layer.shares).items():
                parts[bearer] = parts.get(bearer, ZERO) + yuan
            left -= taken
        return parts

    def worked_out(self, asked: Asked) -> Benefit:
        loan, pool = asked.number("loan_amount_yuan"), self.pool_yuan
        missing = list(asked.unknown(("loan_amount_yuan",)))
        if pool is None and self.pool is not None:
            pool = asked.number(self.pool.id)
            missing += asked.unknown((self.pool.id,))
        steps = []
        low = high = funding = None
        if loan is not None:
            low, high = self.contribution(loan)
            names = (("缴费下限", "Paid into the pool at least"), ("缴费上限", "Paid into the pool at most"))
            for (zh, en), rate, yuan in zip(
                names, (self.contribution_low, self.contribution_high), (low, high), strict=True
            ):
                steps.append(Step(f"{zh} = 贷款额 × {rate}", f"{en} = loan × {rate}", yuan, "yuan", self.cite))
        if pool is not None:
            capacity = self.capacity(pool)
            steps.append(Step("资金池", "Money in the pool", pool, "yuan", self.cite))
            formula = (f"可放贷总额 = {self.multiple} × 资金池", f"Capacity = {self.multiple} × pool")
            steps.append(Step(*formula, capacity, "yuan", self.cite))
            free: Decimal | None = capacity
            if self.lent is not None:
                lent = asked.number(self.lent.id)
                missing += asked.unknown((self.lent.id,))
                free = None if lent is None else max(capacity - max(lent, ZERO), ZERO)
                if free is not None:
                    steps.append(Step("尚可放贷", "Capacity left", free, "yuan", self.cite))
            if loan is not None and free is not None:
                funding = min(loan, free)
                steps.append(
                    Step("本笔可获支持的贷款", "Of this loan the pool stands behind", funding, "yuan", self.cite)
                )
            if loan is not None:
                for bearer, yuan in self.borne(loan, pool, low or ZERO).items():
                    zh = f"全损时{BEARERS.get(bearer, bearer)}承担"
                    steps.append(Step(zh, f"Of a total loss {bearer} bears", yuan, "yuan", self.cite))
        return Benefit(
            self.kind,
            funding_yuan=funding,
            contribution_low_yuan=low,
            contribution_high_yuan=high,
            shares=self.waterfall[-1].shares,
            steps=tuple(steps),
            missing=tuple(dict.fromkeys(missing)),
        )


@dataclass(frozen=True)
class ProRataPot:
    """A pot shared by volume (000:85): pot × own volume / volume of all, down to the fen."""

    pot_yuan: Decimal
    by: FactSpec
    total: FactSpec
    cite: str

    kind = "pro_rata_pot"

    def worked_out(self, asked: Asked) -> Benefit:
        own, total = asked.number(self.by.id), asked.number(self.total.id)
        if own is None or total is None:
            missing = asked.unknown((self.by.id, self.total.id))
            return Benefit(self.kind, missing=missing, at_least_yuan=ZERO, at_most_yuan=self.pot_yuan)
        if not 0 <= own <= total:
            rule = f"A part lies between zero and its total, {self.total.id} = {total}."
            raise RefusedInput("bad_amount", self.by.id, own, rule, "Give both in yuan for the same period.")
        amount = round_down(self.pot_yuan * own / total) if total else ZERO
        return granted(
            self.kind,
            amount,
            [
                Step("资金总额", "The pot", self.pot_yuan, "yuan", self.cite),
                Step(self.by.zh, self.by.en, own, "yuan"),
                Step(self.total.zh, self.total.en, total, "yuan"),
                Step("总额 × 占比，舍去不足一分", "Pot × own part, rounded down to the fen", amount, "yuan", self.cite),
            ],
        )


def allocate(pot_yuan: Decimal, volumes: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """A pot by volume among everybody, to the last fen; nobody gets less than its share rounded down.

    The fen the roundings leave go to the largest remainders, ties to the smaller name. An empty list or volumes that
    are all zero leave the pot untouched. ``RefusedInput`` for a volume below zero.
    """
    for name, volume in volumes.items():
        if volume < 0:
            raise RefusedInput("bad_amount", name, volume, "A volume is not below zero.", "Give yuan.")
    total = sum(volumes.values(), ZERO)
    if not total:
        return dict.fromkeys(volumes, ZERO)
    exact = {name: pot_yuan * volume / total for name, volume in volumes.items()}
    parts = {name: round_down(share) for name, share in exact.items()}
    left = int((pot_yuan - sum(parts.values(), ZERO)) / FEN)
    for name in sorted(volumes, key=lambda each: (parts[each] - exact[each], each))[:left]:
        parts[name] += FEN
    return parts
