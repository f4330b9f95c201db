"""Signing in and out in a browser."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from models.errors import RefusedInput
from service.api.route import COOKIE, DeskDep
from service.forms import malformed, read_form
from service.pages.render import language_of, page
from service.usecases.sign_in import csrf_fits, person_of, sign_in, sign_out

router = APIRouter(include_in_schema=False)
_HOME = "/"


@router.get("/sign-in")
async def show_form(request: Request) -> Response:
    """Person, password, code."""
    return page(request, "sign_in.html", refused=False)


@router.post("/sign-in")
async def begin(request: Request, desk: DeskDep) -> Response:
    """Begin a session, or show the form again; what was wrong is not said."""
    _check_origin(request)
    form = await read_form(request)
    given = [form.get(name, "") for name in ("person", "password", "code")]
    told = request.scope["request_id"]
    try:
        begun = await run_in_threadpool(sign_in, desk.office, *given, desk.now(), told)
    except RefusedInput as refused:
        if refused.code != "sign_in_refused":
            raise
        again = page(request, "sign_in.html", refused=True)
        again.status_code = refused.status
        return again
    response = RedirectResponse(f"{_HOME}?lang={language_of(request)}", 303)
    response.set_cookie(COOKIE, begun.token, secure=True, httponly=True, samesite="strict", path="/")
    # Readable by the page's own forms only through the template; a second cookie, so that the server need not keep it.
    response.set_cookie(CSRF_COOKIE, begun.csrf, secure=True, httponly=True, samesite="strict", path="/")
    return response


CSRF_COOKIE = "__Host-rongqiao-csrf"


@router.post("/sign-out")
async def end(request: Request, desk: DeskDep) -> Response:
    """End the session on the server, and forget the cookies."""
    _check_origin(request)
    token = request.cookies.get(COOKIE, "")
    if token:
        _, csrf = await run_in_threadpool(person_of, desk.office, token, desk.now())
        if not csrf_fits((await read_form(request)).get("csrf", ""), csrf):
            raise malformed("csrf", None, "The form is not of this session.")
        await run_in_threadpool(sign_out, desk.office, token, desk.now(), request.scope["request_id"])
    response = RedirectResponse(_HOME, 303)
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict")
    response.delete_cookie(CSRF_COOKIE, secure=True, httponly=True, samesite="strict")
    return response


def _check_origin(request: Request) -> None:
    """Refuse a form that another site's page posts here: browsers say where a form comes from."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site not in ("same-origin", "none"):
        raise RefusedInput("csrf", "Sec-Fetch-Site", site, "Forms come from this site.", "Open it here.", status=403)
