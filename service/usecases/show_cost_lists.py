"""One stored cost list, or those of a firm."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from models.tables import CostListFile
from service.answers.cost_list import cost_list_answer, summary_answer
from service.cases.cost_lists import read_list
from service.office import Office


def show_cost_list(office: Office, wanted: str, until: date) -> dict[str, Any]:
    """The list with its confirmations, and promised against charged up to ``until``; ``NotFound`` without it."""
    with office.read() as session:
        kept = read_list(session, wanted)
    return cost_list_answer(kept, until)


def show_cost_lists(office: Office, uscc: str = "", lender: str = "") -> list[dict[str, Any]]:
    """The lists of a firm, with one lender where it is named, by id; without a firm those of all."""
    query = select(CostListFile.id).order_by(CostListFile.id)
    if uscc:
        query = query.where(CostListFile.uscc == uscc)
    if lender:
        query = query.where(CostListFile.lender == lender)
    with office.read() as session:
        return [summary_answer(read_list(session, each)) for each in session.scalars(query).all()]
