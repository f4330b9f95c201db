"""A lender tells what became of a row: contacted, in process, approved, drawn, declined with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.errors import NotFound, RefusedInput
from models.money import parse_yuan, to_fen
from models.tables import CampaignOutcome
from service.access.auth import Action, Caller
from service.answers.campaign import row_answer
from service.audit.journal import record
from service.books.rulebook import application_rules
from service.cases.parties import actor_of, case_event
from service.clock import day_of
from service.market.campaign_rows import DECLINED, STATES, campaign_of, outcomes_of, rows_of, version_of
from service.market.contacts import open_to_contact
from service.office import Office
from service.usecases.contact import contact_firm


@dataclass(frozen=True)
class Told:
    """What a lender says of a row; amounts are yuan as text."""

    state: str
    approved_yuan: str | None = None
    drawn_yuan: str | None = None
    reason: str = ""


def tell_outcome(
    office: Office, caller: Caller, campaign_id: str, row_id: str, said: Told, now: datetime, request_id: str
) -> dict[str, Any]:
    """Add the outcome to the row of the newest published version. The same word again changes nothing.

    States go forward only; ``drawn`` may be told again as more is drawn, up to what was approved. The first contact
    with a firm that is open to it counts against the firm's caps. ``RefusedInput`` (409) for a step back.
    """
    with office.write() as session:
        campaign_of(session, campaign_id, to_change=True)
        version = version_of(session, caller, campaign_id)
        row = next((each for each in rows_of(session, version, caller.tenant) if each.id == row_id), None)
        if row is None:
            raise NotFound("row", row_id, "You have no such row.", "Read the rows again.", "unknown_row")
        before = outcomes_of(session, campaign_id).get(row_id)
        after = _read(said, before)
        known = row.uscc in open_to_contact(session, [row.uscc], caller.tenant, day_of(now))
        if before is not None and _same(before, after):
            return row_answer(row, before, known)
        _check_step(before, after)
        if known and after.state != DECLINED and (before is None or before.state == STATES[0]):
            contact_firm(session, caller, row.uscc, now, request_id)
        after.campaign_id, after.row_id, after.number = campaign_id, row_id, (before.number if before else 0) + 1
        after.told_by, after.told_at = actor_of(caller), now
        session.add(after)
        session.flush()
        detail = {"row": row_id, "number": after.number, "state": after.state}
        record(
            session,
            case_event(caller, Action.TELL_CAMPAIGN_OUTCOME, row.uscc, campaign_id, now, request_id, detail),
        )
        return row_answer(row, after, known)


def _read(said: Told, before: CampaignOutcome | None) -> CampaignOutcome:
    """The outcome as it will be kept; what was approved before stays known."""
    if said.state not in (*STATES[1:], DECLINED):
        raise _refused("state", said.state, f"One of {', '.join((*STATES[1:], DECLINED))}.")
    approved = _fen(said.approved_yuan, "approved_yuan")
    drawn = _fen(said.drawn_yuan, "drawn_yuan")
    if (approved is not None) != (said.state == "approved"):
        raise _refused("approved_yuan", said.approved_yuan, "The amount approved goes with `approved`, and only there.")
    if (drawn is not None) != (said.state == "drawn"):
        raise _refused("drawn_yuan", said.drawn_yuan, "The sum drawn so far goes with `drawn`, and only there.")
    if bool(said.reason) != (said.state == DECLINED):
        raise _refused("reason", said.reason, "A named reason goes with `declined`, and only there.")
    if said.reason:
        application_rules().reason(said.reason)
    if said.state == "drawn":
        approved = before.approved_fen if before else None
    return CampaignOutcome(state=said.state, approved_fen=approved, drawn_fen=drawn, reason=said.reason)


def _same(before: CampaignOutcome, after: CampaignOutcome) -> bool:
    return all(
        getattr(before, name) == getattr(after, name) for name in ("state", "approved_fen", "drawn_fen", "reason")
    )


def _check_step(before: CampaignOutcome | None, after: CampaignOutcome) -> None:
    was = before.state if before else STATES[0]
    if was == DECLINED or (was == "drawn" and after.state != "drawn"):
        raise _step(was, after.state)
    if after.state == DECLINED:
        return
    again = was == after.state == "drawn"
    if not again and STATES.index(after.state) <= STATES.index(was):
        raise _step(was, after.state)
    if after.state == "drawn":
        if was not in ("approved", "drawn") or before is None or before.approved_fen is None:
            raise _step(was, after.state)
        if (after.drawn_fen or 0) > before.approved_fen:
            raise _refused("drawn_yuan", None, "No more is drawn than was approved.")
        if again and (after.drawn_fen or 0) < (before.drawn_fen or 0):
            raise _refused("drawn_yuan", None, "The sum drawn so far does not fall.")


def _fen(text: str | None, field: str) -> int | None:
    if text is None:
        return None
    fen = to_fen(parse_yuan(text, field))
    if fen <= 0:
        raise _refused(field, text, "Above zero.")
    return fen


def _step(was: str, to: str) -> RefusedInput:
    return RefusedInput("step_back", "state", to, f"The row is {was}.", "States go forward.", status=409)


def _refused(field: str, value: object, rule: str) -> RefusedInput:
    return RefusedInput("bad_outcome", field, value, rule, "Correct the outcome.")
