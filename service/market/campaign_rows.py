"""Stored campaigns: versions, rows and outcomes, read in one transaction; what a lender may know of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import NotFound, RefusedInput
from models.tables import Campaign, CampaignOutcome, CampaignRow, CampaignVersion, ContactPreference, Need
from service.access.auth import Caller
from service.cases.parties import content_digest
from service.market.campaign_market import Granted
from service.market.campaign_spec import CampaignSpec
from service.market.contacts import contacts_of, room

#: States of a row in the order they are reached; declined may follow any but drawn.
STATES = ("listed", "contacted", "in_process", "approved", "drawn")
DECLINED = "declined"


def campaign_of(session: Session, campaign_id: str, *, to_change: bool = False) -> Campaign:
    """The campaign; ``to_change`` holds its row against other writers. ``NotFound`` without it."""
    row = session.get(Campaign, campaign_id, with_for_update=to_change or None)
    if row is None:
        raise unknown_campaign(campaign_id)
    return row


def version_of(session: Session, caller: Caller, campaign_id: str, version: int = 0) -> CampaignVersion:
    """A version as the caller may see it: staff any (0: the newest), a lender published ones (0: the newest of them)
    that have rows of its own. ``NotFound`` for every other.
    """
    query = select(CampaignVersion).where(CampaignVersion.campaign_id == campaign_id)
    if version:
        query = query.where(CampaignVersion.version == version)
    if caller.is_lender:
        query = query.where(CampaignVersion.published_at.is_not(None))
    row = session.scalars(query.order_by(CampaignVersion.version.desc()).limit(1)).one_or_none()
    if row is None or (caller.is_lender and not rows_of(session, row, caller.tenant)):
        raise unknown_campaign(campaign_id)
    return row


def rows_of(session: Session, version: CampaignVersion, lender: str = "") -> Sequence[CampaignRow]:
    """The rows of a version, of one lender where it is named, by product and place."""
    query = select(CampaignRow).where(
        CampaignRow.campaign_id == version.campaign_id, CampaignRow.version == version.version
    )
    if lender:
        query = query.where(CampaignRow.lender == lender)
    return session.scalars(query.order_by(CampaignRow.product, CampaignRow.place)).all()


def digest_of(rows: Sequence[CampaignRow]) -> str:
    """What a lender confirms that it received: its rows, their order and amounts, without who the firms are."""
    return content_digest({"rows": [[row.id, row.product, row.place, row.fen] for row in rows]})


def outcomes_of(session: Session, campaign_id: str) -> dict[str, CampaignOutcome]:
    """The last outcome of each row that has one."""
    query = select(CampaignOutcome).where(CampaignOutcome.campaign_id == campaign_id)
    return {each.row_id: each for each in session.scalars(query.order_by(CampaignOutcome.number))}


@dataclass(frozen=True)
class Inputs:
    """What a list is drawn up from beside the snapshot. ``version``: the campaign's newest, 0 before the first;
    ``caps``: contacts left, by firm that said how many; ``needs``: fen of open needs, by firm."""

    version: int
    granted: tuple[Granted, ...]
    caps: dict[str, int]
    needs: dict[str, int]

    def as_data(self) -> dict[str, Any]:
        """JSON of it."""
        return asdict(self)


def named(spec: CampaignSpec) -> Any:
    """The campaign of the spec's quarter and name."""
    return select(Campaign).where(Campaign.quarter == spec.quarter, Campaign.name == spec.name)


def inputs_of(session: Session, spec: CampaignSpec, today: date) -> Inputs:
    """What the list under ``spec`` is drawn up from ``today``."""
    kept = session.scalars(named(spec)).one_or_none()
    return Inputs(
        kept.version if kept else 0,
        granted_of(session, kept) if kept else (),
        contacts_left(session, today),
        open_needs(session, today),
    )


def granted_of(session: Session, campaign: Campaign) -> tuple[Granted, ...]:
    """Pairs a lender is at work on or has granted: the approved amount, or the one on the list until there is one."""
    live = {key: each for key, each in outcomes_of(session, campaign.id).items() if each.state != DECLINED}
    rows = {row.id: row for row in _versions_rows(session, campaign.id) if row.id in live}
    return tuple(Granted(row.uscc, row.product, live[key].approved_fen or row.fen) for key, row in sorted(rows.items()))


def ids_of(session: Session, campaign_id: str) -> dict[tuple[str, str], str]:
    """The id of each pair (firm, product) that was on any version."""
    return {(row.uscc, row.product): row.id for row in _versions_rows(session, campaign_id)}


def _versions_rows(session: Session, campaign_id: str) -> Sequence[CampaignRow]:
    query = select(CampaignRow).where(CampaignRow.campaign_id == campaign_id)
    return session.scalars(query.order_by(CampaignRow.version)).all()


def contacts_left(session: Session, as_of: date) -> dict[str, int]:
    """By firm that opened itself to contact: how many further lenders it lets in."""
    every = select(ContactPreference).where(
        ContactPreference.open_key.is_not(None), ContactPreference.valid_until >= as_of
    )
    said = {row.firm: row for row in session.scalars(every)}
    made = contacts_of(session, list(said), as_of)
    return {firm: room(row, made[firm], as_of) for firm, row in said.items()}


def open_needs(session: Session, as_of: date) -> dict[str, int]:
    """By firm the most fen it asks for in an open need."""
    query = select(Need.firm, Need.high_fen).where(Need.state == "open", Need.valid_until >= as_of)
    most: dict[str, int] = {}
    for firm, fen in session.execute(query):
        most[firm] = max(fen, most.get(firm, 0))
    return most


def unknown_campaign(campaign_id: str) -> NotFound:
    """The one answer for a campaign that is not there and one that is not for the caller."""
    return NotFound("campaign", campaign_id, "There is no such campaign for you.", "See GET /v1/campaigns.")


def stale(version: int, newest: int) -> RefusedInput:
    """The refusal of a word about a version that is not the newest."""
    return RefusedInput(
        "old_version", "version", version, f"The newest version is {newest}.", "Read it, then say it again.", 409
    )
