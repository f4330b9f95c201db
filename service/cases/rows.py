"""Rows of cases as those know them whom they concern: found, held for a change, with their steps in order.

Which rows a caller may know of is a query that each kind of case makes; the rest is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from models.errors import NotFound, RefusedInput
from models.tables import Application, Objection, Repair, Ticket
from models.tables.step import CaseStep
from service.access.auth import Caller, Role

Row = TypeVar("Row")
Step = TypeVar("Step", bound=CaseStep)
OfAgency = TypeVar("OfAgency", Objection, Repair)


@dataclass(frozen=True)
class CaseWords:
    """How a kind of case is called where one is not found: the ``field`` that names it, a ``noun``, its list."""

    field: str
    noun: str
    listed: str


def of_firm_and_agency(table: type[OfAgency], caller: Caller) -> Select[OfAgency]:
    """Every case about records that the caller may know of: a firm its own, an agency those about what it delivers,
    staff all."""
    query: Select[OfAgency] = select(table)
    if caller.role is Role.FIRM:
        return query.where(table.firm == caller.tenant)
    if caller.role is Role.AGENCY:
        return query.where(table.agency == caller.tenant)
    return query


def find_row(session: Session, query: Select[Row], words: CaseWords, asked: str, *, lock: bool = False) -> Row:
    """The one row of ``query``, locked for a change where asked; ``NotFound`` for an id the caller has nothing to do
    with."""
    row = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        rule, fix = f"There is no such {words.noun} for you.", f"List them: GET {words.listed}."
        raise NotFound(words.field, asked, rule, fix)
    return row


def steps_where(session: Session, table: type[Step], of_case: ColumnElement[bool]) -> Sequence[Step]:
    """The steps of a case in order."""
    return session.scalars(select(table).where(of_case).order_by(table.number)).all()


def is_taken_last(steps: Sequence[CaseStep], party: str, content_sha256: str) -> bool:
    """Whether what is asked now is the step that was taken last, sent again by the same party."""
    return bool(steps) and steps[-1].party == party and steps[-1].content_sha256 == content_sha256


def check_stage(stage: str, stages: Collection[str], word: str = "stage") -> None:
    """Refuse to list by a stage that the procedure does not have."""
    if stage and stage not in stages:
        raise RefusedInput("bad_stage", "stage", stage, f"There is no such {word}.", f"One of {', '.join(stages)}.")


def check_version(row: Application | Ticket, noun: str, version: int) -> None:
    """Refuse (409) a step that was decided on a state which is no longer the present one."""
    if version != row.version:
        raise RefusedInput(
            "changed_meanwhile",
            "version",
            version,
            f"The {noun} is at `{row.stage}`, version {row.version}: somebody has moved it meanwhile.",
            "Read it again and decide on what it is now.",
            status=409,
        )
