"""What every API route shares: strict bodies, documented problems, and the desk."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from models.errors import RefusedInput
from service.api.shapes import Problem
from service.desk import Desk
from service.web.etags import IF_MATCH
from service.web.idempotency import HEADER as KEY_HEADER
from service.web.idempotency import answer_once, why_unkeyed
from service.web.strict_json import parse_strict, read_limited

Found = TypeVar("Found")

#: Methods that change nothing.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class _StrictRequest(Request):
    """A request whose JSON body was read under the size limit and parsed strictly before the framework saw it."""

    def __init__(self, request: Request, body: bytes):
        super().__init__(request.scope, request.receive)
        self._strict_body = body

    async def body(self) -> bytes:
        return self._strict_body

    async def json(self) -> Any:
        return parse_strict(self._strict_body)


class StrictRoute(APIRoute):
    """A route that takes a JSON body only under :mod:`service.web.strict_json`, and whose changes can be sent again
    under one key (:mod:`service.web.idempotency`).
    """

    @property
    def takes_key(self) -> bool:
        """Whether ``Idempotency-Key`` means something here: it changes something, and did not say why not."""
        return not self.methods & SAFE and not why_unkeyed(self.openapi_extra)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        takes_body, takes_key = self.body_field is not None, self.takes_key
        if not takes_body and not takes_key:
            return handle

        async def strictly(request: Request) -> Response:
            as_one = takes_key and (KEY_HEADER in request.headers or IF_MATCH in request.headers)
            if not takes_body and not as_one:
                return await handle(request)
            kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
            if takes_body and kind != "application/json":
                raise RefusedInput(
                    "unsupported_media_type",
                    "Content-Type",
                    kind,
                    "This route takes JSON.",
                    "Send Content-Type: application/json.",
                    status=415,
                )
            desk = desk_of(request)
            body = await read_limited(request, desk.settings.max_json_bytes)
            if takes_body:
                parse_strict(body)
            request = _StrictRequest(request, body)
            if as_one:
                return await answer_once(request, body, desk.office, desk.now(), handle)
            return await handle(request)

        return strictly


def _documented(words: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": said, "content": content} for status, said in words.items()}


#: Each of these may come back from any guarded route; the document says so once per route.
PROBLEMS = _documented(
    {
        400: "Malformed request",
        401: "No valid token",
        403: "The role may not do this",
        404: "No such thing, or not for you",
        422: "Refused input: field, value, rule, fix",
        429: "Asked too often; Retry-After says when to ask again",
        503: "Nothing has been built yet, or the database cannot answer now (then Retry-After says when to ask again)",
        504: "No answer in time; a change may still have been made and is safe to repeat",
        507: "The disk is full; nothing was kept",
    }
)
#: This from a route that takes ``If-Match``.
CHANGED = _documented({412: "What you saw has changed since"})
#: And these from any route that takes a body.
BODY_PROBLEMS = _documented(
    {408: "The body stopped arriving", 413: "The body is too large", 415: "The body is of another kind"}
)


def router(tag: str) -> APIRouter:
    """A router of ``/v1`` with strict bodies and documented problems."""
    return APIRouter(prefix="/v1", route_class=StrictRoute, tags=[tag], responses=PROBLEMS)


def desk_of(request: Request) -> Desk:
    """The desk of the application that serves this request."""
    desk: Desk = request.app.state.desk
    return desk


async def _desk(request: Request) -> Desk:
    # Asynchronous: the framework does what is not in a thread of its pool.
    return desk_of(request)


DeskDep = Annotated[Desk, Depends(_desk)]
