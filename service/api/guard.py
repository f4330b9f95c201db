"""Who may call a route: proved, counted, allowed, and written into the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Request
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from models.errors import RefusedInput
from service.access.auth import MAY, Action, Caller, check_may, hashed, not_authenticated
from service.access.policy import Reason
from service.access.reading import Access, Reading, purpose_of
from service.api.inputs import Uscc
from service.api.route import SAFE, desk_of
from service.audit.chain import Event
from service.audit.journal import Entry, enter, record
from service.audit.told import asked_by, asker_of, is_told_at_the_door, told
from service.usecases.issue_token import caller_in, caller_of, unknown_token
from service.usecases.sign_in import csrf_fits, person_of
from service.web.held import held_now
from service.web.idempotency import belongs_to
from service.web.middleware import RATE_LIMIT
from service.web.rate_limits import Policy

Found = TypeVar("Found")
#: The session's cookie. The prefix makes browsers insist on Secure, Path=/ and this very host.
COOKIE = "__Host-rongqiao"


def count(request: Request, policy: Policy, *who: str) -> None:
    """Count the request against a quota; 429 when it is used up. The answer's headers tell where it stands."""
    standing = desk_of(request).rates.count(policy, *who)
    request.scope[RATE_LIMIT] = standing
    if standing.exceeded:
        raise standing.refusal()


def count_address(request: Request, policy: Policy) -> None:
    """Count a request of somebody who has not proved who they are, by the address it comes from.

    Behind a proxy on this machine that is what the proxy says in X-Forwarded-For; nobody else is believed.
    """
    count(request, policy, request.client.host if request.client else "")


class Guard:
    """The dependency behind :func:`requires`; ``action`` is readable for the inventory test and the API document."""

    def __init__(self, action: Action, told_inside: bool = False):
        self.action = action
        self.told_inside = told_inside

    async def __call__(self, request: Request) -> Caller:
        if self.told_inside or not is_told_at_the_door(self.action, request.method in SAFE):
            caller = await self.let_in(request)
        else:
            caller, token = await self.let_in_seen(request)
            now = desk_of(request).now()
            event = _event(request, self.action, now)

            def tell(session: Session) -> Entry[bool]:
                known = not token or caller_in(session, token, now) == caller
                return Entry(known, event if known else None)

            if not await _in_turn(request, tell):
                raise _forgotten(request, token)
        await belongs_to(request, caller.client_id, caller.person)
        return caller

    async def let_in_seen(self, request: Request) -> tuple[Caller, str]:
        """:meth:`let_in`, where a token that was seen before is left to be looked up in the transaction that writes the
        reading down: then its hash, else nothing.
        """
        token = self.token_of(request)
        sha256 = hashed(token) if token else ""
        seen = desk_of(request).seen
        caller = seen.find(sha256)
        if caller is not None and caller.role in MAY[self.action]:
            self.arrives(request, caller)
            return caller, sha256
        caller = await self.let_in(request)
        if token:
            seen.see(sha256, caller)
        return caller, ""

    async def who(self, request: Request) -> Caller:
        """Who asks, as far as they prove it."""
        return await run_in_threadpool(_caller, request)

    def token_of(self, request: Request) -> str:
        """The bearer token that alone says who asks; empty where it does not."""
        return _bearer(request)

    async def let_in(self, request: Request) -> Caller:
        """Who asks, counted, and allowed to do this; from here on the journal knows who it is."""
        caller = await self.who(request)
        try:
            self.arrives(request, caller)
        except RefusedInput as refused:
            if refused.status == 403:
                reason = Reason.NO_POWER if refused.field == "powers" else Reason.NOT_YOUR_ROLE
                await run_in_threadpool(_tell_refused, request, caller, self.action, reason)
            raise
        return caller

    def arrives(self, request: Request, caller: Caller) -> None:
        """Count the caller, refuse what it may not do, and say who asks for the rest of the request."""
        count(request, Policy.CLIENT, caller.client_id)
        check_may(caller, self.action)
        purpose = purpose_of(request.headers.get("x-purpose"))
        asked_by(asker_of(caller, purpose.value if purpose else "", request.scope["request_id"]))


def _caller(request: Request) -> Caller:
    """Who asks: a system by its bearer token, else a person by the session cookie."""
    desk = desk_of(request)
    offered = request.headers.get("authorization")
    if offered is None and COOKIE in request.cookies:
        caller, csrf = person_of(desk.office, request.cookies[COOKIE], desk.now())
        # A cookie goes along with requests that another site makes the browser send; this header does not.
        if request.method not in SAFE and not csrf_fits(request.headers.get("x-csrf-token", ""), csrf):
            raise RefusedInput(
                "csrf",
                "X-CSRF-Token",
                None,
                "A change made in a session carries the session's own CSRF token.",
                "Reload the page and send again.",
                status=403,
            )
        return caller
    token = _bearer(request)
    if not token:
        raise not_authenticated("This route needs a bearer token.")
    return caller_of(desk.office, token, desk.now())


def _bearer(request: Request) -> str:
    """The bearer token of a request; empty where there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _forgotten(request: Request, token_sha256: str) -> RefusedInput:
    desk_of(request).seen.forget(token_sha256)
    return unknown_token()


async def _in_turn(request: Request, work: Callable[[Session], Entry[Found]]) -> Found:
    """What ``work`` found, committed together with its entry in the journal."""
    store = desk_of(request).office.store
    if held_now() is not None:
        return (await run_in_threadpool(store.write_together, work, enter)).found
    return (await asyncio.wrap_future(store.write_soon(work, enter))).found


def _event(request: Request, action: Action, now: datetime, result: str = "allowed", reason: str = "") -> Event:
    """What the journal is to tell of a reading before it is done: by whom, of what, what for."""
    named = dict(request.path_params)
    firm = named.pop("uscc", "")
    what = "/".join(str(value) for value in named.values())
    return replace(told(action, now, firm[:18], what[:64], result=result), reason=reason)


def _tell_refused(request: Request, caller: Caller, action: Action, reason: Reason) -> None:
    """Write down that a role may not do this. Nothing is looked up: a firm that is not there leaves the same entry.

    A client that goes on asking is counted and no longer written down, so that it cannot fill the journal.
    """
    if desk_of(request).rates.count(Policy.REFUSED, caller.client_id).exceeded:
        return
    asked_by(asker_of(caller, "", request.scope["request_id"]))
    desk = desk_of(request)
    with desk.office.write() as session:
        record(session, _event(request, action, desk.now(), "denied", reason.value))


def requires(action: Action, told_inside: bool = False) -> Any:
    """The one way a route says who may call it: ``caller: Annotated[Caller, requires(Action.READ_FIRM)]``.

    What only reads is written into the journal here, unless the use case does it because it knows more
    (``told_inside``: whose case it is).
    """
    return Depends(Guard(action, told_inside))


XPurpose = Annotated[
    str | None,
    Header(
        max_length=40,
        description="What the data is read for: own (a firm, by itself), official (staff), pre_loan, in_loan, "
        "post_loan (lenders, who must say it and need a consent that names it)",
        examples=["pre_loan"],
    ),
]


class FirmGuard(Guard):
    """A guard of a route about one firm: also decides on the purpose and the consent, and writes the journal."""

    async def __call__(  # type: ignore[override]  # the framework reads these parameters
        self,
        request: Request,
        uscc: Uscc,
        x_purpose: XPurpose = None,
    ) -> Access:
        return (await self.opened(request, uscc, x_purpose))[0]

    async def opened(
        self, request: Request, uscc: str, purpose: str | None, beside: Callable[[Session], Any] | None = None
    ) -> tuple[Access, Any]:
        """The access, and what ``beside`` read in the same transaction."""
        caller, token = await self.let_in_seen(request)
        count(request, Policy.LOOK_UP, caller.client_id, uscc)
        now, asked = desk_of(request).now(), purpose_of(purpose)

        def holds(session: Session) -> bool:
            return caller_in(session, token, now) == caller

        told = request.scope["request_id"]
        reading = Reading(caller, uscc, asked, self.action, now, told, holds if token else None, beside)
        found = await _in_turn(request, reading.decided)
        if found.decision is None:
            raise _forgotten(request, token)
        access = reading.access(found.decision, found.marks)
        # After the reading was decided: a stored answer is no way around a consent that has ended.
        await belongs_to(request, caller.client_id, caller.person)
        return access, found.beside


def reads_firm(action: Action) -> Any:
    """The one way a route about ``{uscc}`` opens a firm's file: ``access: Annotated[Access, reads_firm(…)]``."""
    return Depends(FirmGuard(action))
