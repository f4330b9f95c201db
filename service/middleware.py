"""Around every request: an id, security headers, a count, and an answer even when the code fails."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from urllib.parse import parse_qsl

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import RefusedInput
from service.problem import problem_of, problem_response, unexpected

log = logging.getLogger("rongqiao.http")

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$", re.ASCII)
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


class Meter:
    """Requests by route, method and status, and the seconds they took, as Prometheus text."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def add(self, route: str, method: str, status: int, seconds: float) -> None:
        self.requests[route, method, status] += 1
        self.seconds[route] += seconds

    def lines(self) -> Iterator[str]:
        yield "# TYPE rongqiao_requests_total counter"
        for (route, method, status), count in sorted(self.requests.items()):
            yield f'rongqiao_requests_total{{route="{route}",method="{method}",status="{status}"}} {count}'
        yield "# TYPE rongqiao_request_seconds_total counter"
        for route, seconds in sorted(self.seconds.items()):
            yield f'rongqiao_request_seconds_total{{route="{route}"}} {seconds:.6f}'


class Around:
    """Outermost layer. A failure inside becomes a 500 problem with the request id, and a logged traceback."""

    def __init__(self, app: ASGIApp, meter: Meter):
        self.app = app
        self.meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        offered = request.headers.get("x-request-id", "")
        scope["request_id"] = offered if _REQUEST_ID.match(offered) else uuid.uuid4().hex
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = scope["request_id"]
                headers.setdefault("Cache-Control", "no-store")
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        try:
            repeated = _repeated(scope["query_string"])
            if repeated is None:
                await self.app(scope, receive, send_with_headers)
            else:
                await problem_response(problem_of(repeated), request)(scope, receive, send_with_headers)
        except Exception:
            log.exception("request %s failed", scope["request_id"])
            if status:
                raise
            await unexpected(request)(scope, receive, send_with_headers)
        finally:
            route = getattr(scope.get("route"), "path", "(none)")
            self.meter.add(route, scope["method"], status, time.perf_counter() - started)


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
