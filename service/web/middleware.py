"""Around every request: an id, security headers, a count, and an answer even when the code fails."""

from __future__ import annotations

import re
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import RefusedInput
from service.settings import Settings
from service.web.logs import logger_of
from service.web.meter import Meter
from service.web.problem import problem_of, problem_response, unexpected
from service.web.tracing import Span, span

log = logger_of("rongqiao.http")

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$", re.ASCII)
#: As long as a firm's code or a person's number: an id like that would carry one into logs.
_LIKE_A_CODE = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{15,18}(?![0-9A-Za-z])", re.ASCII)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_ID = b"x-request-id"
#: Once a browser came by https it comes by nothing else for a year.
_HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
#: Where a route leaves the standing of its caller's quota, in the scope of the request.
RATE_LIMIT = "rate_limit"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: Asked every few seconds by machines; counted, not logged.
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class Around:
    """Outermost layer. A failure inside becomes a 500 problem with the request id, and a logged place of failure.

    ``label`` is said with every answer.
    """

    def __init__(self, app: ASGIApp, meter: Meter, settings: Settings, label: Mapping[str, str]):
        self.app = app
        self.meter = meter
        told = _HEADERS | (_HTTPS_ONLY if settings.public_url.startswith("https://") else {}) | dict(label)
        self._headers = [_raw(name, value) for name, value in told.items()]
        self._ours = {name for name, _ in self._headers} | {_ID}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with span("request", holds_others=True) as traced:
            await self._answer(scope, receive, send, traced)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, traced: Span) -> None:
        offered = next((value.decode("latin-1") for name, value in scope["headers"] if name == _ID), "")
        good = _REQUEST_ID.match(offered) and not _LIKE_A_CODE.search(offered)
        scope["request_id"] = offered if good else uuid.uuid4().hex
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._told(scope, message.get("headers", ()))
            await send(message)

        try:
            refused = _no_text(scope) or _repeated(scope["query_string"])
            if refused is None:
                await self.app(scope, receive, send_with_headers)
            else:
                await problem_response(problem_of(refused), Request(scope, receive))(scope, receive, send_with_headers)
        except Exception:
            log.exception("request failed", request_id=scope["request_id"], route=_route(scope))
            if status:
                raise
            await unexpected(Request(scope, receive))(scope, receive, send_with_headers)
        finally:
            route, method, seconds = _route(scope), _method(scope), time.perf_counter() - started
            self.meter.add(route, method, status, seconds)
            traced.rename(f"{method} {route}")
            traced.set(http_route=route, http_request_method=method, request_id=scope["request_id"])
            traced.set(http_response_status=status)
            if route not in _QUIET:
                log.info(
                    "request",
                    request_id=scope["request_id"],
                    route=route,
                    method=method,
                    status=status,
                    ms=round(seconds * 1000, 1),
                )

    def _told(self, scope: Scope, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers of an answer with those of every answer in place of their likes."""
        standing = scope.get(RATE_LIMIT)
        limits = dict(_raw(name, value) for name, value in standing.headers().items()) if standing else {}
        kept = [each for each in headers if each[0] not in self._ours and each[0] not in limits]
        if all(name != b"cache-control" for name, _ in kept):
            kept.append((b"cache-control", b"no-store"))
        return [*kept, *self._headers, (_ID, scope["request_id"].encode("latin-1")), *limits.items()]


def _raw(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode("latin-1"), value.encode("latin-1")


def _route(scope: Scope) -> str:
    """The template of the route that answered: what was asked about is no part of it."""
    return str(getattr(scope.get("route"), "path", "(none)"))


def _method(scope: Scope) -> str:
    """The method, where it is one: it is free text of the caller."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def _no_text(scope: Scope) -> RefusedInput | None:
    """The refusal of NUL in the address: not every database takes it, and no name or code holds one."""
    if "\0" not in scope["path"] and b"%00" not in scope["query_string"] and b"\0" not in scope["query_string"]:
        return None
    return RefusedInput("bad_address", "path", None, "A text holds no NUL.", "Remove %00.", status=400)


def _repeated(query_string: bytes) -> RefusedInput | None:
    """The refusal of a parameter given twice: two layers could read two values."""
    names = Counter(name for name, _ in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True))
    for name, times in names.items():
        if times > 1:
            return RefusedInput(
                "repeated_parameter",
                name,
                f"{times} times",
                "A parameter is given once.",
                "Remove all but one.",
                status=400,
            )
    return None
