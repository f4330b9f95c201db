"""The change feed: what a system reads again and again to keep its copy up to date."""

from __future__ import annotations

from typing import Annotated

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.access.auth import Action, Caller
from service.api.guard import requires
from service.api.inputs import Cursor, Limit
from service.api.paging import before_of, paged, write
from service.api.route import DeskDep, router
from service.api.shapes_integration import ChangePage
from service.usecases.read_changes import read_changes
from service.web.encode import answered

routes = router("changes")


@routes.get(
    "/changes",
    summary="What changed",
    responses={
        200: {"model": ChangePage},
        409: {"description": "The cursor lies beyond the end: the office came back from a backup"},
        410: {"description": "What came after the cursor is no longer kept"},
    },
)
async def changes(
    caller: Annotated[Caller, requires(Action.READ_CHANGES)], desk: DeskDep, cursor: Cursor = "", limit: Limit = 100
) -> Response:
    """Your own objects in the order they changed, without a gap: ids only. Keep `next_cursor` and come back with it."""
    found = await run_in_threadpool(read_changes, desk.office, caller, before_of(cursor), limit)
    items, through, more = found
    return answered(paged(items, write(str(through)), more=more))
