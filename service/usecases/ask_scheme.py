"""One scheme asked about the facts of a firm and a loan that the caller states."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from matching.enjoyed import check_enjoyed
from matching.evaluate_scheme import evaluate_scheme
from service.answers.rules import scheme_result_answer
from service.books.rulebook import facts, offers, parameters


def ask_scheme(scheme_id: str, stated: Mapping[str, object], as_of: date) -> dict[str, Any]:
    """The verdict with findings and benefit. What ``stated`` leaves out is unknown.

    ``NotFound`` for an unknown scheme, ``RefusedInput`` for an unknown fact, an ill-typed value, or a past that
    cannot be.
    """
    scheme = offers().schemes.get_or_refuse(scheme_id)
    values = facts().read_values(stated)
    check_enjoyed(values, as_of)
    return scheme_result_answer(evaluate_scheme(scheme, values, parameters(), as_of), scheme)
