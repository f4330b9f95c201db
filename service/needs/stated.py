"""A stored need as the rules read it."""

from __future__ import annotations

from matching.applications.wanted import Wanted
from models.tables import Need


def wanted_of(need: Need) -> Wanted:
    """What the firm stated."""
    return Wanted(need.low, need.high, need.term, need.term_unit, need.use, need.security, need.valid_until)
