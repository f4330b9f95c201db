"""The policy card of one scheme."""

from __future__ import annotations

from datetime import date
from typing import Any

from matching.rulefile import Name
from models.kinds import Kind
from service.answers.card import Shelfmark, card_answer
from service.books.rulebook import facts, offers, parameters, service_classes, working_days


def scheme_card(scheme_id: str, as_of: date, applied_on: date | None = None) -> dict[str, Any]:
    """The card as of a day. With ``applied_on`` the clocks of an application say when they end.

    ``NotFound`` for an unknown scheme. A clock that would end beyond the calendar has no end, and its note says so.
    """
    scheme = offers().schemes.get_or_refuse(scheme_id)
    classes = service_classes()
    marks = Shelfmark(
        schemes=offers().schemes,
        parameters=parameters(),
        day_names={spec.id: Name(spec.zh, spec.en) for spec in facts().values() if spec.kind is Kind.DATE},
        service=classes.of(scheme.service_class),
        of_new_policies=classes.of_new_policies,
        calendar=working_days(),
    )
    return card_answer(scheme, marks, as_of, applied_on)
