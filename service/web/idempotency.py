"""``Idempotency-Key``: a change that a client sends again under the same key happens once, and is answered the same.

Every POST of a router of :func:`service.api.route.router` takes the header; nothing is declared. Who asks is decided by
the route's guard first, so a key belongs to one client or person, and a reading of a firm is decided and written into
the journal anew each time. Then:

* the key is new: the handler runs with every ``office.write()`` of its use cases joined into one transaction
  (``service.web.held``); the answer is stored in it, and the one commit makes effect and answer last together. A
  process killed before leaves neither, one killed after leaves both, and the client that asks again gets the answer.
* the key is known with the same method, path and body: the stored bytes, with ``Idempotent-Replayed: true``.
* the key is known with anything else: 422 ``idempotency_key_reused``.
* two at once: the second waits for the first one's commit, and is then answered from what it stored.
* refused input is not stored: mended input may come under the same key.

A route that asks and changes nothing says ``openapi_extra=unkeyed("why")`` and ignores the header. A use case needs to
know nothing of this. It may open several ``write()`` blocks; none must rely on another process seeing one before the
answer is given.

The handler runs in a thread with an event loop of its own: it holds the one writer over several steps, and each step
needs a thread. On the server's loop all threads may be taken by requests that wait for that very writer.
"""

from __future__ import annotations

import asyncio
import contextvars
import re
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from models.errors import RefusedInput
from models.tables import KeptAnswer
from service.office import Office
from service.web.held import Held, holding

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
#: How long an answer can be asked for again.
KEPT_FOR = timedelta(hours=24)
#: Where a request carries its key, from the route to its guard.
KEYED = "keyed"
_UNKEYED = "x-no-idempotency-key"
_KEY = re.compile(r"^[\x21-\x7e]{1,255}$", re.ASCII)
#: Headers of an answer that belong to it; the others are this very response's.
_KEPT_HEADERS = ("content-type", "location", "etag")
_THREADS = ThreadPoolExecutor(8, "keyed")

PARAMETER: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": _KEY.pattern},
    "description": "A word of the client's own, new for each change: what is sent again with the same body happens "
    f"once and is answered the same, with {REPLAYED}: true. Kept for {KEPT_FOR // timedelta(hours=1)} hours",
}

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def unkeyed(reason: str) -> dict[str, Any]:
    """``openapi_extra`` of a POST that takes no key: it changes nothing, or something else names the change."""
    return {_UNKEYED: reason}


def why_unkeyed(openapi_extra: dict[str, Any] | None) -> str:
    """The reason a route gave for taking no key; empty for one that takes it."""
    return str((openapi_extra or {}).get(_UNKEYED, ""))


class _Known(Exception):
    """The key was used before; ends the handler before it does anything."""

    def __init__(self, answer: KeptAnswer):
        super().__init__()
        self.answer = answer


@dataclass
class Keyed:
    """One request whose change and answer are one transaction: it carries a key, or names in ``If-Match`` what it saw.

    It does nothing until a guard has said whose it is. ``key_sha256`` is empty without a key: then nothing is kept.
    """

    office: Office
    key_sha256: str
    fingerprint: str
    now: datetime
    asker: str = ""
    held: Held = field(init=False)

    def belongs_to(self, client_id: str, person: str) -> None:
        """Arm it for the caller; ends the request here when the answer is known already."""
        self.asker = f"person {person}" if person else f"client {client_id}"
        if not self.key_sha256:
            self.held.armed = True
            return
        with self.office.read() as session:
            known = session.get(KeptAnswer, (self.asker, self.key_sha256))
        if known is not None and known.expires_at > self.now:
            raise _Known(known)
        self.held.armed = True

    def claim(self, session: Session) -> None:
        """Take the key in the transaction of the change; waits for whoever else is about to."""
        if not self.key_sha256:
            return
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        session.execute(delete(KeptAnswer).where(*self._row(), KeptAnswer.expires_at <= self.now))
        claimed = session.execute(
            insert(KeptAnswer)
            .values(
                asker=self.asker,
                key_sha256=self.key_sha256,
                fingerprint=self.fingerprint,
                status=0,
                headers={},
                body=b"",
                made_at=self.now,
                expires_at=self.now + KEPT_FOR,
            )
            .on_conflict_do_nothing()
            # Not `rowcount`: PostgreSQL's driver leaves it unknown here.
            .returning(KeptAnswer.key_sha256)
        ).first()
        if claimed is None:
            known = session.get_one(KeptAnswer, (self.asker, self.key_sha256))
            session.expunge(known)  # it outlives the transaction, which is rolled back
            raise _Known(known)

    def keep(self, response: Response) -> None:
        """Store the answer beside its effect; a refusal gives the key back."""
        if not self.held.armed or not self.key_sha256:
            return
        with self.office.write() as session:
            if response.status_code >= 300:
                session.execute(delete(KeptAnswer).where(*self._row()))
                return
            row = session.get_one(KeptAnswer, (self.asker, self.key_sha256))
            row.status, row.body = response.status_code, bytes(response.body)
            row.headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}

    def give_back(self) -> None:
        """Forget the key of a request that raised; what it wrote down of that stays."""
        if self.held.is_between_blocks and self.key_sha256:
            with self.office.write() as session:
                session.execute(delete(KeptAnswer).where(*self._row()))

    def answer(self, known: KeptAnswer) -> Response:
        """The stored answer; 422 when the key was used for something else."""
        if known.fingerprint != self.fingerprint:
            raise RefusedInput(
                "idempotency_key_reused",
                HEADER,
                None,
                "This key was used for another change.",
                "Take a new key for each change, and the same one only to send the very same again.",
            )
        return Response(known.body, known.status, {**known.headers, REPLAYED: "true"})

    def _row(self) -> tuple[Any, ...]:
        return KeptAnswer.asker == self.asker, KeptAnswer.key_sha256 == self.key_sha256


async def answer_once(request: Request, body: bytes, office: Office, now: datetime, handle: Handler) -> Response:
    """The answer of ``handle`` to a request that carries a key, or says what it saw."""
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.match(key):
        raise RefusedInput(
            "bad_idempotency_key",
            HEADER,
            key,
            "A key has 1 to 255 visible ASCII characters.",
            "Send a random one, such as a UUID.",
            status=400,
        )
    asked = b"\0".join((request.method.encode(), request.scope["path"].encode(), request.scope["query_string"], body))
    named = "" if key is None else sha256(key.encode()).hexdigest()
    keyed = Keyed(office, named, sha256(asked).hexdigest(), now)
    request.scope[KEYED] = keyed
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(
        _THREADS, context.run, asyncio.run, _once(keyed, request, handle)
    )


async def _once(keyed: Keyed, request: Request, handle: Handler) -> Response:
    try:
        with holding(keyed.office.write, keyed.claim) as keyed.held:
            try:
                response = await handle(request)
            except BaseException:
                keyed.give_back()
                raise
            keyed.keep(response)
            return response
    except _Known as known:
        return keyed.answer(known.answer)


async def belongs_to(request: Request, client_id: str, person: str) -> None:
    """What a guard says once it has let a caller in; nothing for a request without a key."""
    keyed: Keyed | None = request.scope.get(KEYED)
    if keyed is not None:
        await run_in_threadpool(keyed.belongs_to, client_id, person)
