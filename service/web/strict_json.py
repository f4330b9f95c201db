"""The request body: size limited while it arrives, and JSON that can mean only one thing.

Refused: more bytes than allowed (413), other than UTF-8, ``NaN`` and infinities, numbers out of range, one key twice,
nesting deeper than 32, NUL or half a character in a text (400). Parsers that disagree about such texts are a way around
a check, and not every database takes them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterator
from typing import Any, NoReturn

from starlette.requests import Request

from models.errors import RefusedInput

MAX_DEPTH = 32
_MAX_DIGITS = 20
#: What JSON can escape and no text holds: NUL, and one half of a pair that only together is a character.
_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")


def too_large(limit: int) -> RefusedInput:
    """The refusal of a body above ``limit`` bytes."""
    return RefusedInput(
        "body_too_large",
        "body",
        f"more than {limit} bytes",
        f"A body of this kind has at most {limit} bytes.",
        "Split it, or deliver records as a batch file.",
        status=413,
    )


async def limited(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body in chunks; refused by its declared length before the first byte, else as soon as it grows too long."""
    declared = request.headers.get("content-length", "")
    # Compared by length first: an absurd number is no reason to convert it.
    if declared.isascii() and declared.isdigit() and (len(declared) > 15 or int(declared) > limit):
        raise too_large(limit)
    seen = 0
    async for chunk in request.stream():
        seen += len(chunk)
        if seen > limit:
            raise too_large(limit)
        yield chunk


async def read_limited(request: Request, limit: int) -> bytes:
    """The whole body, at most ``limit`` bytes."""
    return b"".join([chunk async for chunk in limited(request, limit)])


def _refuse(value: object, rule: str, fix: str) -> NoReturn:
    raise RefusedInput("bad_json", "body", value, rule, fix, status=400)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                _refuse(key, "A key stands once in an object.", "Remove one of them.")
            seen.add(key)
    return made


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        _refuse(text, f"A number has at most {_MAX_DIGITS} digits.", "Check the unit; amounts are yuan.")
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse(text, "A number is finite.", "Leave out what is unknown, or write null.")
    return value


def _constant(text: str) -> NoReturn:
    _refuse(text, "JSON has no such number.", "Leave out what is unknown, or write null.")


def _too_deep() -> NoReturn:
    _refuse("[[[…", f"Values are nested at most {MAX_DEPTH} deep.", "Flatten the body.")


def _check_text(text: str) -> None:
    if _NO_CHARACTER.search(text):
        _refuse(text, "A text holds neither NUL nor half a character.", "Remove it.")


def _check_inside(value: Any) -> None:
    level: list[Any] = [[value]]
    for _ in range(MAX_DEPTH + 1):
        inside = [each for outer in level for each in ((*outer, *outer.values()) if isinstance(outer, dict) else outer)]
        for each in inside:
            if isinstance(each, str):
                _check_text(each)
        level = [each for each in inside if isinstance(each, (dict, list))]
        if not level:
            return
    _too_deep()


def parse_strict(body: bytes) -> Any:
    """The value of a JSON text; ``RefusedInput`` (400) for anything ambiguous or malformed."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as problem:
        _refuse(body[problem.start : problem.start + 8], "JSON is UTF-8.", "Encode the body as UTF-8.")
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_real, parse_constant=_constant
        )
    except json.JSONDecodeError as problem:
        place = f"line {problem.lineno}, column {problem.colno}"
        _refuse(text[problem.pos : problem.pos + 20], f"The body is no JSON at {place}: {problem.msg}.", "Mend it.")
    except RecursionError:
        _too_deep()
    _check_inside(value)
    return value
