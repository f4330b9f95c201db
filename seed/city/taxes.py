"""Filings, ratings, arrears, statements: the feeds of ``tax.yaml`` but for the invoices."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from models.dates import days
from seed.city.draws import NEVER, Flags, Floats, Ints, weighted
from seed.city.frames import World, frame, serial, struck, sums, year_of
from seed.city.law import ends
from seed.city.timeline import LEAD

_GRADES = {"A": 90, "B": 70, "C": 40}


def tax_feeds(world: World) -> dict[str, pa.Table]:
    """Feed id to rows."""
    late = _late_months(world)
    lost = struck(world, world.stream("abnormal"), "tax_abnormal_household")
    grave = struck(world, world.stream("major_cases"), "major_tax_case", world.firms.company)
    return {
        "tax_filing": _filings(world, late),
        "tax_credit_rating": _ratings(world, late, (lost, grave)),
        "financial_statement": _statements(world),
    } | _arrears(world, lost, grave)


def margins(world: World) -> Floats:
    """Net profit on sales by firm and simulated month."""
    return world.firms.of_section(world.p, "margin")[:, None] + 0.025 * np.clip(world.fortunes.health, -4, 2)


def _late_months(world: World) -> Flags:
    """Months whose filings come late: some firms are careless, failing ones fall behind."""
    rng, own = world.stream("late_filings"), world.p["tax"]["late"]
    careless = rng.random(len(world.firms)) < own["careless_share"]
    trouble = np.clip((-1.2 - world.fortunes.health) / 2, 0, 1)
    chance = np.where(careless, own["careless"], own["base"])[:, None] + own["distress"] * trouble
    late: Flags = rng.random(chance.shape) < chance
    return late


def _filings(world: World, late: Flags) -> pa.Table:
    """VAT monthly (general method) or quarterly, income tax quarterly, other taxes quarterly for sole proprietors."""
    rng, own, firms, fate, line = world.stream("filings"), world.p["tax"], world.firms, world.fortunes, world.line
    quarter = np.isin(line.calendar_month, (3, 6, 9, 12))
    alive = fate.alive.copy()
    alive[:, :LEAD] = False
    quarter_sales = np.stack([fate.sales[:, max(0, m - 2) : m + 1].sum(1) for m in range(line.length)], axis=1)
    general = firms.general_taxpayer[:, None]
    burden = own["vat_burden"] * rng.lognormal(0, 0.25, fate.sales.shape)
    small = np.where(quarter_sales > own["small_scale_free_quarter_yuan"], quarter_sales * own["small_scale_rate"], 0)
    vat = np.where(general, fate.sales * burden, small)
    profit = np.maximum(0, quarter_sales * margins(world))
    large = (firms.revenue > 5e7)[:, None]
    income = profit * np.where(large, own["income_rate"], own["income_rate_small"])
    sole = firms.sole_proprietor[:, None]
    parts = [
        (0, alive & (general | quarter), vat),
        (1, alive & quarter & ~sole, income),
        (2, alive & quarter & sole, quarter_sales * 0.004),
    ]
    made: list[tuple[Ints, Ints, Ints, Floats]] = []
    for number, due, tax in parts:
        who, when = np.nonzero(due)
        made.append((who, when, np.full(len(who), number), np.round(tax[who, when], 2)))
    firm, month, kind, paid = (np.concatenate(column) for column in zip(*made, strict=True))
    # A month that is late for one tax is late for all: the firm's books were not ready.
    return frame(
        world,
        "tax_filing",
        firm,
        month=line.ends[month],
        tax_kind=kind,
        late=late[firm, month],
        paid_yuan=paid,
    )


def _rated_years(world: World) -> list[int]:
    last = world.line.horizon
    newest = last.year - 1 if (last.month, last.day) >= (4, 30) else last.year - 2
    return list(range(int(world.line.year[LEAD]) - 1, newest + 1))


def _ratings(world: World, late: Flags, direct: tuple[tuple[Ints, Ints], ...]) -> pa.Table:
    """The yearly grade: five points off for every late month, some for a failing year; M in the first year.

    ``direct`` are firms and days of what makes a D of that year whatever the points.
    """
    rng, own, firms, line = world.stream("ratings"), world.p["tax"], world.firms, world.line
    rule = own["rating"]
    rated = ~firms.sole_proprietor | (rng.random(len(firms)) < own["rating_sole_proprietor_share"])
    parts = []
    for year in _rated_years(world):
        months = np.flatnonzero(line.year == year)
        lateness = late[:, months].sum(1) * 12 / max(1, len(months)) if len(months) else 0.1
        health = world.fortunes.health[:, months].mean(1) if len(months) else firms.quality
        points = rule["start"] + rule["noise"] * rng.standard_normal(len(firms))
        points += rule["health_effect"] * np.clip(health, -3, 2) - rule["per_late_month"] * lateness
        grade = np.select([points >= _GRADES["A"], points >= _GRADES["B"], points >= _GRADES["C"]], [0, 1, 3], 4)
        for struck_firm, struck_on in direct:
            grade[struck_firm[year_of(struck_on) == year]] = 4
        opened = year_of(firms.established)
        grade = np.where((opened >= year) & (grade < 3), 2, grade)
        firm = np.flatnonzero(rated & (opened <= year))
        day = days(line.horizon.replace(year=year + 1, month=4, day=12)) + rng.integers(0, 16, len(firm))
        keep = day < world.fortunes.closed_on[firm]
        parts.append((firm[keep], np.full(int(keep.sum()), year), day[keep], grade[firm][keep]))
    firm, years, day, grade = (np.concatenate(column) for column in zip(*parts, strict=True))
    return frame(world, "tax_credit_rating", firm, year=years, rated_on=day, grade=grade)


def _arrears(world: World, abnormal: tuple[Ints, Ints], major: tuple[Ints, Ints]) -> dict[str, pa.Table]:
    rng = world.stream("arrears")
    owing, owing_on = struck(world, rng, "tax_arrears_notice")
    (lost, lost_on), (grave, grave_on) = abnormal, major
    return {
        "tax_arrears_notice": frame(
            world,
            "tax_arrears_notice",
            owing,
            notice_no=serial("融欠税", owing_on),
            announced_on=owing_on,
            amount_yuan=sums(rng, np.maximum(world.firms.revenue[owing] * 0.006, 500.0), 0.8, len(owing)),
            settled_on=ends(world, rng, owing, owing_on, "tax", 0.7),
        ),
        "tax_abnormal_household": frame(
            world,
            "tax_abnormal_household",
            lost,
            listed_on=lost_on,
            removed_on=ends(world, rng, lost, lost_on, "tax", 0.5),
        ),
        "major_tax_case": frame(
            world,
            "major_tax_case",
            grave,
            case_no=serial("融税案", grave_on),
            announced_on=grave_on,
            removed_on=np.full(len(grave), NEVER),
        ),
    }


def _statements(world: World) -> pa.Table:
    """Annual statements, and quarterly ones of the year to date; revenue is the year's sales within a few percent."""
    rng, own, firms, fate, line = world.stream("statements"), world.p["tax"], world.firms, world.fortunes, world.line
    size = len(firms)
    files = rng.random(size) < np.where(
        firms.sole_proprietor, own["statements"]["sole_proprietor"], own["statements"]["company"]
    )
    quarterly = files & (rng.random(size) < own["statements"]["quarterly_share"])
    lasting = {
        "assets": own["assets_of_sales"]["median"] * rng.lognormal(0, own["assets_of_sales"]["sigma"], size),
        "leverage": own["leverage"]["mean"]
        + own["leverage"]["sd"] * rng.standard_normal(size)
        - own["leverage"]["quality_effect"] * firms.quality
        + own["leverage"]["borrower"] * firms.borrower,
        "liquid": rng.uniform(0.45, 0.85, size),
        "short": rng.uniform(0.70, 0.98, size),
        "receivable": rng.uniform(0.15, 0.45, size),
        "stock": rng.uniform(0.05, 0.40, size),
    }
    parts = []
    for close in np.flatnonzero(np.isin(line.calendar_month, (3, 6, 9, 12))):
        year_end = line.calendar_month[close] == 12
        months = np.flatnonzero((line.year == line.year[close]) & (np.arange(line.length) <= close))
        if close < LEAD:
            continue
        who = np.flatnonzero(
            (files if year_end else quarterly) & fate.alive[:, close] & (fate.sales[:, months].sum(1) > 0)
        )
        lag = rng.integers(95, 150, len(who)) if year_end else rng.integers(14, 22, len(who))
        lag = np.where(rng.random(len(who)) < 0.03, lag + 40, lag)
        filed = line.ends[close] + lag
        keep = filed < fate.closed_on[who]
        parts.append((who[keep], np.full(int(keep.sum()), close), np.full(int(keep.sum()), len(months)), filed[keep]))
    firm, month, count, filed = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _statement_rows(world, rng, lasting, firm, month, count, filed)


def _statement_rows(
    world: World,
    rng: np.random.Generator,
    lasting: dict[str, Floats],
    firm: Ints,
    month: Ints,
    count: Ints,
    filed: Ints,
) -> pa.Table:
    firms, fate, line, size = world.firms, world.fortunes, world.line, len(firm)
    total = np.cumsum(np.pad(fate.sales, ((0, 0), (1, 0))), axis=1)
    revenue = (total[firm, month + 1] - total[firm, month + 1 - count]) * rng.normal(1.0, 0.02, size)
    profit = revenue * (margins(world)[firm, month] + rng.normal(0, 0.015, size))
    # The balance sheet follows the year's pace, slowly.
    pace = 0.5 * firms.revenue[firm] + 0.5 * revenue * 12 / count
    assets = pace * lasting["assets"][firm] * rng.lognormal(0, 0.05, size)
    trouble = np.clip(-0.5 - fate.health[firm, month], 0, 3)
    leverage = np.clip(lasting["leverage"][firm] + world.p["tax"]["leverage"]["distress"] * trouble, 0.04, 1.6)
    current = assets * lasting["liquid"][firm]
    liabilities = assets * leverage
    known = firms.revenue[firm] > 2e7
    opinion = np.where(known | (rng.random(size) < 0.06), 0, 4)
    opinion = np.where(
        (opinion == 0) & (trouble > 1) & (rng.random(size) < 0.5), weighted(rng, [0, 8, 1, 1], size), opinion
    )
    annual = line.calendar_month[month] == 12
    return frame(
        world,
        "financial_statement",
        firm,
        known_on=filed,
        period_end=line.ends[month],
        period_kind=np.where(annual, 0, 1),
        total_assets_yuan=assets,
        total_liabilities_yuan=liabilities,
        revenue_yuan=np.maximum(revenue, 0),
        net_profit_yuan=profit,
        current_assets_yuan=current,
        current_liabilities_yuan=liabilities * lasting["short"][firm],
        receivables_yuan=current * lasting["receivable"][firm],
        inventory_yuan=current * lasting["stock"][firm],
        operating_cash_flow_yuan=profit + revenue * rng.normal(0.01, 0.03, size) - 0.01 * trouble * revenue,
        audit_opinion=np.where(annual, opinion, -1),
    )
