"""The home page of who signed in, and the lists it leads to: read here, acted on over the API."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from models.errors import NotFound
from service import labels
from service.access.auth import Action, Caller, Role
from service.api.route import DeskDep
from service.desk import Desk
from service.pages.queues import MOST, QUEUES, Queue
from service.pages.render import language_of
from service.pages.session import PageGuard, may, own_page

router = APIRouter(include_in_schema=False, prefix="/home")
_OPENS_HOME = Depends(PageGuard(Action.OPEN_HOME))


@dataclass(frozen=True)
class Tile:
    """One way on from the home page. ``waiting`` counts what the caller has to do; ``None``: nothing ever waits."""

    id: str
    waiting: int | None
    all: int | None


@router.get("")
async def home(request: Request, desk: DeskDep, caller: Caller = _OPENS_HOME) -> Response:
    """What waits for the caller, by number; of a firm's person only what its powers open."""
    return own_page(request, "home.html", caller, tiles=await run_in_threadpool(_tiles, desk, caller))


def _tiles(desk: Desk, caller: Caller) -> list[Tile]:
    tiles = []
    if caller.role is Role.FIRM and may(caller, Action.READ_FIRM) and desk.shelf.newest():
        tiles.append(Tile("card", None, None))
    if (caller.role is Role.FIRM or caller.is_lender) and may(caller, Action.READ_CONSENTS):
        tiles.append(Tile("consents", None, None))
    for queue in QUEUES.values():
        if caller.role in queue.roles and may(caller, queue.action):
            tiles.append(_tile(desk, caller, queue))
    return tiles


def _tile(desk: Desk, caller: Caller, queue: Queue) -> Tile:
    if queue.waits is None:
        return Tile(queue.id, None, None)
    lines = queue.read(desk, caller, desk.now())
    return Tile(queue.id, sum(queue.waits(caller, line) for line in lines), len(lines))


def not_here(what: str) -> NotFound:
    """The 404 for a page that is not for this role."""
    return NotFound("page", what, "There is no such page for you.", "Begin at /home.")


def _add(queue: Queue) -> None:
    opens = Depends(PageGuard(queue.action))

    async def show(request: Request, desk: DeskDep, caller: Caller = opens) -> Response:
        if caller.role not in queue.roles:
            raise not_here(queue.id)
        lines = await run_in_threadpool(queue.read, desk, caller, desk.now())
        rows = queue.rows(labels.labels(language_of(request)), lines[:MOST])
        return own_page(request, "queue.html", caller, queue=queue, rows=rows, more=len(lines) > MOST)

    router.add_api_route(f"/{queue.id}", show, name=queue.id)


for _queue in QUEUES.values():
    _add(_queue)
