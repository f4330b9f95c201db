"""What a person may decide about a firm that is reviewed by hand: reasons and the longest time. Data, read here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.marked import MarkedDict, marked


@dataclass(frozen=True)
class Reason:
    """Why a case was decided as it was."""

    id: str
    zh: str
    en: str


@dataclass(frozen=True)
class ReviewRules:
    """``longest_months``: for how many months at most an adjusted grade is shown. ``reasons`` by id."""

    longest_months: int
    reasons: Mapping[str, Reason]


def parse_review_rules(document: Mapping[str, Any]) -> ReviewRules:
    """The rules of ``seed/reviews.yaml``; ``DataFileError`` for the first fault."""
    raw = document if isinstance(document, MarkedDict) else MarkedDict(document)
    months = raw.get("longest_months")
    if isinstance(months, bool) or not isinstance(months, int) or not 1 <= months <= 60:
        raise raw.wrong("longest_months", "A whole number of months from 1 to 60.", "Write 6.")
    reasons: dict[str, Reason] = {}
    for entry in raw.get("reasons", ()):
        spec = marked(entry)
        if not all(isinstance(spec.get(name), str) and spec[name] for name in ("id", "zh", "en")):
            raise spec.wrong("id", "A reason has id, zh and en.", "Add what is missing.")
        if spec["id"] in reasons:
            raise spec.wrong("id", "A reason's id is used once.", "Rename one of the two.")
        reasons[spec["id"]] = Reason(spec["id"], spec["zh"], spec["en"])
    if not reasons:
        raise raw.wrong("reasons", "Without a reason nothing can be decided.", "Give a list under `reasons`.")
    return ReviewRules(months, reasons)
