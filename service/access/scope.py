"""Which facts about a firm an answer may rest on: the viewer's word on items, carried to all that is made of items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from matching.facts import Source
from matching.nodes import leaves
from scoring.catalogue import Item
from scoring.columns import Columns
from scoring.derived import MADE_OF
from scoring.prepaid import FACT as PREPAID
from service.access.disclosure import Shown, Viewer
from service.books.rulebook import Rules
from service.registry.scoring import PD_KINDS

#: What the platform concludes of a firm. A consent over whatever dimensions is given together with these (the words the
#: firm agrees to say so), and every reader of a firm is shown them.
RESULTS = frozenset({"size_class", "score", "grade", "coverage", "official_grade", *PD_KINDS})
#: The items that facts of a profile are made of.
_MADE_OF: Mapping[str, tuple[str, ...]] = {**MADE_OF, "ownership": ("entity_type",), PREPAID: ("industry_code",)}
_FROM_OPEN_TO_HIDDEN = (Shown.FULL, Shown.MASKED, Shown.HIDDEN)
Value = TypeVar("Value")


def shown_fact(viewer: Viewer, fact: str, items: Mapping[str, Item]) -> Shown:
    """How a profile shows any fact: an item as the viewer sees it, what is made of items as the most hidden of them."""
    if fact in items:
        return viewer.shown(items[fact])
    parts = () if fact in RESULTS else _MADE_OF.get(fact, ())
    return max((shown_fact(viewer, part, items) for part in parts), key=_FROM_OPEN_TO_HIDDEN.index, default=Shown.FULL)


class Scope:
    """The facts one viewer may know. ``whole``: every one, so that nothing need be left out.

    A fact of a firm that is neither an item, nor made of items, nor a result is known to no viewer with a narrower
    scope. What a question states itself (need, loan, claim) is known to whoever asks it.
    """

    def __init__(self, viewer: Viewer, rules: Rules):
        catalogue = rules.catalogue
        self.viewer = viewer
        self.items: Mapping[str, Item] = {**catalogue.items, **catalogue.further}
        self._outside = {name for name, item in self.items.items() if not viewer.knows(item)}
        self.whole = not self._outside
        self._rules = rules
        self._made_of: dict[str, tuple[str, ...]] = {} if self.whole else {**_MADE_OF, **_defined(rules)}

    def outside(self, fact: str) -> tuple[Item, ...]:
        """The items beyond the scope that ``fact`` is or is made of; a count by year back (``.y1``) is its item."""
        name = fact.partition(".")[0]
        if self.whole or name in RESULTS:
            return ()
        if name in self.items:
            return (self.items[name],) if name in self._outside else ()
        found = [item for part in self._made_of.get(name, ()) for item in self.outside(part)]
        return tuple({item.id: item for item in found}.values())

    def knows(self, fact: str) -> bool:
        """Whether the viewer may know this fact of a firm."""
        name = fact.partition(".")[0]
        if name in RESULTS:
            return self.whole or self.viewer.knows_identity
        if self.whole or name in self.items or name in self._made_of:
            return not self.outside(name)
        spec = self._rules.facts.get(name)
        return spec is not None and spec.source is not Source.DERIVED

    def masks(self, fact: str) -> bool:
        """Whether the viewer may know the fact and yet is not shown its value."""
        item = self.items.get(fact.partition(".")[0])
        return item is not None and self.viewer.masks(item)

    def known(self, facts: Mapping[str, Value]) -> dict[str, Value]:
        """Those of ``facts`` that the viewer may know."""
        return dict(facts) if self.whole else {name: value for name, value in facts.items() if self.knows(name)}

    def columns(self, one: Columns) -> Columns:
        """``one`` firm's columns with what the viewer may not know unknown."""
        return one if self.whole else Columns(one.n, self.known(one.values), one.codes)


def _defined(rules: Rules) -> dict[str, tuple[str, ...]]:
    """The facts that schemes define for themselves (first loan), each with all that any scheme makes it of."""
    found: dict[str, tuple[str, ...]] = {}
    for scheme in rules.local_offers.schemes.values():
        for definition in scheme.definitions:
            nodes = (definition.true_when, *([definition.false_when] if definition.false_when else []))
            asked = (leaf.fact for node in nodes for leaf in leaves(node))
            found[definition.fact] = tuple(dict.fromkeys((*found.get(definition.fact, ()), *asked)))
    return found
