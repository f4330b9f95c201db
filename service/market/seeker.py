"""Who looks for firms, what for, when: what every search of the market takes along."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.access.auth import Caller
from service.access.key_ring import office_keys
from service.access.opaque import PROSPECT_KEY, office_key
from service.office import Office
from service.snapshot.shelf import Shelf


@dataclass(frozen=True)
class Seeker:
    """``purpose``: as the caller said it, ``None`` when it said nothing."""

    shelf: Shelf
    caller: Caller
    purpose: str | None
    now: datetime
    request_id: str = ""

    @property
    def office(self) -> Office:
        return self.shelf.office

    @property
    def key(self) -> bytes:
        """The office's secret for ids, cursors and what is told of groups."""
        return office_key(self.office.home)

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The secret in use and those before it: ids are opened with any of them."""
        return office_keys(self.office.home, PROSPECT_KEY)
