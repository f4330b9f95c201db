"""Prepaid business: which of the watched industries a firm belongs to, by its registered industry code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.kinds import UNKNOWN_CODE, Kind
from models.marked import MarkedDict, marked
from scoring.columns import Columns
from scoring.derived import column_or_unknown
from scoring.industry import Industries

FACT = "prepaid_industry"
KINDS: Mapping[str, Kind] = {FACT: Kind.CODE}
#: The code of a firm whose industry is known and is none of them.
NONE = "none"
_CLASS = re.compile(r"[A-T]\d{4}", re.ASCII)


@dataclass(frozen=True)
class PrepaidIndustry:
    """``classes`` maps codes of GB/T 4754 (letter and four digits) to their names; ``note`` tells a judgment."""

    id: str
    zh: str
    en: str
    classes: Mapping[str, str]
    cite: str
    note: str


@dataclass(frozen=True)
class PrepaidIndustries:
    """The industries by id, in the order of the file."""

    industries: Mapping[str, PrepaidIndustry]
    standard: Industries

    @property
    def codes(self) -> tuple[str, ...]:
        """The dictionary of the fact ``prepaid_industry``."""
        return (NONE, *self.industries)

    def of_code(self, code: str) -> str | None:
        """The industry of a registered code, ``none`` for any other, ``None`` where the code does not tell.

        A code that is not of the standard tells nothing, nor does one that is coarser than a class it covers.
        """
        if self.standard.section_of(code) is None:
            return None
        for industry in self.industries.values():
            if code in industry.classes:
                return industry.id
        coarse = any(name.startswith(code) for industry in self.industries.values() for name in industry.classes)
        return None if coarse else NONE


def parse_prepaid(document: Mapping[str, Any], standard: Industries) -> PrepaidIndustries:
    """The industries of ``seed/prepaid_industries.yaml``; ``DataFileError`` for a class not standard or used twice."""
    made: dict[str, PrepaidIndustry] = {}
    seen: set[str] = set()
    for spec in document["industries"]:
        raw = marked(spec)
        for name in ("id", "zh", "en", "cite", "classes"):
            if not raw.get(name):
                raise raw.wrong(name, "An industry must say this.", f"Add `{name}:`.")
        if raw["id"] in made or raw["id"] == NONE:
            raise raw.wrong("id", "An industry id is used once, and never `none`.", "Choose another.")
        _check_classes(raw, standard, seen)
        made[raw["id"]] = PrepaidIndustry(
            raw["id"], raw["zh"], raw["en"], dict(raw["classes"]), str(raw["cite"]), raw.get("note", "")
        )
    return PrepaidIndustries(made, standard)


def _check_classes(raw: MarkedDict, standard: Industries, seen: set[str]) -> None:
    for code in raw["classes"]:
        if not _CLASS.fullmatch(str(code)) or standard.section_of(code) is None:
            raise raw.wrong("classes", f"{code} is no class of GB/T 4754-2017.", "Letter and four digits: R8930.")
        if code in seen:
            raise raw.wrong("classes", f"{code} belongs to another industry already.", "A class is used once.")
        seen.add(code)


def prepaid_industry(columns: Columns, book: PrepaidIndustries) -> Columns:
    """The fact ``prepaid_industry`` of every firm, from the column ``industry_code``."""
    column = column_or_unknown(columns, "industry_code", Kind.CODE)
    places = {code: place for place, code in enumerate(book.codes)}
    found = [book.of_code(code) for code in columns.codes.get("industry_code", ())]
    table = np.array([*(UNKNOWN_CODE if each is None else places[each] for each in found), UNKNOWN_CODE], np.int16)
    return Columns(columns.n, {FACT: table[np.where(column < 0, len(found), column)]}, {FACT: book.codes})
