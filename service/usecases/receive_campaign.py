"""A lender says that it has its rows of a published version."""

from __future__ import annotations

from datetime import datetime

from models.errors import RefusedInput
from models.tables import CampaignReceipt
from service.access.auth import Action, Caller
from service.audit.journal import record
from service.cases.parties import actor_of, case_event
from service.market.campaign_rows import digest_of, rows_of, stale, version_of
from service.office import Office


def receive_campaign(
    office: Office, caller: Caller, campaign_id: str, version: int, rows_sha256: str, now: datetime, request_id: str
) -> bool:
    """Keep the receipt; false if it is there. ``RefusedInput`` (409) for an older version or other rows."""
    with office.write() as session:
        newest = version_of(session, caller, campaign_id)
        if newest.version != version:
            raise stale(version, newest.version)
        if digest_of(rows_of(session, newest, caller.tenant)) != rows_sha256:
            raise RefusedInput(
                "other_rows", "rows_sha256", rows_sha256, "Your rows are others.", "Read them again.", status=409
            )
        if session.get(CampaignReceipt, (campaign_id, version, caller.tenant)) is not None:
            return False
        session.add(
            CampaignReceipt(
                campaign_id=campaign_id,
                version=version,
                lender=caller.tenant,
                content_sha256=rows_sha256,
                received_by=actor_of(caller),
                received_at=now,
            )
        )
        said = {"version": version, "rows_sha256": rows_sha256}
        record(session, case_event(caller, Action.RECEIVE_CAMPAIGN, "", campaign_id, now, request_id, said))
    return True
