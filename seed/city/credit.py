"""Loans, guarantees, pledges, property, rights: the feeds of ``finance.yaml``."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from seed.city.draws import NEVER, Floats, Ints, between
from seed.city.fortunes import NO_MONTH
from seed.city.frames import World, chosen, frame, held, months_later, serial, sums, year_of
from seed.city.loans import Balances, Loans


def credit_feeds(world: World, loans: Loans, owed: Balances) -> dict[str, pa.Table]:
    """Feed id to rows."""
    contracts = np.array(loans.contract_no)
    firm, lender = loans.firm[owed.loan], loans.lender[owed.loan]
    made = {
        "loan_contract": frame(
            world,
            "loan_contract",
            loans.firm,
            contract_no=contracts,
            signed_on=loans.signed_on,
            lender=chosen(loans.lenders, loans.lender),
            lender_kind=np.array(loans.kinds)[loans.lender],
            amount_yuan=loans.amount,
            annual_rate=loans.rate,
            term_months=loans.term,
            settled_on=loans.settled_on,
        ),
        "loan_balance_month": frame(
            world,
            "loan_balance_month",
            firm,
            month=world.line.ends[owed.month],
            lender=chosen(loans.lenders, lender),
            balance_yuan=owed.balance,
            credit_line_yuan=loans.line_yuan[owed.loan],
            five_class=owed.five_class,
        ),
    }
    return (
        made | _guarantees(world, loans, contracts) | _circles(world) | _pledges(world, loans) | _property(world, loans)
    )


def _guarantees(world: World, loans: Loans, contracts: np.ndarray) -> dict[str, pa.Table]:
    """Government-backed guarantees on bank loans, what guarantors paid out, and support already received."""
    rng, own, fate, line = world.stream("guarantees"), world.p["borrowing"], world.fortunes, world.line
    bank = np.array(loans.kinds)[loans.lender] == 0
    backed = np.flatnonzero(
        bank & (loans.amount <= 1e7) & (rng.random(len(loans.firm)) < own["government_guarantee"]["share"])
    )
    firm = loans.firm[backed]
    fee = np.round(between(rng, own["government_guarantee"]["fee"], len(backed)), 4)
    # The guarantor pays about three months after the default.
    default = fate.default[firm]
    struck = (loans.ends_month[backed] == NO_MONTH) & (default < line.length - 4) & ~fate.cured[firm]
    struck &= rng.random(len(backed)) < own["court"]["compensation"]
    paid_on = line.ends[np.minimum(default[struck] + 3, line.length - 1)] - rng.integers(0, 25, int(struck.sum()))
    paid = loans.amount[backed][struck] * 0.8
    recovered = months_later(paid_on, rng.uniform(6, 20, len(paid_on)))
    recovered = np.where(rng.random(len(paid_on)) < own["government_guarantee"]["recovered"], recovered, NEVER)
    granted_firm, granted_on, scheme, contract, amount = _support(world, rng, loans, contracts)
    return {
        "government_guarantee": frame(
            world,
            "government_guarantee",
            firm,
            contract_no=serial("融保", loans.signed_on[backed]),
            signed_on=loans.signed_on[backed],
            guaranteed_yuan=np.round(loans.amount[backed] * 0.8, 2),
            annual_fee_rate=fee,
            ended_on=loans.settled_on[backed],
        ),
        "guarantee_compensation": frame(
            world,
            "guarantee_compensation",
            firm[struck],
            claim_no=serial("融代偿", paid_on),
            paid_on=paid_on,
            amount_yuan=np.round(paid, 2),
            recovered_on=recovered,
        ),
        "support_enjoyed": frame(
            world,
            "support_enjoyed",
            granted_firm,
            grant_no=serial("融贴", granted_on),
            granted_on=granted_on,
            scheme=scheme,
            loan_contract_no=contract,
            amount_yuan=amount,
        ),
    }


def _support(
    world: World, rng: np.random.Generator, loans: Loans, contracts: np.ndarray
) -> tuple[Ints, Ints, list[str], np.ndarray, Floats]:
    own = world.p["borrowing"]["support"]
    draw = rng.random(len(loans.firm))
    bank = np.array(loans.kinds)[loans.lender] == 0
    first = loans.first & bank & (draw < own["first_loan_share"])
    startup = ~first & (draw > 1 - own["startup_share"]) & (loans.amount <= 3e6)
    rows = np.flatnonzero(first | startup)
    granted_on = months_later(loans.signed_on[rows], rng.uniform(3, 9, len(rows)))
    alive = granted_on < world.fortunes.closed_on[loans.firm[rows]]
    rows, granted_on = rows[alive], granted_on[alive]
    # A first-loan subsidy is a scheme of one year: that of the signature.
    years = year_of(loans.signed_on[rows]).tolist()
    scheme = [
        f"{own['first_loan_scheme']}-{year}" if is_first else own["startup_scheme"]
        for year, is_first in zip(years, first[rows].tolist(), strict=True)
    ]
    return loans.firm[rows], granted_on, scheme, contracts[rows], np.round(loans.amount[rows] * own["rate"], 2)


def _circles(world: World) -> dict[str, pa.Table]:
    """Mutual guarantees inside circles, single ones elsewhere, and the circles the office has found."""
    rng, firms, line, fate = world.stream("circles"), world.firms, world.line, world.fortunes
    own = world.p["borrowing"]
    members = np.flatnonzero(fate.circle >= 0)
    members = members[np.argsort(fate.circle[members], kind="stable")]
    numbers = fate.circle[members]
    sizes = np.bincount(numbers, minlength=numbers.max() + 1 if len(numbers) else 0)
    # Each member guarantees the next one; the last one the first.
    first = np.searchsorted(numbers, numbers)
    place = np.arange(len(members))
    follower = np.where(place + 1 < first + sizes[numbers], place + 1, first)
    single = np.flatnonzero(firms.company & (fate.circle < 0) & (rng.random(len(firms)) < own["guarantee_given_share"]))
    beneficiary = rng.choice(np.flatnonzero(firms.company), len(single))
    single, beneficiary = single[beneficiary != single], beneficiary[beneficiary != single]
    firm = np.concatenate([members, single])
    target = np.concatenate([members[follower], beneficiary])
    founded = np.maximum(firms.established[firm], firms.established[target])
    signed = np.maximum(founded + 90, line.window_start - rng.integers(-700, 500, len(firm)))
    ended = months_later(signed, rng.integers(12, 37, len(firm)))
    ended = np.where(np.concatenate([np.zeros(len(members), bool), rng.random(len(single)) < 0.6]), ended, NEVER)
    live = signed < np.minimum(fate.closed_on[firm], fate.closed_on[target]) - 30
    ended = np.where(ended < fate.closed_on[firm], ended, NEVER)
    found = np.zeros(len(sizes), dtype=np.int64)
    np.maximum.at(found, numbers, signed[: len(members)])
    found += rng.integers(own["circles"]["gap_days"][0], own["circles"]["gap_days"][1], len(sizes))
    dissolved = np.where(rng.random(len(sizes)) < 0.15, months_later(found, np.full(len(found), 14)), NEVER)
    shown = found[numbers] < fate.closed_on[members]
    return {
        "external_guarantee": frame(
            world,
            "external_guarantee",
            firm[live],
            guarantee_no=serial("融担", signed[live]),
            signed_on=signed[live],
            beneficiary_code=chosen(firms.uscc, target[live]),
            amount_yuan=sums(rng, firms.revenue[target[live]] * own["amount_of_sales"]["median"], 0.5, int(live.sum())),
            ended_on=ended[live],
        ),
        "guarantee_circle": frame(
            world,
            "guarantee_circle",
            members[shown],
            circle_no=[f"RZQ{number:05d}" for number in numbers[shown]],
            found_on=found[numbers][shown],
            members=sizes[numbers][shown],
            dissolved_on=dissolved[numbers][shown],
        ),
    }


def _pledges(world: World, loans: Loans) -> dict[str, pa.Table]:
    rng, own = world.stream("pledges"), world.p["borrowing"]
    rows = np.flatnonzero(rng.random(len(loans.firm)) < own["movable_pledge_share"])
    factoring = np.array(loans.kinds)[loans.lender[rows]] == 4
    kind = np.where(factoring | (rng.random(len(rows)) < 0.45), 1, 0)
    registered = loans.signed_on[rows] + rng.integers(0, 10, len(rows))
    settled = loans.settled_on[rows]
    released = np.where(settled < NEVER, np.maximum(settled, registered) + rng.integers(5, 40, len(rows)), NEVER)
    return {
        "movable_pledge": frame(
            world,
            "movable_pledge",
            loans.firm[rows],
            registration_no=serial("融动质", registered),
            registered_on=registered,
            kind=kind,
            amount_yuan=np.round(loans.amount[rows] * rng.uniform(0.8, 1.5, len(rows)), -2),
            released_on=released,
        )
    }


def _property(world: World, loans: Loans) -> dict[str, pa.Table]:
    """Buildings, land and their mortgages; patents, marks, copyrights and pledges of rights."""
    rng, firms = world.stream("property"), world.firms
    building, built_on, _ = held(world, rng, "real_estate_building", 0.2)
    land, land_on, _ = held(world, rng, "real_estate_land", 0.2)
    firm, day = np.concatenate([building, land]), np.concatenate([built_on, land_on])
    kind = np.repeat([0, 1], [len(building), len(land)])
    value = sums(rng, np.maximum(firms.revenue[firm] * 0.5, 300_000), 0.5, len(firm))
    sold = months_later(day, rng.uniform(10, 40, len(firm)))
    sold = np.where((rng.random(len(firm)) < 0.06) & (sold < world.fortunes.closed_on[firm]), sold, NEVER)
    borrowing = np.zeros(len(firms), dtype=bool)
    borrowing[loans.firm] = True
    pledged = np.flatnonzero(borrowing[firm] & (rng.random(len(firm)) < world.p["borrowing"]["mortgage_share"]))
    mortgaged_on = day[pledged] + rng.integers(10, 500, len(pledged))
    free = months_later(mortgaged_on, rng.choice([12, 24, 36, 60], len(pledged)))
    keep = mortgaged_on < np.minimum(world.fortunes.closed_on[firm[pledged]], sold[pledged])
    pledged, mortgaged_on, free = pledged[keep], mortgaged_on[keep], free[keep]
    rights = [
        held(world, rng, name) for name in ("invention_patent", "other_patent", "trademark", "copyright", "pledge")
    ]
    right_firm, granted, until = (np.concatenate(column) for column in zip(*rights, strict=True))
    right = np.repeat(np.arange(5), [len(part[0]) for part in rights])
    return {
        "real_estate": frame(
            world,
            "real_estate",
            firm,
            certificate_no=serial("融不动产权", day),
            registered_on=day,
            kind=kind,
            value_yuan=value,
            transferred_on=sold,
        ),
        "real_estate_mortgage": frame(
            world,
            "real_estate_mortgage",
            firm[pledged],
            registration_no=serial("融抵", mortgaged_on),
            registered_on=mortgaged_on,
            secured_yuan=np.round(value[pledged] * rng.uniform(0.4, 0.7, len(pledged)), -3),
            released_on=np.where(free < world.fortunes.closed_on[firm[pledged]], free, NEVER),
        ),
        "intellectual_property": frame(
            world,
            "intellectual_property",
            right_firm,
            right_no=serial("ZL", granted),
            kind=right,
            granted_on=granted,
            expires_on=until,
        ),
    }
