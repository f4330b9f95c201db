"""What every API route shares: strict bodies, one access declaration, and the desk."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from models.errors import RefusedInput
from service.access.auth import Action, Caller, check_may, not_authenticated
from service.access.policy import Reason
from service.access.reading import Access, open_file, purpose_of
from service.api.inputs import Uscc
from service.api.shapes import Problem
from service.audit.journal import record
from service.audit.told import asked_by, asker_of, is_told_at_the_door, told
from service.desk import Desk
from service.usecases.issue_token import caller_of
from service.usecases.sign_in import csrf_fits, person_of
from service.web.etags import IF_MATCH
from service.web.idempotency import HEADER as KEY_HEADER
from service.web.idempotency import answer_once, belongs_to, why_unkeyed
from service.web.middleware import RATE_LIMIT
from service.web.rate_limits import Policy
from service.web.strict_json import parse_strict, read_limited


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
        return not self.methods & _SAFE and not why_unkeyed(self.openapi_extra)

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


#: The session's cookie. The prefix makes browsers insist on Secure, Path=/ and this very host.
COOKIE = "__Host-rongqiao"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


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
        caller = await self.let_in(request)
        if not self.told_inside and is_told_at_the_door(self.action, request.method in _SAFE):
            await run_in_threadpool(_tell, request, self.action)
        await belongs_to(request, caller.client_id, caller.person)
        return caller

    async def who(self, request: Request) -> Caller:
        """Who asks, as far as they prove it."""
        return await run_in_threadpool(_caller, request)

    async def let_in(self, request: Request) -> Caller:
        """Who asks, counted, and allowed to do this; from here on the journal knows who it is."""
        caller = await self.who(request)
        count(request, Policy.CLIENT, caller.client_id)
        try:
            check_may(caller, self.action)
        except RefusedInput as refused:
            reason = Reason.NO_POWER if refused.field == "powers" else Reason.NOT_YOUR_ROLE
            await run_in_threadpool(_tell_refused, request, caller, self.action, reason)
            raise
        purpose = purpose_of(request.headers.get("x-purpose"))
        asked_by(asker_of(caller, purpose.value if purpose else "", request.scope["request_id"]))
        return caller


def _caller(request: Request) -> Caller:
    """Who asks: a system by its bearer token, else a person by the session cookie."""
    desk = desk_of(request)
    offered = request.headers.get("authorization")
    if offered is None and COOKIE in request.cookies:
        caller, csrf = person_of(desk.office, request.cookies[COOKIE], desk.now())
        # A cookie goes along with requests that another site makes the browser send; this header does not.
        if request.method not in _SAFE and not csrf_fits(request.headers.get("x-csrf-token", ""), csrf):
            raise RefusedInput(
                "csrf",
                "X-CSRF-Token",
                None,
                "A change made in a session carries the session's own CSRF token.",
                "Reload the page and send again.",
                status=403,
            )
        return caller
    scheme, _, token = (offered or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise not_authenticated("This route needs a bearer token.")
    return caller_of(desk.office, token.strip(), desk.now())


def _tell(request: Request, action: Action, result: str = "allowed", reason: str = "") -> None:
    """Write down a reading before it is done: by whom, of what, what for."""
    desk, named = desk_of(request), dict(request.path_params)
    firm = named.pop("uscc", "")
    what = "/".join(str(value) for value in named.values())
    with desk.office.write() as session:
        event = told(action, desk.now(), firm[:18], what[:64], result=result)
        record(session, replace(event, reason=reason))


def _tell_refused(request: Request, caller: Caller, action: Action, reason: Reason) -> None:
    """Write down that a role may not do this. Nothing is looked up: a firm that is not there leaves the same entry.

    A client that goes on asking is counted and no longer written down, so that it cannot fill the journal.
    """
    if desk_of(request).rates.count(Policy.REFUSED, caller.client_id).exceeded:
        return
    asked_by(asker_of(caller, "", request.scope["request_id"]))
    _tell(request, action, "denied", reason.value)


def requires(action: Action, told_inside: bool = False) -> Any:
    """The one way a route says who may call it: ``caller: Annotated[Caller, requires(Action.READ_FIRM)]``.

    What only reads is written into the journal here, unless the use case does it because it knows more
    (``told_inside``: whose case it is).
    """
    return Depends(Guard(action, told_inside))


class FirmGuard(Guard):
    """A guard of a route about one firm: also decides on the purpose and the consent, and writes the journal."""

    async def __call__(  # type: ignore[override]  # the framework reads these parameters
        self,
        request: Request,
        uscc: Uscc,
        x_purpose: Annotated[
            str | None,
            Header(
                max_length=40,
                description="What the data is read for: own (a firm, by itself), official (staff), pre_loan, in_loan, "
                "post_loan (lenders, who must say it and need a consent that names it)",
                examples=["pre_loan"],
            ),
        ] = None,
    ) -> Access:
        caller = await self.let_in(request)
        count(request, Policy.LOOK_UP, caller.client_id, uscc)
        desk = desk_of(request)
        told = request.scope["request_id"]
        access = await run_in_threadpool(open_file, desk.office, caller, uscc, x_purpose, self.action, desk.now(), told)
        # After the reading was decided: a stored answer is no way around a consent that has ended.
        await belongs_to(request, caller.client_id, caller.person)
        return access


def reads_firm(action: Action) -> Any:
    """The one way a route about ``{uscc}`` opens a firm's file: ``access: Annotated[Access, reads_firm(…)]``."""
    return Depends(FirmGuard(action))


DeskDep = Annotated[Desk, Depends(desk_of)]
