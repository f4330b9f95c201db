"""One side's word on the current version of a cost list."""

from __future__ import annotations

from datetime import datetime

from matching.charged_cost import Confirmation, Side
from models.tables import CostListConfirmation
from service.access.auth import Action
from service.audit.journal import record
from service.audit.told import told
from service.cases.cost_lists import read_list
from service.integration.changes import Kind, publish
from service.office import Office


def confirm_cost_list(
    office: Office, wanted: str, side: Side, person: str, content_sha256: str, by: str, now: datetime
) -> bool:
    """Record that ``person`` confirms for ``side`` what ``content_sha256`` is the digest of; false if it is there.

    ``by`` is the client that says so. The same confirmation again changes nothing, its first moment stands.
    ``RefusedInput`` (409): ``other_list`` for another content or an earlier version, ``confirmed_before`` where
    another person has confirmed for this side.
    """
    given = Confirmation(side, person.strip(), now, content_sha256)
    with office.write() as session:
        kept = read_list(session, wanted, to_change=True)
        confirmed = kept.confirmed
        said = {(each.side, each.name, each.digest) for each in confirmed.confirmations}
        if (given.side, given.name, given.digest) in said:
            return False
        confirmed.with_confirmation(given)
        session.add(
            CostListConfirmation(
                list_id=wanted,
                version=kept.file.version,
                side=side.value,
                person=given.name,
                content_sha256=given.digest,
                confirmed_at=now,
                entered_by=by,
            )
        )
        for tenant in (kept.file.uscc, kept.file.lender):
            publish(session, tenant, Kind.COST_LIST_CONFIRMED, wanted, now)
        said = {"side": side.value, "version": kept.file.version, "content_sha256": given.digest}
        record(session, told(Action.CONFIRM_COST_LIST, now, kept.file.uscc, wanted, detail=said))
    return True
