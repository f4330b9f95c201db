"""What came of a campaign: contacted, approved, drawn, to the yuan; by lender, product, district and size class."""

from __future__ import annotations

from typing import Any

from service.access.auth import Caller
from service.answers.campaign import report_answer
from service.market.campaign_rows import outcomes_of, rows_of, version_of
from service.office import Office


def report_campaign(office: Office, caller: Caller, campaign_id: str, version: int = 0) -> dict[str, Any]:
    """The figures of a version; a lender's are those of its own rows."""
    with office.read() as session:
        found = version_of(session, caller, campaign_id, version)
        rows = rows_of(session, found, caller.tenant if caller.is_lender else "")
        figures = report_answer(rows, outcomes_of(session, campaign_id))
        return {"id": campaign_id, "version": found.version, "published_at": found.published_at, **figures}
