"""What of a firm's profile one viewer may see and know. Pure; every answer that tells of items passes through here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scoring.catalogue import Item
from scoring.feeds import Share
from service.access.auth import Role

_STAFF = (Role.OFFICE, Role.APPROVER)
_LENDERS = (Role.BANK, Role.GUARANTOR)


class Shown(StrEnum):
    """``MASKED``: the viewer learns that the item exists and how fresh it is, not its value."""

    FULL = "full"
    MASKED = "masked"
    HIDDEN = "hidden"


@dataclass(frozen=True)
class Consent:
    """A firm's written permission to one lender: which dimensions, and whether personal items are included."""

    dimensions: frozenset[str]
    personal: bool = False


def is_public(item: Item) -> bool:
    """Whether a register that anybody reads says it, of no person."""
    return item.share is Share.PUBLIC and not item.personal


@dataclass(frozen=True)
class Viewer:
    """Who is told of a firm: a role, and for a lender the consent it reads under (``None``: none)."""

    role: Role
    consent: Consent | None = None

    @property
    def knows_identity(self) -> bool:
        """Whether the viewer may learn code and name of a firm that is not its own."""
        return self.role in _STAFF or (self.role in _LENDERS and self.consent is not None)

    def shown(self, item: Item) -> Shown:
        """How ``item`` stands in the profile of a firm whose identity the viewer may know.

        The firm itself sees everything. Staff see all but the values of personal items. Lenders see nothing without a
        consent; with one, the items of the dimensions it names, personal ones only if it says so. Others see nothing.
        """
        if self.role is Role.FIRM:
            return Shown.FULL
        if self.role in _STAFF:
            return Shown.MASKED if item.personal else Shown.FULL
        if self.role in _LENDERS and self.consent is not None and item.dimension in self.consent.dimensions:
            return Shown.MASKED if item.personal and not self.consent.personal else Shown.FULL
        return Shown.HIDDEN

    def knows(self, item: Item) -> bool:
        """Whether an answer that is worked out for this viewer may rest on ``item``.

        What the profile shows in full; for staff also what it masks, since they judge by it without seeing it; for who
        knows the firm also what is public, which the register says as well.
        """
        shown = self.shown(item)
        if shown is Shown.FULL or (shown is Shown.MASKED and self.role in _STAFF):
            return True
        return self.knows_identity and is_public(item)

    def masks(self, item: Item) -> bool:
        """Whether the value of an item that the viewer may know is kept from it all the same."""
        return self.shown(item) is Shown.MASKED

    def sees_evaluation(self, audiences: frozenset[str], personal: bool) -> bool:
        """Whether a viewer who may know the firm sees an evaluation made for ``audiences`` (office, firm, lender).

        One of a person is for staff alone, whatever its audiences: the firm's client may be anybody who works there.
        """
        if self.role in _STAFF:
            return "office" in audiences
        if personal:
            return False
        if self.role is Role.FIRM:
            return "firm" in audiences
        return self.role in _LENDERS and self.consent is not None and "lender" in audiences


#: Aggregates about firms tell of groups of at least so many.
SMALLEST_GROUP = 5
