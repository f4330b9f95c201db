"""A firm states a need once: kept, matched, and sent to the first lenders, with the consents given along."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from matching.applications.rank import best_of_each_lender
from matching.applications.wanted import Wanted
from models.errors import RefusedInput
from models.money import to_fen
from models.tables import Need, NeedMatch
from service.access.auth import Action, Caller, check_power
from service.access.policy import Purpose
from service.answers.need import prefill_answer, rank_answer
from service.audit.journal import record
from service.books.rulebook import application_rules, facts
from service.cases.parties import actor_of, case_event, content_digest
from service.clock import day_of
from service.integration.changes import Kind, publish
from service.needs.lapsing import run_out
from service.needs.matching import Matched, match_need
from service.needs.moves import OPEN, offer_next
from service.office import Office
from service.snapshot.shelf import Shelf
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.consent import Wanted as WantedConsent
from service.usecases.consent import keep_consent
from service.usecases.read_needs import whole_need
from service.web.encode import encode


def prefill_need(snapshot: OpenSnapshot, uscc: str, now: datetime) -> dict[str, Any]:
    """What is known of the form without asking, with its source, and what is asked."""
    return prefill_answer(snapshot, uscc, day_of(now))


def state_need(
    office: Office,
    shelf: Shelf,
    caller: Caller,
    wanted: Wanted,
    consents: Sequence[WantedConsent],
    weights: Mapping[str, Decimal],
    now: datetime,
    request_id: str,
) -> dict[str, Any]:
    """Keep the need of the caller's firm, its consents, its matches and the first applications, in one transaction.

    The same need sent twice is one. Another one for the same use is refused (409) while one is open. The lenders asked
    see a card without identity until a consent to them is in force.
    """
    wanted.check(facts(), day_of(now), application_rules().longest_valid_days)
    _check_consents(caller, consents)
    run_out(office, now, firm=caller.tenant)
    snapshot = shelf.current()
    matched = match_need(office, snapshot, caller.tenant, wanted, weights, day_of(now))
    row = _row(caller, snapshot, wanted, matched, now)
    try:
        return _kept(office, shelf, caller, row, matched, consents, now, request_id)
    except IntegrityError:
        # Another process stated a need for the same use at the same moment; now it is there to be compared with.
        again = _row(caller, snapshot, wanted, matched, now)
        return _kept(office, shelf, caller, again, matched, consents, now, request_id)


def _check_consents(caller: Caller, consents: Sequence[WantedConsent]) -> None:
    if consents:
        check_power(caller, Action.GIVE_CONSENT)
    for each in consents:
        if each.purpose is not Purpose.PRE_LOAN:
            rule = "A consent given with a need is for what comes before a loan."
            raise RefusedInput("bad_consent", "purpose", each.purpose.value, rule, "Say pre_loan.")


def _row(caller: Caller, snapshot: OpenSnapshot, wanted: Wanted, matched: Matched, now: datetime) -> Need:
    amounts = {"low_fen": to_fen(wanted.low), "high_fen": to_fen(wanted.high)}
    said = {**amounts, "term": wanted.term, "term_unit": wanted.term_unit, "use": wanted.use}
    said |= {"security": wanted.security, "valid_until": wanted.valid_until}
    return Need(
        id=f"nd_{uuid.uuid4().hex}",
        firm=caller.tenant,
        **said,
        term_months=wanted.term_months,
        state=OPEN,
        open_key=f"{caller.tenant}|{wanted.use}",
        content_sha256=content_digest(said),
        snapshot_id=snapshot.id,
        as_of=snapshot.as_of,
        **matched.cell._asdict(),
        stated_by=actor_of(caller),
        stated_at=now,
    )


def _kept(
    office: Office,
    shelf: Shelf,
    caller: Caller,
    row: Need,
    matched: Matched,
    consents: Sequence[WantedConsent],
    now: datetime,
    request_id: str,
) -> dict[str, Any]:
    with office.write() as session:
        before = session.scalars(select(Need).where(Need.open_key == row.open_key)).one_or_none()
        if before is not None and before.content_sha256 != row.content_sha256:
            raise RefusedInput(
                "need_open",
                "use",
                row.use,
                f"Need {before.id} for the same use is open.",
                "Withdraw it first: DELETE /v1/needs/{id}.",
                status=409,
            )
        for each in consents:
            keep_consent(session, caller, each, now, request_id)
        if before is None:
            _add(session, caller, row, matched, now, request_id)
            before = row
        return whole_need(session, shelf, caller, before, now)


def _add(session: Session, caller: Caller, row: Need, matched: Matched, now: datetime, request_id: str) -> None:
    session.add(row)
    session.flush()
    publish(session, row.firm, Kind.NEED_STATED, row.id, now)
    best = best_of_each_lender(matched.offers)
    for place, each in enumerate(best, start=1):
        told = orjson.loads(encode(rank_answer(each)))
        session.add(
            NeedMatch(
                need_id=row.id,
                lender=each.lender,
                place=place,
                product=each.option.id,
                status=each.option.status.value,
                ask_fen=to_fen(each.ask),
                rank={name: value for name, value in told.items() if name not in ("product", "lender")},
                again=False,
            )
        )
    session.flush()
    detail = {"use": row.use, "low_fen": row.low_fen, "high_fen": row.high_fen, "lenders": [one.lender for one in best]}
    record(session, case_event(caller, Action.STATE_NEED, row.firm, row.id, now, request_id, detail))
    offer_next(session, row, now)
