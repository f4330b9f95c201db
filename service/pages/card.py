"""A firm's own evaluation as a page: the score, and every line that sums to it, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from models.kinds import Kind
from models.truth import Truth
from service import labels
from service.access.auth import Action, Caller, Role
from service.access.reading import open_file
from service.api.route import DeskDep
from service.books.seedbook import catalogue
from service.desk import Desk
from service.labels import Labels
from service.pages.home import not_here
from service.pages.render import language_of
from service.pages.session import PageGuard, own_page
from service.shown import money, percent
from service.usecases.firm_report import firm_score, firm_summary

router = APIRouter(include_in_schema=False, prefix="/home")
# Told inside, by `open_file`, with the firm it is about.
_OPENS = Depends(PageGuard(Action.READ_FIRM, told_inside=True))


@router.get("/card")
async def card(request: Request, desk: DeskDep, caller: Caller = _OPENS) -> Response:
    """The firm's own evaluation; the reading is in the journal as any other."""
    if caller.role is not Role.FIRM:
        raise not_here("card")
    told = request.scope["request_id"]
    firm, score = await run_in_threadpool(_read, desk, caller, told)
    t = labels.labels(language_of(request))
    return own_page(
        request,
        "card.html",
        caller,
        firm=firm,
        score=score,
        vetoes=[each for each in score["vetoes"] if each["truth"] == Truth.MET],
        lines=[(line, _said(t, line)) for line in score["lines"]],
    )


def _read(desk: Desk, caller: Caller, told: str) -> tuple[dict[str, Any], dict[str, Any]]:
    access = open_file(desk.office, caller, caller.tenant, None, Action.READ_FIRM, desk.now(), told)
    asked = (desk.shelf, desk.shelf.current(), caller.tenant, access.viewer, access.marks)
    return firm_summary(*asked), firm_score(*asked)


def _said(t: Labels, line: Mapping[str, Any]) -> str:
    """The value of a line's item in words; nothing for a line that is about no item."""
    item, value = catalogue().items.get(line["item"] or ""), line["value"]
    if item is None:
        return ""
    if not line["known"] or value is None:
        return t("home.unknown")
    if item.kind is Kind.FLAG:
        return t("home.yes") if value else t("home.no")
    if item.kind is Kind.RATIO:
        return percent(value, 1)
    if item.kind is Kind.MONEY:
        return t("unit.yuan", amount=money(value))
    if item.kind is Kind.CODE:
        return t.word("code", str(value))
    return f"{value} {t.word('measure', item.unit) if item.unit else ''}".strip()
