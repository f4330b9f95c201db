"""The post-loan watch: alerts about borrowers for their lenders, counts for the office, and who may stand for whom."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.access.auth import Action, Caller
from service.access.reading import stated_purpose
from service.api.guard import requires
from service.api.inputs import Cursor, Limit, Purposed
from service.api.paging import paged, read, write
from service.api.route import DeskDep, router
from service.api.shapes import Page
from service.api.shapes_borrowers import (
    BorrowerAlertShape,
    BorrowersOverview,
    ClosingBody,
    GuarantorAnswer,
    GuarantorBody,
)
from service.asking import asked_code
from service.usecases.check_guarantor import asked_guarantor
from service.usecases.step_borrower_alert import acknowledge_alert, borrowers_overview, close_alert, list_alerts
from service.web.encode import answered
from service.web.idempotency import unkeyed

routes = router("borrowers")
Stepper = Annotated[Caller, requires(Action.STEP_BORROWER_ALERT)]
AlertId = Annotated[str, Path(max_length=40)]
State = Annotated[str, Query(max_length=12, description="new, acknowledged or closed; empty: all")]


@routes.get("/borrowers/alerts", summary="Alerts about borrowers", responses={200: {"model": Page[BorrowerAlertShape]}})
async def alerts(
    caller: Annotated[Caller, requires(Action.READ_BORROWER_ALERTS, told_inside=True)],
    desk: DeskDep,
    request: Request,
    state: State = "",
    cursor: Cursor = "",
    limit: Limit = 100,
    purpose: Purposed = None,
) -> Response:
    """What your house was told of firms whose consent for post_loan stands now, newest first."""
    asked, after = stated_purpose(caller, purpose), read(cursor) if cursor else ""
    request_id = request.scope["request_id"]
    items, last = await run_in_threadpool(
        list_alerts, desk.office, caller, asked, state, after, limit, desk.now(), request_id
    )
    return answered(paged(items, write(last) if last else None))


@routes.post(
    "/borrowers/alerts/{alert_id}/acknowledgement",
    summary="Acknowledge an alert",
    responses={200: {"model": BorrowerAlertShape}},
)
async def acknowledge(caller: Stepper, desk: DeskDep, request: Request, alert_id: AlertId) -> Response:
    """Say that your house saw it; twice is once."""
    request_id = request.scope["request_id"]
    return answered(await run_in_threadpool(acknowledge_alert, desk.office, caller, alert_id, desk.now(), request_id))


@routes.post(
    "/borrowers/alerts/{alert_id}/closing",
    summary="Close an alert with its outcome",
    responses={200: {"model": BorrowerAlertShape}, 409: {"description": "It was closed with another outcome"}},
)
async def close(caller: Stepper, desk: DeskDep, request: Request, alert_id: AlertId, body: ClosingBody) -> Response:
    """Say what came of it. Closing acknowledges it too."""
    request_id = request.scope["request_id"]
    return answered(
        await run_in_threadpool(
            close_alert, desk.office, caller, alert_id, body.outcome, body.note, desk.now(), request_id
        )
    )


@routes.get(
    "/borrowers/overview", summary="The post-loan watch in counts", responses={200: {"model": BorrowersOverview}}
)
async def overview(caller: Annotated[Caller, requires(Action.READ_WATCH_LIST)], desk: DeskDep) -> Response:
    """By lender: borrowers watched, alerts told, those not acknowledged in time, and how alerts were closed."""
    return answered(await run_in_threadpool(borrowers_overview, desk.office, desk.now()))


@routes.post(
    "/guarantors/check",
    summary="May one firm stand for another?",
    responses={200: {"model": GuarantorAnswer}},
    openapi_extra=unkeyed("It asks and changes nothing"),
)
async def guarantor(
    caller: Annotated[Caller, requires(Action.READ_GUARANTEES, told_inside=True)],
    desk: DeskDep,
    request: Request,
    body: GuarantorBody,
    purpose: Purposed = None,
) -> Response:
    """Never a firm of the borrower's own guarantee circle. A lender needs the consent of both firms."""
    codes, request_id = (asked_code(body.uscc), asked_code(body.guarantor)), request.scope["request_id"]
    snapshot = await run_in_threadpool(desk.shelf.current)
    return answered(
        await run_in_threadpool(asked_guarantor, desk.office, snapshot, caller, *codes, purpose, desk.now(), request_id)
    )
