"""Jobs: started by the office, followed by whom they are for."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.access.auth import Action, Caller
from service.api.guard import requires
from service.api.inputs import AsOf, Body
from service.api.route import DeskDep, router
from service.api.shapes_jobs import JobShape
from service.usecases.cancel_job import cancel_job
from service.usecases.read_jobs import read_job
from service.usecases.start_job import start_job
from service.web.encode import answered

routes = router("jobs")
JobId = Annotated[str, Path(max_length=40, description="Id of a job")]
_ENDED = ("done", "dead", "cancelled")


class JobWanted(Body):
    """Which work, and for a build the day its profiles stand for."""

    kind: str = Field(max_length=40, examples=["build"])
    as_of: AsOf = None


@routes.post(
    "/jobs", summary="Start a job", status_code=202, responses={202: {"model": JobShape, "description": "In the queue"}}
)
async def start(
    request: Request, caller: Annotated[Caller, requires(Action.START_JOB)], desk: DeskDep, wanted: JobWanted
) -> Response:
    """The same wish is one job: a build of the same inputs is answered with the job that builds or built them."""
    told = request.scope["request_id"]
    job = await run_in_threadpool(start_job, desk.office, caller, wanted.kind, wanted.as_of, desk.now(), told)
    return _told(job, 202)


@routes.get("/jobs/{job_id}", summary="One job", responses={200: {"model": JobShape}})
async def read(caller: Annotated[Caller, requires(Action.READ_JOB)], desk: DeskDep, job_id: JobId) -> Response:
    """How far it is and how it ended. Ask again after `Retry-After` while it is not over."""
    return _told(await run_in_threadpool(read_job, desk.office, caller, job_id), 200)


@routes.post("/jobs/{job_id}/cancellation", summary="Cancel a job", responses={200: {"model": JobShape}})
async def cancel(
    request: Request, caller: Annotated[Caller, requires(Action.CANCEL_JOB)], desk: DeskDep, job_id: JobId
) -> Response:
    """A waiting job ends at once, a running one at its next step; one that has ended stays as it ended."""
    told = request.scope["request_id"]
    return _told(await run_in_threadpool(cancel_job, desk.office, caller, job_id, desk.now(), told), 200)


def _told(job: dict[str, Any], status: int) -> Response:
    headers = {"Location": f"/v1/jobs/{job['id']}"} if status == 202 else {}
    return answered(job, status, headers if job["state"] in _ENDED else {**headers, "Retry-After": "2"})
