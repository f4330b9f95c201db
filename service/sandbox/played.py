"""Answers that no ordinary state gives: too many requests, unavailable, slow. Only a sandbox has this layer.

Who may not ask is told so as everywhere: what is replaced is an answer that would have succeeded.
"""

from __future__ import annotations

import re
from asyncio import sleep
from collections.abc import Mapping

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import RefusedInput
from service.sandbox.book import MagicFirm, Played
from service.web.problem import problem_of, problem_response

_ABOUT = re.compile(r"/v1/firms/([0-9A-Z]{18})(?:/|$)", re.ASCII)
_SAID = {
    429: ("too_many_requests", "This firm of the sandbox is always asked too often."),
    503: ("unavailable", "This firm of the sandbox is never available."),
}


class PlayedAnswers:
    """Stands between the layer that counts and labels every answer, and the routes."""

    def __init__(self, app: ASGIApp, firms: Mapping[str, MagicFirm]):
        self.app = app
        self._played = {code: firm.answers for code, firm in firms.items() if firm.answers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        about = _ABOUT.match(scope["path"]) if scope["type"] == "http" else None
        played = self._played.get(about[1]) if about else None
        if played is None:
            await self.app(scope, receive, send)
            return
        replaced = False

        async def instead(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] < 400:
                await sleep(played.seconds)
                replaced = bool(played.status)
                if replaced:
                    await _problem(played, Request(scope))(scope, receive, send)
            if not replaced:
                await send(message)

        await self.app(scope, receive, instead)


def _problem(played: Played, request: Request) -> ASGIApp:
    code, rule = _SAID[played.status]
    fix = f"Wait {played.retry_after} seconds, as the header Retry-After says."
    refused = RefusedInput(code, "request", None, rule, fix, status=played.status)
    return problem_response(problem_of(refused), request, {"Retry-After": str(played.retry_after)})
