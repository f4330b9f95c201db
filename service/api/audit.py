"""The audit journal, for the auditor: its entries and whether the chain is whole."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.access.auth import Action, Caller
from service.api.guard import requires
from service.api.inputs import Cursor, Limit, Since
from service.api.paging import before_of, journal_page, page_of, paged
from service.api.route import DeskDep, router
from service.api.shapes import Page
from service.api.shapes_trust import AlarmAnswer, AuditEntryAnswer
from service.usecases.find_alarms import alarms_since
from service.usecases.read_audit import audit_entries
from service.web.encode import answered

routes = router("audit")
Auditor = Annotated[Caller, requires(Action.READ_AUDIT)]


@routes.get("/audit", summary="The audit journal", responses={200: {"model": Page[AuditEntryAnswer]}})
async def read_audit(
    caller: Auditor,
    desk: DeskDep,
    firm: Annotated[str, Query(max_length=18, description="Only entries about this firm")] = "",
    actor: Annotated[str, Query(max_length=64, description="Only entries of this client or person")] = "",
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Response:
    """Who did what to whose data, why, under which consent, and how it ended; newest first. Nobody can change it."""
    found = await run_in_threadpool(audit_entries, desk.office, before_of(cursor), limit + 1, firm, actor)
    return answered(journal_page(found, limit))


@routes.get("/audit/alarms", summary="Unusual readings", responses={200: {"model": Page[AlarmAnswer]}})
async def read_alarms(
    caller: Auditor, desk: DeskDep, since: Since = None, cursor: Cursor = "", limit: Limit = 100
) -> Response:
    """Callers that read unusually much, at night, in vain, far away, or without a need behind it; newest first.

    What counts as unusual stands in seed/alarms.yaml. An alarm is a reason to ask, not a finding.
    """
    newest = desk.shelf.newest()
    snapshot = desk.shelf.by_id(newest.id) if newest else None
    found = await run_in_threadpool(alarms_since, desk.office, snapshot, since, desk.now())
    keys = [f"{each['rule']} {each['actor']} {each['since'].isoformat()}" for each in found]
    page, following = page_of(found, keys, cursor, limit)
    return answered(paged(page, following))
