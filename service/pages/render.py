"""Templates to HTML: escaping on, an undefined name is an error, words come from the labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from service import labels

FOLDER = Path(__file__).parent
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def language_of(request: Request) -> str:
    """The language this request is answered in."""
    return labels.of_request(request.query_params.get("lang", ""), request.headers.get("accept-language", ""))


def page(request: Request, template: str, **context: Any) -> HTMLResponse:
    """One HTML page. ``t`` is the label catalogue; the language links keep the page."""
    language = language_of(request)
    words = labels.labels(language)
    html = _ENVIRONMENT.get_template(template).render(t=words, path=request.scope["path"], **context)
    return HTMLResponse(html, headers={"Content-Language": language, "Vary": "Accept-Language"})
