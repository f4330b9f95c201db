"""Which information is about persons. Two kinds, told apart by who the firm is.

* Feeds marked ``personal`` hold persons whatever the firm: its representative, officers and shareholders.
* A sole proprietor (个体工商户) is a person: everything held of it is.

What an officer does for a firm is no personal information (征信业管理条例 Art 13); it stays with the firm's records.
"""

from __future__ import annotations

from scoring.feeds import Feed
from service.books.seedbook import catalogue, feeds
from service.office import Office
from service.records.firm_records import firm_records

REGISTRATION, ENTITY_TYPE, SOLE_PROPRIETOR = "business_registration", "entity_type", "sole_proprietor"


def is_sole_proprietor(office: Office, uscc: str) -> bool | None:
    """What the newest registration record says; ``None`` for a firm without one: unknown."""
    records = firm_records(office, feeds()[REGISTRATION], uscc)
    return None if not records else records[0].content[ENTITY_TYPE] == SOLE_PROPRIETOR


def personal_feeds(sole_proprietor: bool | None) -> list[Feed]:
    """The feeds whose records of the firm are about persons. An unknown firm is not taken for a person."""
    return [feed for feed in feeds().values() if feed.personal or sole_proprietor]


def adverse_feeds() -> list[Feed]:
    """The feeds with something bad in them: an item that counts against the firm is made from it."""
    named = {item.feed for item in catalogue().items.values() if item.direction == "bad"}
    return [feeds()[name] for name in sorted(named)]
