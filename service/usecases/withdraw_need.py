"""A firm withdraws its need: nobody is asked again, and whoever was asked is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from matching.applications.rules import FIRM
from models.errors import RefusedInput
from service.access.auth import Action, Caller
from service.audit.journal import record
from service.cases.parties import actor_of, case_event
from service.needs.finding import find_need
from service.needs.lapsing import run_out
from service.needs.moves import OPEN, WITHDRAWN, end_need, withdraw_open
from service.office import Office
from service.snapshot.shelf import Shelf
from service.usecases.read_needs import whole_need


def withdraw_need(
    office: Office, shelf: Shelf, caller: Caller, uscc: str, need_id: str, now: datetime, request_id: str
) -> dict[str, Any]:
    """Withdraw an open need with every application that is not drawn; withdrawing it again changes nothing.

    ``RefusedInput`` (409) for a need that was met or has expired: what is drawn is not taken back.
    """
    run_out(office, now, need_id=need_id)
    with office.write() as session:
        need = find_need(session, uscc, need_id, lock=True)
        if need.state not in (OPEN, WITHDRAWN):
            rule = f"The need is {need.state}."
            raise RefusedInput("need_over", "need_id", need_id, rule, "State another need.", status=409)
        if need.state == OPEN:
            end_need(session, need, WITHDRAWN, now)
            gone = withdraw_open(session, need, FIRM, actor_of(caller), "need_withdrawn", now)
            detail = {"state": WITHDRAWN, "applications": gone}
            record(session, case_event(caller, Action.STATE_NEED, need.firm, need.id, now, request_id, detail))
        return whole_need(session, shelf, caller, need, now)
