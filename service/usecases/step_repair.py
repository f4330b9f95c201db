"""One step of a repair request; what is granted leaves publicity and use in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.errors import RefusedInput
from models.tables import Repair, RepairStep
from service.access.auth import Action, Caller
from service.answers.repair import repair_answer
from service.audit.journal import record
from service.books.rulebook import repair_rules
from service.books.seedbook import feeds
from service.cases.notices import Correction, make_notices
from service.cases.office_revision import land_revision, revision_id, withdrawn
from service.cases.parties import actor_of, case_event, content_digest, party_of, said_text
from service.cases.rows import is_taken_last
from service.clock import day_of
from service.office import Office
from service.records.firm_records import record_of
from service.usecases.repair import find_repair, steps_of


@dataclass(frozen=True)
class RepairStepAsked:
    """A step with what was said; a review also says whether the duty is done."""

    step: str
    text: str = ""
    duty_done: bool | None = None


def step_repair(
    office: Office, caller: Caller, repair_id: str, asked: RepairStepAsked, now: datetime, request_id: str
) -> dict[str, Any]:
    """Take one step. Granting withdraws the record from today on, tells every lender that read it, and is one
    transaction with both; the next build knows it no longer.

    The step that was taken last, sent again by the same party, changes nothing. Refused: a step that is not open (409),
    a decision by whoever reviewed (403), a repair of what is not known to be made good (409).
    """
    asked = replace(asked, text=said_text(asked.text, "text", required=False))
    with office.read() as session:
        row = find_repair(session, caller, repair_id)
        repeated = _repeated(session, row, caller, asked)
        if not repeated:
            _check(session, row, caller, asked)
    if asked.step == "grant" and not repeated:
        return _grant(office, caller, row, asked, now, request_id)
    with office.write() as session:
        row = find_repair(session, caller, repair_id, lock=True)
        if not _repeated(session, row, caller, asked):
            _take(session, row, caller, asked, now, request_id, {})
        return repair_answer(row, steps_of(session, row.id), party_of(caller), day_of(now))


def _grant(
    office: Office, caller: Caller, row: Repair, asked: RepairStepAsked, now: datetime, request_id: str
) -> dict[str, Any]:
    feed, today = feeds()[row.feed], day_of(now)
    repaired = record_of(office, feed, row.firm, row.record_id)
    # Where the record is out of sight already (a lift, the agency itself), it stays so from the earlier day.
    revision = withdrawn(repaired, min(today, repaired.withdrawn_on or today))
    answer: dict[str, Any] = {}

    def effect(session: Session) -> None:
        locked = find_repair(session, caller, row.id, lock=True)
        locked.batch_id = revision_id(feed, revision, now)
        cause = Correction(row.firm, "repair", row.id, row.feed, since=repaired.first_received_at)
        told = make_notices(session, cause, now)
        _take(session, locked, caller, asked, now, request_id, {"batch_id": locked.batch_id, "told": told})
        answer.update(repair_answer(locked, steps_of(session, locked.id), party_of(caller), today))

    land_revision(office, feed, revision, now, f"repair-{row.id}", effect)
    return answer


def _take(
    session: Session,
    row: Repair,
    caller: Caller,
    asked: RepairStepAsked,
    now: datetime,
    request_id: str,
    detail: dict[str, Any],
) -> None:
    step_to = _check(session, row, caller, asked)
    session.add(
        RepairStep(
            repair_id=row.id,
            number=len(steps_of(session, row.id)) + 1,
            step=asked.step,
            from_stage=row.stage,
            to_stage=step_to,
            at=now,
            actor=actor_of(caller),
            party=party_of(caller),
            text=asked.text,
            content_sha256=_digest(asked),
        )
    )
    if asked.step == "review":
        row.duty_done = asked.duty_done
    if asked.step == "updated":
        row.agency_updated_at = now
    row.stage, row.stage_since = step_to, day_of(now)
    # What was granted stays the one repair of its record; what was rejected or taken back may be asked for anew.
    if repair_rules().procedure.stages[step_to].closed and step_to != "granted":
        row.open_key = None
    said = {"step": asked.step, "to": step_to, **detail}
    record(session, case_event(caller, Action.STEP_REPAIR, row.firm, row.id, now, request_id, said))
    session.flush()


def _check(session: Session, row: Repair, caller: Caller, asked: RepairStepAsked) -> str:
    """The stage the step leads to, once the caller may take it."""
    step = repair_rules().procedure.take(asked.step, row.stage, party_of(caller), late=False)
    if "text" in step.needs:
        said_text(asked.text, "text")
    if ("duty_done" in step.needs) != (asked.duty_done is not None):
        rule = "A review says whether the duty is done; no other step does."
        raise RefusedInput("bad_step", "duty_done", asked.duty_done, rule, "Say true or false with `review` only.")
    if step.another_than:
        before = [each.actor for each in steps_of(session, row.id) if each.step == step.another_than]
        if actor_of(caller) in before:
            raise RefusedInput(
                "same_person",
                "step",
                step.id,
                f"Who took the step `{step.another_than}` does not take this one.",
                "Another person of the office decides.",
                status=403,
            )
    if step.id == "grant" and row.duty_done is not True:
        raise RefusedInput(
            "duty_not_done",
            "step",
            step.id,
            "The review did not find that the duty is done.",
            "Reject the request; the firm may ask again.",
            status=409,
        )
    return step.to


def _repeated(session: Session, row: Repair, caller: Caller, asked: RepairStepAsked) -> bool:
    return is_taken_last(steps_of(session, row.id), party_of(caller), _digest(asked))


def _digest(asked: RepairStepAsked) -> str:
    return content_digest({"step": asked.step, "text": asked.text, "duty_done": asked.duty_done})
