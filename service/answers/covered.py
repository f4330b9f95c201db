"""What a consent does not cover, in an answer worked out without it: told as such, neither unknown nor false."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models.truth import Truth
from scoring.catalogue import Item
from service.access.scope import Scope
from service.books.seedbook import catalogue
from service.labels import LANGUAGES, labels

#: In place of a truth. The viewer is not told whether anything is known.
NOT_COVERED = "not_covered"


class Covered:
    """Marks the parts of one answer for one viewer, and gathers what a wider consent would have to name.

    The answer itself rests on nothing outside the scope; here only the words change, by the scope alone.
    """

    def __init__(self, scope: Scope, untold: Mapping[str, tuple[Item, ...]]):
        self.scope = scope
        self._untold = untold
        self._outside: dict[str, tuple[Item, ...]] = {}

    def _beyond(self, fact: str) -> tuple[Item, ...]:
        """What of a fact lies outside the scope; remembered for the answer as a whole."""
        found = self._untold.get(fact) or self.scope.outside(fact)
        if found:
            self._outside[fact] = found
        return found

    def entries(self, entries: Iterable[dict[str, Any]]) -> None:
        """Findings: the open ones that rest on what is not covered say so, with the consent that would settle them."""
        for entry in entries:
            outside = self._beyond(entry["fact"]) if entry["truth"] == Truth.UNKNOWN else ()
            if outside:
                entry |= {"truth": NOT_COVERED, "settled_by": wider(outside)["en"]}

    def option(self, made: dict[str, Any]) -> None:
        """An option with its findings, and its open facts parted into unknown and not covered."""
        if self.scope.whole:
            return
        asked = [(each["settled_by"], each["fact"]) for each in made["findings"] if each["truth"] == Truth.UNKNOWN]
        self.entries(made["findings"])
        hidden = {each["fact"] for each in made["findings"] if each["truth"] == NOT_COVERED}
        missing = self._split(made, "missing")
        # A document stays named where something else needs it too.
        gone = {paper for paper, fact in asked if fact in hidden} - {
            paper for paper, fact in asked if fact not in hidden
        }
        papers = [paper for paper in made["settled_by"] if paper not in gone]
        items = [item for fact in sorted(missing) for item in self._beyond(fact)]
        made["settled_by"] = [*papers, wider(items)["en"]] if items else papers
        elsewhere = self._split(made["benefit"], "missing") | self._split(made["near_miss"], "unknown")
        made["not_covered"] = sorted({*hidden, *missing, *elsewhere})

    def settled(self, made: list[dict[str, Any]]) -> None:
        """What would settle each open fact: a wider consent for what is not covered."""
        for entry in made:
            outside = self._beyond(entry["fact"])
            if outside:
                entry["document"] = wider(outside)

    def answer(self) -> dict[str, Any]:
        """The part of an answer that says what would complete it; empty for a viewer who may know everything."""
        if self.scope.whole:
            return {}
        items = [item for outside in self._outside.values() for item in outside]
        return {
            "not_covered": {
                **{language: labels(language).word("truth", NOT_COVERED) for language in LANGUAGES},
                "dimensions": dimensions_of(items),
                "persons": any(item.personal for item in items),
                "facts": sorted(self._outside),
            }
        }

    def _split(self, made: dict[str, Any] | None, part: str) -> set[str]:
        """Take the facts that are not covered out of one list of open facts."""
        hidden = {fact for fact in made[part] if self._beyond(fact)} if made else set()
        if made and hidden:
            made[part] = [fact for fact in made[part] if fact not in hidden]
        return hidden


def dimensions_of(items: Iterable[Item]) -> list[dict[str, str]]:
    """The dimensions of some items, each once, in the order of the catalogue."""
    wanted = {item.dimension for item in items}
    return [{"id": each.id, "zh": each.zh, "en": each.en} for each in catalogue().dimensions if each.id in wanted]


def wider(items: Iterable[Item]) -> dict[str, str]:
    """The consent that would cover ``items``, in words."""
    items = tuple(items)
    persons = any(item.personal for item in items)
    made = {}
    for language in LANGUAGES:
        t = labels(language)
        named = [each[language] for each in dimensions_of(items)] + ([t("consent_scope.persons")] if persons else [])
        made[language] = t("consent_scope.wider", parts=t("consent_scope.and").join(named))
    return made
