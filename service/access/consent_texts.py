"""The words of consents: data by purpose, version and day, filled in for one consent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256

from models.errors import RefusedInput
from models.marked import marked
from service.access.policy import LENDING, Purpose
from service.books import seedbook
from service.books.documents import read_yaml
from service.web.encode import canonical

LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class ConsentWords:
    """One version of the words for one purpose; ``max_days`` is the longest a consent under it may run."""

    purpose: Purpose
    version: str
    valid_from: date
    max_days: int
    texts: Mapping[str, str]
    personal: Mapping[str, str]

    def filled(
        self,
        lender: Mapping[str, str],
        dimensions: Sequence[Mapping[str, str]],
        personal: bool,
        days: tuple[date, date],
    ) -> dict[str, str]:
        """The text a firm reads and agrees to, by language."""
        return {
            language: self.texts[language]
            .format(
                lender=lender[language],
                valid_from=days[0].isoformat(),
                valid_until=days[1].isoformat(),
                dimensions=("、" if language == "zh" else ", ").join(each[language] for each in dimensions),
                personal=self.personal[language] if personal else "",
            )
            .strip()
            for language in LANGUAGES
        }


def text_sha256(texts: Mapping[str, str]) -> str:
    """What names a filled-in text: SHA-256 in hex over both languages."""
    return sha256(canonical(dict(texts))).hexdigest()


def words_for(purpose: Purpose, day: date) -> ConsentWords:
    """The newest words in force for ``purpose`` on ``day``."""
    found = [words for words in _all_words() if words.purpose is purpose and words.valid_from <= day]
    if not found:
        raise RefusedInput(
            "no_consent_text",
            "purpose",
            purpose.value,
            f"No words of consent are in force for this purpose on {day}.",
            f"One of: {', '.join(sorted(LENDING))}.",
        )
    return max(found, key=lambda words: words.valid_from)


@cache
def _all_words() -> tuple[ConsentWords, ...]:
    path = seedbook.SEED / "consents" / "texts.yaml"
    whole = marked(read_yaml(path, seedbook.SEED))
    made = []
    for entry in map(marked, whole["texts"]):
        if entry.get("purpose") not in LENDING:
            raise entry.wrong("purpose", "Consents are for a lender's purposes.", f"One of: {', '.join(LENDING)}.")
        texts = {language: str(entry[language]) for language in LANGUAGES}
        made.append(
            ConsentWords(
                Purpose(entry["purpose"]), str(entry["version"]), entry["from"], int(entry["max_days"]), texts,
                {language: str(whole["personal"][language]) for language in LANGUAGES},
            )
        )  # fmt: skip
    return tuple(made)
