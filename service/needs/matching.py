"""A stated need matched against the shelf, by what the newest snapshot and the platform know of the firm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from matching.applications.conversion import Cell
from matching.applications.matched import cell_of, matched
from matching.applications.rank import Ranked
from matching.applications.wanted import Wanted
from matching.plausible import check_plausible
from service.books.rulebook import application_rules
from service.market.published import rules_of
from service.needs.outcomes import conversions
from service.needs.platform_facts import platform_facts, with_platform
from service.office import Office
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.list_options import firm_facts


@dataclass(frozen=True)
class Matched:
    """Every lending product the need fits, best first, and what made the firm like others."""

    offers: tuple[Ranked, ...]
    cell: Cell


def match_need(
    office: Office, snapshot: OpenSnapshot, uscc: str, wanted: Wanted, weights: Mapping[str, Decimal], today: date
) -> Matched:
    """The need of a firm against every lending product offered ``today``, asked as of the snapshot's day.

    ``RefusedInput`` for an amount that cannot be meant; ``NotFound`` for a firm no feed has told of.
    """
    facts = firm_facts(snapshot, snapshot.row_of(uscc))
    with office.read() as session:
        known = conversions(session)
        facts = with_platform(facts, platform_facts(session, uscc, snapshot.as_of, facts))
    used = rules_of(office, today)
    check_plausible(wanted.need(wanted.high).facts(), facts, used.facts, snapshot.as_of, field="need")
    shelf, parameters = used.local_offers, used.parameters
    found = matched(facts, wanted, shelf, parameters, snapshot.as_of, known, weights, application_rules())
    return Matched(found, cell_of(facts))
