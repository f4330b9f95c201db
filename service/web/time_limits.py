"""No request holds a worker for ever: a body that stops arriving ends in 408, an answer that does not begin in 504."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import RefusedInput
from service.settings import Settings
from service.web.problem import problem_of, problem_response

#: Where a route that may take longer says so, in the scope of its request.
PATIENCE = "answer_seconds"


class TimeLimits:
    """Watches the time between the last piece of the body and the first byte of the answer.

    A thread cannot be stopped from outside: what a 504 cut off may still be done. A client asks again, as after a lost
    connection; changes are safe to repeat.
    """

    def __init__(self, app: ASGIApp, settings: Settings):
        self.app = app
        self._body_seconds = settings.body_seconds
        self._answer_seconds = settings.answer_seconds
        self._abandoned: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        clock = asyncio.get_running_loop().time
        heard, listening, complete, begun, given_up = clock(), False, False, False, False

        async def patient_receive() -> Message:
            nonlocal heard, listening, complete
            if complete:
                return await receive()
            listening = True
            try:
                message = await asyncio.wait_for(receive(), self._body_seconds)
            except TimeoutError:
                complete = True
                raise _too_slow(self._body_seconds) from None
            finally:
                listening, heard = False, clock()
            complete = not message.get("more_body", False)
            return message

        async def watched_send(message: Message) -> None:
            nonlocal begun
            if given_up:
                return
            begun = True
            await send(message)

        task = asyncio.ensure_future(self.app(scope, patient_receive, watched_send))
        try:
            while not task.done():
                left = heard + scope.get(PATIENCE, self._answer_seconds) - clock()
                if begun:
                    await asyncio.wait({task})
                elif left > 0 or listening:
                    await asyncio.wait({task}, timeout=max(left, self._body_seconds if listening else 0.001))
                else:
                    given_up = True
                    break
        except asyncio.CancelledError:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            raise
        if not given_up:
            task.result()
            return
        self._abandoned.add(task)
        task.add_done_callback(self._forget)
        task.cancel()
        request = Request(scope, receive)
        await problem_response(problem_of(_no_answer()), request, {"Retry-After": "30"})(scope, receive, send)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            # Taken, so that the loop does not report it: the caller has had its answer.
            task.exception()


def _too_slow(seconds: float) -> RefusedInput:
    return RefusedInput(
        "body_too_slow",
        "body",
        None,
        f"A body pauses at most {seconds:g} seconds while it arrives.",
        "Send it again over a steadier connection.",
        status=408,
    )


def _no_answer() -> RefusedInput:
    return RefusedInput(
        "no_answer_in_time",
        "request",
        None,
        "No answer was ready in time; what was asked may still be done.",
        "Ask again later; a change is safe to repeat.",
        status=504,
    )
