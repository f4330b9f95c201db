"""The ranking of offers for a need, by weights the firm may change; nothing is kept and nobody is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from matching.applications.rank import read_weights
from matching.applications.wanted import Wanted
from service.answers.need import ranking_answer
from service.books.rulebook import application_rules, facts
from service.clock import day_of
from service.needs.matching import match_need
from service.office import Office
from service.snapshot.snapshots import OpenSnapshot


def rank_offers(
    office: Office, snapshot: OpenSnapshot, uscc: str, wanted: Wanted, weights: Mapping[str, object], now: datetime
) -> dict[str, Any]:
    """Every lending product the need fits, best first, with the points of each criterion and what they rest on."""
    rules = application_rules()
    wanted.check(facts(), day_of(now), rules.longest_valid_days)
    weighed = read_weights(weights, rules.weights)
    found = match_need(office, snapshot, uscc, wanted, weighed, day_of(now))
    return ranking_answer(uscc, snapshot, found.offers, weighed)
