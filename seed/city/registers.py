"""Registration, people, shareholdings, links and papers: the feeds of ``registration.yaml``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from seed.city import names
from seed.city.codes import FIRST_SERIAL, SPREAD, invent
from seed.city.draws import NEVER, Floats, Ints, whole_between
from seed.city.firms import OWNERSHIPS, STATUSES
from seed.city.fortunes import NO_MONTH
from seed.city.frames import World, chosen, frame, held, months_later, serial, struck
from seed.city.timeline import LEAD

_REASONS = {
    "legal_representative": 0.22,
    "shareholder": 0.20,
    "name": 0.05,
    "address": 0.25,
    "capital": 0.13,
    "other": 0.15,
}


def register_feeds(world: World) -> dict[str, pa.Table]:
    """Feed id to rows."""
    changes_firm, changes_on, subject = _changes(world)
    made = {
        "business_registration": _registration(world, changes_firm, changes_on, subject),
        "registration_change": frame(
            world,
            "registration_change",
            changes_firm,
            change_no=serial("融变", changes_on),
            changed_on=changes_on,
            subject=subject,
        ),
        "registered_person": _people(world, changes_firm, changes_on, subject),
        "shareholder": _shareholders(world),
    }
    return made | _links(world) | _papers(world)


def _recorded(world: World) -> Ints:
    """When the register last renewed a firm's entry before the window: founding, or a later annual report."""
    rng = world.stream("recorded")
    return np.maximum(
        world.firms.established, world.line.window_start - whole_between(rng, (30, 1700), len(world.firms))
    )


def _changes(world: World) -> tuple[Ints, Ints, Ints]:
    rng = world.stream("registration_change")
    firm, day = struck(world, rng, "registration_change")
    # A failing firm changes its representative: the trick named at 002:40.
    health = world.fortunes.health[firm, world.line.month_of(day)]
    subject = np.searchsorted(np.cumsum(list(_REASONS.values())), rng.random(len(firm)) * 0.999)
    subject[(health < -1.5) & (rng.random(len(firm)) < 0.5)] = 0
    later = day > _recorded(world)[firm]
    return firm[later], day[later], subject[later].astype(np.int64)


def _registration(world: World, changes_firm: Ints, changes_on: Ints, subject: Ints) -> pa.Table:
    """One entry per firm, a new one when the name, address or capital changes, and one when it leaves the register."""
    rng, firms, fate = world.stream("business_registration"), world.firms, world.fortunes
    size = len(firms)
    first = _recorded(world)
    entry = np.isin(subject, (2, 3, 4))
    closed = np.flatnonzero(fate.closed_on < NEVER)
    firm = np.concatenate([np.arange(size), changes_firm[entry], closed])
    day = np.concatenate([first, changes_on[entry], fate.closed_on[closed]])
    kind = np.concatenate([np.full(size, -1), subject[entry], np.full(len(closed), -2)])
    order = np.lexsort((day, firm))
    firm, day, kind = firm[order], day[order], kind[order]
    renamed = _running(firm, kind == 2)
    raised = _running(firm, kind == 4)
    status = np.where(kind == -2, fate.status[firm], 0)
    old = [name.replace(world.p["words"]["city"], world.p["words"]["city"] + "新", 1) for name in firms.name]
    former = np.array(old)[firm]
    ever = np.isin(firm, firm[kind == 2])
    current = np.where(ever & (renamed == 0), former, np.array(firms.name)[firm])
    share = world.p["population"]["capital_share"]["paid_in"]
    paid = np.clip(share + 0.3 * rng.standard_normal(size), 0, 1)
    capital = firms.capital[firm] * (1 + 0.5 * raised)
    capital = np.where(firms.sole_proprietor[firm], np.nan, np.round(capital, -4))
    until = months_later(firms.established, np.full(size, 240))
    until = np.where((rng.random(size) < 0.45) & (until > world.line.last_day), until, NEVER)
    scopes = [world.p["words"]["trades"][letter][2] for letter in firms.sections]
    region = [world.p["population"]["districts"][code]["zh"] for code in firms.districts]
    registrars = [f"{world.p['words']['city']}{name}市场监督管理局" for name in region]
    return frame(
        world,
        "business_registration",
        firm,
        recorded_on=day,
        name=pa.array(current),
        former_names=pa.array(former, mask=renamed == 0),
        entity_type=firms.entity[firm],
        ownership=firms.ownership[firm],
        established_on=firms.established[firm],
        status=status,
        registered_capital_yuan=capital,
        paid_in_capital_yuan=np.round(capital * paid[firm], -3),
        address=chosen(firms.address, firm),
        district=chosen(firms.districts, firms.district[firm]),
        business_scope=chosen(scopes, firms.section[firm]),
        industry_code=pa.array(firms.industry[firm]),
        licence_until=until[firm],
        registrar=chosen(registrars, firms.district[firm]),
    )


def _running(firm: Ints, happened: np.ndarray) -> Ints:
    """How often something has happened to the row's firm up to this row; rows are sorted by firm."""
    total = np.cumsum(happened)
    start = np.searchsorted(firm, firm)
    return total - np.where(start > 0, total[start - 1], 0)


def _people(world: World, changes_firm: Ints, changes_on: Ints, subject: Ints) -> pa.Table:
    """Owner or legal representative of every firm, officers of companies, successors after a change."""
    rng, firms = world.stream("registered_person"), world.firms
    size, recorded = len(firms), _recorded(world)
    swap = subject == 0
    _, once = np.unique(changes_firm[swap], return_index=True)
    swapped, swapped_on = changes_firm[swap][once], changes_on[swap][once]
    left = np.full(size, NEVER)
    left[swapped] = swapped_on
    officers = np.repeat(np.flatnonzero(firms.company), rng.integers(1, 4, int(firms.company.sum())))
    controllers = np.flatnonzero(~firms.sole_proprietor & (rng.random(size) < 0.6))
    firm = np.concatenate([np.arange(size), swapped, officers, controllers])
    role = np.concatenate(
        [
            np.zeros(size + len(swapped), dtype=np.int64),
            rng.integers(1, 4, len(officers)),
            np.full(len(controllers), 4),
        ]
    )
    since = np.concatenate([recorded, swapped_on, recorded[officers], recorded[controllers]])
    ended = np.concatenate([left, np.full(len(swapped) + len(officers) + len(controllers), NEVER)])
    people, refs = names.people(rng, world.p["words"], len(firm))
    return frame(
        world, "registered_person", firm, role=role, person_ref=refs, person_name=people, since=since, ended_on=ended
    )


def _shareholders(world: World) -> pa.Table:
    rng, firms = world.stream("shareholder"), world.firms
    owners = np.where(firms.sole_proprietor, 0, 1 + rng.poisson(0.9, len(firms)))
    firm = np.repeat(np.arange(len(firms)), owners)
    people, refs = names.people(rng, world.p["words"], len(firm))
    state, foreign = (firms.ownership[firm] == OWNERSHIPS.index(name) for name in ("state", "foreign"))
    kind = np.where(state, 2, np.where(foreign, 3, np.where(rng.random(len(firm)) < 0.08, 1, 0)))
    title = {1: "控股人", 2: "国有出资人", 3: "境外出资人"}
    city = world.p["words"]["city"]
    holders = [
        person if place == 0 else f"{city}{title[place]}{ref[1:]}"
        for person, ref, place in zip(people, refs, kind.tolist(), strict=True)
    ]
    weight = rng.exponential(1.0, len(firm))
    part: Floats = weight / np.bincount(firm, weight, len(firms))[firm]
    return frame(
        world,
        "shareholder",
        firm,
        holder_ref=[f"H{ref[1:]}" for ref in refs],
        holder_name=holders,
        holder_kind=kind,
        contribution_yuan=np.round(firms.capital[firm] * part, -2),
        since=_recorded(world)[firm],
        ended_on=np.full(len(firm), NEVER),
    )


def _links(world: World) -> dict[str, pa.Table]:
    rng, firms = world.stream("links"), world.firms
    large = firms.company.astype(float)
    branch_firm, branch_on = struck(world, rng, "branch", large)
    invest_firm, invest_on = struck(world, rng, "outward_investment", large)
    target = rng.integers(0, len(firms), len(invest_firm))
    fits = firms.company[target] & (target != invest_firm) & (firms.established[target] < invest_on)
    pair = np.unique(np.stack([invest_firm[fits], target[fits]]), axis=1, return_index=True)[1]
    invest_firm, invest_on, target = invest_firm[fits][pair], invest_on[fits][pair], target[fits][pair]
    pledge_firm, pledge_on = struck(world, rng, "equity_pledge", large)
    return {
        "branch": frame(
            world,
            "branch",
            branch_firm,
            branch_code=_branch_codes(world, branch_firm),
            opened_on=branch_on,
            closed_on=_ending(rng, world, branch_firm, branch_on, 0.15, (6, 30)),
        ),
        "outward_investment": frame(
            world,
            "outward_investment",
            invest_firm,
            investee_code=chosen(firms.uscc, target),
            invested_on=invest_on,
            amount_yuan=np.round(firms.capital[invest_firm] * rng.uniform(0.02, 0.3, len(invest_firm)), -2),
            exited_on=_ending(rng, world, invest_firm, invest_on, 0.10, (6, 30)),
        ),
        "equity_pledge": frame(
            world,
            "equity_pledge",
            pledge_firm,
            pledge_no=serial("融股质", pledge_on),
            registered_on=pledge_on,
            amount_yuan=np.round(firms.capital[pledge_firm] * rng.uniform(0.1, 0.6, len(pledge_firm)), -2),
            released_on=_ending(rng, world, pledge_firm, pledge_on, 0.55, (6, 24)),
        ),
        "related_party_risk": _related_risks(world, invest_firm, target, invest_on),
    }


def _related_risks(world: World, investor: Ints, investee: Ints, invested_on: Ints) -> pa.Table:
    """What befalls a firm one invested in, or a fellow of one's guarantee circle, is a finding about oneself."""
    fate, line = world.fortunes, world.line
    members = np.flatnonzero(fate.circle >= 0)
    mine, other = np.nonzero(fate.circle[members][:, None] == fate.circle[members])
    fellows = mine != other
    firm = np.concatenate([investor, members[mine[fellows]]])
    related = np.concatenate([investee, members[other[fellows]]])
    since = np.concatenate([invested_on, np.full(int(fellows.sum()), line.window_start)])
    revoked = (fate.closed_on[related] < NEVER) & (fate.status[related] == STATUSES.index("revoked"))
    listed = (fate.default[related] < NO_MONTH) & ~fate.cured[related]
    listed_on = line.ends[np.minimum(fate.default[related] + 9, line.length - 1)]
    found = np.maximum(np.where(revoked, fate.closed_on[related], listed_on), since) + 20
    shown = (revoked | listed) & (found < fate.closed_on[firm])
    _, once = np.unique(np.stack([firm[shown], related[shown]]), axis=1, return_index=True)
    rows = np.flatnonzero(shown)[once]
    return frame(
        world,
        "related_party_risk",
        firm[rows],
        related_code=chosen(world.firms.uscc, related[rows]),
        risk_kind=np.where(revoked, 2, 1)[rows],
        found_on=found[rows],
        ended_on=np.full(len(rows), NEVER),
    )


def _branch_codes(world: World, firm: Ints) -> list[str]:
    """Codes of branches, in the firm's own district, after all the serial numbers the population took."""
    prefixes = ["91" + world.firms.districts[place] for place in world.firms.district[firm]]
    codes = invent(prefixes, FIRST_SERIAL + SPREAD * len(world.firms) + np.arange(len(firm)))
    return [str(code) for code in codes]


def _ending(
    rng: np.random.Generator, world: World, firm: Ints, day: Ints, share: float, months: tuple[float, float]
) -> Ints:
    """A later end for a share of the rows, ``NEVER`` for the rest."""
    end = months_later(day, rng.uniform(months[0], months[1], len(day)))
    return np.where((rng.random(len(day)) < share) & (end < world.fortunes.closed_on[firm]), end, NEVER)


def _papers(world: World) -> dict[str, pa.Table]:
    rng, firms, line = world.stream("papers"), world.firms, world.line
    made = {}
    for feed_id, number, prefix in (
        ("discharge_permit", "permit_no", "融环许"),
        ("certification", "certificate_no", "融认"),
        ("production_licence", "licence_no", "融产许"),
        ("licence", "licence_no", "融许"),
        ("qualification", "certificate_no", "融资质"),
    ):
        firm, granted, until = held(world, rng, feed_id)
        size = len(firm)
        extra: dict[str, Any] = {}
        if feed_id == "discharge_permit":
            extra["level"] = np.minimum(2, rng.geometric(0.7, size) - 1)
        elif feed_id == "certification":
            extra["scheme"] = rng.integers(0, 5, size)
        elif feed_id == "licence":
            pool = [f"{world.p['words']['trades'][letter][0]}经营许可" for letter in firms.sections]
            extra["licence_name"] = chosen(pool, firms.section[firm])
        elif feed_id == "qualification":
            pool = [f"{world.p['words']['trades'][letter][0]}资质" for letter in firms.sections]
            extra["kind"] = chosen(pool, firms.section[firm])
            extra["grade"] = np.clip(np.rint(0.2 + firms.size[firm] * 0.9 + rng.normal(0, 0.6, size)), 0, 4).astype(int)
        made[feed_id] = frame(
            world, feed_id, firm, granted_on=granted, valid_until=until, **{number: serial(prefix, granted)}, **extra
        )
    trader = np.flatnonzero(traders(world))
    latest = np.minimum(np.maximum(firms.established[trader] + 60, line.window_start - 900), line.ends[LEAD + 2])
    size = len(trader)
    registered = np.maximum(latest - rng.integers(0, 50, size), firms.established[trader] + 1)
    made["customs_registration"] = frame(
        world,
        "customs_registration",
        trader,
        customs_code=[f"2101QX{number:05d}" for number in range(1, size + 1)],
        registered_on=registered,
        ended_on=np.full(size, NEVER),
    )
    return made


def traders(world: World) -> np.ndarray:
    """Firms that import or export."""
    own, firms = world.p["operations"]["trader"], world.firms
    share = np.array([own.get(letter, own["other"]) for letter in firms.sections])[firms.section]
    lived = firms.established < world.line.window_start - 90
    return (world.stream("traders").random(len(firms)) < share * np.clip(firms.size, 0.3, 3)) & firms.company & lived
