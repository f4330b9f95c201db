"""Cost lists of loans: the bank drafts, bank and firm confirm, either tells what was charged."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from matching.charged_cost import Side
from matching.products import Lender
from matching.rulefile import Name
from models.tables import Client
from service.access.auth import Action, Caller, Role, check_own_firm
from service.api.guard import requires
from service.api.inputs import Cursor, Limit, Until, Uscc
from service.api.inputs_cost_list import ChargesBody, ConfirmationBody, CostListDraft
from service.api.paging import page_answer
from service.api.route import CHANGED, DeskDep, router
from service.api.shapes import Page
from service.api.shapes_cost_list import CostListAnswer, CostListSummary, RecordedAnswer
from service.books.rulebook import lenders, offers
from service.cases.cost_lists import check_party
from service.desk import Desk
from service.usecases.confirm_cost_list import confirm_cost_list
from service.usecases.draw_up_cost_list import draw_up_cost_list
from service.usecases.record_charged_costs import record_charged_costs
from service.usecases.show_cost_lists import show_cost_list, show_cost_lists
from service.web.encode import answered
from service.web.etags import CONDITIONAL, check_unchanged, tagged

routes = router("cost-lists")
ListId = Annotated[str, Path(max_length=64, description="Id of a cost list")]
Reader = Annotated[Caller, requires(Action.READ_COST_LIST)]


@routes.get(
    "/firms/{uscc}/cost-lists", summary="Cost lists of a firm", responses={200: {"model": Page[CostListSummary]}}
)
async def list_cost_lists(
    caller: Reader, desk: DeskDep, uscc: Uscc, cursor: Cursor = "", limit: Limit = 100
) -> Response:
    """A firm sees its own, a bank those it drafted, the office all."""
    lender = caller.tenant if caller.role is Role.BANK else ""
    if caller.role is Role.FIRM:
        check_own_firm(caller, uscc)
    found = await run_in_threadpool(show_cost_lists, desk.office, uscc, lender)
    return page_answer(found, cursor, limit)


@routes.post(
    "/firms/{uscc}/cost-lists",
    summary="Draft a cost list",
    status_code=201,
    responses={
        200: {"model": CostListAnswer, "description": "It says this already"},
        201: {"model": CostListAnswer, "description": "A new version"},
        409: {"description": "Both sides have confirmed it"},
    },
)
async def draft_cost_list(
    caller: Annotated[Caller, requires(Action.DRAFT_COST_LIST)], desk: DeskDep, uscc: Uscc, draft: CostListDraft
) -> Response:
    """Interest and every other item with who charges it, preferences, open reductions; dates, sums and the all-in
    annual rate are worked out.

    A bank has one list for a firm and a `reference`. Drafted again, the list gets a new version and confirmations
    given so far are void; the same draft again changes nothing. Nothing about the firm is looked up or revealed.
    """
    document = draft.document(uscc, _lender(desk, caller), offers())
    made = await run_in_threadpool(draw_up_cost_list, desk.office, document, caller.client_id, desk.now())
    return await _shown(desk, made.id, desk.today(), 201 if made.changed else 200)


@routes.get(
    "/cost-lists/{list_id}",
    summary="One cost list",
    responses={200: {"model": CostListAnswer}, 304: {"description": "As you have it"}},
)
async def read_cost_list(
    request: Request, caller: Reader, desk: DeskDep, list_id: ListId, until: Until = None
) -> Response:
    """The form with its confirmations; once agreed, promised against charged up to a day.

    `content` is the text that is confirmed: its SHA-256 is `content_sha256`.
    """
    check_party(desk.office, caller, list_id)
    return tagged(request, await run_in_threadpool(show_cost_list, desk.office, list_id, until or desk.today()))


@routes.post(
    "/cost-lists/{list_id}/confirmations",
    summary="Confirm a cost list",
    status_code=201,
    responses={
        200: {"model": CostListAnswer, "description": "It was confirmed so before"},
        201: {"model": CostListAnswer, "description": "Confirmed"},
        409: {"description": "Another content or an earlier version, or this side has confirmed"},
        **CHANGED,
    },
    openapi_extra=CONDITIONAL,
)
async def confirm(
    request: Request,
    caller: Annotated[Caller, requires(Action.CONFIRM_COST_LIST)],
    desk: DeskDep,
    list_id: ListId,
    body: ConfirmationBody,
) -> Response:
    """The word of a person of the bank or of the firm on the content it has seen. The moment is the service's.

    With both, the list is agreed and stays as it is.
    """
    check_party(desk.office, caller, list_id)
    await check_unchanged(request, desk.office, lambda: show_cost_list(desk.office, list_id, desk.today()))
    side, now = Side(caller.role.value), desk.now()
    new = await run_in_threadpool(
        confirm_cost_list, desk.office, list_id, side, body.name, body.content_sha256, caller.client_id, now
    )
    return await _shown(desk, list_id, desk.today(), 201 if new else 200)


@routes.post(
    "/cost-lists/{list_id}/charges",
    summary="Tell what was charged",
    status_code=201,
    responses={
        200: {"model": RecordedAnswer, "description": "All of it was told before"},
        201: {"model": RecordedAnswer, "description": "Stored"},
        409: {"description": "A side has not confirmed the list"},
    },
)
async def tell_charges(
    caller: Annotated[Caller, requires(Action.RECORD_CHARGES)], desk: DeskDep, list_id: ListId, body: ChargesBody
) -> Response:
    """Money that moved, by day and item, told by bank or firm; what the list does not name is undisclosed.

    All of it is stored or nothing; what was told before, by either side, is not stored again.
    """
    check_party(desk.office, caller, list_id)
    side, now = Side(caller.role.value), desk.now()
    stored = await run_in_threadpool(
        record_charged_costs, desk.office, list_id, side, body.told(), caller.client_id, now
    )
    shown = await run_in_threadpool(show_cost_list, desk.office, list_id, desk.today())
    answer = {"recorded": stored.recorded, "known": stored.known, "cost_list": shown}
    return answered(answer, 201 if stored.recorded else 200)


async def _shown(desk: Desk, list_id: str, until: date, status: int = 200) -> Response:
    return answered(await run_in_threadpool(show_cost_list, desk.office, list_id, until), status)


def _lender(desk: Desk, caller: Caller) -> Lender:
    """The caller as a lender: as the shelf has it, or by the name of its client."""
    if caller.tenant in lenders():
        return lenders()[caller.tenant]
    with desk.office.read() as session:
        client = session.get_one(Client, caller.client_id)
    return Lender(caller.tenant, Name(client.zh or caller.tenant, client.en or caller.tenant), "bank")
