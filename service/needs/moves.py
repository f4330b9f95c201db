"""Moves of applications inside one transaction: a step is written down, the row follows, the next lenders are asked."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from matching.applications.rules import APPROVED, CLOCK, DECLINED, LENDER
from matching.applications.states import Place, Turn, begun, next_lenders, take
from models.tables import Application, ApplicationStep, Need, NeedMatch
from service.access.auth import Action
from service.audit.chain import Event
from service.audit.journal import record
from service.books.rulebook import application_rules, working_days
from service.clock import day_of
from service.integration.changes import Kind, publish
from service.market.contacts import contacts_of, names, shut_out, words_of
from service.needs.identity import consent_in_force
from service.web.encode import canonical

OPEN, MET, WITHDRAWN, EXPIRED = "open", "met", "withdrawn", "expired"
#: Who acts where no person and no system does.
PLATFORM = "platform"


def applications_of(session: Session, need_id: str) -> Sequence[Application]:
    """Every application of a need, in the order they were sent."""
    query = select(Application).where(Application.need_id == need_id)
    return session.scalars(query.order_by(Application.offered_at, Application.id)).all()


def matches_of(session: Session, need_id: str) -> Sequence[NeedMatch]:
    """The lenders a need fits, best first."""
    return session.scalars(select(NeedMatch).where(NeedMatch.need_id == need_id).order_by(NeedMatch.place)).all()


def is_open(row: Application) -> bool:
    """Whether the application takes one of its need's places: it is before the lender, or approved and not drawn."""
    return row.open_key is not None


def place_of(row: Application) -> Place:
    """Where the application stands, as the pure rules see it."""
    return Place(row.stage, row.stage_since, row.clock_since, row.version)


def move(
    session: Session,
    row: Application,
    step: str,
    party: str,
    actor: str,
    now: datetime,
    text: str = "",
    content_sha256: str = "",
) -> ApplicationStep:
    """Take a step and write it down; ``RefusedInput`` (409) where it is not open to ``party``."""
    rules, today = application_rules(), day_of(now)
    taken = take(rules, place_of(row), step, party, today, working_days())
    made = ApplicationStep(
        application_id=row.id,
        number=row.version,
        step=step,
        from_stage=row.stage,
        to_stage=taken.place.stage,
        at=now,
        due=taken.ended.due if taken.ended else None,
        actor=actor,
        party=party,
        text=text,
        content_sha256=content_sha256,
    )
    session.add(made)
    if party == LENDER and row.answered_at is None:
        row.answered_at = now
    if row.decided_at is None and taken.place.stage in (*APPROVED, DECLINED):
        row.decided_at = now
        row.decision_days = (today - day_of(row.offered_at)).days
    _stand(row, taken.place)
    session.flush()
    _publish(session, Kind.APPLICATION_MOVED, row, now)
    return made


def _publish(session: Session, kind: Kind, row: Application, now: datetime) -> None:
    for tenant in (row.firm, row.lender):
        publish(session, tenant, kind, row.id, now)


def _stand(row: Application, place: Place) -> None:
    rules = application_rules()
    row.stage, row.stage_since = place.stage, place.since
    row.clock_since, row.version = place.clock_since, place.version
    clock = rules.due(place.stage, place.clock_since, working_days())
    row.clock_due = clock.due if clock else None
    # A drawn loan runs for years; it no longer takes one of the need's places.
    row.open_key = f"{row.need_id}|{row.lender}" if rules.clock_of_stage(place.stage) else None


def offer_next(session: Session, need: Need, now: datetime) -> list[str]:
    """Send an open need to as many further lenders as may have it at a time; their ids. Written into the journal."""
    if need.state != OPEN or need.valid_until < day_of(now):
        return []
    rules, sent = application_rules(), applications_of(session, need.id)
    matches = {each.lender: each for each in matches_of(session, need.id)}
    barred = _barred(session, need, list(matches), now)
    asked, held = {each.lender for each in sent}, {each.lender for each in sent if is_open(each)}
    turns = [
        Turn(each.lender, each.place, each.lender in asked, each.lender in held, each.again)
        for each in matches.values()
        if each.lender in held or each.lender not in barred
    ]
    chosen = next_lenders(turns, rules.at_most_lenders)
    for lender in chosen:
        match = matches[lender]
        match.again = False
        row = Application(
            id=f"a_{uuid.uuid4().hex}",
            need_id=need.id,
            firm=need.firm,
            lender=lender,
            product=match.product,
            round=1 + sum(1 for each in sent if each.lender == lender),
            ask_fen=match.ask_fen,
            eligible=match.status == "eligible",
            offered_at=now,
            reason="",
            silent=False,
            rate="",
            fees=[],
            reference="",
        )
        _stand(row, begun(rules, day_of(now)))
        session.add(row)
        _publish(session, Kind.APPLICATION_OFFERED, row, now)
    session.flush()
    if chosen:
        record(session, platform_event(need.firm, need.id, now, {"offered": list(chosen)}))
    return list(chosen)


def _barred(session: Session, need: Need, lenders: Sequence[str], now: datetime) -> set[str]:
    """Lenders the firm's word on contact leaves out, or that it ended a contact with. No word bars nobody: the need
    itself is the firm's wish to be answered."""
    today = day_of(now)
    word = session.scalars(words_of([need.firm], today)).one_or_none()
    if word is None:
        return set()
    made = contacts_of(session, [need.firm], today)[need.firm]
    return {each for each in lenders if not names(word, each) or shut_out(word, made, each)}


def lapse(session: Session, need: Need, now: datetime) -> bool:
    """End what has run out: applications past their limit, and the need past its last day; then ask the next.

    Silence counts against a lender that could have spoken: it was asked, or could read the firm, or its terms were
    taken up. Whether anything changed.
    """
    today, changed = day_of(now), False
    over = need.state == OPEN and need.valid_until < today
    for row in applications_of(session, need.id):
        if row.clock_due is not None and row.clock_due < today:
            row.silent = _was_silent(session, row, now)
            _by_clock(session, row, "expire", "silent" if row.silent else "", now)
        elif over and row.stage == application_rules().procedure.first:
            _by_clock(session, row, "withdraw", "need_expired", now)
        else:
            continue
        changed = True
    if over:
        end_need(session, need, EXPIRED, now)
        record(session, platform_event(need.firm, need.id, now, {"state": EXPIRED}))
        changed = True
    return bool(offer_next(session, need, now)) or changed


def _was_silent(session: Session, row: Application, now: datetime) -> bool:
    if row.stage == application_rules().procedure.first:
        return True
    if row.stage == "approved":
        return row.taken_up_at is not None
    return consent_in_force(session, row.firm, row.lender, now) is not None


def _by_clock(session: Session, row: Application, step: str, text: str, now: datetime) -> None:
    made = move(session, row, step, CLOCK, PLATFORM, now, text)
    detail = {"step": step, "to": row.stage, "from": made.from_stage, "lender": row.lender, "cause": text}
    record(session, platform_event(row.firm, row.id, now, detail))


def end_need(session: Session, need: Need, state: str, now: datetime) -> None:
    """End a need: nobody is asked again."""
    need.state, need.open_key, need.ended_at = state, None, now
    session.flush()
    publish(session, need.firm, Kind.NEED_ENDED, need.id, now)


def withdraw_open(session: Session, need: Need, party: str, actor: str, cause: str, now: datetime) -> list[str]:
    """Withdraw every application of a need that is not drawn or over; their ids."""
    gone = []
    for row in applications_of(session, need.id):
        if is_open(row):
            move(session, row, "withdraw", party, actor, now, cause)
            gone.append(row.id)
    return gone


def platform_event(firm: str, object_id: str, now: datetime, detail: Mapping[str, Any]) -> Event:
    """The journal's entry of what the platform did by itself."""
    return Event(
        at=now,
        actor=PLATFORM,
        role=PLATFORM,
        action=Action.STEP_APPLICATION.value,
        firm=firm,
        object_id=object_id,
        result="done",
        detail=canonical(dict(detail)).decode(),
    )
