"""A second person publishes the newest version of a campaign; lenders see it from then on."""

from __future__ import annotations

from datetime import datetime

from models.errors import RefusedInput
from models.tables import CampaignVersion
from service.access.auth import Action, Caller
from service.audit.journal import record
from service.cases.parties import actor_of, case_event
from service.integration.changes import Kind, publish
from service.market.campaign_rows import campaign_of, rows_of, stale
from service.office import Office


def publish_campaign(
    office: Office, caller: Caller, campaign_id: str, version: int, now: datetime, request_id: str
) -> bool:
    """Publish the newest version; false if it is published. ``RefusedInput``: 403 for the person who drew it up, 409
    for a version that is not the newest.
    """
    with office.write() as session:
        campaign = campaign_of(session, campaign_id, to_change=True)
        if version != campaign.version:
            raise stale(version, campaign.version)
        row = session.get_one(CampaignVersion, (campaign_id, version))
        if row.drawn_up_by == actor_of(caller):
            raise RefusedInput(
                "four_eyes",
                "person",
                row.drawn_up_by,
                "Who drew a list up does not publish it.",
                "Ask another person to publish it.",
                status=403,
            )
        if row.published_at is not None:
            return False
        row.published_by, row.published_at = actor_of(caller), now
        for lender in sorted({each.lender for each in rows_of(session, row)}):
            publish(session, lender, Kind.CAMPAIGN_PUBLISHED, campaign_id, now)
        said = {"version": version, "content_sha256": row.content_sha256}
        record(session, case_event(caller, Action.PUBLISH_CAMPAIGN, "", campaign_id, now, request_id, said))
    return True
