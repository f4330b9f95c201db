"""The matching certificate as a page to print, in either language."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.api.applications import ApplicationId, Certified
from service.api.route import DeskDep, router
from service.pages.render import page
from service.usecases.issue_certificate import issue_certificate

TEMPLATE = "certificate.html"
routes = router("applications")


@routes.get(
    "/applications/{application_id}/certificate/page",
    summary="A matching certificate to print",
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "HTML"},
        409: {"description": "There is no match yet, or no consent to name the firm"},
    },
)
async def read_page(
    request: Request,
    caller: Certified,
    desk: DeskDep,
    application_id: ApplicationId,
    lang: Annotated[str, Query(max_length=8, description="zh or en; default what the client accepts")] = "",
) -> Response:
    """The certificate as an HTML page without scripts, with the signed text beneath so that paper can be verified."""
    told = request.scope["request_id"]
    issued = await run_in_threadpool(
        issue_certificate, desk.office, desk.shelf, caller, application_id, desk.now(), told
    )
    return page(request, TEMPLATE, issued=issued, said=issued["certificate"], demo=desk.settings.is_demo)
