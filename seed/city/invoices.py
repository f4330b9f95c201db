"""Invoices: a firm's sales of a month split over customers, some of whom are other firms of the city."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from seed.city.codes import OUTSIDE_REGION, invent
from seed.city.draws import Flags, Floats, Ints, between, mix
from seed.city.frames import World, chosen, day_in_month, frame, year_of
from seed.city.timeline import LEAD

_OUTPUT, _INPUT = 0, 1
_VALID, _VOID = 0, 1


@dataclass(frozen=True)
class _Lines:
    """Invoices under way: one row each; ``partner`` is a place in the pool of counterparties."""

    firm: Ints
    partner: Ints
    day: Ints
    amount: Floats

    def take(self, rows: Ints | Flags) -> _Lines:
        return _Lines(self.firm[rows], self.partner[rows], self.day[rows], self.amount[rows])


def invoice_feed(world: World) -> dict[str, pa.Table]:
    """``vat_invoice``: sales to customers, their mirror at buyers in the city, purchases from outside, voids, reds."""
    rng, own, firms = world.stream("invoices"), world.p["invoices"], world.firms
    sales = _sales(world, rng)
    void = sales.take(np.flatnonzero(rng.random(len(sales.firm)) < own["void"]))
    red = _reversals(world, rng, sales)
    purchases = _purchases(world, rng)
    parts = [(sales, _VALID), (red, _VALID), (void, _VOID)]
    # Numbers are given before mirroring, so that both sides of a sale carry the same one.
    count = sum(len(part.firm) for part, _ in parts)
    number = rng.permutation(count + len(purchases.firm))
    firm, partner, day, amount = _stack([part for part, _ in parts])
    status = np.concatenate([np.full(len(part.firm), value) for part, value in parts])
    local = np.flatnonzero((partner < len(firms)) & (status == _VALID))
    direction = np.repeat([_OUTPUT, _INPUT, _INPUT], [count, len(local), len(purchases.firm)])
    seller = np.concatenate([firm, firm[local], purchases.firm])
    owner = np.concatenate([firm, partner[local], purchases.firm])
    other = np.concatenate([partner, firm[local], purchases.partner])
    day = np.concatenate([day, day[local], purchases.day])
    amount = np.concatenate([amount, amount[local], purchases.amount])
    number = np.concatenate([number[:count], number[local], number[count:]])
    status = np.concatenate([status, status[local], np.full(len(purchases.firm), _VALID)])
    general = firms.of_section(world.p, "vat")
    rate = np.where(firms.general_taxpayer, general, 0.01)[seller]
    rate = np.where((direction == _INPUT) & (np.arange(len(rate)) >= count + len(local)), 0.13, rate)
    order = np.lexsort((day, owner))
    pool = np.concatenate([firms.uscc, _outside(world)])
    return {
        "vat_invoice": frame(
            world,
            "vat_invoice",
            owner[order],
            direction=direction[order],
            invoice_no=_numbers(number[order], day[order]),
            issued_on=day[order],
            counterparty=chosen(pool, other[order]),
            amount_yuan=amount[order],
            tax_yuan=np.round(amount * rate, 2)[order],
            status=status[order],
        )
    }


def _stack(parts: list[_Lines]) -> tuple[Ints, Ints, Ints, Floats]:
    return (
        np.concatenate([part.firm for part in parts]),
        np.concatenate([part.partner for part in parts]),
        np.concatenate([part.day for part in parts]),
        np.concatenate([part.amount for part in parts]),
    )


def _numbers(number: Ints, day: Ints) -> pa.Array:
    """Sixteen digits: year, city, serial."""
    return pa.array(year_of(day) % 100 * 10**14 + 2101 * 10**10 + number + 1).cast(pa.string())


def _outside(world: World) -> NDArray[np.str_]:
    """Customers and suppliers from outside the city; about two for every firm, and never few."""
    size = max(world.p["invoices"]["outside_pool"], 2 * len(world.firms))
    return invent([f"91{OUTSIDE_REGION}"] * size, np.arange(size) * 7 + 1)


def _counts(world: World, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Sales invoices of each firm and delivered month, and each firm's usual number in a month."""
    own, fate, firms = world.p["invoices"], world.fortunes, world.firms
    usual = np.clip((firms.revenue / 1e6) ** own["exponent"], 0.3, None)
    active = fate.sales[:, LEAD:] > 0
    pace = np.sqrt(np.clip(fate.sales_ratio[:, LEAD:], 0.0, 4.0))
    for _ in range(2):
        mean = float((usual[:, None] * active).sum() / max(1, active.sum()))
        usual = np.minimum(usual * own["per_firm_month"] / mean, own["most_per_month"])
    expected = usual[:, None] * pace
    # Shops with few invoices a month have months with none.
    skips = rng.random(active.shape) < own["skipped_month"] * np.exp(-0.7 * np.maximum(usual - 0.8, 0))[:, None]
    count = 1 + rng.poisson(np.maximum(expected - 1, 0.05))
    return np.where(active & ~skips, count, 0), usual


def _split(rng: np.random.Generator, total: Floats, count: Ints, sigma: float) -> Floats:
    """Each total split over its count by log-normal weights, to the fen."""
    cell = np.repeat(np.arange(len(count)), count)
    weight = rng.lognormal(0, sigma, len(cell))
    share = weight / np.bincount(cell, weight, len(count))[cell]
    return np.maximum(np.round(total[cell] * share, 2), 0.01)


def _sales(world: World, rng: np.random.Generator) -> _Lines:
    own, firms, line = world.p["invoices"], world.firms, world.line
    count, usual = _counts(world, rng)
    cell_firm, cell_month = np.nonzero(count)
    each = count[cell_firm, cell_month]
    amount = _split(rng, world.fortunes.sales[cell_firm, cell_month + LEAD], each, own["amount_sigma"])
    firm, month = np.repeat(cell_firm, each), np.repeat(cell_month + LEAD, each)
    customers = own["customers"]
    circle = np.clip(customers["least"] + customers["per_invoice"] * usual, None, customers["most"]).astype(np.int64)
    circle = np.maximum(customers["least"], (circle * rng.uniform(0.5, 1.3, len(firms))).astype(np.int64))
    skew = between(rng, customers["concentration"], len(firms))
    rank = np.floor(circle[firm] * rng.random(len(firm)) ** skew[firm]).astype(np.int64)
    partner = _partners(world, firm, rank, amount)
    return _Lines(firm, partner, day_in_month(rng, line, month), amount)


def _partners(world: World, firm: Ints, rank: Ints, amount: Floats) -> Ints:
    """The lasting customer of each firm and rank: a larger firm of the city, or a place in the outside pool."""
    own, firms, line = world.p["invoices"], world.firms, world.line
    # Buyers are there for the whole window, so that no one buys before founding or after closing.
    steady = world.fortunes.delivered_alive.all(1)
    buyers = np.flatnonzero(steady)
    outside = len(firms) + max(own["outside_pool"], 2 * len(firms))
    key = mix((firm * 1_000_003 + rank).astype(np.uint64) + np.uint64(world.seed + line.months))
    draw = (key >> np.uint64(11)).astype(np.float64) / 2**53
    again = (mix(key) >> np.uint64(11)).astype(np.float64) / 2**53
    away: Ints = len(firms) + np.floor(again * (outside - len(firms))).astype(np.int64)
    if not len(buyers):
        return away
    edges = np.cumsum(firms.revenue[buyers])
    buyer = buyers[np.minimum(np.searchsorted(edges / edges[-1], again, side="right"), len(buyers) - 1)]
    # A purchase larger than a tenth of the buyer's year is not believable: it goes outside.
    local = (draw < own["local_customer"]) & (buyer != firm) & (amount < 0.10 * firms.revenue[buyer])
    return np.where(local, buyer, away)


def _reversals(world: World, rng: np.random.Generator, sales: _Lines) -> _Lines:
    """Red invoices: an earlier sale taken back in full some days later, inside the same month's files."""
    own, line = world.p["invoices"], world.line
    rows = sales.take(np.flatnonzero(rng.random(len(sales.firm)) < own["red"]))
    month_end = line.ends[line.month_of(rows.day)]
    day = np.minimum(rows.day + rng.integers(0, 12, len(rows.day)), month_end)
    return _Lines(rows.firm, rows.partner, day, -rows.amount)


def _purchases(world: World, rng: np.random.Generator) -> _Lines:
    """Purchases from outside the city, for firms that keep input invoices."""
    own, firms, line = world.p["invoices"], world.firms, world.line
    count, usual = _counts(world, rng)
    keeps = ~firms.sole_proprietor | (rng.random(len(firms)) < 0.3)
    count = np.where(keeps[:, None], rng.binomial(count, own["purchases"]["per_sale"]), 0)
    cell_firm, cell_month = np.nonzero(count)
    each = count[cell_firm, cell_month]
    total = world.fortunes.sales[cell_firm, cell_month + LEAD] * own["purchases"]["cost_share"]
    amount = _split(rng, total, each, own["amount_sigma"])
    firm, month = np.repeat(cell_firm, each), np.repeat(cell_month + LEAD, each)
    suppliers = np.maximum(2, (usual * 2).astype(np.int64))
    rank = np.floor(suppliers[firm] * rng.random(len(firm))).astype(np.int64) + 100_000
    pool = len(_outside(world))
    key = mix((firm * 1_000_003 + rank).astype(np.uint64))
    partner = len(firms) + (key % np.uint64(pool)).astype(np.int64)
    return _Lines(firm, partner, day_in_month(rng, line, month), amount)
