"""For each thing nobody knows: the one document or authorisation that would settle it, and the offers it could open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matching.cheapest import Leaf, candidates, examined
from matching.earliest import is_open
from matching.facts import FactBook, FactSpec
from matching.parameters import ParameterBook
from matching.question import Case, Question, Standing
from matching.rulefile import Name
from matching.status import Status


@dataclass(frozen=True)
class Settles:
    """One unknown fact. ``opens``: the offers that some value of it alone opens, each asked again with that value.

    ``needed_by`` are all offers it keeps open, with other unknowns or without.
    """

    fact: str
    name: Name
    document: Name
    opens: tuple[str, ...]
    needed_by: tuple[str, ...]


def settles(
    asked: Iterable[tuple[Question, Standing]], case: Case, parameters: ParameterBook, facts: FactBook
) -> tuple[Settles, ...]:
    """Every unknown fact that keeps an offer open, the one that could open most offers first.

    An offer counts for a fact when some value of the fact makes it eligible, everything else being as it is.
    """
    needed: dict[str, list[str]] = {}
    opens: dict[str, list[str]] = {}
    documents: dict[str, Name] = {}
    for question, standing in asked:
        if standing.status is not Status.UNKNOWN:
            continue
        parts = examined(standing, parameters, case.as_of).unknown()
        found = [leaf for part in parts for leaf in part]
        for fact in dict.fromkeys(leaf.fact for leaf in found):
            leaves = [leaf for leaf in found if leaf.fact == fact]
            needed.setdefault(fact, []).append(question.id)
            documents.setdefault(fact, _document(leaves, facts[fact]))
            # Alone it can open only what it has a part in everywhere.
            if all(any(leaf.fact == fact for leaf in part) for part in parts) and _opens(question, case, fact, leaves):
                opens.setdefault(fact, []).append(question.id)
    made = [
        Settles(
            fact=fact,
            name=Name(facts[fact].zh, facts[fact].en),
            document=documents[fact],
            opens=tuple(opens.get(fact, ())),
            needed_by=tuple(offers),
        )
        for fact, offers in needed.items()
    ]
    return tuple(sorted(made, key=lambda each: (-len(each.opens), -len(each.needed_by), each.fact)))


def _document(leaves: Sequence[Leaf], spec: FactSpec) -> Name:
    """What the rule itself asks for where it names a document of its own, else what the fact says."""
    own = next((leaf.condition for leaf in leaves if leaf.condition.settled_by), None)
    if own is None:
        return Name(spec.settled_by_zh, spec.settled_by)
    return Name(own.settled_by_zh or spec.settled_by_zh, own.settled_by)


def _opens(question: Question, case: Case, fact: str, leaves: Sequence[Leaf]) -> bool:
    """Whether some value of the fact opens the offer: its truths change only at its bounds, so these are enough."""
    values = candidates(leaves[0].condition.spec, leaves)
    return any(is_open(question, case.changed({fact: value})) for value in values)
