"""What of a firm's profile one viewer may see. Pure; every answer that carries items passes through here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scoring.catalogue import Item
from service.access.auth import Role


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


def disclose(viewer: Role, consent: Consent | None, item: Item) -> Shown:
    """How ``item`` of a firm whose identity the viewer may know is shown.

    The firm itself sees everything. Staff see all but the values of personal items. Lenders see nothing without a
    consent; with one, the items of the dimensions it names, personal ones only if it says so. Others see nothing.
    """
    if viewer is Role.FIRM:
        return Shown.FULL
    if viewer in (Role.OFFICE, Role.APPROVER):
        return Shown.MASKED if item.personal else Shown.FULL
    if viewer in (Role.BANK, Role.GUARANTOR) and consent is not None and item.dimension in consent.dimensions:
        return Shown.MASKED if item.personal and not consent.personal else Shown.FULL
    return Shown.HIDDEN


def may_see_evaluation(viewer: Role, consent: Consent | None, audiences: frozenset[str], personal: bool) -> bool:
    """Whether a viewer who may know the firm sees an evaluation made for ``audiences`` (office, firm, lender).

    One of a person is for staff alone, whatever its audiences: the firm's client may be anybody who works there.
    """
    if viewer in (Role.OFFICE, Role.APPROVER):
        return "office" in audiences
    if personal:
        return False
    if viewer is Role.FIRM:
        return "firm" in audiences
    return viewer in (Role.BANK, Role.GUARANTOR) and consent is not None and "lender" in audiences


def may_know_identity(viewer: Role, consent: Consent | None) -> bool:
    """Whether the viewer may learn code and name of a firm that is not its own."""
    return viewer in (Role.OFFICE, Role.APPROVER) or (viewer in (Role.BANK, Role.GUARANTOR) and consent is not None)


#: Aggregates about firms tell of groups of at least so many.
SMALLEST_GROUP = 5
