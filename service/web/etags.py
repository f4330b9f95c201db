"""``ETag``, ``If-None-Match`` and ``If-Match`` (RFC 9110 §8.8, §13): what a client saw, named by its digest.

``tagged(request, answer)`` answers with a strong tag, or 304 to a client that has these very bytes. A route that
changes something of an object that can be read so calls ``check_unchanged`` first: a client that says with ``If-Match``
what it saw is refused with 412 when that is no longer so. Check and change are one transaction: a request with
``If-Match`` runs as one with a key does (:mod:`service.web.idempotency`). Without the header nothing is checked.

The tag is over the answer to this caller: it changes with what the caller may do, and with clocks, once a day.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from models.errors import RefusedInput
from service.office import Office
from service.web.encode import encode

IF_MATCH = "If-Match"
PARAMETER: dict[str, Any] = {
    "name": IF_MATCH,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 400, "pattern": r"^[\x20-\x7e]*$"},
    "description": "The ETag of what you saw; 412 when it has changed since",
}
#: ``openapi_extra`` of a route that calls ``check_unchanged``.
CONDITIONAL: dict[str, Any] = {"parameters": [PARAMETER]}


def etag(body: bytes) -> str:
    """The strong tag of an answer."""
    return f'"{sha256(body).hexdigest()[:32]}"'


def tagged(request: Request, answer: Any) -> Response:
    """The answer with its tag; 304 without a body for a client that names it in ``If-None-Match``."""
    body = encode(answer)
    tag = etag(body)
    if _names(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, 200, {"ETag": tag}, "application/json")


async def check_unchanged(request: Request, office: Office, current: Callable[[], Any]) -> None:
    """Raise the 412 refusal unless ``current()``, the answer to a reading now, is what ``If-Match`` names."""
    wanted = request.headers.get(IF_MATCH)
    if wanted is None:
        return

    def now() -> str:
        # The writer's turn is taken first, and kept until the change is made.
        with office.write():
            pass
        return etag(encode(current()))

    if not _names(wanted, await run_in_threadpool(now)):
        raise RefusedInput(
            "changed_meanwhile",
            IF_MATCH,
            wanted,
            "This is not what is there now.",
            "Read it again, then decide.",
            status=412,
        )


def _names(header: str, tag: str) -> bool:
    return header.strip() == "*" or tag in (each.strip() for each in header.split(","))
