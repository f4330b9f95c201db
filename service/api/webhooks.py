"""Webhooks of a lender (Standard Webhooks 1.0): endpoints, secrets, the log of deliveries, replay and ping."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.access.auth import Action, Caller
from service.api.guard import requires
from service.api.inputs import Cursor, Limit
from service.api.paging import before_of, page_answer, paged, write
from service.api.route import DeskDep, router
from service.api.shapes import Page
from service.api.shapes_integration import (
    DeliveryShape,
    PingAnswer,
    ReplayAnswer,
    ReplayBody,
    SecretShape,
    WebhookBody,
    WebhookShape,
)
from service.usecases.manage_webhooks import (
    delete_endpoint,
    endpoint_secrets,
    list_endpoints,
    read_endpoint,
    register_endpoint,
    rotate_secret,
    switch_endpoint,
)
from service.usecases.replay_webhooks import list_deliveries, ping, replay
from service.web.encode import answered

routes = router("webhooks")
Manager = Annotated[Caller, requires(Action.MANAGE_WEBHOOKS)]
Reader = Annotated[Caller, requires(Action.READ_WEBHOOKS)]
WebhookId = Annotated[str, Path(max_length=40, description="Id of a webhook")]
_ANSWER: dict[int | str, dict[str, Any]] = {200: {"model": WebhookShape}}


@routes.post("/webhooks", status_code=201, summary="Register a webhook", responses={201: {"model": WebhookShape}})
async def register(caller: Manager, desk: DeskDep, request: Request, body: WebhookBody) -> Response:
    """Changes from now on are sent there: https, a public name, ports 443 and 8443. Read its secret next."""
    told = request.scope["request_id"]
    made = await run_in_threadpool(
        register_endpoint, desk.office, caller, body.url, body.types, desk.addresses, desk.now(), told
    )
    return answered(made, 201)


@routes.get("/webhooks", summary="Your webhooks", responses={200: {"model": Page[WebhookShape]}})
async def list_all(caller: Reader, desk: DeskDep, cursor: Cursor = "", limit: Limit = 100) -> Response:
    """Those of your house, oldest first, with what waits and what was given up."""
    found = await run_in_threadpool(list_endpoints, desk.office, caller)
    return page_answer(found, cursor, limit)


@routes.get("/webhooks/{webhook_id}", summary="One webhook", responses=_ANSWER)
async def read(caller: Reader, desk: DeskDep, webhook_id: WebhookId) -> Response:
    """With what waits and what was given up."""
    return answered(await run_in_threadpool(read_endpoint, desk.office, caller, webhook_id))


@routes.delete("/webhooks/{webhook_id}", summary="Delete a webhook", responses=_ANSWER)
async def delete(caller: Manager, desk: DeskDep, request: Request, webhook_id: WebhookId) -> Response:
    """Nothing is sent there any more; what was on its way is dropped."""
    told = request.scope["request_id"]
    return answered(await run_in_threadpool(delete_endpoint, desk.office, caller, webhook_id, desk.now(), told))


@routes.post("/webhooks/{webhook_id}/activation", summary="Switch a webhook on", responses=_ANSWER)
async def activate(caller: Manager, desk: DeskDep, request: Request, webhook_id: WebhookId) -> Response:
    """What changed while it was off is sent now."""
    told = request.scope["request_id"]
    return answered(await run_in_threadpool(switch_endpoint, desk.office, caller, webhook_id, True, desk.now(), told))


@routes.post("/webhooks/{webhook_id}/suspension", summary="Switch a webhook off", responses=_ANSWER)
async def suspend(caller: Manager, desk: DeskDep, request: Request, webhook_id: WebhookId) -> Response:
    """Nothing is sent until it is switched on."""
    told = request.scope["request_id"]
    return answered(await run_in_threadpool(switch_endpoint, desk.office, caller, webhook_id, False, desk.now(), told))


@routes.get("/webhooks/{webhook_id}/secrets", summary="Its secrets", responses={200: {"model": SecretShape}})
async def secrets(caller: Manager, desk: DeskDep, webhook_id: WebhookId) -> Response:
    """What its receiver checks signatures with; while a rotation lasts there are two, and either may sign."""
    found = await run_in_threadpool(endpoint_secrets, desk.office, caller, webhook_id, desk.now())
    return answered(found, headers={"Cache-Control": "no-store"})


@routes.post("/webhooks/{webhook_id}/rotation", summary="Rotate its secret", responses=_ANSWER)
async def rotate(caller: Manager, desk: DeskDep, request: Request, webhook_id: WebhookId) -> Response:
    """For a day both secrets sign, so that a receiver can change without losing anything."""
    told = request.scope["request_id"]
    return answered(await run_in_threadpool(rotate_secret, desk.office, caller, webhook_id, desk.now(), told))


@routes.get(
    "/webhooks/{webhook_id}/deliveries", summary="Its deliveries", responses={200: {"model": Page[DeliveryShape]}}
)
async def deliveries(
    caller: Reader, desk: DeskDep, webhook_id: WebhookId, cursor: Cursor = "", limit: Limit = 100
) -> Response:
    """Newest change first: how often each was tried, what it was answered, when it is tried next."""
    found = await run_in_threadpool(list_deliveries, desk.office, caller, webhook_id, before_of(cursor), limit)
    page = found[:limit]
    return answered(paged(page, write(str(page[-1]["number"])) if len(found) > limit else None))


@routes.post(
    "/webhooks/{webhook_id}/replays",
    status_code=202,
    summary="Send changes again",
    responses={202: {"model": ReplayAnswer}},
)
async def replays(
    caller: Manager, desk: DeskDep, request: Request, webhook_id: WebhookId, body: ReplayBody
) -> Response:
    """By the numbers of the feed, under the ids they had; receivers pass over what they know."""
    told, span = request.scope["request_id"], (body.first, body.last)
    queued = await run_in_threadpool(replay, desk.office, caller, webhook_id, *span, desk.now(), told)
    return answered({"queued": queued}, 202)


@routes.post(
    "/webhooks/{webhook_id}/pings", status_code=202, summary="Try a webhook", responses={202: {"model": PingAnswer}}
)
async def pings(caller: Manager, desk: DeskDep, request: Request, webhook_id: WebhookId) -> Response:
    """Sends `webhook.ping` to this one; see its deliveries for what came of it."""
    told = request.scope["request_id"]
    number = await run_in_threadpool(ping, desk.office, caller, webhook_id, desk.now(), told)
    return answered({"number": number}, 202)
