"""The city as a whole: one call draws it, and the same call draws the same city."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from models.errors import RefusedInput
from seed.city.credit import credit_feeds
from seed.city.firms import Firms, population
from seed.city.fortunes import Fortunes, live_through
from seed.city.frames import World
from seed.city.invoices import invoice_feed
from seed.city.law import compliance_feeds
from seed.city.loans import Loans, balances, draw_loans
from seed.city.operations import operations_feeds
from seed.city.parameters import Parameters, declared_feeds, parameters
from seed.city.registers import register_feeds
from seed.city.standing import standing_feeds
from seed.city.taxes import tax_feeds
from seed.city.timeline import Timeline, timeline


@dataclass(frozen=True)
class City:
    """The firms, what happened to them, and what each agency would report if nothing went wrong on the way.

    ``tables`` maps every declared feed to its rows, with the helper column ``known_on`` (see ``frames``).
    """

    p: Parameters
    line: Timeline
    firms: Firms
    fortunes: Fortunes
    loans: Loans
    tables: dict[str, pa.Table]
    seed: int


def plan_city(
    firms: int = 2000,
    as_of: date = date(2024, 10, 31),
    months: int = 36,
    seed: int = 7,
    p: Parameters | None = None,
) -> City:
    """Draws a city of ``firms`` firms with ``months`` months of records up to the last month complete on ``as_of``.

    Pure and deterministic: the same arguments give the same bytes. ``p`` replaces ``parameters.yaml``.
    Raises ``RefusedInput`` for fewer than 50 firms, more than 500,000, or a window outside 12 to 60 months.
    """
    if not 50 <= firms <= 500_000:
        raise RefusedInput("bad_city", "firms", firms, "A city has 50 to 500,000 firms.", "Ask for 2000.")
    if not 12 <= months <= 60:
        raise RefusedInput("bad_city", "months", months, "A city has 12 to 60 months of records.", "Ask for 36.")
    own = p or parameters()
    line = timeline(as_of, months)
    people = population(own, line, firms, seed)
    world = World(own, line, people, live_through(own, line, people, seed), declared_feeds(), seed)
    loans = draw_loans(world)
    owed = balances(world, loans)
    tables = (
        register_feeds(world)
        | compliance_feeds(world, loans, owed)
        | tax_feeds(world)
        | invoice_feed(world)
        | operations_feeds(world)
        | credit_feeds(world, loans, owed)
        | standing_feeds(world)
    )
    ordered = {feed_id: tables[feed_id] for feed_id in world.feeds}
    return City(own, line, people, world.fortunes, loans, ordered, seed)
