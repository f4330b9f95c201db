"""Which items of a firm are contested: read from the database when an answer is given, never from a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.tables import Objection
from scoring.catalogue import Item
from service.access.disclosure import Shown, Viewer
from service.books.rulebook import objection_rules


@dataclass(frozen=True)
class Mark:
    """One objection as readers of the item are told of it. ``statement`` is the firm's, empty for none.

    ``corrected_at``: data known from then on are right; who reads older ones is told still.
    """

    objection_id: str
    item: str
    record_id: str
    stage: str
    reason: str
    filed_at: datetime
    statement: str = ""
    corrected_at: datetime | None = None


#: The columns in the order of the fields of :class:`Mark`.
_OF_FIRM = (
    select(
        Objection.id,
        Objection.item,
        Objection.record_id,
        Objection.stage,
        Objection.reason,
        Objection.filed_at,
        Objection.statement,
        Objection.corrected_at,
    )
    .where(Objection.firm == bindparam("firm"), Objection.marked)
    .order_by(Objection.filed_at, Objection.id)
)


def marks_of(session: Session, firm: str) -> tuple[Mark, ...]:
    """The marks of one firm, oldest first: one query over an index."""
    return tuple(Mark(*row) for row in session.connection().execute(_OF_FIRM, {"firm": firm}))


def standing_marks(marks: Iterable[Mark], known_by: datetime) -> tuple[Mark, ...]:
    """The marks that concern an answer from data known by a moment: not those corrected in it."""
    return tuple(mark for mark in marks if mark.corrected_at is None or known_by < mark.corrected_at)


def mark_answer(mark: Mark, viewer: Viewer, item: Item | None) -> dict[str, object]:
    """A mark as a reader sees it. That an item is contested every reader is told; the firm's own words about it only
    who may see the item."""
    rules = objection_rules()
    stage = rules.procedure.stages[mark.stage]
    told = item is not None and viewer.shown(item) is Shown.FULL
    return {
        "objection_id": mark.objection_id,
        "item": mark.item,
        "record_id": mark.record_id or None,
        "state": mark.stage,
        "zh": stage.name.zh,
        "en": stage.name.en,
        "reason": mark.reason,
        "since": mark.filed_at,
        "statement": (mark.statement or None) if told else None,
    }


def marks_answer(marks: Sequence[Mark], viewer: Viewer, items: Mapping[str, Item]) -> list[dict[str, object]]:
    """Every mark as a reader sees it."""
    return [mark_answer(mark, viewer, items.get(mark.item)) for mark in marks]
