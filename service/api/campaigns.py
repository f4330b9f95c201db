"""Campaigns: the office draws a list up, another person publishes it, lenders receive it and tell outcomes."""

from __future__ import annotations

from typing import Annotated, Any

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
from service.api.shapes_campaign import (
    CampaignAnswer,
    CampaignBody,
    CampaignLine,
    CampaignReport,
    CampaignRowShape,
    OutcomeBody,
    PublishBody,
    ReceiptBody,
)
from service.api.shapes_jobs import JobShape
from service.market.campaign_spec import read_spec
from service.usecases.ask_campaign import ask_campaign
from service.usecases.publish_campaign import publish_campaign
from service.usecases.read_campaigns import list_campaigns, read_campaign, read_rows
from service.usecases.receive_campaign import receive_campaign
from service.usecases.record_campaign_outcome import Told, tell_outcome
from service.usecases.report_campaign import report_campaign
from service.web.encode import answered

routes = router("campaigns")
Reader = Annotated[Caller, requires(Action.READ_CAMPAIGN)]
CampaignId = Annotated[str, Path(max_length=40)]
Version = Annotated[int, Query(ge=0, le=1_000_000, description="0: the newest you may see")]
_ANSWER: dict[int | str, dict[str, Any]] = {200: {"model": CampaignAnswer}}
_TAKEN: dict[int | str, dict[str, Any]] = {
    200: {"model": CampaignAnswer},
    409: {"description": "Another version is the newest, or the rows are others"},
}


@routes.post(
    "/campaigns",
    status_code=201,
    summary="Draw a campaign up",
    responses={
        200: {"model": CampaignAnswer, "description": "The newest version says exactly this"},
        201: {"model": CampaignAnswer, "description": "A new version"},
        202: {"model": JobShape, "description": "A large one: the job that draws it up"},
        409: {"description": "A quota or pot is below what is granted or under way"},
    },
)
async def draw_up(
    caller: Annotated[Caller, requires(Action.DRAW_UP_CAMPAIGN)], desk: DeskDep, request: Request, body: CampaignBody
) -> Response:
    """Firms and products under contact caps, quotas and pots, by deferred acceptance over the snapshot in force.

    One campaign for a quarter and name; sent again with changes it is a new version. Firms on which a lender told an
    outcome stay on the list. A large one is drawn up by a job, whose result names campaign and version; sent again
    meanwhile it is the same job.
    """
    spec = read_spec(body.model_dump(exclude_none=True))
    snapshot, told = desk.shelf.built(), request.scope["request_id"]
    made = await run_in_threadpool(ask_campaign, desk.office, snapshot, caller, spec, desk.now(), told)
    if isinstance(made, dict):
        return answered(made, 202, {"Location": f"/v1/jobs/{made['id']}", "Retry-After": "2"})
    shown = await run_in_threadpool(read_campaign, desk.office, caller, made.id, made.version)
    return answered(shown, 201 if made.changed else 200)


@routes.get("/campaigns", summary="Campaigns", responses={200: {"model": Page[CampaignLine]}})
async def listed(caller: Reader, desk: DeskDep, cursor: Cursor = "", limit: Limit = 100) -> Response:
    """Staff see all; a lender sees published ones in which it has rows."""
    found = await run_in_threadpool(list_campaigns, desk.office, caller)
    return page_answer(found, cursor, limit)


@routes.get("/campaigns/{campaign_id}", summary="One version of a campaign", responses=_ANSWER)
async def read(caller: Reader, desk: DeskDep, campaign_id: CampaignId, version: Version = 0) -> Response:
    """For staff with what was asked and the optimality report; for a lender its own part."""
    return answered(await run_in_threadpool(read_campaign, desk.office, caller, campaign_id, version))


@routes.get(
    "/campaigns/{campaign_id}/rows", summary="Rows of a campaign", responses={200: {"model": Page[CampaignRowShape]}}
)
async def rows(
    caller: Annotated[Caller, requires(Action.READ_CAMPAIGN, told_inside=True)],
    desk: DeskDep,
    request: Request,
    campaign_id: CampaignId,
    version: Version = 0,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Response:
    """A lender sees its own rows: cards, and code and name of firms that are open to contact by it at this moment."""
    told = request.scope["request_id"]
    found = await run_in_threadpool(read_rows, desk.office, caller, campaign_id, version, desk.now(), told)
    return page_answer(found, cursor, limit, "row")


@routes.post("/campaigns/{campaign_id}/publication", summary="Publish a campaign", responses=_TAKEN)
async def publish(
    caller: Annotated[Caller, requires(Action.PUBLISH_CAMPAIGN)],
    desk: DeskDep,
    request: Request,
    campaign_id: CampaignId,
    body: PublishBody,
) -> Response:
    """Lenders see the version from now on. Another person than who drew it up; again it changes nothing."""
    told = request.scope["request_id"]
    await run_in_threadpool(publish_campaign, desk.office, caller, campaign_id, body.version, desk.now(), told)
    return answered(await run_in_threadpool(read_campaign, desk.office, caller, campaign_id, body.version))


@routes.post("/campaigns/{campaign_id}/receipt", summary="Receive a campaign", responses=_TAKEN)
async def receive(
    caller: Annotated[Caller, requires(Action.RECEIVE_CAMPAIGN)],
    desk: DeskDep,
    request: Request,
    campaign_id: CampaignId,
    body: ReceiptBody,
) -> Response:
    """The lender has its rows of the newest published version, as it read them. Again it changes nothing."""
    told, now = request.scope["request_id"], desk.now()
    await run_in_threadpool(
        receive_campaign, desk.office, caller, campaign_id, body.version, body.rows_sha256, now, told
    )
    return answered(await run_in_threadpool(read_campaign, desk.office, caller, campaign_id, body.version))


@routes.post(
    "/campaigns/{campaign_id}/rows/{row_id}/outcomes",
    summary="Tell what became of a row",
    responses={
        200: {"model": CampaignRowShape},
        409: {"description": "A step back, or the firm's contacts are used up"},
    },
)
async def tell(
    caller: Annotated[Caller, requires(Action.TELL_CAMPAIGN_OUTCOME)],
    desk: DeskDep,
    request: Request,
    campaign_id: CampaignId,
    row_id: Annotated[str, Path(max_length=40)],
    body: OutcomeBody,
) -> Response:
    """contacted → in_process → approved (amount) → drawn (sum so far), or declined with a named reason."""
    said = Told(body.state, body.approved_yuan, body.drawn_yuan, body.reason)
    told = request.scope["request_id"]
    return answered(
        await run_in_threadpool(tell_outcome, desk.office, caller, campaign_id, row_id, said, desk.now(), told)
    )


@routes.get(
    "/campaigns/{campaign_id}/report", summary="Report of a campaign", responses={200: {"model": CampaignReport}}
)
async def report(caller: Reader, desk: DeskDep, campaign_id: CampaignId, version: Version = 0) -> Response:
    """Contacted, approved, drawn, declined by reason, to the yuan; by lender, product, district and size class."""
    return answered(await run_in_threadpool(report_campaign, desk.office, caller, campaign_id, version))
