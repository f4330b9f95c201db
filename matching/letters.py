"""Letters: words of a rule file in both languages, with named places that are filled in for one case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from string import Formatter

from matching.rulefile import RuleFile

LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Letter:
    """The words by language, with ``{places}``."""

    zh: str
    en: str

    def filled(self, places: Mapping[str, object]) -> dict[str, str]:
        """The letter by language. A value is a text for both, or ``{"zh": …, "en": …}``.

        Values are put in as they are: what a firm wrote is never read as a place of the letter.
        """
        return {
            language: getattr(self, language).format(
                **{
                    name: value[language] if isinstance(value, Mapping) else str(value)
                    for name, value in places.items()
                }
            )
            for language in LANGUAGES
        }


def parse_letter(file: RuleFile, name: str, places: Iterable[str]) -> Letter:
    """The letter under ``name``; ``DataFileError`` for a place that nothing fills in."""
    part = file.part(name, LANGUAGES, LANGUAGES)
    known = tuple(places)
    for language in LANGUAGES:
        try:
            asked = [(field, spec, conversion) for _, field, spec, conversion in Formatter().parse(part.text(language))]
        except ValueError as problem:
            raise part.raw.wrong(language, f"Its places are not well-formed: {problem}.", "Write {name}.") from None
        for field, spec, conversion in asked:
            if field is not None and (field not in known or spec or conversion):
                raise part.raw.wrong(language, f"Nothing fills in {{{field}}}.", f"Use {', '.join(known)}.")
    return Letter(part.text("zh").strip(), part.text("en").strip())
