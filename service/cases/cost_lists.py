"""Stored cost lists: their ids, and everything kept about one, read in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from matching.charged_cost import Charge, Confirmation, ConfirmedList, Side
from matching.cost_document import CostDocument, read_document
from models.errors import NotFound
from models.money import from_fen
from models.tables import CostListCharge, CostListConfirmation, CostListFile, CostListVersion
from service.access.auth import Caller, Role
from service.office import Office


def list_id(lender: str, uscc: str, reference: str) -> str:
    """The id of the one list of a lender and a firm under the lender's reference."""
    return "cl_" + sha256(orjson.dumps([lender, uscc, reference])).hexdigest()[:32]


@dataclass(frozen=True)
class KeptList:
    """One cost list with all its versions, oldest first, every confirmation given, and what was charged."""

    file: CostListFile
    versions: tuple[CostListVersion, ...]
    confirmations: tuple[CostListConfirmation, ...]
    charges: tuple[CostListCharge, ...]

    @property
    def current(self) -> CostListVersion:
        """The version that counts; the ones before it are void."""
        return self.versions[-1]

    @cached_property
    def document(self) -> CostDocument:
        """What the current version says."""
        return read_document(self.current.content)

    @property
    def confirmed(self) -> ConfirmedList:
        """The current version's digest with its own confirmations."""
        given = tuple(
            Confirmation(Side(each.side), each.person, each.confirmed_at, each.content_sha256)
            for each in self.confirmations_of(self.file.version)
        )
        return ConfirmedList(self.current.content_sha256, given)

    @property
    def moved(self) -> tuple[Charge, ...]:
        """What was charged, each under the id of its line or under :func:`line_of` what no list named."""
        return tuple(Charge(line_of(each), each.charged_on, from_fen(each.fen)) for each in self.charges)

    def confirmations_of(self, version: int) -> tuple[CostListConfirmation, ...]:
        """The confirmations of one version, in the order they were given."""
        return tuple(each for each in self.confirmations if each.version == version)


def line_of(charge: CostListCharge) -> str:
    """The line a charge belongs to: the item's id, or who charged what. No id has a space in it."""
    return charge.item or f"{charge.charger or charge.charged_by}: {charge.name}"


def read_list(session: Session, wanted: str, *, to_change: bool = False) -> KeptList:
    """Everything kept about one list; ``to_change`` holds its row against other writers. ``NotFound`` without it."""
    file = session.get(CostListFile, wanted, with_for_update=to_change or None)
    if file is None:
        raise unknown_cost_list(wanted)
    versions = select(CostListVersion).where(CostListVersion.list_id == wanted).order_by(CostListVersion.version)
    given = select(CostListConfirmation).where(CostListConfirmation.list_id == wanted)
    charges = select(CostListCharge).where(CostListCharge.list_id == wanted)
    return KeptList(
        file,
        tuple(session.scalars(versions)),
        tuple(session.scalars(given.order_by(CostListConfirmation.version, CostListConfirmation.confirmed_at))),
        tuple(session.scalars(charges.order_by(CostListCharge.charged_on, CostListCharge.seq))),
    )


def check_party(office: Office, caller: Caller, wanted: str) -> None:
    """Raise 404 unless the list exists and the caller is its bank, its firm, or staff."""
    with office.read() as session:
        file = session.get(CostListFile, wanted)
    own = {} if file is None else {Role.BANK: file.lender, Role.FIRM: file.uscc}
    if file is None or not (caller.is_staff or own.get(caller.role) == caller.tenant):
        raise unknown_cost_list(wanted)


def unknown_cost_list(wanted: str) -> NotFound:
    """The one answer for a list that is not there and one the caller has no part in."""
    return NotFound(
        "cost_list",
        wanted,
        "There is no such cost list for you.",
        "See GET /v1/firms/{uscc}/cost-lists.",
        "unknown_cost_list",
    )
