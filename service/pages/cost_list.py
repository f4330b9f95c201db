"""The cost list as a form to print, in either language."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.api.cost_lists import ListId, Reader
from service.api.inputs import Until
from service.api.route import DeskDep, router
from service.cases.cost_lists import check_party
from service.pages.render import page
from service.usecases.show_cost_lists import show_cost_list

TEMPLATE = "cost_list.html"
routes = router("cost-lists")


@routes.get(
    "/cost-lists/{list_id}/form",
    summary="A cost list to print",
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "HTML"}},
)
async def read_form(
    request: Request,
    caller: Reader,
    desk: DeskDep,
    list_id: ListId,
    until: Until = None,
    lang: Annotated[str, Query(max_length=8, description="zh or en; default what the client accepts")] = "",
) -> Response:
    """The form as an HTML page without scripts: every item, who charges it, confirmations, promised against charged."""
    check_party(desk.office, caller, list_id)
    answer = await run_in_threadpool(show_cost_list, desk.office, list_id, until or desk.today())
    return page(request, TEMPLATE, form=answer, demo=desk.settings.is_demo)
