"""Insurance, wages, utilities, orders, trade: the feeds of ``operations.yaml``."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from models.dates import days
from seed.city.draws import Flags, Floats, Ints, between, weighted
from seed.city.frames import World, frame, monthly, months_later, serial, struck, sums
from seed.city.law import ends
from seed.city.registers import traders
from seed.city.timeline import LEAD


def operations_feeds(world: World) -> dict[str, pa.Table]:
    """Feed id to rows."""
    return _employment(world) | _utilities(world) | _orders(world) | _trade(world)


def _trouble(world: World) -> Floats:
    """0 for a firm that pays its bills, 1 for one that no longer can; shape (firms, simulated months)."""
    return np.clip((-1.0 - world.fortunes.health) / 2, 0, 1)


def _missed(world: World, rng: np.random.Generator, firm: Ints, month: Ints, own: dict[str, float]) -> Flags:
    chance = own["base"] + own["distress"] * _trouble(world)[firm, month]
    missed: Flags = rng.random(len(firm)) < chance
    return missed


def _employment(world: World) -> dict[str, pa.Table]:
    rng, own, firms, fate, line = (
        world.stream("employment"),
        world.p["operations"],
        world.firms,
        world.fortunes,
        world.line,
    )
    size = len(firms)
    part = between(rng, own["insured_of_staff"], size)
    wage = firms.of_section(world.p, "wage") * rng.lognormal(0, 0.12, size)
    firm, month = monthly(world, firms.insured)
    insured = np.maximum(1, np.rint(fate.staff[firm, month] * part[firm])).astype(np.int64)
    base = insured * wage[firm] * 1.04 ** ((month - LEAD) // 12)
    fund_firms = firms.insured & (firms.staff >= 5) & (rng.random(size) < own["housing_fund"])
    f_firm, f_month = monthly(world, fund_firms)
    payers = np.maximum(1, np.rint(fate.staff[f_firm, f_month] * part[f_firm] * 0.85)).astype(np.int64)
    p_firm, p_month = monthly(world, firms.insured & (rng.random(size) < own["payroll"]))
    # The year's bonus is paid before Spring Festival.
    bonus = 1 + 0.35 * (line.calendar_month[p_month] == 1)
    pay = fate.staff[p_firm, p_month] * wage[p_firm] * 1.08 * bonus
    made = {
        "social_insurance_month": frame(
            world,
            "social_insurance_month",
            firm,
            month=line.ends[month],
            insured_count=insured,
            contribution_base_yuan=np.round(base, -1),
            paid=~_missed(world, rng, firm, month, own["unpaid"]),
        ),
        "housing_fund_month": frame(
            world,
            "housing_fund_month",
            f_firm,
            month=line.ends[f_month],
            payer_count=payers,
            amount_yuan=np.round(payers * wage[f_firm] * 0.16),
            paid=~_missed(world, rng, f_firm, f_month, own["unpaid"]),
        ),
        "payroll_month": frame(
            world,
            "payroll_month",
            p_firm,
            month=line.ends[p_month],
            on_time=~_missed(world, rng, p_firm, p_month, own["unpaid"]),
            amount_yuan=np.round(pay, 2),
        ),
    }
    years = range(int(line.year[LEAD]), line.horizon.year + 1)
    paid_on = np.array([days(date(year, 9, 10)) for year in years])
    r_firm, r_year = np.nonzero(
        firms.insured[:, None] & (rng.random((size, len(years))) < world.p["standing"]["refund"])
    )
    day = paid_on[r_year] + rng.integers(0, 40, len(r_firm))
    seen = (
        (day >= line.window_start)
        & (day <= line.last_day)
        & (day < fate.closed_on[r_firm])
        & (day > firms.established[r_firm] + 365)
    )
    r_firm, r_year, day = r_firm[seen], r_year[seen], day[seen]
    # Sixty per cent of the unemployment insurance a firm paid in the year before.
    refund = firms.staff[r_firm] * part[r_firm] * wage[r_firm] * 12 * 0.01 * 0.6
    made["job_stabilisation_refund"] = frame(
        world,
        "job_stabilisation_refund",
        r_firm,
        year=np.array(list(years))[r_year],
        paid_on=day,
        amount_yuan=np.round(refund, 2),
    )
    return made


def _utilities(world: World) -> dict[str, pa.Table]:
    rng, own, firms, fate, line = (
        world.stream("utilities"),
        world.p["operations"],
        world.firms,
        world.fortunes,
        world.line,
    )
    size = len(firms)
    ratio = np.clip(fate.sales_ratio, 0.02, 5.0)
    share = firms.of_entity({name: value for name, value in own["power"].items() if name != "yuan"})
    p_firm, p_month = monthly(world, rng.random(size) < share)
    level = firms.revenue / 12 / 1000 * firms.of_section(world.p, "kwh") * rng.lognormal(0, 0.35, size) + 60
    warm = 1 + 0.12 * np.isin(line.calendar_month, (7, 8)) + 0.15 * np.isin(line.calendar_month, (12, 1, 2))
    kwh = level[p_firm] * ratio[p_firm, p_month] ** 0.7 * warm[p_month] * rng.lognormal(0, 0.08, len(p_firm))
    made = {
        "electricity_month": frame(
            world,
            "electricity_month",
            p_firm,
            month=line.ends[p_month],
            kwh=np.round(kwh, 1),
            overdue_yuan=_overdue(world, rng, p_firm, p_month, kwh * own["power"]["yuan"]),
        )
    }
    gas_share = np.array([own["gas"].get(letter, own["gas"]["other"]) for letter in firms.sections])[firms.section]
    for feed_id, chance, per_kwh, yuan in (
        ("water_month", np.full(size, own["water"]), 0.05, 4.2),
        ("gas_month", gas_share, 0.09, 3.6),
    ):
        firm, month = monthly(world, rng.random(size) < chance)
        used = level[firm] * per_kwh * ratio[firm, month] ** 0.5 * rng.lognormal(0, 0.15, len(firm)) + 3
        made[feed_id] = frame(
            world,
            feed_id,
            firm,
            month=line.ends[month],
            cubic_metres=np.round(used, 1),
            overdue_yuan=_overdue(world, rng, firm, month, used * yuan),
        )
    t_firm, t_month = monthly(world, rng.random(size) < own["telecom"])
    h_firm, h_month = monthly(world, rng.random(size) < own["heat"])
    cold = np.isin(line.calendar_month[h_month], (11, 12, 1, 2, 3))
    h_firm, h_month = h_firm[cold], h_month[cold]
    firm, month = np.concatenate([t_firm, h_firm]), np.concatenate([t_month, h_month])
    bill = np.concatenate([50 + 30 * firms.staff[t_firm], 300 + 120 * firms.staff[h_firm]])
    made["telecom_heat_month"] = frame(
        world,
        "telecom_heat_month",
        firm,
        month=line.ends[month],
        kind=np.repeat([0, 1], [len(t_firm), len(h_firm)]),
        overdue_yuan=_overdue(world, rng, firm, month, bill),
    )
    return made


def _overdue(world: World, rng: np.random.Generator, firm: Ints, month: Ints, bill: Floats) -> Floats:
    late = _missed(world, rng, firm, month, world.p["operations"]["bill_overdue"])
    owed: Floats = np.where(late, np.round(bill * rng.uniform(0.6, 1.6, len(firm)), 2), 0.0)
    return owed


def _orders(world: World) -> dict[str, pa.Table]:
    rng, firms = world.stream("orders"), world.firms
    bidder = firms.company & (firms.revenue > 1e6)
    won, won_on = struck(world, rng, "procurement_award", bidder)
    builder = bidder & (firms.section_letter == "E")
    chance = world.p["operations"]["works_rate"] / world.p["events"]["procurement_award"]["rate"]
    built, built_on = struck(world, rng, "procurement_award", builder * chance)
    rated = np.flatnonzero(rng.random(len(built)) < 0.6)
    rated_on = months_later(built_on[rated], rng.uniform(4, 14, len(rated)))
    alive = rated_on < world.fortunes.closed_on[built[rated]]
    rated, rated_on = rated[alive], rated_on[alive]
    owed, owed_on = struck(world, rng, "overdue_to_sme", firms.company)
    named, named_on = struck(world, rng, "receivable_confirmation", firms.company & (firms.revenue > 2e6))

    def part(firm: Ints, share: float, sigma: float = 0.8) -> Floats:
        return sums(rng, firms.revenue[firm] * share, sigma, len(firm))

    def debtors(count: int) -> list[str]:
        return [f"RZZW{number:05d}" for number in rng.integers(1, 400, count)]

    return {
        "procurement_award": frame(
            world,
            "procurement_award",
            won,
            award_no=serial("融采", won_on),
            awarded_on=won_on,
            amount_yuan=part(won, 0.06),
        ),
        "works_award": frame(
            world,
            "works_award",
            built,
            award_no=serial("融建招", built_on),
            awarded_on=built_on,
            amount_yuan=part(built, 0.20),
        ),
        "contract_performance": frame(
            world,
            "contract_performance",
            built[rated],
            contract_no=serial("融履", rated_on),
            rated_on=rated_on,
            rating=weighted(rng, [0.25, 0.55, 0.175, 0.025], len(rated)),
        ),
        "overdue_to_sme": frame(
            world,
            "overdue_to_sme",
            owed,
            claim_no=serial("融欠", owed_on),
            reported_on=owed_on,
            debtor=debtors(len(owed)),
            amount_yuan=part(owed, 0.05),
            paid_on=ends(world, rng, owed, owed_on, "tax", 0.6),
        ),
        "receivable_confirmation": frame(
            world,
            "receivable_confirmation",
            named,
            receivable_no=serial("融确", named_on),
            confirmed_on=named_on,
            debtor=debtors(len(named)),
            amount_yuan=part(named, 0.07),
            settled_on=ends(world, rng, named, named_on, "tax", 0.85),
        ),
    }


def _trade(world: World) -> dict[str, pa.Table]:
    rng, own, firms, fate, line = (
        world.stream("trade"),
        world.p["operations"],
        world.firms,
        world.fortunes,
        world.line,
    )
    size = len(firms)
    exporter = traders(world)
    firm, month = monthly(world, exporter)
    active = rng.random(len(firm)) < 0.75
    firm, month = firm[active], month[active]
    direction = (rng.random(len(firm)) < 0.35).astype(np.int64)
    amount = fate.sales[firm, month] * rng.uniform(0.1, 0.5, size)[firm] * rng.lognormal(0, 0.4, len(firm))
    back = np.flatnonzero((direction == 0) & (rng.random(len(firm)) < 0.7))
    back_on = line.ends[month[back]] + rng.integers(20, 60, len(back))
    keep = back_on < fate.closed_on[firm[back]]
    back, back_on = back[keep], back_on[keep]
    graded = np.flatnonzero(exporter)
    graded_on = line.window_start - rng.integers(10, 700, len(graded))
    graded_on = np.maximum(graded_on, firms.established[graded] + 70)
    # The customs look at two in three again inside the window.
    again = graded[rng.random(len(graded)) < 0.65]
    again_on = rng.integers(line.window_start, line.last_day - 30, len(again))
    again, again_on = again[again_on < fate.closed_on[again]], again_on[again_on < fate.closed_on[again]]
    graded, graded_on = np.concatenate([graded, again]), np.concatenate([graded_on, again_on])
    platform_share = np.array([own["platform"].get(letter, own["platform"]["other"]) for letter in firms.sections])
    online = rng.random(size) < platform_share[firms.section]
    shop, shop_month = monthly(world, online)
    where = rng.integers(0, len(own["platforms"]), size)
    sold = fate.sales[shop, shop_month] * rng.uniform(0.1, 0.7, size)[shop]
    return {
        "customs_trade_month": frame(
            world,
            "customs_trade_month",
            firm,
            month=line.ends[month],
            direction=direction,
            amount_yuan=np.round(amount, 2),
        ),
        "export_tax_refund": frame(
            world,
            "export_tax_refund",
            firm[back],
            refund_no=serial("融退", back_on),
            refunded_on=back_on,
            amount_yuan=np.round(amount[back] * 0.09, 2),
        ),
        "customs_credit": frame(
            world,
            "customs_credit",
            graded,
            rated_on=graded_on,
            grade=np.select([firms.quality[graded] > 1.2, firms.quality[graded] > -2.2], [0, 1], 2),
        ),
        "platform_sales_month": frame(
            world,
            "platform_sales_month",
            shop,
            month=line.ends[shop_month],
            platform=np.array(own["platforms"])[where[shop]],
            amount_yuan=np.round(sold, 2),
        ),
    }
