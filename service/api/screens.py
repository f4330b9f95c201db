"""Saved screens of a lender, and alerts of what is new in them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.access.auth import Action, Caller
from service.api.guard import requires
from service.api.inputs import Cursor, Limit, Purposed
from service.api.paging import page_answer
from service.api.prospects import seeker_of
from service.api.route import DeskDep, router
from service.api.shapes import Page
from service.api.shapes_market import ScreenAlertShape, ScreenBody, ScreenShape, SearchAnswer
from service.usecases.save_screens import (
    ScreenWanted,
    change_screen,
    delete_screen,
    list_screens,
    read_screen,
    save_screen,
    screen_alerts,
    screen_prospects,
)
from service.web.encode import answered

routes = router("screens")
Keeper = Annotated[Caller, requires(Action.SAVE_SCREEN)]
Reader = Annotated[Caller, requires(Action.READ_SCREENS)]
ScreenId = Annotated[str, Path(max_length=40)]


@routes.post("/screens", status_code=201, summary="Save a screen", responses={201: {"model": ScreenShape}})
async def save(caller: Keeper, desk: DeskDep, request: Request, body: ScreenBody) -> Response:
    """Kept for your house under a name of its own; the same screen saved twice is one."""
    seeker = seeker_of(desk, caller, None, request)
    return answered(await run_in_threadpool(save_screen, seeker, _wanted(body)), 201)


@routes.get("/screens", summary="Saved screens", responses={200: {"model": Page[ScreenShape]}})
async def list_all(
    caller: Reader, desk: DeskDep, request: Request, cursor: Cursor = "", limit: Limit = 100
) -> Response:
    """Those of your house, newest first."""
    found = await run_in_threadpool(list_screens, seeker_of(desk, caller, None, request))
    return page_answer(found, cursor, limit)


@routes.get("/screens/{screen_id}", summary="One saved screen", responses={200: {"model": ScreenShape}})
async def read(caller: Reader, desk: DeskDep, request: Request, screen_id: ScreenId) -> Response:
    """The screen as it is kept now."""
    return answered(await run_in_threadpool(read_screen, seeker_of(desk, caller, None, request), screen_id))


@routes.put("/screens/{screen_id}", summary="Change a saved screen", responses={200: {"model": ScreenShape}})
async def change(caller: Keeper, desk: DeskDep, request: Request, screen_id: ScreenId, body: ScreenBody) -> Response:
    """Other conditions make a new version, whose alerts begin anew."""
    seeker = seeker_of(desk, caller, None, request)
    return answered(await run_in_threadpool(change_screen, seeker, screen_id, _wanted(body)))


@routes.delete("/screens/{screen_id}", summary="Delete a saved screen", responses={200: {"model": ScreenShape}})
async def delete(caller: Keeper, desk: DeskDep, request: Request, screen_id: ScreenId) -> Response:
    """It is asked no more; its name is free again."""
    return answered(await run_in_threadpool(delete_screen, seeker_of(desk, caller, None, request), screen_id))


@routes.get(
    "/screens/{screen_id}/prospects", summary="Firms of a saved screen", responses={200: {"model": SearchAnswer}}
)
async def prospects(
    caller: Reader,
    desk: DeskDep,
    request: Request,
    screen_id: ScreenId,
    cursor: Cursor = "",
    limit: Limit = 50,
    purpose: Purposed = None,
) -> Response:
    """As `POST /v1/prospects/search` answers."""
    seeker = seeker_of(desk, caller, purpose, request)
    return answered(await run_in_threadpool(screen_prospects, seeker, screen_id, cursor, limit))


@routes.get(
    "/screens/{screen_id}/alerts",
    summary="What was new in a saved screen",
    responses={200: {"model": Page[ScreenAlertShape]}},
)
async def alerts(
    caller: Reader,
    desk: DeskDep,
    request: Request,
    screen_id: ScreenId,
    cursor: Cursor = "",
    limit: Limit = 100,
    purpose: Purposed = None,
) -> Response:
    """One for every snapshot since the screen was saved, newest first: about how many, and ids of those listed."""
    found = await run_in_threadpool(screen_alerts, seeker_of(desk, caller, purpose, request), screen_id)
    return page_answer(found, cursor, limit)


def _wanted(body: ScreenBody) -> ScreenWanted:
    return ScreenWanted(body.name, body.conditions, body.sort)
