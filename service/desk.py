"""What a route needs at hand: the office, the settings, the snapshot in use, the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from service.access.identity_provider import Discovery
from service.access.seen import SeenCallers
from service.answers.kept import KeptAnswers
from service.clock import day_of, utc_now
from service.integration.addresses import AddressPolicy, shipped_policy
from service.office import Office
from service.settings import Settings
from service.snapshot.shelf import Shelf
from service.web.meter import Meter
from service.web.rate_limits import RateLimits


@dataclass
class Desk:
    """One per running application."""

    office: Office
    settings: Settings
    shelf: Shelf
    rates: RateLimits
    now: Callable[[], datetime] = utc_now
    meter: Meter = field(default_factory=Meter)
    kept: KeptAnswers = field(default_factory=KeptAnswers)
    seen: SeenCallers = field(default_factory=SeenCallers)
    #: The city's identity provider, once somebody came from there.
    discovery: Discovery | None = None
    #: Where webhooks may go; a test puts the address of a server of its own there.
    addresses: AddressPolicy = field(default_factory=shipped_policy)
    #: False from the moment the server begins to stop, so that a balancer sends no new requests.
    is_open: bool = True

    def today(self) -> date:
        """The current day of business."""
        return day_of(self.now())
