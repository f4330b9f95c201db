"""Is it alive, is it ready, which version is it, how much does it do."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter
from sqlalchemy import text
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from models.errors import NotFound
from service.access.auth import Action, Caller
from service.api.guard import requires
from service.api.route import PROBLEMS, DeskDep
from service.api.shapes import Health, KeysAnswer, Readiness, VersionAnswer
from service.books.rulebook import pd_scale
from service.desk import Desk
from service.registry.keys import jwks, public_keys
from service.usecases.office_gauges import office_gauges
from service.web.encode import answered
from service.web.meter import MEDIA_TYPE

router = APIRouter(tags=["operation"])
_LEAST_FREE_BYTES = 100_000_000
#: What a proxy in front adds to each request it passes on.
_BY_A_PROXY = ("forwarded", "x-forwarded-for")


@router.get("/healthz", summary="Alive", responses={200: {"model": Health}})
async def healthz() -> Response:
    """The process answers. Touches neither database nor disk."""
    return answered({"status": "ok"})


@router.get("/.well-known/jwks.json", summary="Public keys of the office", responses={200: {"model": KeysAnswer}})
async def read_keys(desk: DeskDep) -> Response:
    """With these anybody checks what the office signed: evidence packs, certificates, anchors of the journal."""

    def keys() -> dict[str, list[dict[str, str]]]:
        with desk.office.read() as session:
            return jwks(public_keys(session))

    return answered(await run_in_threadpool(keys))


@router.get("/readyz", summary="Ready to serve", responses={200: {"model": Readiness}, 503: {"model": Readiness}})
async def readyz(desk: DeskDep) -> Response:
    """Database reachable, a snapshot open, disk not full, not stopping, and the model in force, if any, as it was
    signed; 503 names what is missing.
    """
    database = _database_answers(desk)
    checks = {
        "open": desk.is_open,
        "database": database,
        "snapshot": database and desk.shelf.newest() is not None,
        "disk": shutil.disk_usage(desk.settings.home).free >= _LEAST_FREE_BYTES,
    }
    reasons = {}
    delta, making = desk.shelf.delta.standing, desk.shelf.delta.making_seconds()
    if delta.waiting:  # no failure: the answers stay those of the snapshot and of what was laid over it
        reasons["delta"] = f"{delta.waiting} batches wait for the next build: {delta.reason}"
    elif making:
        reasons["delta"] = f"what arrived last is being laid over the snapshot, since {making:.1f} seconds"
    in_force = desk.shelf.models.in_force(pd_scale().model) if checks["database"] else None
    if in_force is not None and in_force.active_id is not None:
        checks["model"] = in_force.fault is None
        if in_force.fault is not None:
            reasons["model"] = str(in_force.fault)
    ready = all(checks.values())
    answer = {"status": "ready" if ready else "not_ready", "checks": checks, "reasons": reasons}
    return answered(answer, 200 if ready else 503)


@router.get("/version", summary="Version", responses={200: {"model": VersionAnswer}})
async def version_answer(desk: DeskDep) -> Response:
    """Version of the product, and the snapshot that answers now."""
    newest = desk.shelf.newest()
    return answered(
        {
            "product": "rongqiao",
            "version": version("rongqiao"),
            "demo": desk.settings.is_demo,
            "snapshot_id": newest.id if newest else None,
            "as_of": newest.as_of if newest else None,
        }
    )


@router.get(
    "/metrics", summary="Counters as Prometheus text", responses={**PROBLEMS, 200: {"content": {"text/plain": {}}}}
)
async def metrics(
    request: Request, caller: Annotated[Caller, requires(Action.READ_METRICS)], desk: DeskDep
) -> Response:
    """Requests by route and status and the seconds they took, since the process started; age of data and of anchors;
    jobs and messages that wait. For inside only: what comes by way of the proxy is told that there is no such thing.
    """
    if any(name in request.headers for name in _BY_A_PROXY):
        raise NotFound("path", "/metrics", "There is no such thing for you.", "Ask from inside, not through the proxy.")
    now = desk.now()
    for gauge in await run_in_threadpool(office_gauges, desk.office, now):
        desk.meter.tell(gauge.name, gauge.meaning, gauge.value)
    delta, making = desk.shelf.delta.standing, desk.shelf.delta.making_seconds()
    desk.meter.tell("delta_making_seconds", "How long what arrived last has been in the making; 0: none is.", making)
    desk.meter.tell("delta_firms", "Firms made again since the build.", delta.firms)
    desk.meter.tell("delta_records", "Records laid over the snapshot.", delta.records)
    desk.meter.tell("delta_waiting_batches", "Batches that are seen with the next build only.", delta.waiting)
    return Response(desk.meter.text(), media_type=MEDIA_TYPE)


def _database_answers(desk: Desk) -> bool:
    try:
        with desk.office.read() as session:
            return session.execute(text("select 1")).scalar() == 1
    except Exception:
        return False
