"""What a matching certificate says: that this loan came of a match on the platform, and when. Nothing about credit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from models.tables import Application, ApplicationStep, Need
from service.answers.application import fen_text, named
from service.books.rulebook import lenders, offers, rules
from service.clock import day_of

TYPE = "rongqiao-matching-certificate"
_FORM = 1


def certificate_answer(
    row: Application, need: Need, steps: Sequence[ApplicationStep], firm_name: str | None
) -> dict[str, Any]:
    """The certificate of an application as it stands: the parties, the product, the day of each state, the amounts.

    The same state gives the same content: its moment is that of the last step.
    """
    states = [{"state": "recommended", "on": day_of(row.offered_at)}]
    states += [{"state": each.to_stage, "on": day_of(each.at)} for each in steps if each.to_stage != each.from_stage]
    return {
        "type": TYPE,
        "form": _FORM,
        "id": f"mc_{row.id.removeprefix('a_')}",
        "city": rules().files.document("office.yaml")["city"],
        "need": {
            "id": need.id,
            "stated_on": day_of(need.stated_at),
            "low_yuan": fen_text(need.low_fen),
            "high_yuan": fen_text(need.high_fen),
            "term_months": need.term_months,
            "use": need.use,
        },
        "firm": {"uscc": row.firm, "name": firm_name},
        "lender": named(row.lender, lenders().get(row.lender)),
        "product": named(row.product, offers().products.get(row.product)),
        "state": row.stage,
        "states": states,
        "approved": _approved(row),
        "drawn": None if row.drawn_fen is None else {"amount_yuan": fen_text(row.drawn_fen), "on": row.drawn_on},
        "as_of": steps[-1].at if steps else row.offered_at,
    }


def _approved(row: Application) -> dict[str, Any] | None:
    if row.approved_fen is None:
        return None
    return {
        "amount_yuan": fen_text(row.approved_fen),
        "annual_rate": Decimal(row.rate),
        "term_months": row.term_months,
    }
