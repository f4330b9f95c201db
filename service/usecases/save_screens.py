"""Screens that a lender keeps under a name: saved, listed, changed, deleted, asked again, and what was new in them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.errors import NotFound, RefusedInput
from models.tables import SavedScreen, ScreenAlert
from service.access.auth import Action, Caller
from service.access.reading import stated_purpose
from service.answers.prospects import node_answer
from service.audit.chain import Event
from service.audit.journal import record
from service.cases.parties import actor_of, case_event
from service.clock import day_of
from service.market.published import rules_of
from service.market.seeker import Seeker
from service.usecases.find_prospects import answer_screen, parse_screen

#: Saved screens of one lender; each is asked again after every build.
MOST_SCREENS = 100
_LONGEST_NAME = 120


@dataclass(frozen=True)
class ScreenWanted:
    """A screen as it was written."""

    name: str
    conditions: dict[str, Any]
    sort: str = ""


def save_screen(seeker: Seeker, wanted: ScreenWanted) -> dict[str, Any]:
    """Keep a screen under a name that the caller's house has not used yet; the same screen saved twice is one."""
    name, conditions = _checked(seeker, wanted)
    caller, key = seeker.caller, f"{seeker.caller.tenant}\n{name}"
    try:
        with seeker.office.write() as session:
            found = session.scalars(select(SavedScreen).where(SavedScreen.name_key == key)).one_or_none()
            if found is not None and (found.conditions, found.sort) == (conditions, wanted.sort):
                return _answer(found)
            if found is not None:
                raise _taken(name)
            kept = select(SavedScreen.id).where(SavedScreen.lender == caller.tenant, SavedScreen.deleted_at.is_(None))
            if len(session.scalars(kept).all()) >= MOST_SCREENS:
                rule = f"A lender keeps {MOST_SCREENS} screens at most."
                raise RefusedInput("too_many_screens", "name", name, rule, "Delete one.", status=409)
            row = SavedScreen(
                id=f"s_{uuid.uuid4().hex}",
                lender=caller.tenant,
                name=name,
                name_key=key,
                conditions=conditions,
                sort=wanted.sort,
                version=1,
                seen_snapshot=seeker.shelf.current().id,
                saved_by=actor_of(caller),
                saved_at=seeker.now,
            )
            session.add(row)
            session.flush()
            record(session, _event(seeker, row, "saved"))
            return _answer(row)
    except IntegrityError:
        raise _taken(name) from None


def change_screen(seeker: Seeker, screen_id: str, wanted: ScreenWanted) -> dict[str, Any]:
    """Put another screen in its place; alerts begin anew from the snapshot in use."""
    name, conditions = _checked(seeker, wanted)
    try:
        with seeker.office.write() as session:
            row = screen_row(session, seeker.caller, screen_id)
            if (row.name, row.conditions, row.sort) != (name, conditions, wanted.sort):
                if (row.conditions, row.sort) != (conditions, wanted.sort):
                    row.version, row.seen_snapshot = row.version + 1, seeker.shelf.current().id
                row.name, row.name_key = name, f"{row.lender}\n{name}"
                row.conditions, row.sort = conditions, wanted.sort
                session.flush()
                record(session, _event(seeker, row, "changed"))
            return _answer(row)
    except IntegrityError:
        raise _taken(name) from None


def delete_screen(seeker: Seeker, screen_id: str) -> dict[str, Any]:
    """Keep it no longer; its name is free again."""
    with seeker.office.write() as session:
        row = screen_row(session, seeker.caller, screen_id)
        row.deleted_at, row.name_key = seeker.now, None
        record(session, _event(seeker, row, "deleted"))
        return _answer(row)


def list_screens(seeker: Seeker) -> list[dict[str, Any]]:
    """The screens of the caller's house, newest first."""
    query = select(SavedScreen).where(SavedScreen.lender == seeker.caller.tenant, SavedScreen.deleted_at.is_(None))
    with seeker.office.read() as session:
        return [_answer(row) for row in session.scalars(query.order_by(SavedScreen.saved_at.desc(), SavedScreen.id))]


def read_screen(seeker: Seeker, screen_id: str) -> dict[str, Any]:
    """One screen of the caller's house."""
    with seeker.office.read() as session:
        return _answer(screen_row(session, seeker.caller, screen_id))


def screen_prospects(seeker: Seeker, screen_id: str, cursor: str, limit: int) -> dict[str, Any]:
    """The firms of a saved screen, as :func:`service.usecases.find_prospects.search_prospects` answers."""
    with seeker.office.read() as session:
        row = screen_row(session, seeker.caller, screen_id)
    rules = rules_of(seeker.office, day_of(seeker.now))
    node, _ = parse_screen(rules, seeker.caller, row.conditions, row.sort)
    answer = answer_screen(seeker, rules, node, row.sort, cursor, limit, subject=row.id)
    return {"conditions": node_answer(node), **answer}


def screen_alerts(seeker: Seeker, screen_id: str) -> list[dict[str, Any]]:
    """What was new in a screen with each snapshot, newest first; the reading is written down."""
    purpose = stated_purpose(seeker.caller, seeker.purpose)
    with seeker.office.write() as session:
        row = screen_row(session, seeker.caller, screen_id)
        event = case_event(
            seeker.caller, Action.READ_SCREENS, "", row.id, seeker.now, seeker.request_id, {"purpose": purpose},
            result="allowed",
        )  # fmt: skip
        record(session, event)
        query = select(ScreenAlert).where(ScreenAlert.screen_id == row.id).order_by(ScreenAlert.id.desc())
        return [
            {
                "id": alert.id,
                "version": alert.version,
                "snapshot_id": alert.snapshot_id,
                "since_snapshot": alert.since_snapshot,
                "as_of": alert.as_of,
                "new": alert.hits,
                "prospect_ids": alert.prospect_ids,
                "made_at": alert.made_at,
            }
            for alert in session.scalars(query)
        ]


def screen_row(session: Session, caller: Caller, screen_id: str) -> SavedScreen:
    """A screen that the caller's house keeps; ``NotFound`` for any other."""
    row = session.get(SavedScreen, screen_id)
    if row is None or row.lender != caller.tenant or row.deleted_at is not None:
        raise NotFound("screen_id", screen_id, "You keep no such screen.", "List yours: GET /v1/screens.")
    return row


def _checked(seeker: Seeker, wanted: ScreenWanted) -> tuple[str, dict[str, Any]]:
    name = wanted.name.strip()
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        rule = f"A name has 1 to {_LONGEST_NAME} characters that can be printed."
        raise RefusedInput("bad_name", "name", wanted.name, rule, "Choose another.")
    rules = rules_of(seeker.office, day_of(seeker.now))
    node, _ = parse_screen(rules, seeker.caller, wanted.conditions, wanted.sort)
    return name, node_answer(node)


def _answer(row: SavedScreen) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "conditions": row.conditions,
        "sort": row.sort,
        "version": row.version,
        "seen_snapshot": row.seen_snapshot,
        "saved_at": row.saved_at,
    }


def _event(seeker: Seeker, row: SavedScreen, what: str) -> Event:
    detail = {"did": what, "version": row.version}
    return case_event(seeker.caller, Action.SAVE_SCREEN, "", row.id, seeker.now, seeker.request_id, detail)


def _taken(name: str) -> RefusedInput:
    return RefusedInput(
        "name_taken", "name", name, "You keep another screen under this name.", "Choose another.", status=409
    )
