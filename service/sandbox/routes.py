"""What a sandbox's application has beside the routes every office has: firms that apply when they are told to."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Annotated

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from models.errors import RefusedInput
from service.access.auth import Action, Caller
from service.api.guard import requires
from service.api.route import DeskDep, router
from service.api.shapes_applications import ApplicationAnswer
from service.desk import Desk
from service.integration.terms import webhook_terms
from service.sandbox.applications import apply
from service.sandbox.book import MagicFirm, sandbox_book
from service.sandbox.mark import lender_of
from service.sandbox.played import PlayedAnswers
from service.usecases.deliver_webhooks import THREADS, deliver
from service.usecases.read_applications import read_application
from service.web.encode import answered

routes = router("sandbox")


class ApplyBody(BaseModel):
    """Which magic firm is to apply."""

    model_config = ConfigDict(extra="forbid")
    uscc: str = Field(min_length=18, max_length=18, description="A magic code with an application")


@routes.post(
    "/sandbox/applications",
    status_code=201,
    summary="Let a magic firm apply",
    responses={201: {"model": ApplicationAnswer}},
)
async def let_apply(
    caller: Annotated[Caller, requires(Action.STEP_APPLICATION)], desk: DeskDep, request: Request, body: ApplyBody
) -> Response:
    """The firm states its need to you anew; the other side does at once what it always does. What is due to your
    webhooks is sent at once, too.
    """
    told = request.scope["request_id"]
    response = answered(await run_in_threadpool(_applied, desk, caller, body.uscc, told), 201)
    response.background = BackgroundTask(_send, desk)
    return response


def install(app: FastAPI) -> None:
    """Make ``app`` a sandbox's application."""
    app.router.routes.extend(routes.routes)
    app.add_middleware(PlayedAnswers, firms=sandbox_book().firms)


def _applied(desk: Desk, caller: Caller, code: str, request_id: str) -> dict[str, object]:
    lender, now = lender_of(desk.office), desk.now()
    if caller.tenant != lender:
        rule = f"This sandbox was made for {lender}."
        raise RefusedInput("other_lender", "role", caller.tenant, rule, "Use the key that came with it.", status=403)
    application_id = apply(desk.office, desk.shelf, sandbox_book(), _applying(code), lender, now)
    return read_application(desk.office, desk.shelf, caller, application_id, now, request_id)


def _applying(code: str) -> MagicFirm:
    applying = {each.uscc: each for each in sandbox_book().firms.values() if each.moves is not None}
    if code not in applying:
        fix = f"One of {', '.join(f'{each.uscc} ({each.id})' for each in applying.values())}."
        raise RefusedInput("no_magic_code", "uscc", code, "No firm with this code applies by itself.", fix)
    return applying[code]


def _send(desk: Desk) -> None:
    """Send what is due now; what fails is tried again by whoever delivers."""
    terms = replace(webhook_terms(), at_once=THREADS)
    deliver(desk.office, desk.addresses, desk.now, ssl.create_default_context(), terms=terms)
