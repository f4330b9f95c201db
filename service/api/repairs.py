"""Credit repair: what can be repaired and from when, requests, the office's steps, lifts; notices to lenders."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.access.auth import Action, Caller, check_own_firm
from service.access.reading import Access
from service.api.guard import reads_firm, requires
from service.api.inputs import Cursor, Limit, Uscc
from service.api.paging import page_answer
from service.api.route import CHANGED, DeskDep, router
from service.api.shapes import Page
from service.api.shapes_cases import (
    FirmRepairsAnswer,
    LiftAnswer,
    LiftBody,
    NoticeAnswer,
    RepairAnswer,
    RepairBody,
    RepairLine,
    RepairStepBody,
)
from service.asking import asked_day
from service.usecases.lift_publicity import LiftAsked, lift_publicity
from service.usecases.read_notices import list_notices, receive_notice
from service.usecases.repair import RepairAsked, firm_repairs, list_repairs, read_repair, request_repair
from service.usecases.step_repair import RepairStepAsked, step_repair
from service.web.encode import answered
from service.web.etags import CONDITIONAL, check_unchanged, tagged

routes = router("repair")
RepairId = Annotated[str, Path(max_length=40)]


@routes.get("/firms/{uscc}/repair", summary="What can be repaired", responses={200: {"model": FirmRepairsAnswer}})
async def read_firm_repair(
    access: Annotated[Access, reads_firm(Action.READ_REPAIR)], desk: DeskDep, uscc: Uscc
) -> Response:
    """Every penalty of the firm from the day it arrives: earliest day of repair, last day it may be shown, what a
    request of today brings, the two letters that go with the decision, and the promise to agree to."""
    return answered(await run_in_threadpool(firm_repairs, desk.office, desk.shelf.current(), uscc, desk.now()))


@routes.post(
    "/firms/{uscc}/repairs", status_code=201, summary="Ask for a repair", responses={201: {"model": RepairAnswer}}
)
async def ask_repair(
    caller: Annotated[Caller, requires(Action.REQUEST_REPAIR)],
    desk: DeskDep,
    request: Request,
    uscc: Uscc,
    body: RepairBody,
) -> Response:
    """Ask for the repair of one record. What is missing or too early is said at once; the same request is kept once."""
    check_own_firm(caller, uscc)
    materials = tuple(each.model_dump(exclude_defaults=True) for each in body.materials)
    asked = RepairAsked(body.record_id, materials, body.promise_sha256, body.duty_done, body.matter)
    told, snapshot = request.scope["request_id"], desk.shelf.current()
    return answered(
        await run_in_threadpool(request_repair, desk.office, snapshot, caller, asked, desk.now(), told), 201
    )


@routes.get("/repairs", summary="Requests for repair", responses={200: {"model": Page[RepairLine]}})
async def read_repairs(
    caller: Annotated[Caller, requires(Action.READ_REPAIR)],
    desk: DeskDep,
    stage: Annotated[str, Query(max_length=20, description="Only in this stage", examples=["requested"])] = "",
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Response:
    """A firm lists its own, an agency those about its records, staff all; newest first."""
    found = await run_in_threadpool(list_repairs, desk.office, caller, stage)
    return page_answer(found, cursor, limit)


@routes.get(
    "/repairs/{repair_id}",
    summary="One request for repair",
    responses={200: {"model": RepairAnswer}, 304: {"description": "As you have it"}},
)
async def read_one(
    caller: Annotated[Caller, requires(Action.READ_REPAIR, told_inside=True)],
    desk: DeskDep,
    request: Request,
    repair_id: RepairId,
) -> Response:
    """The first check, the materials, every step, and what the caller may do now."""
    told = request.scope["request_id"]
    return tagged(request, await run_in_threadpool(read_repair, desk.office, caller, repair_id, desk.now(), told))


@routes.post(
    "/repairs/{repair_id}/steps",
    summary="Step of a repair",
    responses={200: {"model": RepairAnswer}, **CHANGED},
    openapi_extra=CONDITIONAL,
)
async def take_step(
    caller: Annotated[Caller, requires(Action.STEP_REPAIR)],
    desk: DeskDep,
    request: Request,
    repair_id: RepairId,
    body: RepairStepBody,
) -> Response:
    """Take one of the `open_steps`. Who reviewed does not decide. A granted repair ends publicity and use at once."""
    asked = RepairStepAsked(body.step, body.text, body.duty_done)
    told, now = request.scope["request_id"], desk.now()
    await check_unchanged(request, desk.office, lambda: read_repair(desk.office, caller, repair_id, now, told))
    return answered(await run_in_threadpool(step_repair, desk.office, caller, repair_id, asked, desk.now(), told))


@routes.post(
    "/firms/{uscc}/lifts", status_code=201, summary="Lift publicity for a time", responses={201: {"model": LiftAnswer}}
)
async def lift(
    caller: Annotated[Caller, requires(Action.LIFT_PUBLICITY)],
    desk: DeskDep,
    request: Request,
    uscc: Uscc,
    body: LiftBody,
) -> Response:
    """Under a court's restructuring ruling, take a record out of publicity and use until a day; it comes back by
    itself."""
    asked = LiftAsked(body.record_id, body.ruling, body.court, asked_day(body.ends_on, "ends_on"))
    told = request.scope["request_id"]
    return answered(await run_in_threadpool(lift_publicity, desk.office, caller, uscc, asked, desk.now(), told), 201)


@routes.get("/notices", summary="Notices of corrections", responses={200: {"model": Page[NoticeAnswer]}})
async def read_notices(
    caller: Annotated[Caller, requires(Action.READ_NOTICES)],
    desk: DeskDep,
    open_only: Annotated[bool, Query(description="Only those not received yet")] = False,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Response:
    """A lender lists what was corrected about firms it has read; staff see the notices of every house."""
    found = await run_in_threadpool(list_notices, desk.office, caller, open_only)
    return page_answer(found, cursor, limit)


@routes.post("/notices/{notice_id}/receipt", summary="Receive a notice", responses={200: {"model": NoticeAnswer}})
async def receive(
    caller: Annotated[Caller, requires(Action.RECEIVE_NOTICE)],
    desk: DeskDep,
    request: Request,
    notice_id: Annotated[str, Path(max_length=40)],
) -> Response:
    """Say that the notice was received. Saying it twice changes nothing."""
    told = request.scope["request_id"]
    return answered(await run_in_threadpool(receive_notice, desk.office, caller, notice_id, desk.now(), told))
