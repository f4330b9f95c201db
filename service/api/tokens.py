"""POST /v1/oauth/token: client credentials in, a bearer token out (RFC 6749 §4.4)."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote_plus

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from models.errors import RefusedInput
from service.access.client_assertion import TYPE
from service.api.guard import count_address
from service.api.route import PROBLEMS, DeskDep
from service.api.shapes import TokenAnswer
from service.desk import Desk
from service.usecases.issue_token import IssuedToken, issue_token, issue_token_by_key
from service.web.encode import encode
from service.web.forms import malformed, read_form
from service.web.problem import problem_of, problem_response
from service.web.rate_limits import Policy

router = APIRouter(prefix="/v1", tags=["access"])

_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "const": "client_credentials"},
        "client_id": {"type": "string", "description": "Here, or as the user of HTTP Basic"},
        "client_secret": {"type": "string", "description": "Here, or as the password of HTTP Basic"},
        "client_assertion_type": {"type": "string", "const": TYPE},
        "client_assertion": {"type": "string", "description": "A signed JWT instead of a secret (RFC 7523, section 3)"},
        "scope": {"type": "string", "description": "Accepted and ignored: the role decides"},
    },
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": _FORM,
                "example": '-u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials',
            }
        },
    }
}
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@router.post(
    "/oauth/token",
    summary="Get a bearer token",
    responses={200: {"model": TokenAnswer}, 400: PROBLEMS[400], 401: PROBLEMS[401], 429: PROBLEMS[429]},
    openapi_extra=_BODY,
)
async def token(request: Request, desk: DeskDep) -> Response:
    """Systems identify themselves by a signed assertion (`private_key_jwt`), or by client id and secret.

    The assertion's `aud` is the address of this route. The secret goes into the form or into HTTP Basic.
    """
    try:
        count_address(request, Policy.TOKEN)
        form = await read_form(request)
        issued = await run_in_threadpool(_issue, request, desk, form)
    except RefusedInput as refused:
        # `error` is what OAuth clients look for (RFC 6749 §5.2); the rest is the problem every route answers with.
        code = "invalid_client" if refused.code in _WRONG_OFFICE else refused.code
        error = code if code in _OAUTH_ERRORS else "invalid_request"
        headers = {"WWW-Authenticate": 'Basic realm="rongqiao"'} if refused.status == 401 else {}
        return problem_response({**problem_of(refused), "error": error}, request, headers | _NO_STORE)
    return Response(encode(issued), headers=_NO_STORE, media_type="application/json")


_OAUTH_ERRORS = {"invalid_client", "unsupported_grant_type"}
_WRONG_OFFICE = {"sandbox_key", "production_key"}


def _issue(request: Request, desk: Desk, form: dict[str, str]) -> IssuedToken:
    grant = form.get("grant_type", "")
    if grant != "client_credentials":
        raise RefusedInput(
            "unsupported_grant_type",
            "grant_type",
            grant,
            "The one grant here is client_credentials.",
            "Send grant_type=client_credentials.",
            status=400,
        )
    now, seconds = desk.now(), desk.settings.token_seconds
    if "client_assertion" in form:
        if form.get("client_assertion_type") != TYPE:
            raise malformed("client_assertion_type", form.get("client_assertion_type"), f"It is {TYPE}.")
        audience = desk.settings.public_url.rstrip("/") + "/v1/oauth/token"
        return issue_token_by_key(desk.office, form["client_assertion"], audience, now, seconds)
    return issue_token(desk.office, *_credentials(request, form), now, seconds)


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return _basic(encoded)
    if not form.get("client_id") or not form.get("client_secret"):
        raise malformed("client_id", None, "Client id and secret are missing.")
    return form["client_id"], form["client_secret"]


def _basic(encoded: str) -> tuple[str, str]:
    try:
        user, separator, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except ValueError:
        separator = ""
    if not separator:
        raise malformed("Authorization", None, "The Basic credentials are malformed.")
    return unquote_plus(user), unquote_plus(password)
