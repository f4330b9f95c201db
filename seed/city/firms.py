"""The population: who is registered, where, in what trade, how large, how old, and what lasts about each firm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seed.city import names
from seed.city.codes import FIRST_SERIAL, SPREAD, invent
from seed.city.draws import Flags, Floats, Ints, between, by_key, quota, stream, weighted
from seed.city.parameters import Parameters
from seed.city.timeline import Timeline

#: Order of the declared codes, so that a place here is a place in the feed's list of values.
ENTITIES = ("company", "partnership", "sole_investment", "sole_proprietor", "cooperative", "branch")
OWNERSHIPS = ("private", "state", "foreign", "collective")
STATUSES = ("active", "cancelled", "revoked", "moved_away")
TECHNOLOGY = ("C", "I", "M")
_DAY_OF_YEAR = 365.25


@dataclass(frozen=True)
class Firms:
    """One row per firm in every array, shape (firms,).

    ``established`` is in days since 1970; ``revenue`` is the lasting yearly level in yuan, ``staff`` the lasting
    number of heads, ``quality`` the lasting part of health (standard normal), ``entity``, ``ownership`` places in
    the lists above, ``section`` a place in the sections of ``parameters.yaml``.
    """

    uscc: NDArray[np.str_]
    name: list[str]
    address: list[str]
    entity: Ints
    ownership: Ints
    sections: tuple[str, ...]
    section: Ints
    industry: NDArray[np.str_]
    districts: tuple[str, ...]
    district: Ints
    established: Ints
    revenue: Floats
    staff: Floats
    quality: Floats
    capital: Floats
    borrower: Flags
    general_taxpayer: Flags
    insured: Flags

    def __len__(self) -> int:
        return len(self.uscc)

    @cached_property
    def section_letter(self) -> NDArray[np.str_]:
        return np.array(self.sections)[self.section]

    @cached_property
    def entity_name(self) -> NDArray[np.str_]:
        return np.array(ENTITIES)[self.entity]

    @cached_property
    def sole_proprietor(self) -> Flags:
        return np.asarray(self.entity_name == "sole_proprietor")

    @cached_property
    def company(self) -> Flags:
        return np.asarray(self.entity_name == "company")

    @cached_property
    def technology(self) -> Flags:
        return np.isin(self.section_letter, TECHNOLOGY)

    @cached_property
    def size(self) -> Floats:
        """Revenue against one million yuan, to the power 0.3: how much more a large firm has happen to it."""
        return np.clip((self.revenue / 1e6) ** 0.3, 0.4, 6.0)

    def of_section(self, p: Parameters, name: str) -> Floats:
        """One number of the firm's section, e.g. ``margin``."""
        return np.array([float(p["sections"][letter][name]) for letter in self.sections])[self.section]

    def of_entity(self, values: dict[str, float]) -> Floats:
        """A number by legal form; companies' where the form is not named."""
        return by_key({"other": values["company"], **values}, ENTITIES)[self.entity]


def population(p: Parameters, line: Timeline, size: int, seed: int) -> Firms:
    """Draws the registered firms of the city."""
    rng, own = stream(seed, "population"), p["population"]
    entity_share = own["entity"]
    entity = quota(rng, {name: entity_share[name] for name in ENTITIES}, size)
    sections = tuple(p["sections"])
    sole = entity == ENTITIES.index("sole_proprietor")
    section = np.where(
        sole,
        weighted(rng, [p["sections"][s]["share_sp"] for s in sections], size),
        weighted(rng, [p["sections"][s]["share_co"] for s in sections], size),
    )
    cooperative = entity == ENTITIES.index("cooperative")
    section[cooperative] = sections.index("A")
    industry = np.empty(size, dtype="U5")
    for place, letter in enumerate(sections):
        here = np.flatnonzero(section == place)
        classes = p["sections"][letter]["classes"]
        codes = np.array([letter + code for code in classes])
        industry[here] = codes[weighted(rng, list(classes.values()), len(here))]
    districts = tuple(own["districts"])
    district = weighted(rng, [place["weight"] for place in own["districts"].values()], size)
    district_zh = [own["districts"][districts[place]]["zh"] for place in district]
    village = cooperative & (rng.random(size) < own["village_collective_share"])
    scale = np.array([p["sections"][s]["scale"] for s in sections])[section]
    revenue = _revenue(rng, own["revenue"], entity, scale)
    output = np.array([p["sections"][s]["output"] for s in sections])[section]
    # Small firms sell less per head: the owner counts as one.
    staff = np.maximum(1.0, revenue / output * rng.lognormal(0.1, own["staff_sigma"], size))
    kind = [ENTITIES[place] for place in entity]
    trade = names.trade_names(stream(seed, "names"), p["words"], size)
    style = ["village" if v else k for v, k in zip(village.tolist(), kind, strict=True)]
    capital_sigma, capital_median = own["capital_share"]["sigma"], own["capital_share"]["median"]
    capital = revenue * capital_median * rng.lognormal(0, capital_sigma, size)
    letters = [sections[place] for place in section]
    return Firms(
        uscc=_codes(rng, entity, village, np.array(districts)[district]),
        name=names.firm_names(p["words"], trade, style, letters, district_zh),
        address=names.addresses(stream(seed, "addresses"), p["words"], district_zh),
        entity=entity,
        ownership=_ownership(rng, own, entity, village),
        sections=sections,
        section=section,
        industry=industry,
        districts=districts,
        district=district,
        established=_established(rng, own, line, size),
        revenue=revenue,
        staff=staff,
        quality=rng.standard_normal(size),
        capital=np.round(np.maximum(capital, 10_000), -4),
        borrower=_borrowers(rng, p, entity, revenue),
        general_taxpayer=(revenue > p["tax"]["general_taxpayer_yuan"])
        | (~sole & (rng.random(size) < p["tax"]["general_by_choice"])),
        insured=_insured(rng, p, entity, staff),
    )


def _revenue(rng: np.random.Generator, own: Parameters, entity: Ints, scale: Floats) -> Floats:
    median = np.array([own[name]["median"] for name in ENTITIES], float)[entity]
    sigma = np.array([own[name]["sigma"] for name in ENTITIES], float)[entity]
    level: Floats = np.minimum(median * scale * np.exp(sigma * rng.standard_normal(len(entity))), own["largest"])
    return level


def _codes(rng: np.random.Generator, entity: Ints, village: Flags, region: NDArray[np.str_]) -> NDArray[np.str_]:
    kind = {"sole_proprietor": "92", "cooperative": "93"}
    prefix = np.array([kind.get(name, "91") for name in ENTITIES])[entity]
    prefix = np.where(village, "N2", prefix)
    serials = rng.permutation(len(entity) * SPREAD)[: len(entity)] + FIRST_SERIAL
    return invent([a + b for a, b in zip(prefix.tolist(), region.tolist(), strict=True)], serials)


def _ownership(rng: np.random.Generator, own: Parameters, entity: Ints, village: Flags) -> Ints:
    """Exactly the stated private share: village collectives first, then companies drawn at random."""
    size = len(entity)
    ownership = np.zeros(size, dtype=np.int64)
    ownership[village] = OWNERSHIPS.index("collective")
    other = max(0, round((1 - own["private_share"]) * size) - int(village.sum()))
    companies = np.flatnonzero(entity == ENTITIES.index("company"))
    chosen = rng.permutation(companies)[:other]
    split = own["other_ownership"]
    ownership[chosen] = 1 + quota(rng, {name: split[name] for name in OWNERSHIPS[1:]}, len(chosen))
    return ownership


def _established(rng: np.random.Generator, own: Parameters, line: Timeline, size: int) -> Ints:
    age = own["age_years"]
    years = np.minimum(age["shift"] + rng.exponential(age["mean"], size), age["longest"])
    established = line.window_start - np.round(years * _DAY_OF_YEAR).astype(np.int64)
    entrants = rng.random(size) < own["entrants_share"]
    inside = between(rng, (line.window_start, line.last_day - 60), size).astype(np.int64)
    return np.where(entrants, inside, established)


def _borrowers(rng: np.random.Generator, p: Parameters, entity: Ints, revenue: Floats) -> Flags:
    own, levels = p["borrowing"], p["population"]["revenue"]
    base = by_key(own["has_loan"], ENTITIES)[entity]
    median = np.array([levels[name]["median"] for name in ENTITIES], float)[entity]
    odds = np.log(base / (1 - base)) + own["revenue_effect"] * np.log(revenue / median)
    drawn: Flags = rng.random(len(entity)) < 1 / (1 + np.exp(-odds))
    return drawn


def _insured(rng: np.random.Generator, p: Parameters, entity: Ints, staff: Floats) -> Flags:
    share = by_key(p["operations"]["insured"], ENTITIES)[entity]
    drawn: Flags = (rng.random(len(entity)) < share) & (staff >= 1.5)
    return drawn
