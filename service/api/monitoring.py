"""What the office watches."""

from __future__ import annotations

from typing import Annotated

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api.inputs import AsOf
from service.api.route import DeskDep, requires, router
from service.api.shapes_cases import LateAgenciesAnswer
from service.api.shapes_monitoring import CoverageAnswer, GradesAnswer, MatchesAnswer, OverviewAnswer
from service.auth import Action, Caller
from service.encode import answered
from service.usecases import monitoring
from service.usecases.late_agencies import late_agencies

routes = router("monitoring")
Watcher = Annotated[Caller, requires(Action.READ_MONITORING)]


@routes.get("/monitoring/overview", summary="The office in one screen", responses={200: {"model": OverviewAnswer}})
async def overview(caller: Watcher, desk: DeskDep, as_of: AsOf = None) -> Response:
    """Firms covered, live, scored and graded; feeds delivered; the latest batch."""
    return answered(await run_in_threadpool(monitoring.overview, desk.office, desk.shelf.on(as_of)))


@routes.get("/monitoring/grades", summary="Scores and grades", responses={200: {"model": GradesAnswer}})
async def grades(caller: Watcher, desk: DeskDep, as_of: AsOf = None) -> Response:
    """Distribution overall, beside the published Zhejiang spread, and by size class, district and industry section."""
    return answered(await run_in_threadpool(monitoring.grades, desk.shelf.on(as_of)))


@routes.get("/monitoring/coverage", summary="Coverage and freshness", responses={200: {"model": CoverageAnswer}})
async def coverage(caller: Watcher, desk: DeskDep, as_of: AsOf = None) -> Response:
    """By agency: how far each feed reaches, and for how many firms each item is known."""
    return answered(await run_in_threadpool(monitoring.coverage, desk.shelf.on(as_of)))


@routes.get("/monitoring/matches", summary="Matches by product", responses={200: {"model": MatchesAnswer}})
async def matches(caller: Watcher, desk: DeskDep, as_of: AsOf = None) -> Response:
    """How many firms meet each product's conditions, and how many would need one more fact."""
    return answered(await run_in_threadpool(monitoring.matches, desk.shelf.on(as_of)))


@routes.get("/monitoring/late-agencies", summary="Late agencies", responses={200: {"model": LateAgenciesAnswer}})
async def late(caller: Watcher, desk: DeskDep) -> Response:
    """Agencies past a limit: inquiries not answered, repairs not taken into their own data; the worst first."""
    return answered({"items": await run_in_threadpool(late_agencies, desk.office, desk.now())})
