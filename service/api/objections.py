"""Objections: filed by the firm, dealt with by the office and the agency, step by step."""

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
    ObjectionAnswer,
    ObjectionBody,
    ObjectionLine,
    RecordAnswer,
    StepBody,
)
from service.usecases.list_records import list_records
from service.usecases.objection import Filing, file_objection, list_objections, read_objection
from service.usecases.step_objection import StepAsked, step_objection
from service.web.encode import answered
from service.web.etags import CONDITIONAL, check_unchanged, tagged

routes = router("objections")
ObjectionId = Annotated[str, Path(max_length=40)]


@routes.get(
    "/firms/{uscc}/records", summary="The records behind an item", responses={200: {"model": Page[RecordAnswer]}}
)
async def read_records(
    access: Annotated[Access, reads_firm(Action.READ_RECORDS)],
    desk: DeskDep,
    uscc: Uscc,
    item: Annotated[str, Query(max_length=80, description="Item id", examples=["penalty_general"])],
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Response:
    """The firm's own records in the feed of an item, newest first, as the agency delivered them: for an objection."""
    found = await run_in_threadpool(list_records, desk.office, uscc, item)
    return page_answer(found, cursor, limit, "record_id")


@routes.post("/firms/{uscc}/objections", status_code=201, summary="Object", responses={201: {"model": ObjectionAnswer}})
async def object_to(
    caller: Annotated[Caller, requires(Action.FILE_OBJECTION)],
    desk: DeskDep,
    request: Request,
    uscc: Uscc,
    body: ObjectionBody,
) -> Response:
    """Contest an item of the firm's profile, or one record behind it. Every reader is told from this moment on.

    The same objection sent twice is one.
    """
    check_own_firm(caller, uscc)
    filing = Filing(body.item, body.record_id, body.reason, body.evidence)
    told, snapshot = request.scope["request_id"], desk.shelf.current()
    return answered(
        await run_in_threadpool(file_objection, desk.office, snapshot, caller, filing, desk.now(), told), 201
    )


@routes.get("/objections", summary="Objections", responses={200: {"model": Page[ObjectionLine]}})
async def read_objections(
    caller: Annotated[Caller, requires(Action.READ_OBJECTIONS)],
    desk: DeskDep,
    uscc: Annotated[str, Query(max_length=18, description="Only of this firm")] = "",
    stage: Annotated[str, Query(max_length=20, description="Only in this stage", examples=["inquiry"])] = "",
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Response:
    """A firm lists its own, an agency those about what it delivers, staff all; newest first, with their clocks."""
    found = await run_in_threadpool(list_objections, desk.office, caller, desk.now(), uscc, stage)
    return page_answer(found, cursor, limit)


@routes.get(
    "/objections/{objection_id}",
    summary="One objection",
    responses={200: {"model": ObjectionAnswer}, 304: {"description": "As you have it"}},
)
async def read_one(
    caller: Annotated[Caller, requires(Action.READ_OBJECTIONS, told_inside=True)],
    desk: DeskDep,
    request: Request,
    objection_id: ObjectionId,
) -> Response:
    """What the firm said, every step with the inquiry letter, the clocks, and what the caller may do now."""
    told = request.scope["request_id"]
    return tagged(request, await run_in_threadpool(read_objection, desk.office, caller, objection_id, desk.now(), told))


@routes.post(
    "/objections/{objection_id}/steps",
    summary="Step of an objection",
    responses={200: {"model": ObjectionAnswer}, **CHANGED},
    openapi_extra=CONDITIONAL,
)
async def take_step(
    caller: Annotated[Caller, requires(Action.STEP_OBJECTION)],
    desk: DeskDep,
    request: Request,
    objection_id: ObjectionId,
    body: StepBody,
) -> Response:
    """Take one of the `open_steps`. The step taken last, sent again, changes nothing."""
    asked = StepAsked(body.step, body.text, body.batch_id, body.withdraw)
    told, now = request.scope["request_id"], desk.now()
    await check_unchanged(request, desk.office, lambda: read_objection(desk.office, caller, objection_id, now, told))
    return answered(await run_in_threadpool(step_objection, desk.office, caller, objection_id, asked, desk.now(), told))
