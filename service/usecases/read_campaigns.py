"""Campaigns as their reader may see them: staff all, a lender its own rows of what is published."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from models.tables import Campaign, CampaignReceipt, CampaignVersion
from service.access.auth import Action, Caller
from service.answers.campaign import row_answer, version_answer
from service.audit.journal import record
from service.cases.parties import case_event
from service.clock import day_of
from service.market.campaign_rows import digest_of, outcomes_of, rows_of, version_of
from service.market.contacts import open_to_contact
from service.office import Office


def list_campaigns(office: Office, caller: Caller) -> list[dict[str, Any]]:
    """Each campaign with the version its reader sees, newest quarter first."""
    made = []
    with office.read() as session:
        for campaign in session.scalars(select(Campaign).order_by(Campaign.quarter.desc(), Campaign.name)):
            query = select(CampaignVersion).where(CampaignVersion.campaign_id == campaign.id)
            if caller.is_lender:
                query = query.where(CampaignVersion.published_at.is_not(None))
            version = session.scalars(query.order_by(CampaignVersion.version.desc()).limit(1)).one_or_none()
            mine = rows_of(session, version, caller.tenant if caller.is_lender else "") if version else ()
            if version is not None and (mine or not caller.is_lender):
                made.append(
                    {
                        "id": campaign.id,
                        "quarter": campaign.quarter,
                        "name": campaign.name,
                        "version": version.version,
                        "rows": len(mine),
                        "published_at": version.published_at,
                    }
                )
    return made


def read_campaign(office: Office, caller: Caller, campaign_id: str, version: int = 0) -> dict[str, Any]:
    """One version without its rows; a lender is told of its own rows and receipt alone."""
    with office.read() as session:
        row = version_of(session, caller, campaign_id, version)
        campaign = session.get_one(Campaign, campaign_id)
        mine = rows_of(session, row, caller.tenant if caller.is_lender else "")
        query = select(CampaignReceipt).where(
            CampaignReceipt.campaign_id == campaign_id, CampaignReceipt.version == row.version
        )
        if caller.is_lender:
            query = query.where(CampaignReceipt.lender == caller.tenant)
        receipts = session.scalars(query.order_by(CampaignReceipt.lender)).all()
        return version_answer(
            campaign, row, len(mine), receipts, lender=caller.tenant if caller.is_lender else None,
            rows_sha256=digest_of(mine) if caller.is_lender else None,
        )  # fmt: skip


def read_rows(
    office: Office, caller: Caller, campaign_id: str, version: int, now: datetime, request_id: str
) -> list[dict[str, Any]]:
    """The rows of a version, each with its last outcome.

    A lender sees code and name of the firms that are open to contact by it at this moment; each such firm finds the
    reading in its access log. Everybody else's row is a card.
    """
    with office.write() as session:
        found = version_of(session, caller, campaign_id, version)
        rows = rows_of(session, found, caller.tenant if caller.is_lender else "")
        outcomes = outcomes_of(session, campaign_id)
        codes = {row.uscc for row in rows}
        known = open_to_contact(session, sorted(codes), caller.tenant, day_of(now)) if caller.is_lender else codes
        record(
            session,
            case_event(caller, Action.READ_CAMPAIGN, "", campaign_id, now, request_id, result="allowed"),
            *(
                case_event(caller, Action.READ_CAMPAIGN, uscc, campaign_id, now, request_id, result="allowed")
                for uscc in (sorted(known) if caller.is_lender else ())
            ),
        )
        return [row_answer(row, outcomes.get(row.id), row.uscc in known) for row in rows]
