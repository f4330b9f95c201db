"""A firm's consents as pages: what stands, the words of a new one, giving and taking back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from models.errors import RefusedInput
from service.access.auth import Action, Caller, Role
from service.access.policy import LENDING, Purpose
from service.access.reading import lending_purpose
from service.api.route import DeskDep
from service.asking import asked_day
from service.books.rulebook import lenders
from service.books.seedbook import catalogue
from service.desk import Desk
from service.pages.home import not_here
from service.pages.render import language_of
from service.pages.session import FormGuard, PageGuard, form_of, may, own_page
from service.usecases.consent import Wanted, consent_text, give_consent, list_consents, revoke_consent

router = APIRouter(include_in_schema=False, prefix="/home/consents")
_READS = Depends(PageGuard(Action.READ_CONSENTS))
_GIVES = Depends(FormGuard(Action.GIVE_CONSENT))
_REVOKES = Depends(FormGuard(Action.REVOKE_CONSENT))
#: What the form proposes: as long as a bank usually needs to decide.
_USUAL_DAYS = 90


@router.get("")
async def show(request: Request, desk: DeskDep, caller: Caller = _READS) -> Response:
    """What the caller's firm gave, with the form for another; what a lender's house was given."""
    if caller.role is not Role.FIRM and not caller.is_lender:
        raise not_here("consents")
    return await _page(request, desk, caller)


@router.post("/text")
async def words(request: Request, desk: DeskDep, caller: Caller = _GIVES) -> Response:
    """The words the firm would agree to, to be read before it agrees."""
    form = form_of(request)
    try:
        wanted = _wanted(form)
        text = consent_text(wanted, desk.today())
    except RefusedInput as refused:
        return await _page(request, desk, caller, refused, form)
    kept = {name: value for name, value in form.items() if name != "csrf"}
    return own_page(request, "consent_text.html", caller, text=text, kept=kept, lender=lenders()[wanted.lender])


@router.post("")
async def give(request: Request, desk: DeskDep, caller: Caller = _GIVES) -> Response:
    """Give the consent whose words were shown."""
    form, told = form_of(request), request.scope["request_id"]
    try:
        await run_in_threadpool(give_consent, desk.office, caller, _wanted(form), desk.now(), told)
    except RefusedInput as refused:
        return await _page(request, desk, caller, refused, form)
    return _back(request)


@router.post("/{consent_id}/revocation")
async def revoke(
    request: Request, desk: DeskDep, consent_id: Annotated[str, Path(max_length=40)], caller: Caller = _REVOKES
) -> Response:
    """End a consent at once."""
    told = request.scope["request_id"]
    await run_in_threadpool(revoke_consent, desk.office, caller, consent_id, desk.now(), told)
    return _back(request)


async def _page(
    request: Request,
    desk: Desk,
    caller: Caller,
    refused: RefusedInput | None = None,
    form: Mapping[str, str] | None = None,
) -> Response:
    today = desk.today()
    usual = {"valid_from": str(today), "valid_until": str(today + timedelta(days=_USUAL_DAYS))}
    return own_page(
        request,
        "consents.html",
        caller,
        refused.status if refused else 200,
        consents=await run_in_threadpool(list_consents, desk.office, caller, desk.now()),
        lenders=lenders(),
        dimensions=catalogue().dimensions,
        purposes=[purpose.value for purpose in Purpose if purpose in LENDING],
        may_give=may(caller, Action.GIVE_CONSENT),
        refused=refused,
        form=form or usual,
    )


def _wanted(form: Mapping[str, str]) -> Wanted:
    return Wanted(
        lender=form.get("lender", ""),
        purpose=lending_purpose(form.get("purpose", "")),
        dimensions=tuple(each.id for each in catalogue().dimensions if f"dimension.{each.id}" in form),
        personal="personal" in form,
        valid_from=asked_day(form.get("valid_from", ""), "valid_from"),
        valid_until=asked_day(form.get("valid_until", ""), "valid_until"),
        text_sha256=form.get("text_sha256", ""),
    )


def _back(request: Request) -> Response:
    return RedirectResponse(f"/home/consents?{urlencode({'lang': language_of(request)})}", 303)
