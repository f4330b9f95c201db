"""One step of an objection: by the office, the agency or the firm, in the order the procedure says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from matching.procedure import Step
from models.errors import RefusedInput
from models.tables import Batch, Objection, ObjectionStep
from service.access.auth import Action, Caller
from service.answers.objection import agency_answer, objection_answer
from service.audit.journal import record
from service.books.rulebook import objection_rules, working_days
from service.books.seedbook import catalogue, feeds
from service.cases.notices import Correction, make_notices
from service.cases.office_revision import land_revision, revision_id, withdrawn
from service.cases.parties import actor_of, case_event, content_digest, party_of, said_text
from service.cases.rows import is_taken_last
from service.clock import day_of
from service.office import Office
from service.records import lake
from service.records.firm_records import record_of, revisions_of
from service.usecases.objection import find_objection, steps_of


@dataclass(frozen=True)
class StepAsked:
    """A step with what was said. A correction names the ``batch_id`` of the agency's delivery, or ``withdraw``: the
    office takes the contested record out itself."""

    step: str
    text: str = ""
    batch_id: str = ""
    withdraw: bool = False


@dataclass(frozen=True)
class _Corrected:
    """What is known from ``at`` on is right; ``since``: when what was wrong arrived, ``None`` for a whole item."""

    at: datetime
    since: datetime | None


def step_objection(
    office: Office, caller: Caller, objection_id: str, asked: StepAsked, now: datetime, request_id: str
) -> dict[str, Any]:
    """Take one step; the case, the journal, a correction and the notices of it change in one transaction.

    The step that was taken last, sent again by the same party, changes nothing. ``RefusedInput`` (409) for a step that
    is not open.
    """
    asked = replace(asked, text=said_text(asked.text, "text", required=False))
    with office.read() as session:
        row = find_objection(session, caller, objection_id)
        repeated = _repeated(session, row, caller, asked)
    corrected = None
    if not repeated:
        _check_step(row, caller, asked, now)
        if asked.withdraw:
            return _withdraw(office, caller, row, asked, now, request_id)
        if asked.step == "correct":
            corrected = _corrected_by(office, row, asked)
    with office.write() as session:
        row = find_objection(session, caller, objection_id, lock=True)
        if not _repeated(session, row, caller, asked):
            _take(session, row, caller, asked, now, request_id, corrected)
        return objection_answer(row, steps_of(session, row.id), party_of(caller), day_of(now))


def _withdraw(
    office: Office, caller: Caller, row: Objection, asked: StepAsked, now: datetime, request_id: str
) -> dict[str, Any]:
    """The correction that the office enters: the record leaves, counted from the day it was observed."""
    if party_of(caller) != "office" or not row.record_id or asked.batch_id:
        raise RefusedInput(
            "bad_correction",
            "withdraw",
            asked.withdraw,
            "The office withdraws a record that the objection names; all else is corrected by a batch.",
            "Name the batch_id of the agency's delivery.",
        )
    feed = feeds()[row.feed]
    wrong = record_of(office, feed, row.firm, row.record_id)
    # A record that should never have been there leaves from its first day, not from today.
    revision = withdrawn(wrong, wrong.observed_on)
    said = replace(asked, batch_id=revision_id(feed, revision, now))
    answer: dict[str, Any] = {}

    def effect(session: Session) -> None:
        locked = find_objection(session, caller, row.id, lock=True)
        _take(session, locked, caller, said, now, request_id, _Corrected(now, wrong.first_received_at))
        answer.update(objection_answer(locked, steps_of(session, locked.id), party_of(caller), day_of(now)))

    land_revision(office, feed, revision, now, f"objection-{row.id}", effect)
    return answer


def _take(
    session: Session,
    row: Objection,
    caller: Caller,
    asked: StepAsked,
    now: datetime,
    request_id: str,
    corrected: _Corrected | None,
) -> None:
    """Write the step down and move the case."""
    step = _check_step(row, caller, asked, now)
    rules, today = objection_rules(), day_of(now)
    ended = rules.stage_clock(row.stage, row.stage_since, day_of(row.filed_at), working_days())
    detail: dict[str, Any] = {}
    if step.id == "inquire":
        detail["letter"] = _letter(row, today)
    if corrected:
        detail["batch_id"] = asked.batch_id
        row.corrected_at = corrected.at
        cause = Correction(row.firm, "correction", row.id, row.feed, row.item, corrected.since)
        detail["told"] = make_notices(session, cause, now)
    if step.id == "state":
        row.statement = asked.text
    before = steps_of(session, row.id)
    session.add(
        ObjectionStep(
            objection_id=row.id,
            number=len(before) + 1,
            step=step.id,
            from_stage=row.stage,
            to_stage=step.to,
            at=now,
            due=ended.due,
            actor=actor_of(caller),
            party=party_of(caller),
            text=asked.text,
            content_sha256=_digest(asked),
            detail=detail,
        )
    )
    to = rules.procedure.stages[step.to]
    row.stage, row.stage_since, row.marked = to.id, today, to.marked
    if to.closed:
        row.open_key = None
    said = {"step": step.id, "to": to.id} | {name: detail[name] for name in ("batch_id", "told") if name in detail}
    record(session, case_event(caller, Action.STEP_OBJECTION, row.firm, row.id, now, request_id, said))
    session.flush()


def _check_step(row: Objection, caller: Caller, asked: StepAsked, now: datetime) -> Step:
    rules = objection_rules()
    clock = rules.stage_clock(row.stage, row.stage_since, day_of(row.filed_at), working_days())
    step = rules.procedure.take(asked.step, row.stage, party_of(caller), clock.late_on(day_of(now)))
    if "text" in step.needs:
        said_text(asked.text, "text")
    if step.id != "correct" and (asked.batch_id or asked.withdraw):
        raise RefusedInput("bad_step", "batch_id", asked.batch_id, "Only a correction names a batch.", "Leave it out.")
    return step


def _repeated(session: Session, row: Objection, caller: Caller, asked: StepAsked) -> bool:
    """Whether this is the step that was taken last."""
    steps, party = steps_of(session, row.id), party_of(caller)
    if is_taken_last(steps, party, _digest(asked)):
        return True
    # A withdrawal names its batch itself.
    return asked.withdraw and bool(steps) and steps[-1].party == party and steps[-1].step == asked.step == "correct"


def _digest(asked: StepAsked) -> str:
    return content_digest({"step": asked.step, "text": asked.text, "batch_id": asked.batch_id})


def _corrected_by(office: Office, row: Objection, asked: StepAsked) -> _Corrected:
    """The agency's correction; refused unless its batch brought something about what is contested since."""
    with office.read() as session:
        batch = session.scalars(select(Batch).where(Batch.id == asked.batch_id)).one_or_none()
    if batch is None or batch.feed != row.feed or batch.status != lake.LANDED or batch.received_at < row.filed_at:
        raise RefusedInput(
            "bad_correction",
            "batch_id",
            asked.batch_id,
            f"A correction is a batch of feed {row.feed} that landed after the objection was filed.",
            "Deliver the corrected record first, and name its batch.",
        )
    revisions = revisions_of(office, feeds()[row.feed], [row.firm]).values()
    brought = [each for each in revisions if any(one.received_at == batch.received_at for one in each)]
    if row.record_id:
        brought = [each for each in brought if any(one.record_id == row.record_id for one in each)]
    if not brought:
        raise RefusedInput(
            "bad_correction",
            "batch_id",
            asked.batch_id,
            "This batch says nothing about what is contested.",
            "Name the batch that holds the corrected record of this firm.",
        )
    return _Corrected(batch.received_at, brought[0][0].first_received_at if row.record_id else None)


def _letter(row: Objection, today: date) -> dict[str, str]:
    """The inquiry letter to the agency, in both languages."""
    rules, item = objection_rules(), catalogue().items[row.item]
    due = rules.stage_clock("inquiry", today, day_of(row.filed_at), working_days()).due
    # Where the calendar of working days does not reach so far, the limit of the whole does.
    last = due or rules.whole_clock(day_of(row.filed_at), working_days()).due
    reason = rules.reasons.get(row.reason)
    about = row.record_id
    return rules.letter.filled(
        {
            "id": row.id,
            "agency": agency_answer(row.agency),
            "firm": {"zh": "企业", "en": "the firm"},
            "uscc": row.firm,
            "filed_on": day_of(row.filed_at),
            "item": {"zh": item.zh, "en": item.en},
            "record": {"zh": f"（记录{about}）" if about else "", "en": f" (record {about})" if about else ""},
            "reason": {"zh": reason.zh, "en": reason.en} if reason else row.reason,
            "evidence": row.evidence,
            "due": last or {"zh": "尽快", "en": "the earliest day possible"},
            "sent_on": today,
        }
    )
