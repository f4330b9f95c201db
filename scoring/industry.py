"""Industry codes of GB/T 4754-2017: which section and division a code lies in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.errors import RefusedInput
from models.marked import marked

_CODE = re.compile(r"[A-T]\d{2,4}", re.ASCII)


@dataclass(frozen=True)
class Section:
    """A section (门类) of the standard. ``divisions`` maps two digits to the division's Chinese name."""

    code: str
    zh: str
    en: str
    divisions: Mapping[str, str]


@dataclass(frozen=True)
class Industries:
    """The sections of the standard by letter, in its order."""

    source: str
    sections: Mapping[str, Section]

    @property
    def letters(self) -> tuple[str, ...]:
        """The dictionary of the fact ``industry_section``."""
        return tuple(self.sections)

    def section_of(self, code: str) -> str | None:
        """The letter of ``C3311``; ``None`` for a text that is no code, or whose division is another section's."""
        if not _CODE.fullmatch(code):
            return None
        section = self.sections.get(code[0])
        return code[0] if section is not None and code[1:3] in section.divisions else None

    def check(self, code: str, field: str = "industry") -> str:
        """``code`` itself; ``RefusedInput`` when its form, or its division within the section, is not standard."""
        if self.section_of(code) is None:
            raise RefusedInput(
                "unknown_industry",
                field,
                code,
                "An industry is a section letter A-T and 2 to 4 digits of GB/T 4754-2017 that belong to it.",
                "Write it like C3311.",
            )
        return code


def parse_industries(document: Mapping[str, Any]) -> Industries:
    """The standard's sections from ``seed/industries.yaml``; ``DataFileError`` for a division listed twice."""
    seen: set[str] = set()
    sections = {}
    for code, spec in document["sections"].items():
        raw = marked(spec)
        for division in raw["divisions"]:
            if not re.fullmatch(r"\d{2}", str(division)) or division in seen:
                raise raw.wrong("divisions", f"{division!r} is no division, or listed twice.", "Two digits, once.")
            seen.add(division)
        sections[code] = Section(code, raw["zh"], raw["en"], dict(raw["divisions"]))
    return Industries(document["source"], sections)
