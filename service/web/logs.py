"""Logs: one JSON object a line on standard error, with nothing in it that belongs to a firm or a person.

A line holds what the service did (route template, status, milliseconds, request id), never what it was asked about: the
journal holds that, where only the auditor reads it. What other libraries say passes the same net.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

HIDDEN = "[hidden]"
#: Fields a line may hold. Another one is dropped: a new field is a decision, not an accident.
FIELDS = frozenset(
    (
        "event", "level", "logger", "timestamp", "request_id", "route", "method", "status", "ms", "error", "frames",
        "job", "kind", "attempt", "outcome", "worker",
    )
)  # fmt: skip
_LONGEST = 500
#: What is taken out of every text, by how it looks. In this order: a code before the digits in it.
_PERSONAL = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"(?i)\b(?:bearer|basic)\s+\S+",
        r"\beyJ[\w-]+\.[\w-]+\.?[\w-]*",
        r"(?i)\b(?:password|secret|token|code|csrf|authorization|cookie)\s*[=:]\s*\S+",
        r"\b[0-9A-Za-z_-]{40,}",
        r"(?:%[0-9A-Fa-f]{2}){2,}",
        r"(?<![0-9A-Za-z])[0-9A-Za-z]{2}\d{6}[0-9A-Za-z]{10}(?![0-9A-Za-z])",
        r"(?<!\d)\d{15}(?:\d{2}[\dXx])?(?!\d)",
        r"(?<!\d)1[3-9]\d{9}(?!\d)",
        r"(?<![\d.])\d{1,3}(?:,\d{3})+(?:\.\d+)?",
        r"(?<![\d.:])\d+\.\d{2}(?![\d.])",
        r"(?<![\d.])\d{6,14}(?!\d)",
    )
)
#: Names of firms and people here are Chinese; nothing this service logs of itself is.
_CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\ufe30-\uffef\U00020000-\U0003ffff]+")


def redacted(text: str) -> str:
    """``text`` without codes, tokens, numbers of persons, amounts and names, and not longer than a line."""
    for pattern in _PERSONAL:
        text = pattern.sub(HIDDEN, text)
    return _CHINESE.sub(HIDDEN, text)[:_LONGEST]


def redact(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The processor: known fields only; free text through :func:`redacted`; an exception as its kind and places."""
    fault = event.pop("exc_info", None)
    if fault is True:
        fault = sys.exc_info()
    kept: dict[str, Any] = {}
    for name in event.keys() & FIELDS:
        value = event[name]
        as_it_is = name in _OUR_OWN or not isinstance(value, str)
        kept[name] = value if as_it_is else redacted(value)
    if isinstance(fault, tuple) and fault[0] is not None:
        # Never the message: it may quote a value, or a whole statement with its parameters.
        kept["error"] = fault[0].__name__
        frames = traceback.extract_tb(fault[2])[-8:]
        kept["frames"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return kept


#: Made by this service or checked at its door (the request id's alphabet and length), so nobody can put a name there.
_OUR_OWN = frozenset(
    {"level", "logger", "timestamp", "request_id", "route", "method", "job", "kind", "outcome", "worker"}
)


_BEFORE: list[Processor] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def logger_of(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose fields reach the formatter one by one. Nothing is written before :func:`configure_logs`."""
    processors = [structlog.stdlib.filter_by_level, *_BEFORE, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name), processors, structlog.stdlib.BoundLogger
    )
    return logger


def configure_logs(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send everything that is logged, by us and by libraries, through the net to ``stream`` (standard error)."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_BEFORE,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact,
            # ASCII only: no terminal acts on what a line holds, and no direction mark turns it around.
            structlog.processors.JSONRenderer(ensure_ascii=True, sort_keys=True),
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "alembic", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.WARNING)
