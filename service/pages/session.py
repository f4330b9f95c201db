"""Pages of people who signed in: the guards of pages and of their forms, and the way to the sign-in page."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from models.errors import RefusedInput
from service.access.auth import Action, Caller, check_may, not_authenticated
from service.api.guard import COOKIE, Guard
from service.api.route import desk_of
from service.pages.render import language_of, page
from service.usecases.sign_in import csrf_fits, person_of
from service.web.forms import malformed, read_form

CSRF_COOKIE = "__Host-rongqiao-csrf"


class SignInFirst(Exception):
    """A browser asks for a page without a session."""


class PageGuard(Guard):
    """The guard of a page: a browser without a session is sent to sign in; a machine is answered 401 as everywhere."""

    async def who(self, request: Request) -> Caller:
        try:
            return await super().who(request)
        except RefusedInput as refused:
            if refused.status == 401 and "text/html" in request.headers.get("accept", ""):
                raise SignInFirst from refused
            raise


class FormGuard(PageGuard):
    """The guard of a form on a page: the session's cookie, and its CSRF secret as the form's member ``csrf``.

    The form is read here, once; the handler finds it with :func:`form_of`.
    """

    def token_of(self, request: Request) -> str:
        return ""

    async def who(self, request: Request) -> Caller:
        token = request.cookies.get(COOKIE, "")
        if not token:
            raise not_authenticated("This form needs a session.")
        check_origin(request)
        desk = desk_of(request)
        try:
            caller, kept = await run_in_threadpool(person_of, desk.office, token, desk.now())
        except RefusedInput as refused:
            raise SignInFirst from refused
        form = await read_form(request)
        if not csrf_fits(form.get("csrf", ""), kept):
            raise malformed("csrf", None, "The form is not of this session.")
        request.state.form = form
        return caller


def form_of(request: Request) -> dict[str, str]:
    """The members of the form that the guard read."""
    form: dict[str, str] = request.state.form
    return form


def may(caller: Caller, action: Action) -> bool:
    """Whether the caller's role and powers allow ``action``: what a page offers it."""
    try:
        check_may(caller, action)
    except RefusedInput:
        return False
    return True


def check_origin(request: Request) -> None:
    """Refuse a form that another site's page posts here: browsers say where a form comes from."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site not in ("same-origin", "none"):
        raise RefusedInput("csrf", "Sec-Fetch-Site", site, "Forms come from this site.", "Open it here.", status=403)


def own_page(request: Request, template: str, caller: Caller, status: int = 200, **context: object) -> Response:
    """A page of somebody who signed in, with the session's CSRF secret for its forms and who is signed in."""
    csrf = request.cookies.get(CSRF_COOKIE, "")
    shown = page(request, template, caller=caller, csrf=csrf, demo=desk_of(request).settings.is_demo, **context)
    shown.status_code = status
    return shown


def install_sign_in(app: FastAPI) -> None:
    """Make ``app`` send browsers without a session to the sign-in page."""

    @app.exception_handler(SignInFirst)
    async def to_sign_in(request: Request, _: SignInFirst) -> Response:
        response = RedirectResponse(f"/sign-in?{urlencode({'lang': language_of(request)})}", 303)
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict")
        return response
