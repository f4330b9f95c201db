"""Form bodies, read under a limit: ASCII, each member once, at most twenty."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from models.errors import RefusedInput
from service.web.strict_json import read_limited

_MOST_BYTES, _MOST_MEMBERS = 8_000, 20
_TYPE = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> dict[str, str]:
    """The members of a form; ``RefusedInput`` for another content type, a malformed body, or a member given twice."""
    body = await read_limited(request, _MOST_BYTES)
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != _TYPE:
        raise RefusedInput(
            "unsupported_media_type",
            "Content-Type",
            content_type,
            "This route takes a form.",
            f"Send Content-Type: {_TYPE}.",
            status=415,
        )
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_MEMBERS)
    except (UnicodeDecodeError, ValueError):
        raise malformed("body", None, "The form is malformed.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise malformed("body", None, "A member of the form is given twice.")
    if any("\0" in text for pair in pairs for text in pair):
        raise malformed("body", None, "A text holds no NUL.")
    return form


def malformed(field: str, value: object, rule: str) -> RefusedInput:
    """The refusal of a form that cannot be what was meant."""
    return RefusedInput("invalid_request", field, value, rule, "See the example of this route at /docs.", status=400)
