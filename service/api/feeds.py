"""Feeds, and the batches agencies deliver to them."""

from __future__ import annotations

from pathlib import Path as FilePath
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

from fastapi import Path, Query, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from models.errors import NotFound, RefusedInput
from models.tables import Batch
from service.access.auth import Action, Caller, Role, check_agency
from service.answers.feeds import batch_answer, feed_answer
from service.api.guard import requires
from service.api.inputs import CoversTo, Cursor, Limit
from service.api.paging import bad_cursor, page_of, paged, read, write
from service.api.route import DeskDep, desk_of, router
from service.api.shapes import BatchShape, DeliveryShape, FeedShape, Page, RejectShape
from service.books.seedbook import feeds
from service.desk import Desk
from service.usecases.ingest_batch import BatchReport, ingest_batch
from service.usecases.list_rejects import list_rejects
from service.usecases.read_rejects import read_rejects
from service.web.encode import answered
from service.web.idempotency import unkeyed
from service.web.strict_json import limited
from service.web.time_limits import PATIENCE

routes = router("feeds")

_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {
                "schema": {
                    "type": "string",
                    "format": "binary",
                    "description": "CSV (UTF-8 or GB18030), NDJSON, Parquet or XLSX, compressed or not",
                },
                "example": "--data-binary @invoices.csv",
            }
        },
    }
}
BatchId = Annotated[str, Path(max_length=64, description="Id of a batch")]


@routes.get("/feeds", summary="Declared feeds", responses={200: {"model": Page[FeedShape]}})
async def list_feeds(
    caller: Annotated[Caller, requires(Action.READ_FEEDS)], cursor: Cursor = "", limit: Limit = 100
) -> Response:
    """Every kind of record an agency delivers: columns, types, units, natural key, period and share mode."""
    book = feeds()
    page, following = page_of(list(book.values()), list(book), cursor, limit)
    return answered(paged([feed_answer(feed) for feed in page], following))


@routes.post(
    "/feeds/{feed_id}/batches",
    summary="Deliver a batch",
    status_code=201,
    # A file too large to be read twice; what it says names it: the same one again is answered with its batch.
    openapi_extra=_FILE | unkeyed("The same file again changes nothing"),
    responses={
        200: {"model": DeliveryShape, "description": "Nothing in it was new"},
        201: {"model": DeliveryShape, "description": "Landed"},
    },
)
async def deliver(
    request: Request,
    caller: Annotated[Caller, requires(Action.DELIVER_BATCH)],
    feed_id: Annotated[str, Path(max_length=80, examples=["tax_credit_rating"])],
    filename: Annotated[
        str, Query(min_length=1, max_length=200, description="Name of the file; its ending helps to tell the format")
    ] = "delivery",
    encoding: Annotated[
        str | None,
        Query(pattern=r"^(utf-8|gb18030)$", description="Take the text file at this word; default: detected"),
    ] = None,
    covers_to: CoversTo = None,
) -> Response:
    """The file is the raw body. It lands whole or not at all; the same file again changes nothing.

    Bad rows go to quarantine and the good ones land, unless the bad ones are more than the office allows: then nothing
    does.
    """
    desk = desk_of(request)
    request.scope[PATIENCE] = desk.settings.batch_seconds
    feed = feeds().get_or_refuse(feed_id)
    check_agency(caller, feed.agency, "feed", feed_id)
    name = FilePath(filename).name or "delivery"
    # The suffix stays: some formats are told by it. The file is gone when the block ends, whatever happened.
    with NamedTemporaryFile(dir=desk.office.work, prefix="upload-", suffix=_suffix(name)) as file:
        async for chunk in limited(request, desk.settings.max_batch_bytes):
            file.write(chunk)
        file.flush()
        report = await run_in_threadpool(
            ingest_batch,
            desk.office,
            feed_id,
            FilePath(file.name),
            received_at=desk.now(),
            covers_to=covers_to,
            max_bad_share=desk.settings.max_bad_share,
            encoding=encoding,
            file_name=name,
        )
    return _delivered(report, desk)


def _suffix(name: str) -> str:
    """The endings of a file name as far as they are letters and digits (``.csv.gz``)."""
    return "".join(part for part in FilePath(name).suffixes[-2:] if part[1:].isalnum() and part.isascii())[:20]


def _delivered(report: BatchReport, desk: Desk) -> Response:
    if report.status == "refused":
        share = desk.settings.max_bad_share
        raise RefusedInput(
            "too_many_bad_rows",
            "rows",
            f"{report.rows_rejected} of {report.rows_read} rows",
            f"A batch with more than {share:.0%} bad rows is refused whole.",
            f"Read GET /v1/batches/{report.batch_id}/rejects, mend the rows and deliver again.",
        )
    return answered(
        report,
        201 if report.status == "landed" else 200,
        {"Location": f"/v1/batches/{report.batch_id}"} if report.batch_id else None,
    )


@routes.get("/batches/{batch_id}", summary="One batch", responses={200: {"model": BatchShape}})
async def read_batch(
    caller: Annotated[Caller, requires(Action.READ_BATCH)], desk: DeskDep, batch_id: BatchId
) -> Response:
    """What became of a delivery: rows read, landed, unchanged and rejected, and why."""
    return answered(batch_answer(_batch(desk, caller, batch_id)))


@routes.get(
    "/batches/{batch_id}/rejects",
    summary="Rejected rows of a batch",
    responses={200: {"model": Page[RejectShape], "description": "Rows, or the whole quarantine as CSV"}},
)
async def read_batch_rejects(
    caller: Annotated[Caller, requires(Action.READ_BATCH)],
    desk: DeskDep,
    batch_id: BatchId,
    as_format: Annotated[
        str, Query(alias="format", pattern="^(json|csv)$", description="json: a page; csv: everything, as a file")
    ] = "json",
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Response:
    """Row number, column, value and reason of every row that did not land."""
    batch = _batch(desk, caller, batch_id)
    if as_format == "csv":
        headers = {"Content-Disposition": f'attachment; filename="rejects-{batch.id}.csv"'}
        return StreamingResponse(read_rejects(desk.office, batch.id), 200, headers, "text/csv; charset=utf-8")
    after = 0
    if cursor:
        after_text = read(cursor)
        if not after_text.isdecimal() or len(after_text) > 9:
            raise bad_cursor(cursor)
        after = int(after_text)
    rows, following = await run_in_threadpool(list_rejects, desk.office, batch, after, limit)
    return answered(paged(rows, None if following is None else write(str(following))))


def _batch(desk: Desk, caller: Caller, batch_id: str) -> Batch:
    with desk.office.read() as session:
        batch = session.scalars(select(Batch).where(Batch.id == batch_id)).one_or_none()
    if batch is None or (caller.role is Role.AGENCY and feeds()[batch.feed].agency != caller.tenant):
        raise NotFound("batch", batch_id, "There is no such batch for you.", "Use the id a delivery was answered with.")
    return batch
