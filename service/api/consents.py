"""Consents: the words, giving, taking back, listing; and the firm's own access log."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.access.auth import Action, Caller, check_own_firm
from service.access.reading import lending_purpose
from service.api.guard import requires
from service.api.inputs import Cursor, Limit, Uscc
from service.api.paging import before_of, journal_page, page_answer
from service.api.route import CHANGED, DeskDep, router
from service.api.shapes import Page
from service.api.shapes_trust import ConsentAnswer, ConsentBody, ConsentTextAnswer, LookAnswer
from service.asking import asked_day
from service.clock import day_of
from service.usecases.consent import Wanted, consent_text, give_consent, list_consents, read_consent, revoke_consent
from service.usecases.read_audit import access_log
from service.web.encode import answered
from service.web.etags import CONDITIONAL, check_unchanged, tagged
from service.web.idempotency import unkeyed

routes = router("consents")
Giver = Annotated[Caller, requires(Action.GIVE_CONSENT)]
ConsentId = Annotated[str, Path(max_length=40)]


@routes.post(
    "/firms/{uscc}/consents/text",
    summary="The words of a consent",
    responses={200: {"model": ConsentTextAnswer}},
    openapi_extra=unkeyed("It shows words and changes nothing"),
)
async def read_consent_text(caller: Giver, desk: DeskDep, uscc: Uscc, body: ConsentBody) -> Response:
    """What the firm would agree to, in both languages, with the digest that names these very words."""
    check_own_firm(caller, uscc)
    return answered(consent_text(_wanted(body), day_of(desk.now())))


@routes.post(
    "/firms/{uscc}/consents",
    status_code=201,
    summary="Give a consent",
    responses={201: {"model": ConsentAnswer}},
)
async def give(caller: Giver, desk: DeskDep, request: Request, uscc: Uscc, body: ConsentBody) -> Response:
    """Let one lender read named dimensions for one purpose between two days.

    `text_sha256` says which words were agreed to; others than those in force are refused. A consent given twice is one.
    """
    check_own_firm(caller, uscc)
    told = request.scope["request_id"]
    return answered(await run_in_threadpool(give_consent, desk.office, caller, _wanted(body), desk.now(), told), 201)


@routes.get("/consents", summary="Consents", responses={200: {"model": Page[ConsentAnswer]}})
async def read_consents(
    caller: Annotated[Caller, requires(Action.READ_CONSENTS)], desk: DeskDep, cursor: Cursor = "", limit: Limit = 100
) -> Response:
    """A firm lists what it gave, a lender what it was given; newest first."""
    found = await run_in_threadpool(list_consents, desk.office, caller, desk.now())
    return page_answer(found, cursor, limit)


@routes.get(
    "/consents/{consent_id}",
    summary="One consent",
    responses={200: {"model": ConsentAnswer}, 304: {"description": "As you have it"}},
)
async def read_one(
    caller: Annotated[Caller, requires(Action.READ_CONSENTS)], desk: DeskDep, request: Request, consent_id: ConsentId
) -> Response:
    """What it lets whom read, for what, from when to when, and whether it is in force."""
    return tagged(request, await run_in_threadpool(read_consent, desk.office, caller, consent_id, desk.now()))


@routes.post(
    "/consents/{consent_id}/revocation",
    summary="Revoke a consent",
    responses={200: {"model": ConsentAnswer}, **CHANGED},
    openapi_extra=CONDITIONAL,
)
async def revoke(
    caller: Annotated[Caller, requires(Action.REVOKE_CONSENT)], desk: DeskDep, request: Request, consent_id: ConsentId
) -> Response:
    """End a consent at once: the next reading is denied. Revoking twice changes nothing."""
    told, now = request.scope["request_id"], desk.now()
    await check_unchanged(request, desk.office, lambda: read_consent(desk.office, caller, consent_id, now))
    return answered(await run_in_threadpool(revoke_consent, desk.office, caller, consent_id, now, told))


@routes.get(
    "/firms/{uscc}/access-log", summary="Who read the firm's data", responses={200: {"model": Page[LookAnswer]}}
)
async def read_access_log(
    caller: Annotated[Caller, requires(Action.READ_ACCESS_LOG)],
    desk: DeskDep,
    uscc: Uscc,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Response:
    """Every reading and every attempt, newest first: when, which house, what for, which consent, how it ended."""
    check_own_firm(caller, uscc)
    found = await run_in_threadpool(access_log, desk.office, uscc, before_of(cursor), limit + 1)
    return answered(journal_page(found, limit))


def _wanted(body: ConsentBody) -> Wanted:
    return Wanted(
        lender=body.lender,
        purpose=lending_purpose(body.purpose),
        dimensions=tuple(body.dimensions),
        personal=body.personal,
        valid_from=asked_day(body.valid_from, "valid_from"),
        valid_until=asked_day(body.valid_until, "valid_until"),
        text_sha256=body.text_sha256,
    )
