"""Labels, evaluations, promises, complaints, social responsibility: the feeds of ``standing.yaml``."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from models.dates import days
from seed.city.draws import Flags, Floats, Ints, weighted
from seed.city.frames import World, frame, held, months_later, serial, struck, sums
from seed.city.law import ends
from seed.city.timeline import LEAD

_LABELS = ("high_tech", "tech_sme", "young_eagle", "gazelle", "specialised_new", "little_giant", "single_champion")


def standing_feeds(world: World) -> dict[str, pa.Table]:
    """Feed id to rows."""
    return _labels(world) | _evaluations(world) | _promises(world) | _society(world)


def _labels(world: World) -> dict[str, pa.Table]:
    """Technology labels go to companies of the technology sections, better firms first; each lasts three years."""
    rng, own, firms, line = world.stream("labels"), world.p["standing"], world.firms, world.line
    size = len(firms)
    fit = np.exp(0.6 * firms.quality - 0.18) * np.clip(firms.size, 0.5, 2.5)
    parts: list[tuple[Ints, Ints]] = []
    for place, name in enumerate(_LABELS):
        chance = own["label_shares"][name] * fit * (firms.technology & firms.company)
        who = np.flatnonzero(rng.random(size) < chance)
        parts.append((who, np.full(len(who), place)))
    sole = np.flatnonzero(firms.sole_proprietor & (rng.random(size) < own["quality_sole_proprietor"] * fit))
    parts.append((sole, np.full(len(sole), len(_LABELS))))
    firm, label = (np.concatenate(column) for column in zip(*parts, strict=True))
    earliest = np.maximum(firms.established[firm] + 200, line.window_start - 700)
    latest = np.minimum(world.fortunes.closed_on[firm], line.last_day)
    keep = earliest < latest
    firm, label = firm[keep], label[keep]
    granted = np.floor(rng.uniform(earliest[keep], latest[keep])).astype(np.int64)
    # One in two is renewed when its three years end inside the window.
    again = (rng.random(len(firm)) < 0.5) & (granted + 1096 < np.minimum(line.last_day, world.fortunes.closed_on[firm]))
    firm, label = np.concatenate([firm, firm[again]]), np.concatenate([label, label[again]])
    granted = np.concatenate([granted, granted[again] + 1096])
    return {
        "enterprise_label": frame(
            world, "enterprise_label", firm, label=label, granted_on=granted, valid_until=granted + 1095
        )
    }


def _grade(score: Floats, cut: dict[str, float]) -> Ints:
    return np.select([score >= cut["A"], score >= cut["B"], score >= cut["C"]], [0, 1, 2], 3)


def _evaluations(world: World) -> dict[str, pa.Table]:
    """The official grade once a year in June and, for named sections, the industry grade; both see its health."""
    rng, own, firms, fate, line = (
        world.stream("evaluations"),
        world.p["standing"],
        world.firms,
        world.fortunes,
        world.line,
    )
    size = len(firms)
    covered = rng.random(size) < own["public_evaluation"]["coverage"]
    sections = np.isin(firms.section_letter, own["industry_evaluation_sections"])
    industry = sections & (rng.random(size) < own["industry_evaluation_share"])
    publics: list[tuple[Ints, Ints, Ints]] = []
    industries: list[tuple[Ints, Ints, Ints]] = []
    for year in range(int(line.year[LEAD]), line.horizon.year + 1):
        for rows, who, month in ((publics, covered, 6), (industries, industry, 9)):
            day = days(date(year, month, 10))
            place = int(line.month_of(np.array([day]))[0])
            if not line.window_start <= day <= line.last_day - 25:
                continue
            score = fate.health[:, place] + own["public_evaluation"]["noise"] * rng.standard_normal(size)
            firm = np.flatnonzero(who & fate.alive[:, place])
            rows.append(
                (firm, day + rng.integers(0, 18, len(firm)), _grade(score, own["public_evaluation"]["cut"])[firm])
            )
    empty = (np.empty(0, np.int64),) * 3
    p_firm, p_day, p_grade = (np.concatenate(column) for column in zip(*(publics or [empty]), strict=True))
    i_firm, i_day, i_grade = (np.concatenate(column) for column in zip(*(industries or [empty]), strict=True))
    return {
        "public_credit_evaluation": frame(
            world,
            "public_credit_evaluation",
            p_firm,
            evaluated_on=p_day,
            grade=p_grade,
            issuer=[f"{world.p['words']['city']}信用中心"] * len(p_firm),
        ),
        "industry_credit_evaluation": frame(
            world,
            "industry_credit_evaluation",
            i_firm,
            industry=firms.section_letter[i_firm],
            evaluated_on=i_day,
            grade=i_grade,
        ),
    }


def _promises(world: World) -> dict[str, pa.Table]:
    rng, own = world.stream("promises"), world.p["compliance"]["broken_promise"]
    firm, day = struck(world, rng, "credit_promise")
    size = len(firm)
    health = world.fortunes.health[firm, world.line.month_of(day)]
    broken = rng.random(size) < own["share"] * np.exp(-0.8 * np.clip(health, -3, 2))
    pending = ~broken & (rng.random(size) < own["pending"]) & (day > world.line.last_day - 200)
    complained, complained_on = struck(
        world, rng, "consumer_complaint", np.isin(world.firms.section_letter, list("FHOPRK"))
    )
    open_share = np.clip(0.97 + 0.1 * world.fortunes.health[complained, world.line.month_of(complained_on)], 0.4, 0.99)
    closing = ends(world, rng, complained, complained_on, "complaint", 1.0)
    kept_open = rng.random(len(complained)) >= open_share
    return {
        "credit_promise": frame(
            world,
            "credit_promise",
            firm,
            promise_no=serial("融诺", day),
            promised_on=day,
            kind=weighted(rng, [0.6, 0.35, 0.05], size),
            fulfilment=np.where(broken, 2, np.where(pending, 1, 0)),
        ),
        "consumer_complaint": frame(
            world,
            "consumer_complaint",
            complained,
            complaint_no=serial("融诉", complained_on),
            received_on=complained_on,
            prepaid=rng.random(len(complained)) < 0.12,
            closed_on=np.where(kept_open, months_later(complained_on, np.full(len(complained), 60)), closing),
        ),
    }


def _yearly(world: World, rng: np.random.Generator, who: Flags, month: int) -> tuple[Ints, Ints, Ints]:
    """Firm, year and day of a report made once a year in one month."""
    line, fate = world.line, world.fortunes
    parts = []
    for year in range(int(line.year[LEAD]), line.horizon.year + 1):
        first = days(date(year, month, 3))
        if not line.window_start <= first <= line.last_day - 26:
            continue
        firm = np.flatnonzero(who & fate.alive[:, line.month_of(np.array([first]))[0]])
        parts.append((firm, np.full(len(firm), year), first + rng.integers(0, 24, len(firm))))
    if not parts:
        return (np.empty(0, np.int64),) * 3
    firm, years, day = (np.concatenate(column) for column in zip(*parts, strict=True))
    return firm, years, day


def _society(world: World) -> dict[str, pa.Table]:
    rng, own, firms = world.stream("society"), world.p["standing"], world.firms
    size = len(firms)
    firm, year, day = _yearly(world, rng, firms.insured & (rng.random(size) < own["key_group"]), 3)
    giver, given_on = struck(world, rng, "donation", firms.company)
    watched = np.isin(firms.section_letter, own["environment"]["sections"]) & (
        rng.random(size) < own["environment"]["share"]
    )
    e_firm, _, e_day = _yearly(world, rng, watched & ~firms.sole_proprietor, 5)
    health = world.fortunes.health[e_firm, world.line.month_of(e_day)] + 0.6 * rng.standard_normal(len(e_firm))
    l_firm, _, l_day = _yearly(world, rng, firms.insured & (rng.random(size) < own["labour"]), 8)
    labour = world.fortunes.health[l_firm, world.line.month_of(l_day)]
    safe, safe_on, safe_until = held(world, rng, "safety_standardisation")
    return {
        "key_group_employment": frame(
            world,
            "key_group_employment",
            firm,
            year=year,
            reported_on=day,
            persons=np.maximum(1, rng.poisson(0.06 * firms.staff[firm])),
        ),
        "donation": frame(
            world,
            "donation",
            giver,
            donation_no=serial("融捐", given_on),
            donated_on=given_on,
            amount_yuan=sums(rng, np.maximum(500.0, firms.revenue[giver] * 0.0008), 0.8, len(giver)),
        ),
        "environmental_rating": frame(
            world,
            "environmental_rating",
            e_firm,
            rated_on=e_day,
            grade=np.select([health > 1.6, health > 0.5, health > -1.6, health > -2.6], [0, 1, 2, 3], 4),
        ),
        "safety_standardisation": frame(
            world,
            "safety_standardisation",
            safe,
            certificate_no=serial("融安标", safe_on),
            granted_on=safe_on,
            level=weighted(rng, [0.82, 0.16, 0.02], len(safe)),
            valid_until=safe_until,
        ),
        "harmonious_labour": frame(
            world,
            "harmonious_labour",
            l_firm,
            rated_on=l_day,
            grade=np.select([labour > 0.9, labour > -1.5], [0, 1], 2),
        ),
    }
