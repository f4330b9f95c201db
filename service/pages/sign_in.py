"""Signing in and out in a browser."""

from __future__ import annotations

import base64
import hashlib

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from models.errors import NotFound, RefusedInput
from service.access.identity_provider import Discovery, Errand, Provider, begin_errand, end_errand
from service.access.identity_provider import refused as refused_answer
from service.access.key_ring import office_keys
from service.api.guard import COOKIE, count_address
from service.api.route import DeskDep
from service.desk import Desk
from service.pages.render import language_of, page
from service.pages.session import CSRF_COOKIE, check_origin
from service.usecases.sign_in import (
    SECOND_FACTOR_KEY,
    Begun,
    csrf_fits,
    person_of,
    sign_in,
    sign_in_by_provider,
    sign_out,
)
from service.web.encode import encode
from service.web.forms import malformed, read_form
from service.web.rate_limits import Policy

router = APIRouter(include_in_schema=False)
_START, _HOME = "/", "/home"
_ERRAND, _ERRAND_SECONDS = "__Host-rongqiao-errand", 600


@router.get("/sign-in")
async def show_form(request: Request, desk: DeskDep) -> Response:
    """Person, password, code."""
    return _form(request, desk)


@router.post("/sign-in")
async def begin(request: Request, desk: DeskDep) -> Response:
    """Begin a session, or show the form again; what was wrong is not said."""
    count_address(request, Policy.SIGN_IN)
    check_origin(request)
    form = await read_form(request)
    given = [form.get(name, "") for name in ("person", "password", "code")]
    told = request.scope["request_id"]
    try:
        begun = await run_in_threadpool(sign_in, desk.office, *given, desk.now(), told)
    except RefusedInput as refused:
        if refused.code != "sign_in_refused":
            raise
        return _form(request, desk, refused.status)
    return _with_cookies(RedirectResponse(f"{_HOME}?lang={language_of(request)}", 303), begun)


@router.get("/sign-in/provider")
async def to_provider(desk: DeskDep) -> Response:
    """Send the browser to the city's identity provider."""
    address, errand = await run_in_threadpool(begin_errand, _provider(desk), _discovery(desk))
    response = RedirectResponse(address, 303)
    # Lax: it must come along when the provider sends the browser back.
    value = _box(desk).encrypt(encode(errand)).decode()
    response.set_cookie(_ERRAND, value, max_age=_ERRAND_SECONDS, secure=True, httponly=True, samesite="lax", path="/")
    return response


@router.get("/sign-in/provider/return")
async def from_provider(request: Request, desk: DeskDep) -> Response:
    """What the provider answered: a session for the person it vouches for."""
    provider, told = _provider(desk), request.scope["request_id"]
    try:
        sealed = _box(desk).decrypt(request.cookies.get(_ERRAND, "").encode(), ttl=_ERRAND_SECONDS)
    except InvalidToken:
        raise refused_answer("This sign-in was not begun here, or too long ago.") from None
    errand = Errand(**orjson.loads(sealed))
    query = request.scope["query_string"].decode("latin-1")
    subject = await run_in_threadpool(end_errand, provider, _discovery(desk), errand, query, desk.now())
    begun = await run_in_threadpool(sign_in_by_provider, desk.office, provider.issuer, subject, desk.now(), told)
    # Not a redirect: the browser would follow it as coming from the provider, and leave the strict cookie at home.
    response = _with_cookies(page(request, "entered.html"), begun)
    response.delete_cookie(_ERRAND, secure=True, httponly=True, samesite="lax")
    return response


def _with_cookies(response: Response, begun: Begun) -> Response:
    response.set_cookie(COOKIE, begun.token, secure=True, httponly=True, samesite="strict", path="/")
    # Readable by the page's own forms only through the template; a second cookie, so that the server need not keep it.
    response.set_cookie(CSRF_COOKIE, begun.csrf, secure=True, httponly=True, samesite="strict", path="/")
    return response


@router.post("/sign-out")
async def end(request: Request, desk: DeskDep) -> Response:
    """End the session on the server, and forget the cookies."""
    check_origin(request)
    token = request.cookies.get(COOKIE, "")
    if token and (csrf := await run_in_threadpool(_csrf_of, desk, token)):
        if not csrf_fits((await read_form(request)).get("csrf", ""), csrf):
            raise malformed("csrf", None, "The form is not of this session.")
        await run_in_threadpool(sign_out, desk.office, token, desk.now(), request.scope["request_id"])
    response = RedirectResponse(f"{_START}?lang={language_of(request)}", 303)
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict")
    response.delete_cookie(CSRF_COOKIE, secure=True, httponly=True, samesite="strict")
    return response


def _csrf_of(desk: Desk, token: str) -> str:
    """The hash of a session's CSRF secret; empty when it has ended already, so that leaving it late is no error."""
    try:
        return person_of(desk.office, token, desk.now())[1]
    except RefusedInput:
        return ""


def _form(request: Request, desk: Desk, status: int = 200) -> Response:
    shown = page(request, "sign_in.html", refused=status != 200, provider=bool(desk.settings.oidc_issuer))
    shown.status_code = status
    return shown


def _provider(desk: Desk) -> Provider:
    settings = desk.settings
    if not settings.oidc_issuer:
        raise NotFound("provider", None, "No identity provider is set here.", "Sign in at /sign-in.")
    back = f"{settings.public_url.rstrip('/')}/sign-in/provider/return"
    return Provider(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret.get_secret_value(), back)


def _discovery(desk: Desk) -> Discovery:
    if desk.discovery is None:
        desk.discovery = Discovery(desk.settings.oidc_issuer)
    return desk.discovery


def _box(desk: Desk) -> MultiFernet:
    keys = office_keys(desk.office.home, SECOND_FACTOR_KEY)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"errand " + key).digest())) for key in keys])
