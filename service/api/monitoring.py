"""What the office watches."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from models.errors import NotFound
from service.access.auth import Action, Caller
from service.answers.watch import watch_answer
from service.api.guard import requires
from service.api.inputs import AsOf, Cursor, Limit
from service.api.paging import bad_cursor, paged, read, write
from service.api.route import DeskDep, router
from service.api.shapes_cases import LateAgenciesAnswer
from service.api.shapes_monitoring import (
    CoverageAnswer,
    GradesAnswer,
    HealthIndexAnswer,
    MatchesAnswer,
    OverviewAnswer,
    WatchListAnswer,
)
from service.api.shapes_watch import WatchAnswer
from service.usecases import monitoring
from service.usecases.health_index import health_index
from service.usecases.late_agencies import late_agencies
from service.usecases.watch_list import watch_list
from service.usecases.watch_model import watch_model
from service.web.encode import answered

routes = router("monitoring")
Watcher = Annotated[Caller, requires(Action.READ_MONITORING)]
ModelAsked = Annotated[str, Query(max_length=20, description="Id of a registered model; empty: the one in force")]
Against = Annotated[
    str, Query(max_length=20, description="training, or an earlier snapshot's id; empty: training and the last quarter")
]


@routes.get("/monitoring/overview", summary="The office in one screen", responses={200: {"model": OverviewAnswer}})
async def overview(caller: Watcher, desk: DeskDep, as_of: AsOf = None) -> Response:
    """Firms covered, live, scored and graded; feeds delivered; the latest batch."""
    return answered(await run_in_threadpool(monitoring.overview, desk.office, desk.shelf.built(as_of)))


@routes.get("/monitoring/grades", summary="Scores and grades", responses={200: {"model": GradesAnswer}})
async def grades(caller: Watcher, desk: DeskDep, as_of: AsOf = None) -> Response:
    """Distribution overall, beside the published Zhejiang spread, and by size class, district and industry section."""
    return answered(await run_in_threadpool(monitoring.grades, desk.shelf.built(as_of)))


@routes.get("/monitoring/coverage", summary="Coverage and freshness", responses={200: {"model": CoverageAnswer}})
async def coverage(caller: Watcher, desk: DeskDep, as_of: AsOf = None) -> Response:
    """By agency: how far each feed reaches, and for how many firms each item is known."""
    return answered(await run_in_threadpool(monitoring.coverage, desk.shelf.built(as_of)))


@routes.get("/monitoring/matches", summary="Matches by product", responses={200: {"model": MatchesAnswer}})
async def matches(caller: Watcher, desk: DeskDep, as_of: AsOf = None) -> Response:
    """How many firms meet each product's conditions, and how many would need one more fact."""
    return answered(await run_in_threadpool(monitoring.matches, desk.shelf.built(as_of)))


@routes.get(
    "/monitoring/model",
    summary="A model in service",
    responses={
        200: {"model": WatchAnswer},
        409: {"description": "No model is in force, or no snapshot holds its scores"},
    },
)
async def model(
    caller: Watcher, desk: DeskDep, as_of: AsOf = None, model: ModelAsked = "", against: Against = ""
) -> Response:
    """Drift, predicted against observed defaults, grade migration, parity, challenger, and alerts with what to do."""
    watch = await run_in_threadpool(watch_model, desk.shelf, model, as_of, against)
    return answered(await run_in_threadpool(watch_answer, desk.shelf, watch))


@routes.get(
    "/monitoring/health-index", summary="Health of the private economy", responses={200: {"model": HealthIndexAnswer}}
)
async def health(caller: Watcher, desk: DeskDep, as_of: AsOf = None) -> Response:
    """Points of the evaluations beside the financing evaluation, by district and industry section.

    Groups of fewer than 5 evaluated firms are withheld, and as many more as keep them from being found by subtraction.
    Evaluations of persons are in no aggregate.
    """
    return answered(await run_in_threadpool(health_index, desk.shelf.built(as_of)))


@routes.get(
    "/monitoring/watch-list",
    summary="Firms of prepaid business to look at",
    responses={200: {"model": WatchListAnswer}},
)
async def watched(
    caller: Annotated[Caller, requires(Action.READ_WATCH_LIST)],
    desk: DeskDep,
    industry: Annotated[str, Query(max_length=40, description="One industry; empty: all", examples=["gym"])] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
    as_of: AsOf = None,
) -> Response:
    """Firms whose alarms fired, newest first, with the facts, their days and sources. Unknown facts never fire."""
    snapshot, start = desk.shelf.built(as_of), 0
    if cursor:
        # A page belongs to the snapshot and industry it began in, however many are built since.
        snapshot_id, _, place = read(cursor).partition(" ")
        asked, _, number = place.partition(" ")
        if asked != f"industry={industry}" or not number.isascii() or not number.isdigit():
            raise bad_cursor(cursor)
        try:
            snapshot, start = desk.shelf.by_id(snapshot_id), int(number)
        except NotFound:
            raise bad_cursor(cursor) from None
    answer = await run_in_threadpool(watch_list, snapshot, industry, start, limit)
    following = answer.pop("next_start")
    cursor_of_next = None if following is None else write(f"{snapshot.id} industry={industry} {following}")
    return answered(paged(answer.pop("items"), cursor_of_next, **answer))


@routes.get("/monitoring/late-agencies", summary="Late agencies", responses={200: {"model": LateAgenciesAnswer}})
async def late(caller: Watcher, desk: DeskDep) -> Response:
    """Agencies past a limit: inquiries not answered, repairs not taken into their own data; the worst first."""
    return answered({"items": await run_in_threadpool(late_agencies, desk.office, desk.now())})
