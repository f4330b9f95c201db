"""The review queue: firms a snapshot's evaluation draws for a look by hand, and what was decided about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from models.tables import ReviewCase
from scoring.columns import Array
from scoring.evaluation.quarter import frozen_quarter, to_review
from service.books.rulebook import evaluations
from service.office import Office
from service.snapshot.snapshots import OpenSnapshot

CONFIRM, ADJUST = "confirm", "adjust"


@dataclass(frozen=True)
class _Kept:
    """What a snapshot kept of its evaluation, as the draw reads it."""

    n: int
    as_of: date
    model: Array
    grade: Array


def drawn_cases(snapshot: OpenSnapshot) -> Iterator[Mapping[str, Any]]:
    """The review cases of a snapshot, by code. The same snapshot gives the same cases, one without grades none."""
    grade, model = snapshot.columns.get("grade"), snapshot.scores.get("model")
    if grade is None or model is None:
        return
    book, grades = evaluations(), snapshot.columns.codes["grade"]
    codes = [snapshot.firm_at(row) for row in range(snapshot.firms)]
    quarter = frozen_quarter(snapshot.as_of)
    rows = np.flatnonzero(to_review(book, _Kept(snapshot.firms, snapshot.as_of, model, grade), codes))
    for row in sorted(rows.tolist(), key=codes.__getitem__):
        held = grades[int(grade[row])]
        yield {
            "id": case_id(quarter, codes[row]),
            "quarter": quarter,
            "uscc": codes[row],
            "snapshot_id": snapshot.id,
            "as_of": snapshot.as_of,
            "score": float(snapshot.columns.values["score"][row]),
            "grade": held,
            "rate": book.scored[int(model[row])].review.rate(held),
        }


def case_id(quarter: date, uscc: str) -> str:
    """The id of the one case a firm has in a quarter."""
    return sha256(f"{quarter.isoformat()}:{uscc}".encode()).hexdigest()[:20]


def add_cases(session: Session, cases: Sequence[Mapping[str, Any]]) -> int:
    """Add a snapshot's cases to a write transaction, how many. A firm drawn earlier in the quarter keeps its case."""
    quarters = {case["quarter"] for case in cases}
    known = set(session.scalars(select(ReviewCase.id).where(ReviewCase.quarter.in_(quarters))))
    blank = {"decision": "", "decided_by": "", "reason": "", "note": "", "override_grade": ""}
    new = [{**blank, **case} for case in cases if case["id"] not in known]
    if new:
        session.execute(insert(ReviewCase), new)
    return len(new)


def override_of(office: Office, uscc: str, as_of: date) -> ReviewCase | None:
    """The adjusted grade that is shown beside a firm's evaluation on that day: the latest that has not expired."""
    query = (
        select(ReviewCase)
        .where(ReviewCase.uscc == uscc, ReviewCase.decision == ADJUST)
        .where(ReviewCase.quarter <= as_of, ReviewCase.expires_on >= as_of)
        .order_by(ReviewCase.quarter.desc())
        .limit(1)
    )
    with office.read() as session:
        return session.scalars(query).first()
