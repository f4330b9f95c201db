"""The few errors of the product. Each names the field, the value, the rule broken and what to do."""

from __future__ import annotations

from dataclasses import dataclass


class RongqiaoError(Exception):
    """Root of every error raised on purpose."""


@dataclass
class RefusedInput(RongqiaoError):
    """Input a caller must correct: exit code 2 on the command line, a 4xx problem over HTTP.

    ``code`` is a stable slug (``unknown_item``); ``status`` is the HTTP status it maps to.
    """

    code: str
    field: str
    value: object
    rule: str
    fix: str
    status: int = 422

    def __str__(self) -> str:
        return f"{self.field}: {shown(self.value)}: {self.rule} {self.fix}"


class NotFound(RefusedInput):
    """The thing asked for does not exist, or the caller may not know that it does."""

    def __init__(self, field: str, value: object, rule: str, fix: str, code: str = "not_found"):
        super().__init__(code=code, field=field, value=value, rule=rule, fix=fix, status=404)


@dataclass
class DataFileError(RongqiaoError):
    """A shipped or edited data file (catalogue, feed, scheme, model …) is wrong at a known place."""

    file: str
    line: int
    field: str
    value: object
    rule: str
    fix: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {shown(self.value)}: {self.rule} {self.fix}"


def shown(value: object, limit: int = 80) -> str:
    """The value as a message may carry it: quoted, control characters escaped, cut at ``limit``."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
