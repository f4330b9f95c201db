"""Applications: a lender's inbox and a firm's own, step by step; their certificates; the office's figures."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.access.auth import Action, Caller
from service.api.guard import requires
from service.api.inputs import Cursor, Limit, Since
from service.api.inputs_needs import step_of_body
from service.api.paging import bad_cursor, page_answer, paged, read, write
from service.api.route import DeskDep, router
from service.api.shapes import Page
from service.api.shapes_applications import ApplicationAnswer, ApplicationLine, ApplicationStepBody, CertificateAnswer
from service.api.shapes_outcomes import LedgersAnswer, LenderFiguresAnswer, ProductFiguresAnswer
from service.usecases.issue_certificate import issue_certificate
from service.usecases.lender_figures import ledger_figures, lender_figures, product_figures
from service.usecases.read_applications import list_applications, read_application
from service.usecases.step_application import step_application
from service.web.encode import answered

routes = router("applications")
ApplicationId = Annotated[str, Path(max_length=40)]
Reader = Annotated[Caller, requires(Action.READ_APPLICATIONS)]
Watcher = Annotated[Caller, requires(Action.READ_MONITORING)]
Certified = Annotated[Caller, requires(Action.READ_CERTIFICATE)]


@routes.get("/applications", summary="Applications", responses={200: {"model": Page[ApplicationLine]}})
async def read_applications(
    caller: Reader,
    desk: DeskDep,
    stage: Annotated[str, Query(max_length=24, description="Only in this state", examples=["recommended"])] = "",
    uscc: Annotated[str, Query(max_length=18, description="Only of this firm (staff)")] = "",
    sort: Annotated[str, Query(max_length=10, description="value: the open ones, worth most to the bank first")] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Response:
    """A lender's inbox, a firm's own, all for staff; newest first, each with its clock and its version.

    Without the firm's consent a lender sees a card: size, district, section, grade, a band of the score, and the need.
    """
    if sort:
        found = await run_in_threadpool(
            lambda: list_applications(desk.office, desk.shelf, caller, desk.now(), stage=stage, uscc=uscc, sort=sort)
        )
        return page_answer(found, cursor, limit)
    place = _place(cursor) if cursor else None
    found = await run_in_threadpool(
        lambda: list_applications(
            desk.office, desk.shelf, caller, desk.now(), stage=stage, uscc=uscc, after=place, limit=limit
        )
    )
    page, last = found[:limit], found[limit - 1] if len(found) > limit else None
    following = None if last is None else write(f"{last['offered_at'].isoformat()} {last['id']}")
    return answered(paged(page, following))


def _place(cursor: str) -> tuple[datetime, str]:
    moment, _, last = read(cursor).partition(" ")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        raise bad_cursor(cursor) from None
    if at.tzinfo is None or not last:
        raise bad_cursor(cursor)
    return at, last


@routes.get("/applications/{application_id}", summary="One application", responses={200: {"model": ApplicationAnswer}})
async def read_one(caller: Reader, desk: DeskDep, request: Request, application_id: ApplicationId) -> Response:
    """One application with every step and what the caller may do now; for the firm, beside a refusal, the near-miss
    plan of that product."""
    told = request.scope["request_id"]
    return answered(
        await run_in_threadpool(read_application, desk.office, desk.shelf, caller, application_id, desk.now(), told)
    )


@routes.post(
    "/applications/{application_id}/steps",
    summary="Step of an application",
    responses={200: {"model": ApplicationAnswer}},
)
async def take_step(
    caller: Annotated[Caller, requires(Action.STEP_APPLICATION)],
    desk: DeskDep,
    request: Request,
    application_id: ApplicationId,
    body: ApplicationStepBody,
) -> Response:
    """Take one of the `open_steps`, on the `version` that was read. Of two who decide at once one wins; the other is
    told the present state (409). The step taken last, sent again, changes nothing."""
    asked, told = step_of_body(body), request.scope["request_id"]
    return answered(
        await run_in_threadpool(
            step_application, desk.office, desk.shelf, caller, application_id, asked, desk.now(), told
        )
    )


@routes.get(
    "/applications/{application_id}/certificate",
    summary="Matching certificate",
    responses={
        200: {"model": CertificateAnswer},
        409: {"description": "There is no match yet, or no consent to name the firm"},
    },
)
async def certificate(caller: Certified, desk: DeskDep, request: Request, application_id: ApplicationId) -> Response:
    """The signed proof that firm and lender were matched on the platform, as subsidy rules ask for it; from the
    lender's acceptance to the drawdown. It says nothing of credit. Verify it: `rongqiao certificate verify FILE`."""
    told = request.scope["request_id"]
    return answered(
        await run_in_threadpool(issue_certificate, desk.office, desk.shelf, caller, application_id, desk.now(), told)
    )


@routes.get("/monitoring/lenders", summary="Lenders' answers", responses={200: {"model": LenderFiguresAnswer}})
async def lenders(caller: Watcher, desk: DeskDep, since: Since = None) -> Response:
    """Each lender against the aims: whom it answered, days to a decision, silence, reasons of refusal."""
    return answered(await run_in_threadpool(lender_figures, desk.office, desk.now(), since))


@routes.get(
    "/monitoring/stated-rules",
    summary="Stated rules and real decisions",
    responses={200: {"model": ProductFiguresAnswer}},
)
async def stated_rules(caller: Watcher, desk: DeskDep) -> Response:
    """Decisions about firms that met every stated condition: what a product decides by and does not say, with n, the
    exact interval and the chance of a false alarm."""
    return answered(await run_in_threadpool(product_figures, desk.office, desk.now()))


@routes.get("/monitoring/ledgers", summary="Ledgers of drawn loans", responses={200: {"model": LedgersAnswer}})
async def ledgers(caller: Watcher, desk: DeskDep) -> Response:
    """What loans drawn through the platform took up of guarantees, and what subsidies they were promised."""
    return answered(await run_in_threadpool(ledger_figures, desk.office))
