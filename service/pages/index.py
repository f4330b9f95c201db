"""The first page: what this is, which data it stands on, and what to try."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from models.tables import Client
from service.access.auth import Role
from service.answers.pd import registered_model
from service.api.route import DeskDep
from service.desk import Desk
from service.pages.render import page
from service.settings import DEMO_CLIENTS_FILE

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index(request: Request, desk: DeskDep) -> Response:
    """What the office serves, as of when."""
    return page(
        request,
        "index.html",
        base=base_url(desk),
        demo=desk.settings.is_demo,
        clients_file=str(desk.settings.home / DEMO_CLIENTS_FILE),
        demo_firm=_demo_firm(desk),
        snapshot=desk.shelf.newest(),
        model=registered_model(desk.shelf.current()) if desk.shelf.newest() else None,
    )


def base_url(desk: Desk) -> str:
    """Where the service listens, for examples; never taken from the request's Host header."""
    host = desk.settings.host
    return f"http://{'127.0.0.1' if host in ('', '0.0.0.0', '::') else host}:{desk.settings.port}"


def _demo_firm(desk: Desk) -> str:
    query = select(Client.tenant).where(Client.demo, Client.role == Role.FIRM.value).order_by(Client.id).limit(1)
    with desk.office.read() as session:
        return session.execute(query).scalar() or ""
