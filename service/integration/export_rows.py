"""The rows of an export: the very answers of the API, asked for whoever wants the file, page by page.

So a file never holds what its reader would not be answered, and a rule that changes there changes here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import orjson

from matching.rulefile import RuleFile
from models.errors import RefusedInput
from service.access.auth import Action, Caller
from service.books.seedbook import rule_set
from service.integration.export_files import Row, flat
from service.market.seeker import Seeker
from service.snapshot.shelf import Shelf
from service.usecases.find_prospects import search_prospects
from service.usecases.read_applications import list_applications
from service.usecases.read_campaigns import read_rows
from service.web.encode import encode

_PAGE = 500


@dataclass(frozen=True)
class ExportTerms:
    """The figures of ``seed/exports.yaml``."""

    days_kept: int
    rows_at_most: int


@cache
def export_terms() -> ExportTerms:
    """The terms as shipped."""
    file = RuleFile.of(
        rule_set().document("exports.yaml"), ("days_kept", "rows_at_most"), ("days_kept", "rows_at_most")
    )
    return ExportTerms(file.whole("days_kept", 1, 365), file.whole("rows_at_most", 1, 1_048_575))


@dataclass(frozen=True)
class Question:
    """Who asks, what for, with which parameters of the kind, and at which moment."""

    shelf: Shelf
    caller: Caller
    purpose: str
    parameters: Mapping[str, Any]
    now: datetime


@dataclass(frozen=True)
class ExportKind:
    """A list that can be exported: the action it needs, its parameters (true: required), and its answers."""

    action: Action
    parameters: Mapping[str, bool]
    answers: Callable[[Question], Iterator[Mapping[str, Any]]]


def _prospects(asked: Question) -> Iterator[Mapping[str, Any]]:
    seeker = Seeker(asked.shelf, asked.caller, asked.purpose, asked.now)
    cursor: str | None = ""
    while cursor is not None:
        said = asked.parameters["conditions"], asked.parameters.get("sort", "")
        page = search_prospects(seeker, *said, cursor, _PAGE)
        yield from page["items"]
        cursor = page["next_cursor"]


def _applications(asked: Question) -> Iterator[Mapping[str, Any]]:
    after: tuple[datetime, str] | None = None
    stage = asked.parameters.get("stage", "")
    while True:
        found = list_applications(
            asked.shelf.office, asked.shelf, asked.caller, asked.now, stage=stage, after=after, limit=_PAGE
        )
        yield from found[:_PAGE]
        if len(found) <= _PAGE:
            return
        after = found[_PAGE - 1]["offered_at"], found[_PAGE - 1]["id"]


def _campaign(asked: Question) -> Iterator[Mapping[str, Any]]:
    campaign, version = asked.parameters["campaign_id"], asked.parameters.get("version", 0)
    yield from read_rows(asked.shelf.office, asked.caller, campaign, version, asked.now, "")


KINDS: dict[str, ExportKind] = {
    "prospects": ExportKind(Action.FIND_PROSPECTS, {"conditions": True, "sort": False}, _prospects),
    "applications": ExportKind(Action.READ_APPLICATIONS, {"stage": False}, _applications),
    "campaign": ExportKind(Action.READ_CAMPAIGN, {"campaign_id": True, "version": False}, _campaign),
}
_TYPES: dict[str, type] = {"conditions": dict, "version": int}


def kind_of(name: str, parameters: Mapping[str, Any]) -> ExportKind:
    """The kind, once it is there and its parameters are those it takes; ``RefusedInput`` otherwise."""
    kind = KINDS.get(name)
    if kind is None:
        raise RefusedInput("unknown_kind", "kind", name, "No such list is exported.", f"One of: {', '.join(KINDS)}.")
    fix = f"`{name}` takes: {', '.join(kind.parameters)}."
    for each, value in parameters.items():
        wanted = _TYPES.get(each, str)
        if each not in kind.parameters or type(value) is not wanted:
            raise RefusedInput("bad_parameter", f"parameters.{each}", value, "This kind takes no such parameter.", fix)
    for each, required in kind.parameters.items():
        if required and each not in parameters:
            raise RefusedInput("bad_parameter", f"parameters.{each}", None, "This kind needs it.", fix)
    return kind


def rows_of(kind: ExportKind, asked: Question, tell: Callable[[int], None]) -> list[Row]:
    """Every row, flat, in the API's own forms; ``RefusedInput`` where there are too many. ``tell`` hears how many."""
    most = export_terms().rows_at_most
    rows: list[Row] = []
    for answer in kind.answers(asked):
        rows.append(flat(orjson.loads(encode(answer))))
        if len(rows) > most:
            rule = f"An export has {most} rows at most."
            raise RefusedInput("too_many_rows", "parameters", None, rule, "Narrow the question.")
        if len(rows) % _PAGE == 0:
            tell(len(rows))
    return rows
