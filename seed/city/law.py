"""Penalties, inspections, courts and lists: the feeds of ``compliance.yaml``."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from seed.city.courts import court_feeds
from seed.city.draws import NEVER, Ints, weighted, whole_between
from seed.city.frames import World, frame, months_later, serial, struck, sums
from seed.city.loans import Balances, Loans


def compliance_feeds(world: World, loans: Loans, owed: Balances) -> dict[str, pa.Table]:
    """Feed id to rows."""
    return _penalties(world) | _inspections(world) | _lists(world) | court_feeds(world, loans, owed)


def ends(world: World, rng: np.random.Generator, firm: Ints, day: Ints, what: str, share: float = 1.0) -> Ints:
    """When a measure ends: some months on for ``share`` of the rows, not at all once the firm has left."""
    bounds = world.p["compliance"]["close_months"][what]
    end = months_later(day, rng.uniform(bounds[0], bounds[1], len(day))) + 1
    open_end = (rng.random(len(day)) >= share) | (end >= world.fortunes.closed_on[firm])
    return np.where(open_end, NEVER, end)


def _penalties(world: World) -> dict[str, pa.Table]:
    """Penalties of three weights, their publicity, and the repairs that withdraw them."""
    rng, own = world.stream("penalties"), world.p["compliance"]
    firm, day = struck(world, rng, "administrative_penalty")
    size = len(firm)
    severity = weighted(rng, list(own["severity"].values()), size)
    fines = np.array(list(own["fine_median_yuan"].values()))[severity]
    number = serial("融罚", day)
    repair = own["repair"]
    asks = (severity > 0) & (rng.random(size) < repair["share"])
    applied = months_later(day, rng.uniform(repair["after_months"][0], repair["after_months"][1], size))
    accepted = applied + rng.integers(2, 8, size)
    settled = accepted + rng.integers(3, 20, size)
    asks &= applied < world.fortunes.closed_on[firm]
    refused = rng.random(size) < repair["rejected"]
    # Three revisions of one case: applied, accepted, then repaired or rejected.
    rows = np.flatnonzero(asks)
    case, step = np.repeat(rows, 3), np.tile(np.arange(3), len(rows))
    state_on = np.stack([applied, accepted, settled], axis=1)[case, step]
    state = np.where(step < 2, step, np.where(refused[case], 2, 3))
    tax_firm, tax_day = struck(world, rng, "tax_penalty")
    return {
        "administrative_penalty": frame(
            world,
            "administrative_penalty",
            firm,
            document_no=number,
            decided_on=day,
            authority=[f"{world.p['words']['city']}行政执法局"] * size,
            severity=severity,
            criminal=(severity == 2) & (rng.random(size) < 0.01),
            amount_yuan=sums(rng, fines, 0.7, size),
            withdrawn_on=np.where(asks & ~refused, settled + 1, NEVER),
            public_until=months_later(day, np.array(list(own["public_months"].values()))[severity]),
        ),
        "credit_repair": frame(
            world,
            "credit_repair",
            firm[case],
            document_no=number.take(pa.array(case)),
            state=state,
            state_on=state_on,
            revision=step + 1,
        ),
        "tax_penalty": frame(
            world,
            "tax_penalty",
            tax_firm,
            document_no=serial("融税罚", tax_day),
            decided_on=tax_day,
            amount_yuan=sums(rng, 2000.0, 1.0, len(tax_firm)),
            public_until=months_later(tax_day, np.full(len(tax_firm), 12)),
        ),
    }


def _inspections(world: World) -> dict[str, pa.Table]:
    rng, own = world.stream("inspections"), world.p["compliance"]
    coerced, coerced_on = struck(world, rng, "administrative_coercion")
    visited, visited_on = struck(world, rng, "inspection")
    ordered, ordered_on = struck(world, rng, "rectification_order")
    hurt, hurt_on = struck(world, rng, "accident", np.isin(world.firms.section_letter, ["C", "E", "G", "N", "H"]))
    return {
        "administrative_coercion": frame(
            world,
            "administrative_coercion",
            coerced,
            document_no=serial("融强", coerced_on),
            imposed_on=coerced_on,
            lifted_on=ends(world, rng, coerced, coerced_on, "order", 0.8),
        ),
        "inspection": frame(
            world,
            "inspection",
            visited,
            inspection_no=serial("融检", visited_on),
            inspected_on=visited_on,
            result=weighted(rng, list(own["inspection"].values()), len(visited)),
        ),
        "rectification_order": frame(
            world,
            "rectification_order",
            ordered,
            order_no=serial("融改", ordered_on),
            ordered_on=ordered_on,
            completed_on=ends(world, rng, ordered, ordered_on, "order", 0.9),
        ),
        "accident": frame(
            world,
            "accident",
            hurt,
            accident_no=serial("融事", hurt_on),
            occurred_on=hurt_on,
            grade=weighted(rng, list(own["accident"].values()), len(hurt)),
        ),
    }


def _lists(world: World) -> dict[str, pa.Table]:
    rng = world.stream("lists")
    missed, missed_on = struck(world, rng, "abnormal_operation")
    grave, grave_on = struck(world, rng, "serious_violation")
    barred, barred_on = struck(world, rng, "sector_blacklist")
    reasons = ["未按规定公示年度报告", "通过登记的住所无法联系", "公示信息隐瞒真实情况"]
    return {
        "abnormal_operation": frame(
            world,
            "abnormal_operation",
            missed,
            listed_on=missed_on,
            reason=[reasons[place] for place in weighted(rng, [0.6, 0.35, 0.05], len(missed))],
            removed_on=ends(world, rng, missed, missed_on, "abnormal", 0.75),
        ),
        "serious_violation": frame(
            world,
            "serious_violation",
            grave,
            listed_on=grave_on,
            reason=["实施严重违法行为受到较重行政处罚"] * len(grave),
            removed_on=np.full(len(grave), NEVER),
        ),
        "sector_blacklist": frame(
            world,
            "sector_blacklist",
            barred,
            list_kind=whole_between(rng, (0, 5), len(barred)),
            listed_on=barred_on,
            removed_on=ends(world, rng, barred, barred_on, "tax", 0.3),
        ),
    }
