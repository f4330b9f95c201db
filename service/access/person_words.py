"""The words of a person's consent to be evaluated: data by version and day, filled in for one person and firm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from models.errors import RefusedInput
from models.marked import marked
from service.access.consent_texts import LANGUAGES, text_sha256
from service.books import seedbook
from service.books.documents import read_yaml

#: Stands for the purpose where consents and the journal name one.
PURPOSE = "person_health"


@dataclass(frozen=True)
class PersonWords:
    """One version of the words, in force from a day."""

    version: str
    valid_from: date
    texts: dict[str, str]


def person_text(person: str, firm: str, day: date) -> dict[str, Any]:
    """What ``person`` signs for the firm of this name, in both languages, with the digest that names the words."""
    found = [words for words in _all_words() if words.valid_from <= day]
    if not found:
        raise RefusedInput(
            "no_consent_text", "given_on", day.isoformat(), "No words of consent were in force on that day.",
            "Name a later day, or add the words to seed/consents/person.yaml.",
        )  # fmt: skip
    words = max(found, key=lambda each: each.valid_from)
    texts = {language: words.texts[language].format(person=person, firm=firm).strip() for language in LANGUAGES}
    return {"version": words.version, **texts, "text_sha256": text_sha256(texts)}


@cache
def _all_words() -> tuple[PersonWords, ...]:
    whole = marked(read_yaml(seedbook.SEED / "consents" / "person.yaml", seedbook.SEED))
    made = []
    for entry in map(marked, whole["texts"]):
        texts = {language: str(entry[language]) for language in LANGUAGES}
        for language, text in texts.items():
            if not ("{person}" in text and "{firm}" in text):
                raise entry.wrong(language, "The words name the person and the firm.", "Write {person} and {firm}.")
        made.append(PersonWords(str(entry["version"]), entry["from"], texts))
    return tuple(made)
