"""Wires the HTTP application: routes, errors, middleware, the API document."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.staticfiles import StaticFiles

from service.access.auth import MAY
from service.access.sandbox_keys import LABEL as SANDBOX_LABEL
from service.api import (
    applications,
    audit,
    borrowers,
    campaigns,
    catalogue,
    changes,
    consents,
    contact,
    cost_lists,
    exports,
    feeds,
    firms,
    health,
    jobs,
    models,
    monitoring,
    needs,
    objections,
    person_consents,
    personal,
    products,
    prospects,
    receipts,
    repairs,
    reviews,
    schemes,
    screens,
    tickets,
    tokens,
    webhooks,
    what_if,
)
from service.api.guard import Guard
from service.api.route import BODY_PROBLEMS, StrictRoute
from service.clock import utc_now
from service.delta.delta import LOOK_SECONDS
from service.delta.keeping_up import kept_up
from service.desk import Desk
from service.office import Office
from service.pages import card, certificate, cost_list, home, index, reference, sign_in
from service.pages import consents as consent_pages
from service.pages.render import FOLDER
from service.pages.session import install_sign_in
from service.settings import Settings
from service.snapshot.shelf import Shelf
from service.web.idempotency import PARAMETER
from service.web.middleware import Around
from service.web.problem import install
from service.web.rate_limits import RateLimits
from service.web.time_limits import TimeLimits

_DESCRIPTION = (
    "One credit profile per firm, an evaluation that explains itself, and options in yuan. "
    "Amounts are strings in yuan, rates fractions per year, dates ISO 8601; what is missing is unknown, never zero. "
    "Every error is application/problem+json and says which field, which value, which rule and what to do."
)
_ROUTERS = (
    index.router,
    reference.router,
    sign_in.router,
    home.router,
    card.router,
    consent_pages.router,
    health.router,
    tokens.router,
    catalogue.routes,
    feeds.routes,
    firms.routes,
    what_if.routes,
    products.routes,
    prospects.routes,
    screens.routes,
    schemes.routes,
    receipts.routes,
    consents.routes,
    person_consents.routes,
    contact.routes,
    objections.routes,
    personal.routes,
    repairs.routes,
    needs.routes,
    applications.routes,
    certificate.routes,
    tickets.routes,
    audit.routes,
    jobs.routes,
    models.routes,
    reviews.routes,
    cost_lists.routes,
    borrowers.routes,
    campaigns.routes,
    changes.routes,
    webhooks.routes,
    exports.routes,
    cost_list.routes,
    monitoring.routes,
)


def create_app(office: Office, settings: Settings, now: Callable[[], datetime] = utc_now) -> FastAPI:
    """The application of one office. ``now`` replaces the clock in tests; it returns an aware UTC time."""
    desk = Desk(
        office,
        settings,
        Shelf(office, settings.snapshot_check_seconds, settings.delta_records, settings.delta_wait_seconds),
        RateLimits(settings),
        now,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with kept_up(desk.shelf.current, LOOK_SECONDS):
            desk.is_open = True
            yield
            desk.is_open = False

    app = FastAPI(
        title="Rongqiao",
        version=version("rongqiao"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.desk = desk
    for router in _ROUTERS:
        # Flat, so that `app.routes` is the whole inventory of what can be called.
        app.router.routes.extend(router.routes)
    app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
    install(app)
    install_sign_in(app)
    app.add_middleware(TimeLimits, settings=settings)
    if office.is_sandbox:
        # Loaded here, so that no other office knows of firms that behave by their code.
        from service.sandbox.routes import install as install_sandbox

        install_sandbox(app)
    label = SANDBOX_LABEL if office.is_sandbox else {}
    app.add_middleware(Around, meter=desk.meter, settings=settings, label=label)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


def guard_of(route: APIRoute) -> Guard | None:
    """The access declaration of a route; ``None`` for a public one."""
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Guard):
            return dependency.call
    return None


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the access declaration of each route in it."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    document.setdefault("components", {})["securitySchemes"] = {
        "clients": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/v1/oauth/token", "scopes": {}}}}
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                operation["responses"] |= {str(status): said for status, said in BODY_PROBLEMS.items()}
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema and (guard := guard_of(route)):
            for method in route.methods or ():
                operation = document["paths"][route.path_format][method.lower()]
                operation["security"] = [{"clients": []}]
                operation["x-roles"] = sorted(MAY[guard.action])
                if isinstance(route, StrictRoute) and route.takes_key:
                    operation.setdefault("parameters", []).append(PARAMETER)
    app.openapi_schema = document
    return document
