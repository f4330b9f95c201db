"""After a build: what is new in each saved screen since the snapshot its lender saw last."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from sqlalchemy import select

from matching.cursors import fingerprint
from matching.search.veil import canonical_question
from models.errors import DataFileError, NotFound, RefusedInput
from models.tables import SavedScreen, ScreenAlert
from service.access.auth import Action, Caller, Role
from service.access.opaque import sealed_prospect
from service.audit.chain import Event
from service.audit.journal import record
from service.clock import day_of
from service.integration.changes import Kind, publish
from service.market.published import rules_of
from service.market.release import veil_of
from service.market.seeker import Seeker
from service.snapshot.shelf import Shelf
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.find_prospects import listed_rows, parse_screen, screen_of

#: Ids of one alert; the rest are found by asking the screen.
_MOST_IDS = 100


def alert_screens(shelf: Shelf, now: datetime) -> int:
    """Make the alerts of the newest snapshot; the number of screens looked at.

    Run after every build, by whichever process; a screen that was looked at already is passed over. One that cannot be
    asked any more, since a fact is gone, waits until its lender changes it.
    """
    newest = shelf.newest()
    if newest is None:
        return 0
    query = select(SavedScreen).where(SavedScreen.deleted_at.is_(None), SavedScreen.seen_snapshot != newest.id)
    with shelf.office.read() as session:
        waiting = list(session.scalars(query.order_by(SavedScreen.id)))
    if not waiting:
        return 0
    snapshot = shelf.by_id(newest.id)
    for row in waiting:
        try:
            hits, ids = _new(shelf, snapshot, row, now)
        except (RefusedInput, DataFileError):
            continue
        _keep(shelf, snapshot, row, hits, ids, now)
    return len(waiting)


def _new(shelf: Shelf, snapshot: OpenSnapshot, row: SavedScreen, now: datetime) -> tuple[int | None, list[str]]:
    """The moved number of firms that the screen finds now and did not find before, and ids of those that are listed.

    The same firms are listed as when the lender asks the screen; of a group too small to be told there are none.
    """
    rules = rules_of(shelf.office, day_of(now))
    seeker = Seeker(shelf, Caller("alerts", Role.BANK, row.lender), None, now)
    node, order = parse_screen(rules, seeker.caller, row.conditions, row.sort)
    screened = screen_of(snapshot, rules, node)
    try:
        before = shelf.by_id(row.seen_snapshot)
        known = before.uscc[screen_of(before, rules, node).found]
    except (NotFound, OSError):
        # The snapshot is gone: everything found now would be new, which tells nothing.
        return None, []
    found = screened.found
    new = np.zeros(snapshot.firms, np.bool_)
    new[found[~np.isin(snapshot.uscc[found], known)]] = True
    question = canonical_question(screened.parts)
    hits = veil_of(snapshot, seeker.key).told(int(new.sum()), "new", before.id, question)
    if hits is None:
        return None, []
    listed = [int(each) for each in listed_rows(seeker, snapshot, screened, order).rows if new[each]][:_MOST_IDS]
    scope = fingerprint(question)
    return hits, [sealed_prospect(seeker.key, row.lender, scope, snapshot.firm_at(each)) for each in listed]


def _keep(
    shelf: Shelf, snapshot: OpenSnapshot, row: SavedScreen, hits: int | None, ids: list[str], now: datetime
) -> None:
    with shelf.office.write() as session:
        mine = session.get(SavedScreen, row.id, with_for_update=True)
        if mine is None or mine.deleted_at is not None or mine.version != row.version:
            return
        if mine.seen_snapshot != row.seen_snapshot:
            return
        mine.seen_snapshot = snapshot.id
        session.add(
            ScreenAlert(
                screen_id=row.id,
                version=row.version,
                snapshot_id=snapshot.id,
                since_snapshot=row.seen_snapshot,
                as_of=snapshot.as_of,
                hits=hits,
                prospect_ids=ids,
                made_at=now,
            )
        )
        publish(session, row.lender, Kind.SCREEN_ALERT, row.id, now)
        record(
            session,
            Event(
                at=now,
                actor="alerts",
                role=Role.OFFICE.value,
                tenant=row.lender,
                action=Action.FIND_PROSPECTS.value,
                object_id=row.id,
                result="done",
                reason="alert",
            ),
        )
