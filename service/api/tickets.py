"""Tickets of repair: what stood against a firm and can be mended, followed until the need is sent again."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.access.auth import Action, Caller
from service.api.guard import requires
from service.api.inputs import Cursor, Limit
from service.api.paging import page_answer
from service.api.route import DeskDep, router
from service.api.shapes import Page
from service.api.shapes_applications import TicketAnswer, TicketLine, TicketStepBody
from service.usecases.read_tickets import list_tickets, read_ticket
from service.usecases.step_ticket import TicketStepAsked, step_ticket
from service.web.encode import answered

routes = router("tickets")
TicketId = Annotated[str, Path(max_length=40)]
Reader = Annotated[Caller, requires(Action.READ_TICKETS)]


@routes.get("/tickets", summary="Tickets of repair", responses={200: {"model": Page[TicketLine]}})
async def read_tickets(
    caller: Reader,
    desk: DeskDep,
    stage: Annotated[str, Query(max_length=20, description="Only in this state", examples=["open"])] = "",
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Response:
    """A firm's own tickets, all for staff, newest first: type, department, measure, last day."""
    found = await run_in_threadpool(list_tickets, desk.office, caller, desk.now(), stage)
    return page_answer(found, cursor, limit)


@routes.get("/tickets/{ticket_id}", summary="One ticket", responses={200: {"model": TicketAnswer}})
async def read_one(caller: Reader, desk: DeskDep, request: Request, ticket_id: TicketId) -> Response:
    """One ticket with every step and what the caller may do now."""
    told = request.scope["request_id"]
    return answered(await run_in_threadpool(read_ticket, desk.office, caller, ticket_id, desk.now(), told))


@routes.post("/tickets/{ticket_id}/steps", summary="Step of a ticket", responses={200: {"model": TicketAnswer}})
async def take_step(
    caller: Annotated[Caller, requires(Action.STEP_TICKET)],
    desk: DeskDep,
    request: Request,
    ticket_id: TicketId,
    body: TicketStepBody,
) -> Response:
    """Take one of the `open_steps`. Once the office confirms that it is solved, the lender that refused is asked again.
    The step taken last, sent again, changes nothing."""
    asked, told = TicketStepAsked(body.step, body.version, body.text), request.scope["request_id"]
    return answered(await run_in_threadpool(step_ticket, desk.office, caller, ticket_id, asked, desk.now(), told))
