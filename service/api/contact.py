"""A firm's word on being contacted: given, read, withdrawn."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.access.auth import Action, Caller, check_own_firm
from service.api.guard import requires
from service.api.inputs import Uscc
from service.api.route import DeskDep, router
from service.api.shapes_market import ContactAnswer, ContactBody
from service.asking import asked_day
from service.usecases.contact import ContactWanted, end_contact, give_word, read_word, withdraw
from service.web.encode import answered

routes = router("contact")
Closer = Annotated[Caller, requires(Action.CLOSE_CONTACT)]
_ANSWER: dict[int | str, dict[str, Any]] = {200: {"model": ContactAnswer}}


@routes.post(
    "/firms/{uscc}/contact",
    status_code=201,
    summary="Let lenders contact the firm",
    responses={201: {"model": ContactAnswer}},
)
async def give(
    caller: Annotated[Caller, requires(Action.OPEN_TO_CONTACT)],
    desk: DeskDep,
    request: Request,
    uscc: Uscc,
    body: ContactBody,
) -> Response:
    """Which lenders may, how many at a time and in a quarter, until when; in place of what was said before.

    A lender that contacts learns the firm's code, name and public items, and that the firm meets the conditions it
    searched with; the firm sees who did.
    """
    check_own_firm(caller, uscc)
    wanted = ContactWanted(
        lenders=None if body.lenders is None else tuple(body.lenders),
        at_a_time=body.at_a_time,
        per_quarter=body.per_quarter,
        valid_until=asked_day(body.valid_until, "valid_until"),
    )
    told = request.scope["request_id"]
    return answered(await run_in_threadpool(give_word, desk.office, caller, wanted, desk.now(), told), 201)


@routes.get("/firms/{uscc}/contact", summary="Who may contact the firm, and who did", responses=_ANSWER)
async def read(caller: Annotated[Caller, requires(Action.READ_CONTACT)], desk: DeskDep, uscc: Uscc) -> Response:
    """What the firm said, the places left, and every contact of this quarter."""
    check_own_firm(caller, uscc)
    return answered(await run_in_threadpool(read_word, desk.office, caller, desk.now()))


@routes.delete("/firms/{uscc}/contact", summary="Withdraw from contact", responses=_ANSWER)
async def close(caller: Closer, desk: DeskDep, request: Request, uscc: Uscc) -> Response:
    """Closes the firm to every lender at once; those in contact read it no more."""
    check_own_firm(caller, uscc)
    told = request.scope["request_id"]
    return answered(await run_in_threadpool(withdraw, desk.office, caller, desk.now(), told))


@routes.delete("/firms/{uscc}/contact/{lender}", summary="End the contact with one lender", responses=_ANSWER)
async def end(
    caller: Closer, desk: DeskDep, request: Request, uscc: Uscc, lender: Annotated[str, Path(max_length=64)]
) -> Response:
    """At once; the lender may not contact the firm again until the firm gives its word anew."""
    check_own_firm(caller, uscc)
    told = request.scope["request_id"]
    return answered(await run_in_threadpool(end_contact, desk.office, caller, lender, desk.now(), told))
