"""What is held of a person: read and taken away, deleted; and the runs of the retention rules."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.access.auth import Action, Caller, check_own_firm
from service.access.reading import Access
from service.api.guard import reads_firm, requires
from service.api.inputs import Cursor, Limit, Uscc
from service.api.paging import page_answer
from service.api.route import DeskDep, router
from service.api.shapes import Page
from service.api.shapes_personal import ErasureAnswer, PersonalDataAnswer, RetentionRunShape
from service.cases.parties import actor_of
from service.pages.render import page
from service.usecases.erase_personal_data import erase_personal_data
from service.usecases.export_personal_data import as_csv, check_format, export_personal_data, flat
from service.usecases.retention import retention_runs
from service.web.encode import answered
from service.web.idempotency import unkeyed

routes = router("personal data")
TEMPLATE = "personal.html"


@routes.get(
    "/firms/{uscc}/personal-data",
    summary="What is held of a person",
    responses={200: {"model": PersonalDataAnswer, "description": "JSON, or the same as a table or a page"}},
)
async def read_personal_data(
    request: Request,
    access: Annotated[Access, reads_firm(Action.READ_PERSONAL_DATA)],
    desk: DeskDep,
    uscc: Uscc,
    as_format: Annotated[str, Query(alias="format", max_length=8, description="json, csv or html")] = "json",
    lang: Annotated[str, Query(max_length=8, description="Of the page: zh or en")] = "",
) -> Response:
    """Records about persons (of a sole proprietor all records), and every row of the office's own tables about the
    firm: consents, readings, answers, cases. With how long each is kept, and what stays whoever asks.
    """
    wanted = check_format(as_format)
    held = await run_in_threadpool(export_personal_data, desk.office, uscc, desk.now())
    if wanted == "html":
        return page(request, TEMPLATE, held=held, flat=flat)
    if wanted == "csv":
        headers = {"Content-Disposition": f'attachment; filename="personal-data-{uscc}.csv"'}
        return Response(as_csv(held), 200, headers, "text/csv; charset=utf-8")
    return answered(held)


@routes.post(
    "/firms/{uscc}/personal-data/erasure",
    summary="Delete what may be deleted",
    responses={200: {"model": ErasureAnswer}},
    # It removes files, which no transaction brings back; sent again it finds nothing left to delete.
    openapi_extra=unkeyed("Sent again it finds nothing left to delete"),
)
async def erase(caller: Annotated[Caller, requires(Action.ERASE_PERSONAL_DATA)], desk: DeskDep, uscc: Uscc) -> Response:
    """Withdraws consents that cover persons, and deletes what the firm said of itself, its facts behind old answers,
    and adverse records of a sole proprietor whose five years are over. What stays is listed with its reason.
    """
    check_own_firm(caller, uscc)
    return answered(await run_in_threadpool(erase_personal_data, desk.office, uscc, actor_of(caller), desk.now()))


@routes.get(
    "/retention-runs", summary="Runs of the retention rules", responses={200: {"model": Page[RetentionRunShape]}}
)
async def read_runs(
    caller: Annotated[Caller, requires(Action.READ_RETENTION)], desk: DeskDep, cursor: Cursor = "", limit: Limit = 100
) -> Response:
    """What was removed because its time was over, by rule, the newest run first. Counts only."""
    found = await run_in_threadpool(retention_runs, desk.office)
    return page_answer(found, cursor, limit)
