"""The answer to a what-if: what was supposed, what followed, and score, options and cost before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from matching.facts import FactBook
from matching.needs import Need
from matching.question import Facts
from matching.what_if import WhatIf
from models.kinds import Scalar
from scoring.catalogue import Item
from scoring.supposed import Because
from service.access.scope import Scope
from service.answers.effects import options_effect, score_effect
from service.answers.options import need_answer, whole_answer
from service.answers.rules import plain
from service.books.rulebook import Rules
from service.labels import LANGUAGES, labels
from service.snapshot.rescoring import Rescored


@dataclass(frozen=True)
class Supposition:
    """A what-if worked out. ``before`` are the facts known today, those of the need too; ``changed`` what was stated.

    ``followed`` are the items that moved with it and why, ``as_recorded`` those of the same records that did not.
    ``today`` and ``then`` are of what lies in ``scope``; ``untold`` are facts that the change moves and that are made
    of more, each with the items outside. ``scored_as_built``: today's models give the score the snapshot was built
    with.
    """

    uscc: str
    as_of: date
    snapshot_id: str
    scope: Scope
    need: Need
    before: Facts
    changed: Mapping[str, Scalar | None]
    followed: Mapping[str, tuple[Because, str]]
    as_recorded: tuple[str, ...]
    today: Rescored
    then: Rescored
    found: WhatIf
    untold: Mapping[str, tuple[Item, ...]]
    scored_as_built: bool


def what_if_answer(made: Supposition, rules: Rules, facts: FactBook) -> dict[str, Any]:
    """The whole answer as plain values, labelled hypothetical; ``options`` are those after the change."""
    notes = ["peers", *([] if made.scored_as_built else ["other_models"]), *([] if made.scope.whole else ["covered"])]
    return {
        "hypothetical": True,
        "notice": _words("what_if.notice"),
        "uscc": made.uscc,
        "name": made.before.get("firm_name"),
        "as_of": made.as_of,
        "snapshot_id": made.snapshot_id,
        "need": need_answer(made.need),
        "changed": [_moved(fact, made.before.get(fact), value, made, facts) for fact, value in made.changed.items()],
        "followed": [
            {
                **_moved(moved.fact, moved.was, moved.becomes, made, facts),
                "because": _because(made.followed.get(moved.fact), facts),
            }
            for moved in made.found.moved
            if not moved.stated
        ],
        "as_recorded": [{"fact": fact, **_named(fact, facts)} for fact in made.as_recorded],
        "score": score_effect(made.today.why, made.then.why),
        "effect": options_effect(made.found, rules),
        **whole_answer(made.found.after, made.scope, rules, made.untold),
        "notes": [_words(f"what_if.{note}") for note in notes],
    }


def _words(key: str, **values: Mapping[str, str]) -> dict[str, str]:
    """A text in both languages; ``values`` are texts in both, too."""
    return {
        language: labels(language)(key, **{name: value[language] for name, value in values.items()})
        for language in LANGUAGES
    }


def _named(fact: str, facts: FactBook) -> dict[str, str]:
    return {"zh": facts[fact].zh, "en": facts[fact].en} if fact in facts else {"zh": fact, "en": fact}


def _moved(fact: str, was: Scalar | None, becomes: Scalar | None, made: Supposition, facts: FactBook) -> dict[str, Any]:
    """One fact before and after; of what the viewer may not see, only that it moved."""
    masked = made.scope.masks(fact)
    return {
        "fact": fact,
        **_named(fact, facts),
        "unit": facts[fact].unit if fact in facts else "",
        "was": None if masked else plain(was),
        "becomes": None if masked else plain(becomes),
        "masked": masked,
        "covered": fact not in made.untold,
    }


def _because(reason: tuple[Because, str] | None, facts: FactBook) -> dict[str, str]:
    if reason is None:
        return _words("because.worked_out")
    return _words(f"because.{reason[0].value}", fact=_named(reason[1], facts))
