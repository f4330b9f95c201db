"""Templates to HTML: escaping on, an undefined name is an error, words come from the labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from service import labels
from service.shown import moment, money, percent

FOLDER = Path(__file__).parent
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(money=money, percent=percent, moment=moment)


def language_of(request: Request) -> str:
    """The language this request is answered in."""
    return labels.of_request(request.query_params.get("lang", ""), request.headers.get("accept-language", ""))


def page(request: Request, template: str, **context: Any) -> HTMLResponse:
    """One HTML page. ``t`` is the label catalogue; the language links keep the page."""
    language = language_of(request)
    html = _rendered(template, language, path=request.scope["path"], css="", **context)
    return HTMLResponse(html, headers={"Content-Language": language, "Vary": "Accept-Language"})


def sheet(template: str, language: str, **context: Any) -> str:
    """A page as one file that needs no server: its style in it, no links."""
    css = (FOLDER / "static" / "app.css").read_text(encoding="utf-8")
    return _rendered(template, language, path="", css=css, **context)


def _rendered(template: str, language: str, **context: Any) -> str:
    return _ENVIRONMENT.get_template(template).render(t=labels.labels(language), **context)
