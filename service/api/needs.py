"""Needs of a firm: what is known without asking, stated once, ranked, read, withdrawn."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from matching.applications.rank import read_weights
from service.access.auth import Action, Caller, check_own_firm, unknown_firm
from service.access.reading import Access
from service.api.guard import reads_firm, requires
from service.api.inputs import Cursor, Limit, Uscc
from service.api.inputs_needs import consent_of_body, wanted_of_body
from service.api.paging import page_answer
from service.api.route import CHANGED, DeskDep, router
from service.api.shapes import Page
from service.api.shapes_needs import NeedAnswer, NeedBody, NeedLine, PrefillAnswer, RankingAnswer
from service.books.rulebook import application_rules
from service.usecases.rank_options import rank_offers
from service.usecases.read_needs import list_needs, read_need
from service.usecases.state_need import prefill_need, state_need
from service.usecases.withdraw_need import withdraw_need
from service.web.encode import answered
from service.web.etags import CONDITIONAL, check_unchanged, tagged
from service.web.idempotency import unkeyed

routes = router("needs")
Stater = Annotated[Caller, requires(Action.STATE_NEED)]
Reader = Annotated[Access, reads_firm(Action.READ_NEEDS)]
NeedId = Annotated[str, Path(max_length=40)]


@routes.get("/firms/{uscc}/needs/prefill", summary="A need, prefilled", responses={200: {"model": PrefillAnswer}})
async def prefill(access: Reader, desk: DeskDep, uscc: Uscc) -> Response:
    """What the profile knows of the form of a need, with day and source. Five things at most are asked."""
    return answered(prefill_need(desk.shelf.current(), uscc, desk.now()))


@routes.post(
    "/firms/{uscc}/needs",
    status_code=201,
    summary="State a need",
    responses={201: {"model": NeedAnswer}},
)
async def state(caller: Stater, desk: DeskDep, request: Request, uscc: Uscc, body: NeedBody) -> Response:
    """State a need once. It goes to the lenders it fits in ranked order, a few at a time; the next are asked when one
    refuses or is silent. The same need sent twice is one; there is one open need for each use.

    A lender sees a card without identity until a consent to it is in force, given before or along with the need.
    """
    check_own_firm(caller, uscc)
    consents = [consent_of_body(each) for each in body.consents]
    weights = read_weights(body.weights, application_rules().weights)
    told = request.scope["request_id"]
    wanted = wanted_of_body(body)
    return answered(
        await run_in_threadpool(
            state_need, desk.office, desk.shelf, caller, wanted, consents, weights, desk.now(), told
        ),
        201,
    )


@routes.post(
    "/firms/{uscc}/needs/ranking",
    summary="Rank offers for a need",
    responses={200: {"model": RankingAnswer}},
    openapi_extra=unkeyed("It reckons and keeps nothing"),
)
async def rank(access: Reader, desk: DeskDep, uscc: Uscc, body: NeedBody) -> Response:
    """Every lending product the need fits, best first, with the points of cost, chance, speed and fit, by weights that
    may be changed. Nothing is kept and nobody is asked; consents in the body are not given."""
    wanted, weights = wanted_of_body(body), body.weights
    snapshot = desk.shelf.current()
    return answered(await run_in_threadpool(rank_offers, desk.office, snapshot, uscc, wanted, weights, desk.now()))


@routes.get("/firms/{uscc}/needs", summary="Needs of a firm", responses={200: {"model": Page[NeedLine]}})
async def read_all(access: Reader, desk: DeskDep, uscc: Uscc, cursor: Cursor = "", limit: Limit = 100) -> Response:
    """The needs of a firm, newest first."""
    found = await run_in_threadpool(list_needs, desk.office, uscc, desk.now())
    return page_answer(found, cursor, limit)


@routes.get(
    "/firms/{uscc}/needs/{need_id}",
    summary="One need",
    responses={200: {"model": NeedAnswer}, 304: {"description": "As you have it"}},
)
async def read_one(
    caller: Annotated[Caller, requires(Action.READ_NEEDS)],
    desk: DeskDep,
    request: Request,
    uscc: Uscc,
    need_id: NeedId,
) -> Response:
    """One need with the lenders it fits, in order and with their points, and every application with its clock."""
    if not (caller.is_staff or caller.tenant == uscc):
        raise unknown_firm(uscc)
    told = request.scope["request_id"]
    asked = (desk.office, desk.shelf, caller, uscc, need_id, desk.now(), told)
    return tagged(request, await run_in_threadpool(read_need, *asked))


@routes.delete(
    "/firms/{uscc}/needs/{need_id}",
    summary="Withdraw a need",
    responses={200: {"model": NeedAnswer}, **CHANGED},
    openapi_extra=CONDITIONAL,
)
async def withdraw(caller: Stater, desk: DeskDep, request: Request, uscc: Uscc, need_id: NeedId) -> Response:
    """Withdraw an open need with every application that is not drawn. Withdrawing it again changes nothing."""
    check_own_firm(caller, uscc)
    asked = (desk.office, desk.shelf, caller, uscc, need_id, desk.now(), request.scope["request_id"])
    await check_unchanged(request, desk.office, lambda: read_need(*asked))
    return answered(await run_in_threadpool(withdraw_need, *asked))
