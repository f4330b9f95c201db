"""The loans of the city: contracts one after another, balances by month, and the bank's five classes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from models.dates import days
from seed.city.draws import NEVER, Flags, Floats, Ints, between, weighted, whole_between
from seed.city.fortunes import NO_MONTH
from seed.city.frames import World, day_in_month
from seed.city.timeline import LEAD

#: A chain of contracts with one lender has at most so many.
_MOST_CONTRACTS = 9
_KINDS = ("bank", "branchless_bank", "micro_lender", "leasing", "factoring", "other")


@dataclass(frozen=True)
class Loans:
    """One row per contract. Months count from the first simulated one and may be negative or beyond the last.

    ``settled_on`` is ``NEVER`` while open, also for a loan in default; ``number`` is the contract number's serial.
    """

    firm: Ints
    lender: Ints
    signed_month: Ints
    ends_month: Ints
    signed_on: Ints
    settled_on: Ints
    amount: Floats
    rate: Floats
    term: Ints
    line_yuan: Floats
    lenders: tuple[str, ...]
    kinds: tuple[int, ...]

    @property
    def contract_no(self) -> list[str]:
        return [f"RZDK{number:08d}" for number in range(1, len(self.firm) + 1)]

    @property
    def first(self) -> Flags:
        """Whether the contract is its firm's first."""
        order = np.lexsort((self.signed_on, self.firm))
        new = np.ones(len(order), dtype=bool)
        new[1:] = self.firm[order][1:] != self.firm[order][:-1]
        first = np.zeros(len(order), dtype=bool)
        first[order] = new
        return first


def draw_loans(world: World) -> Loans:
    """Chains of contracts of every borrower, with one lender or two."""
    rng, own = world.stream("loans"), world.p["borrowing"]
    firms, fate, line = world.firms, world.fortunes, world.line
    names = tuple(own["lenders"])
    kinds = tuple(_KINDS.index(lender["kind"]) for lender in own["lenders"].values())
    weights = [lender["weight"] for lender in own["lenders"].values()]
    borrowers = np.flatnonzero(firms.borrower)
    second = borrowers[rng.random(len(borrowers)) < own["second_lender_share"]]
    firm = np.concatenate([borrowers, second])
    lender = weighted(rng, weights, len(firm))
    first_lender = np.zeros(len(firms), dtype=np.int64)
    first_lender[borrowers] = lender[: len(borrowers)]
    again = lender[len(borrowers) :]
    lender[len(borrowers) :] = np.where(again == first_lender[second], (again + 1) % len(names), again)
    month = LEAD + whole_between(rng, own["first_contract_months"], len(firm))
    # A firm that will default has to owe something by then.
    default = fate.default[firm]
    month = np.where(default < NO_MONTH, np.minimum(month, default - rng.integers(3, 14, len(firm))), month)
    founded = np.searchsorted(line.starts, firms.established[firm])
    month = np.where(firms.established[firm] > line.starts[0], np.maximum(month, founded + 4), month)
    terms, odds = [int(term) for term in own["term_months"]], list(own["term_months"].values())
    parts: list[tuple[Ints, ...]] = []
    open_chain = np.ones(len(firm), dtype=bool)
    closed = np.where(fate.closed_on[firm] < NEVER, line.month_of(fate.closed_on[firm]) - 1, NO_MONTH)
    fails = default < NO_MONTH
    for _ in range(_MOST_CONTRACTS):
        term = np.array(terms)[weighted(rng, odds, len(firm))]
        # No bank lends to a firm it sees failing; one that will default is carried until it does.
        refused = (fate.health[firm, np.clip(month, 0, line.length - 1)] < -1.8) & ~fails
        going = open_chain & (month < np.minimum(line.length, closed)) & ~refused
        defaulting = fails & (default < month + term + 4)
        parts.append(
            (firm[going], lender[going], month[going], np.where(defaulting, NO_MONTH, month + term)[going], term[going])
        )
        renewed = fails | (rng.random(len(firm)) < own["renewal_share"])
        gap = np.where(renewed, 0, whole_between(rng, own["gap_months"], len(firm)))
        # One in twelve chains stops for good at each maturity.
        open_chain = going & ~defaulting & (fails | (rng.random(len(firm)) > 1 / 12))
        month = month + term + gap
    firm, lender, signed, ends, term = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _priced(world, rng, names, kinds, firm, lender, signed, ends, term)


def _priced(
    world: World,
    rng: np.random.Generator,
    names: tuple[str, ...],
    kinds: tuple[int, ...],
    firm: Ints,
    lender: Ints,
    signed: Ints,
    ends: Ints,
    term: Ints,
) -> Loans:
    own, firms, line, size = world.p["borrowing"], world.firms, world.line, len(firm)
    kind = np.array(kinds)[lender]
    inside = np.maximum(signed, 0)
    before = line.starts[0] + (signed * 30.44).astype(np.int64) + rng.integers(0, 28, size)
    signed_on = np.where(signed >= 0, day_in_month(rng, line, np.minimum(inside, line.length - 1)), before)
    # The last month's contracts are signed by its end; nothing is signed before the firm is founded.
    signed_on = np.maximum(signed_on, firms.established[firm] + 30)
    finished = (ends < NO_MONTH) & (ends < line.length)
    settled = np.where(
        ends >= 0, line.starts[np.clip(ends, 0, line.length - 1)], line.starts[0] + (ends * 30.44).astype(np.int64)
    )
    settled_on = np.where(finished, np.maximum(settled, signed_on + 20), NEVER)
    settled_on = np.where(settled_on < world.fortunes.closed_on[firm], settled_on, NEVER)
    asked = own["amount_of_sales"]["median"] * rng.lognormal(0, own["amount_of_sales"]["sigma"], size)
    amount = np.clip(firms.revenue[firm] * asked, own["smallest_yuan"], own["largest_yuan"])
    amount = np.where(amount >= 200_000, np.round(amount, -4), np.round(amount, -3))
    spread = np.array([own["spread"].get(name, 0.03) for name in _KINDS])[kind]
    health = np.clip(world.fortunes.health[firm, np.clip(signed, 0, line.length - 1)], -2, 2)
    rate = lpr(own["lpr_1y"], signed_on) + spread - own["spread_health_effect"] * health
    rate += own["spread_small_effect"] * (amount < 500_000) + rng.normal(0, 0.003, size)
    return Loans(
        firm=firm,
        lender=lender,
        signed_month=signed,
        ends_month=ends,
        signed_on=signed_on,
        settled_on=settled_on,
        amount=amount,
        rate=np.round(np.clip(rate, 0.028, 0.24), 4),
        term=term,
        line_yuan=np.round(amount * between(rng, own["line_headroom"], size), -3),
        lenders=names,
        kinds=kinds,
    )


def lpr(table: list[tuple[str, float]], day: Ints) -> Floats:
    """One-year loan prime rate in force on each day, as a fraction."""
    starts = np.array([days(date.fromisoformat(start)) for start, _ in table])
    rates = np.array([rate for _, rate in table]) / 100
    found: Floats = rates[np.maximum(np.searchsorted(starts, day, side="right") - 1, 0)]
    return found


@dataclass(frozen=True)
class Balances:
    """One row per firm, lender and delivered month in which something is owed. ``loan`` is the contract's row."""

    loan: Ints
    month: Ints
    balance: Floats
    five_class: Ints


def balances(world: World, loans: Loans) -> Balances:
    """Balances at each delivered month's end; instalments for terms over a year, else all at the end."""
    months = np.arange(LEAD, world.line.length)
    owed = (loans.signed_month[:, None] <= months) & (months < loans.ends_month[:, None])
    owed &= world.fortunes.delivered_alive[loans.firm]
    loan, place = np.nonzero(owed)
    month = months[place]
    # Where a renewal overlaps the loan before it, the later contract speaks for the lender.
    key = (loans.firm[loan] * len(loans.lenders) + loans.lender[loan]) * world.line.length + month
    order = np.lexsort((loans.signed_month[loan], key))
    last = np.ones(len(order), dtype=bool)
    last[:-1] = key[order][1:] != key[order][:-1]
    loan, month = loan[order][last], month[order][last]
    firm = loans.firm[loan]
    default = world.fortunes.default[firm]
    paid_months = np.minimum(month, default) - loans.signed_month[loan]
    left = np.where(loans.term[loan] > 12, np.clip(1 - paid_months / loans.term[loan], 0.05, 1), 1.0)
    return Balances(loan, month, np.round(loans.amount[loan] * left, 2), five_classes(world, firm, month))


def five_classes(world: World, firm: Ints, month: Ints) -> NDArray[np.int64]:
    """Class of a firm's loans in a month: 0 normal, 1 special mention, 2 substandard, 3 doubtful, 4 loss."""
    own, fate = world.p["borrowing"], world.fortunes
    span = own["classes_months"]
    since = np.where(fate.default[firm] < NO_MONTH, month - fate.default[firm], -1000)
    warned, bad = span["special_mention"], span["substandard"]
    five = np.where(since >= -warned, 1, 0)
    five = np.where(since >= 0, 2, five)
    five = np.where(since >= bad, 3, five)
    five = np.where(since >= bad + span["doubtful"], 4, five)
    mended = np.where(since >= bad, np.where(since < bad + 3, 1, 0), five)
    five = np.where(fate.cured[firm], mended, five)
    watched = world.stream("watch").random(len(world.firms))[firm] < own["watch_share"]
    poor = watched & (world.fortunes.health[firm, month] < own["watch_health"])
    return np.where((five == 0) & poor, 1, five).astype(np.int64)
