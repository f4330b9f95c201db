"""Suits, enforcement and what follows: the court's feeds. A default that is not cured drives most of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from seed.city.draws import NEVER, Floats, Ints, weighted
from seed.city.fortunes import NO_MONTH
from seed.city.frames import World, frame, months_later, serial, struck, sums
from seed.city.loans import Balances, Loans

_CAUSES = ("financial_loan", "private_loan", "contract", "labour", "other")


def court_feeds(world: World, loans: Loans, owed: Balances) -> dict[str, pa.Table]:
    """Feed id to rows."""
    rng, own = world.stream("courts"), world.p["borrowing"]["court"]
    sued, sued_on, amount, closed = _bank_suits(world, rng, loans, owed)
    others, others_on, other_cause = _other_suits(world, rng)
    other_amount = sums(rng, np.maximum(world.firms.revenue[others] * 0.03, 3000.0), 0.8, len(others))
    other_closed = _closing(world, rng, others, others_on)
    plain, plain_on = struck(world, rng, "lawsuit_plaintiff")
    firm = np.concatenate([sued, others, plain])
    filed = np.concatenate([sued_on, others_on, plain_on])
    role = np.repeat([1, 1, 0], [len(sued), len(others), len(plain)])
    cause = np.concatenate([np.zeros(len(sued), np.int64), other_cause, weighted(rng, [0, 2, 7, 0, 1], len(plain))])
    sum_ = np.concatenate(
        [amount, other_amount, sums(rng, np.maximum(world.firms.revenue[plain] * 0.04, 5000.0), 0.8, len(plain))]
    )
    end = np.concatenate([closed, other_closed, _closing(world, rng, plain, plain_on)])
    made = {
        "lawsuit": frame(
            world,
            "lawsuit",
            firm,
            case_no=serial("融民初", filed),
            role=role,
            cause=cause,
            filed_on=filed,
            amount_yuan=sum_,
            closed_on=end,
        )
    }
    # Judgments that are not paid go to enforcement.
    bank = (closed < NEVER) & (rng.random(len(sued)) < own["enforcement"] / own["suit"])
    rest = (other_closed < NEVER) & (rng.random(len(others)) < world.p["compliance"]["suit_to_enforcement"])
    debtor = np.concatenate([sued[bank], others[rest]])
    day = np.concatenate([closed[bank], other_closed[rest]]) + rng.integers(15, 70, len(debtor))
    claim = np.concatenate([amount[bank], other_amount[rest]])
    bad = np.repeat([True, False], [int(bank.sum()), int(rest.sum())])
    keep = day < world.fortunes.closed_on[debtor]
    made |= _enforcement(world, rng, debtor[keep], day[keep], claim[keep], bad[keep])
    return made | _insolvency(world, rng)


def _bank_suits(
    world: World, rng: np.random.Generator, loans: Loans, owed: Balances
) -> tuple[Ints, Ints, Floats, Ints]:
    """Firms the bank sues two to five months after a default that is not cured: firm, day, balance, closing day."""
    own, fate, line = world.p["borrowing"]["court"], world.fortunes, world.line
    size = len(world.firms)
    failed = np.flatnonzero((fate.default < NO_MONTH) & ~fate.cured & (rng.random(size) < own["suit"]))
    day = line.starts[np.minimum(fate.default[failed], line.length - 1)] + rng.integers(60, 160, len(failed))
    open_loan = loans.ends_month == NO_MONTH
    balance = np.bincount(loans.firm[open_loan], loans.amount[open_loan], size)[failed]
    keep = (balance > 0) & (day < fate.closed_on[failed]) & (day >= line.window_start)
    failed, day, balance = failed[keep], day[keep], balance[keep]
    closed = months_later(day, rng.uniform(2, 6, len(day)))
    return failed, day, np.round(balance * 1.05, 2), np.where(closed < fate.closed_on[failed], closed, NEVER)


def _other_suits(world: World, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    firm, day = struck(world, rng, "lawsuit_defendant")
    share = world.p["compliance"]["suit_causes"]
    return firm, day, weighted(rng, [share.get(cause, 0.0) for cause in _CAUSES], len(firm))


def _closing(world: World, rng: np.random.Generator, firm: Ints, day: Ints) -> Ints:
    bounds = world.p["compliance"]["close_months"]["court"]
    end = months_later(day, rng.uniform(bounds[0], bounds[1], len(day)))
    return np.where((end < world.fortunes.closed_on[firm]) & (rng.random(len(day)) < 0.9), end, NEVER)


def _enforcement(
    world: World, rng: np.random.Generator, firm: Ints, day: Ints, amount: Floats, bad: np.ndarray
) -> dict[str, pa.Table]:
    """Cases, and the measures taken in each; a firm that merely lost a suit mostly pays."""
    own = world.p["borrowing"]["court"]
    size = len(firm)
    settles = rng.random(size) < np.where(bad, own["settled"], 0.85)
    closed = months_later(day, np.where(bad, rng.uniform(6, 16, size), rng.uniform(1, 5, size)))
    closed = np.where(settles & (closed < world.fortunes.closed_on[firm]), closed, NEVER)
    number = serial("融执", day)
    made = {
        "enforcement_case": frame(
            world, "enforcement_case", firm, case_no=number, filed_on=day, amount_yuan=amount, closed_on=closed
        )
    }

    def measure(feed_id: str, share: float, days: tuple[int, int], **names: Any) -> None:
        """One measure in a share of the cases; it ends when the case does."""
        begun = day + rng.integers(days[0], days[1], size)
        hit = (rng.random(size) < share * np.where(bad, 1.0, 0.3)) & (
            begun < np.minimum(closed, world.fortunes.closed_on[firm])
        )
        rows = np.flatnonzero(hit)
        ended = np.where(closed[rows] < NEVER, np.maximum(closed[rows], begun[rows]) + 5, NEVER)
        columns: dict[str, Any] = {names["begin"]: begun[rows], names["end"]: ended}
        columns[names["key"]] = (
            serial(names["prefix"], begun[rows]) if names.get("prefix") else number.take(pa.array(rows))
        )
        if names.get("amount"):
            columns[names["amount"]] = np.round(amount[rows] * rng.uniform(0.5, 1.0, len(rows)), 2)
        made[feed_id] = frame(world, feed_id, firm[rows], **columns)

    measure("dishonest_debtor", own["dishonest"], (40, 120), key="case_no", begin="listed_on", end="removed_on")
    measure("consumption_restriction", own["restriction"], (20, 60), key="case_no", begin="imposed_on", end="lifted_on")
    measure(
        "terminated_enforcement",
        own["ended_unpaid"],
        (120, 200),
        key="case_no",
        begin="terminated_on",
        end="restored_on",
        amount="unpaid_yuan",
    )
    measure(
        "asset_seizure",
        own["seizure"],
        (5, 40),
        key="document_no",
        begin="seized_on",
        end="released_on",
        prefix="融封",
        amount="amount_yuan",
    )
    measure(
        "equity_freeze",
        own["freeze"],
        (5, 50),
        key="document_no",
        begin="frozen_on",
        end="released_on",
        prefix="融冻",
        amount="amount_yuan",
    )
    return made


def _insolvency(world: World, rng: np.random.Generator) -> dict[str, pa.Table]:
    own, fate, line = world.p["borrowing"]["court"], world.fortunes, world.line
    failing = (fate.onset < NO_MONTH) & ~fate.recovers & ~world.firms.sole_proprietor
    firm = np.flatnonzero(failing & (rng.random(len(world.firms)) < own["bankruptcy"]))
    day = line.starts[np.minimum(fate.onset[firm], line.length - 1)] + rng.integers(360, 600, len(firm))
    keep = day < fate.closed_on[firm]
    firm, day = firm[keep], day[keep]
    return {
        "bankruptcy_case": frame(
            world,
            "bankruptcy_case",
            firm,
            case_no=serial("融破", day),
            kind=weighted(rng, [0.15, 0.35, 0.5], len(firm)),
            accepted_on=day,
            concluded_on=np.full(len(firm), NEVER),
        )
    }
