"""Exports: a list asked for as files, made by a job, fetched by whoever asked."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from service.access.auth import Action, Caller
from service.api.guard import requires
from service.api.inputs import Purposed
from service.api.route import DeskDep, router
from service.api.shapes_integration import ExportBody, ExportShape
from service.usecases.ask_export import ask_export, open_file, read_export
from service.web.encode import answered

routes = router("exports")
Reader = Annotated[Caller, requires(Action.READ_EXPORT)]
ExportId = Annotated[str, Path(max_length=40, description="Id of an export")]
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"application/octet-stream": {}}},
    409: {"description": "Not ready"},
    410: {"description": "Expired, or a firm has withdrawn what it rested on"},
}


@routes.post("/exports", status_code=202, summary="Export a list", responses={202: {"model": ExportShape}})
async def ask(
    caller: Annotated[Caller, requires(Action.ASK_EXPORT)],
    desk: DeskDep,
    request: Request,
    body: ExportBody,
    purpose: Purposed = None,
) -> Response:
    """`prospects` (conditions, sort), `applications` (stage) or `campaign` (campaign_id, version): what the API answers
    you, as CSV, XLSX and Parquet with a manifest.
    """
    told = request.scope["request_id"]
    made = await run_in_threadpool(
        ask_export, desk.office, caller, body.kind, body.parameters, purpose, desk.now(), told
    )
    return answered(made, 202, {"Location": f"/v1/exports/{made['id']}", "Retry-After": "2"})


@routes.get("/exports/{export_id}", summary="One export", responses={200: {"model": ExportShape}})
async def read(caller: Reader, desk: DeskDep, export_id: ExportId) -> Response:
    """How far it is; once it is ready, its files with their rows and SHA-256."""
    return answered(await run_in_threadpool(read_export, desk.office, caller, export_id))


@routes.get("/exports/{export_id}/files/{name}", summary="A file of an export", responses=_FILE)
async def file(
    caller: Reader, desk: DeskDep, export_id: ExportId, name: Annotated[str, Path(max_length=60)]
) -> Response:
    """For whoever asked, until it expires; gone at once when a consent or contact it rests on ends."""
    found = await run_in_threadpool(open_file, desk.office, caller, export_id, name, desk.now())
    return FileResponse(
        found, media_type="application/octet-stream", filename=name, headers={"Cache-Control": "no-store"}
    )
