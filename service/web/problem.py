"""Every error leaves as ``application/problem+json`` (RFC 9457), the framework's own included."""

from __future__ import annotations

import http
import math
from datetime import date
from decimal import Decimal
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from models.errors import DataFileError, RefusedInput, shown
from service.store import DatabaseUnavailable
from service.web.encode import encode
from service.web.logs import logger_of
from service.web.storage_failure import storage_failure

log = logger_of("rongqiao.http")

MEDIA_TYPE = "application/problem+json"
_FIXES = {
    404: "See /docs for every route.",
    405: "See /docs for the methods of this route.",
    413: "Send less.",
    415: "Send application/json.",
}


def problem_of(refused: RefusedInput) -> dict[str, Any]:
    """The problem object of a refused input: what, where, why, and what to do."""
    return {
        "type": f"urn:rongqiao:problem:{refused.code}",
        "title": refused.code.replace("_", " ").capitalize(),
        "status": refused.status,
        "detail": f"{refused.rule} {refused.fix}",
        "code": refused.code,
        "field": refused.field,
        "value": safe(refused.value),
        "rule": refused.rule,
        "fix": refused.fix,
    }


def problem_of_data_file(wrong: DataFileError, status: int = 500) -> dict[str, Any]:
    """The problem object of a wrong data file, named by file and line. Over HTTP it is no fault of the caller's."""
    refused = RefusedInput("bad_data_file", wrong.field, wrong.value, wrong.rule, wrong.fix, status=status)
    return {**problem_of(refused), "file": wrong.file, "line": wrong.line}


def problem_response(problem: dict[str, Any], request: Request, headers: dict[str, str] | None = None) -> Response:
    """The response for a problem object, with the path and the request id added."""
    problem = {
        **problem,
        "instance": request.scope["path"],
        "request_id": request.scope.get("request_id", ""),
    }
    return Response(encode(problem), problem["status"], headers, MEDIA_TYPE)


def safe(value: object) -> object:
    """The value as JSON may carry it back: short and without anything a log or terminal would act on."""
    if isinstance(value, (Decimal, date)):
        return str(value)
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, str) and len(value) <= 80 and value.isprintable():
        return value
    return shown(value)


def _from_validation(error: RequestValidationError) -> dict[str, Any]:
    faults = [
        {
            "pointer": "/" + "/".join(str(part) for part in fault["loc"][1:]),
            "in": str(fault["loc"][0]),
            "code": fault["type"],
            "value": None if fault["type"] == "missing" else safe(fault.get("input")),
            "detail": fault["msg"],
        }
        for fault in error.errors()[:20]
    ]
    first = faults[0]
    field = first["pointer"].strip("/").replace("/", ".") or "body"
    refused = RefusedInput(
        "invalid_request", field, first["value"], f"{first['detail']}.", "See the schema of this route at /docs."
    )
    return {**problem_of(refused), "errors": faults}


def _from_framework(error: HTTPException, request: Request) -> dict[str, Any]:
    phrase = http.HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "_").replace("-", "_")
    method_or_path = request.method if error.status_code == 405 else request.scope["path"]
    return problem_of(
        RefusedInput(
            code,
            "method" if error.status_code == 405 else "path",
            method_or_path,
            f"{phrase}.",
            _FIXES.get(error.status_code, "See /docs."),
            status=error.status_code,
        )
    )


def unexpected(request: Request) -> Response:
    """The answer to a fault of ours: no detail leaks; the request id leads to the log."""
    refused = RefusedInput(
        "internal_error",
        "request",
        request.scope["path"],
        "The service failed; the input is not at fault.",
        "Try again, and give the request id to the office if it stays.",
        status=500,
    )
    return problem_response(problem_of(refused), request)


def _unavailable(request: Request) -> Response:
    refused = RefusedInput(
        "database_unavailable",
        "request",
        request.scope["path"],
        "The office's database cannot answer now; the input is not at fault.",
        "Ask again when Retry-After has passed; a change is safe to repeat.",
        status=503,
    )
    return problem_response(problem_of(refused), request, {"Retry-After": "5"})


def install(app: FastAPI) -> None:
    """Make ``app`` answer every error this way."""

    @app.exception_handler(DatabaseUnavailable)
    async def unavailable(request: Request, error: DatabaseUnavailable) -> Response:
        cause = type(error.__cause__).__name__
        log.warning("database unavailable", request_id=request.scope.get("request_id", ""), error=cause)
        return _unavailable(request)

    @app.exception_handler(OSError)
    async def disk(request: Request, error: OSError) -> Response:
        failure = storage_failure(error)
        if failure is None:
            raise error
        log.error("storage failed", request_id=request.scope.get("request_id", ""), error=failure.code)
        return problem_response(problem_of(failure), request, {"Retry-After": "60"})

    @app.exception_handler(RefusedInput)
    async def refused(request: Request, error: RefusedInput) -> Response:
        headers = {"WWW-Authenticate": 'Bearer realm="rongqiao"'} if error.status == 401 else None
        return problem_response(problem_of(error), request, headers)

    @app.exception_handler(DataFileError)
    async def wrong_file(request: Request, error: DataFileError) -> Response:
        return problem_response(problem_of_data_file(error), request)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return problem_response(_from_validation(error), request)

    @app.exception_handler(HTTPException)
    async def framework(request: Request, error: HTTPException) -> Response:
        return problem_response(_from_framework(error, request), request, dict(error.headers or {}))
