"""What happens to each firm month by month: health, distress, default, closing, sales, staff.

Health drives everything the agencies later report, so the feeds agree with one another: sales fall, bills and
insurance go unpaid, filings come late, the bank reclassifies the loan, the court follows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seed.city.draws import NEVER, Flags, Floats, Ints, between, quota, stream, whole_between
from seed.city.firms import STATUSES, Firms
from seed.city.parameters import Parameters
from seed.city.timeline import LEAD, Timeline

#: A month that does not come.
NO_MONTH = np.int64(100_000)


@dataclass(frozen=True)
class Fortunes:
    """Arrays of shape (firms, LEAD + delivered months) unless named otherwise.

    ``health`` 0 is ordinary; ``sales`` yuan in the month; ``staff`` heads; ``alive`` registered for the whole month.
    Per firm: ``onset`` and ``default`` months (``NO_MONTH`` if none), ``recovers`` and ``cured`` flags, ``closed_on``
    day (``NEVER``) and ``status`` place; ``circle`` number of the guarantee circle, -1 if none.
    """

    health: Floats
    sales: Floats
    staff: Ints
    alive: Flags
    onset: Ints
    recovers: Flags
    default: Ints
    cured: Flags
    closed_on: Ints
    status: Ints
    circle: Ints

    @property
    def delivered_alive(self) -> Flags:
        return self.alive[:, LEAD:]

    @property
    def delivered_health(self) -> Floats:
        return self.health[:, LEAD:]

    @property
    def sales_ratio(self) -> Floats:
        """Smoothed sales of each month against the firm's mean month, shape of ``sales``."""
        level = np.where(self.alive, self.sales, 0).sum(1) / np.maximum(1, self.alive.sum(1))
        ratio: Floats = smoothed(self.sales, 3) / np.maximum(level, 1.0)[:, None]
        return ratio


def smoothed(series: Floats, months: int) -> Floats:
    """Mean of each month and the ``months - 1`` before it."""
    total = np.cumsum(np.pad(series, ((0, 0), (1, 0))), axis=1)
    places = np.arange(1, series.shape[1] + 1)
    before = np.maximum(places - months, 0)
    mean: Floats = (total[:, places] - total[:, before]) / (places - before)
    return mean


def live_through(p: Parameters, line: Timeline, firms: Firms, seed: int) -> Fortunes:
    """Draws the fate of every firm."""
    rng = stream(seed, "fortunes")
    circle = _circles(rng, p["borrowing"]["circles"], firms)
    onset, recovers = _distress(rng, p, line, firms, circle)
    default, cured = _defaults(rng, p["fortunes"]["default"], line, firms, onset)
    # A default nobody saw coming pulls the firm down from that day.
    onset = np.where((onset == NO_MONTH) & (default < NO_MONTH), default, onset)
    recovers = np.where(cured, True, recovers & (default == NO_MONTH))
    health = _health(rng, p["fortunes"], line, firms, onset, recovers)
    closed_on, status = _closings(rng, p["population"], line, firms, onset, recovers)
    alive = (firms.established[:, None] <= line.starts) & (closed_on[:, None] > line.ends)
    sales = _sales(rng, p, line, firms, health, alive)
    own = p["fortunes"]["staff"]
    ratio = smoothed(sales, own["smoothing_months"]) / np.maximum(firms.revenue[:, None] / 12, 1.0)
    heads = firms.staff[:, None] * np.clip(ratio, 0.02, 20.0) ** own["sales_elasticity"]
    staff = np.where(alive, np.maximum(1, np.round(heads)), 0).astype(np.int64)
    return Fortunes(health, sales, staff, alive, onset, recovers, default, cured, closed_on, status, circle)


def _circles(rng: np.random.Generator, own: Parameters, firms: Firms) -> Ints:
    """Neighbouring borrowers of one district who guarantee each other."""
    circle = np.full(len(firms), -1, dtype=np.int64)
    candidates = rng.permutation(np.flatnonzero(firms.borrower & firms.company))
    candidates = candidates[: round(own["share_of_borrowers"] * firms.borrower.sum())]
    candidates = candidates[np.argsort(firms.district[candidates], kind="stable")]
    place = number = 0
    while place + own["members"][0] <= len(candidates):
        members = int(rng.integers(own["members"][0], own["members"][1] + 1))
        if len(candidates) - place >= own["members"][0]:
            circle[candidates[place : place + members]] = number
        place += members
        number += 1
    return circle


def _distress(
    rng: np.random.Generator, p: Parameters, line: Timeline, firms: Firms, circle: Ints
) -> tuple[Ints, Flags]:
    own = p["fortunes"]["distress"]
    rate = own["monthly_rate"] * np.exp(-own["quality_effect"] * firms.quality) * firms.of_section(p, "risk")
    wait = np.floor(rng.exponential(1.0, len(firms)) / rate).astype(np.int64)
    first = np.maximum(0, line.month_of(firms.established)) + np.where(firms.established > line.starts[0], 4, 0)
    onset = np.where(first + wait < line.length, first + wait, NO_MONTH)
    lag = whole_between(rng, (2, 7), len(firms))
    follows = rng.random(len(firms)) < own["circle_contagion"]
    for number in range(circle.max() + 1):
        members = np.flatnonzero(circle == number)
        start = onset[members].min()
        hit = members[follows[members] & (onset[members] == NO_MONTH)]
        onset[hit] = np.where(start + lag[hit] < line.length, start + lag[hit], NO_MONTH)
    return onset, rng.random(len(firms)) < own["recovery_share"]


def _defaults(
    rng: np.random.Generator, own: Parameters, line: Timeline, firms: Firms, onset: Ints
) -> tuple[Ints, Flags]:
    size = len(firms)
    after = onset + whole_between(rng, own["after_onset_months"], size)
    falls = firms.borrower & (rng.random(size) < own["share_of_distressed_borrowers"])
    default = np.where(falls & (after < line.length), after, NO_MONTH)
    sudden = np.floor(rng.exponential(1 / own["sudden_monthly_rate"], size)).astype(np.int64)
    founded = line.month_of(firms.established)
    sudden = np.where(firms.borrower & (sudden < line.length) & (sudden > founded + 8), sudden, NO_MONTH)
    default = np.where(default == NO_MONTH, np.where(onset == NO_MONTH, sudden, NO_MONTH), default)
    return default, (rng.random(size) < own["cured_share"]) & (default < NO_MONTH)


def _health(
    rng: np.random.Generator, own: Parameters, line: Timeline, firms: Firms, onset: Ints, recovers: Flags
) -> Floats:
    size, length = len(firms), line.length
    drift = _drift(rng, own["drift"], size, length)
    sections = _drift(rng, own["section_drift"], len(firms.sections), length)
    health = own["quality_weight"] * firms.quality[:, None] + drift + sections[firms.section]
    trouble = own["distress"]
    depth, fall = between(rng, trouble["depth"], size), between(rng, trouble["fall_months"], size)
    back = between(rng, trouble["recovery_months"], size)
    months = np.arange(length)
    since = np.where(onset[:, None] < NO_MONTH, months - onset[:, None], -1).astype(float)
    down = np.clip(since / fall[:, None], 0, 1)
    up = np.where(recovers[:, None], np.clip((since - fall[:, None] - 2) / back[:, None], 0, 1), 0)
    fallen: Floats = health - depth[:, None] * np.maximum(down - up, 0)
    return fallen


def _drift(rng: np.random.Generator, own: Parameters, size: int, length: int) -> Floats:
    """A first-order autoregression per row, started in its long-run state."""
    shocks: Floats = own["shock"] * rng.standard_normal((size, length))
    shocks[:, 0] /= np.sqrt(1 - own["persistence"] ** 2)
    for month in range(1, length):
        shocks[:, month] += own["persistence"] * shocks[:, month - 1]
    return shocks


def _closings(
    rng: np.random.Generator, own: Parameters, line: Timeline, firms: Firms, onset: Ints, recovers: Flags
) -> tuple[Ints, Ints]:
    """Exactly the stated share leaves the register inside the window; failing firms are likeliest."""
    size = len(firms)
    count = round(own["not_live_share"] * size)
    earliest = np.maximum(line.starts[LEAD + 3], firms.established + 200)
    lost = (onset < line.length - 12) & ~recovers
    earliest = np.where(lost, np.maximum(earliest, line.starts[np.minimum(onset, line.length - 13) + 12]), earliest)
    # Firms in trouble stay registered until it has run its course.
    weight = np.where(lost, 9.0, np.where(onset < NO_MONTH, 0.0, 1.0)) * (earliest < line.last_day)
    # Weighted choice without replacement: the smallest exponential waits win.
    wait = np.where(weight > 0, rng.exponential(1.0, size) / np.maximum(weight, 1e-9), np.inf)
    gone = np.argsort(wait, kind="stable")[:count]
    status = np.zeros(size, dtype=np.int64)
    status[gone] = 1 + quota(rng, {name: own["not_live"][name] for name in STATUSES[1:]}, count)
    closed_on = np.full(size, NEVER)
    closed_on[gone] = np.floor(rng.uniform(earliest[gone], line.last_day)).astype(np.int64)
    return closed_on, status


def _sales(
    rng: np.random.Generator, p: Parameters, line: Timeline, firms: Firms, health: Floats, alive: Flags
) -> Floats:
    own = p["fortunes"]["sales"]
    size, months = len(firms), line.length
    growth = own["growth"]
    yearly = growth["mean"] + growth["quality_effect"] * firms.quality + growth["sd"] * rng.standard_normal(size)
    years = (np.arange(months) - LEAD) / 12
    city = np.array(own["city_growth"])[np.clip(years.astype(int), 0, len(own["city_growth"]) - 1)]
    season = np.array(own["month_factors"])[line.calendar_month - 1]
    festival = 1 - firms.of_section(p, "festival")[:, None] * line.festival
    cold = np.isin(line.calendar_month, (12, 1, 2))
    winter = 1 - firms.of_section(p, "winter")[:, None] * cold
    noise = firms.of_entity(own["noise"])[:, None] * rng.standard_normal((size, months))
    level = city + yearly[:, None] * years + own["health_effect"] * health + noise
    # A young firm needs a year to reach its level.
    age = np.clip((line.ends - firms.established[:, None]) / 365.0, 0.0, 1.0)
    sales = (
        firms.revenue[:, None] / 12 * np.exp(np.clip(level, -4, 3)) * season * festival * winter * (0.25 + 0.75 * age)
    )
    return np.where(alive, sales, 0.0)
