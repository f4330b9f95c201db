"""A second person of the house activates a submitted product from a day on, and ends it on another."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from models.errors import RefusedInput
from service.access.auth import Action, Caller
from service.answers.product_versions import version_answer
from service.audit.journal import record
from service.cases.parties import actor_of
from service.clock import day_of
from service.integration.changes import Kind, publish
from service.market.product_rows import checked_product, version_row, versions_of, wrong_state
from service.market.published import rules_of
from service.office import Office
from service.usecases.draft_product import product_event


def activate_product(
    office: Office,
    caller: Caller,
    product_id: str,
    version: int,
    effective_from: date,
    now: datetime,
    request_id: str,
) -> dict[str, Any]:
    """Offer a submitted version from ``effective_from`` on, in place of the one before; no build is needed.

    Whoever wrote it last may not (403). Of two who activate at once, the second is refused (409).
    """
    today = day_of(now)
    if effective_from < today:
        raise _bad_day("effective_from", effective_from, "An offer does not begin in the past.")
    with office.read() as session:
        row = version_row(session, caller, product_id, version)
        written, cases = row.document, row.cases
    # Checked again: facts, parameters and guarantees may have changed since it was drafted.
    product, untried = checked_product(rules_of(office, today), caller, written, cases)
    until = product.validity.until
    if until is not None and effective_from > until:
        raise _bad_day("effective_from", effective_from, f"The product ends on {until}.")
    with office.write() as session:
        row = version_row(session, caller, product_id, version, lock=True)
        if row.state != "submitted":
            raise wrong_state(row, "submitted")
        if actor_of(caller) == row.author:
            raise RefusedInput(
                "four_eyes",
                "person",
                actor_of(caller),
                "Whoever wrote a product does not activate it.",
                "Have a second person of your house do it.",
                status=403,
            )
        row.state, row.activated_by, row.activated_at = "active", actor_of(caller), now
        row.effective_from = effective_from
        publish(session, row.lender, Kind.PRODUCT_ACTIVATED, row.product_id, now)
        record(session, product_event(caller, Action.ACTIVATE_PRODUCT, row, now, request_id, "activated"))
        return version_answer(row, versions_of(session, product_id), today, untried)


def retire_product(
    office: Office, caller: Caller, product_id: str, version: int, on: date, now: datetime, request_id: str
) -> dict[str, Any]:
    """Offer an active version no more from ``on``; earlier versions do not come back. Twice changes nothing."""
    today = day_of(now)
    if on < today:
        raise _bad_day("on", on, "An offer does not end in the past.")
    with office.write() as session:
        row = version_row(session, caller, product_id, version, lock=True)
        if row.state == "retired" and row.retired_on == on:
            return version_answer(row, versions_of(session, product_id), today)
        if row.state != "active":
            raise wrong_state(row, "active")
        row.state, row.retired_by, row.retired_at, row.retired_on = "retired", actor_of(caller), now, on
        publish(session, row.lender, Kind.PRODUCT_RETIRED, row.product_id, now)
        record(session, product_event(caller, Action.ACTIVATE_PRODUCT, row, now, request_id, "retired"))
        return version_answer(row, versions_of(session, product_id), today)


def _bad_day(field: str, day: date, rule: str) -> RefusedInput:
    return RefusedInput("bad_day", field, day, rule, "Name today or a later day.")
