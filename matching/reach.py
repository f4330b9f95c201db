"""Parts of a rule that can never be met where they stand, and parts that ask nothing new, before any firm asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matching.facts import FactBook
from matching.nodes import All, Any, Condition, Node, Not, Op, leaves
from matching.regions import contradiction
from matching.verdicts import Validity


@dataclass(frozen=True)
class Finding:
    """``condition`` is the place; ``dead``: it can never be met there (else it asks nothing new)."""

    condition: Condition
    dead: bool
    rule: str


def in_force(validity: Validity, facts: FactBook) -> tuple[Node, ...]:
    """The dates of a rule as conditions on the day that decides; none where that is the day of the question."""
    spec = facts.get(validity.selected_by)
    if spec is None:
        return ()
    ends = ((Op.GE, validity.since), (Op.LE, validity.until))
    return tuple(Condition(spec, op, (day,)) for op, day in ends if day)


def look_through(node: Node, around: tuple[Node, ...] = ()) -> Iterator[Finding]:
    """What is wrong inside ``node`` where ``around`` holds as well."""
    match node:
        case All(children):
            yield from _all(children, around)
        case Any(children):
            yield from _any(children, around)


def dead(node: Node, around: tuple[Node, ...]) -> bool:
    """Whether no firm can meet ``node`` where ``around`` holds."""
    return contradiction(All((*around, node))) is not None


def _all(children: tuple[Node, ...], around: tuple[Node, ...]) -> Iterator[Finding]:
    kept = list(children)
    for child in children:
        others = (*around, *(each for each in kept if each is not child))
        if isinstance(child, Condition) and _implied(child, others):
            kept = [each for each in kept if each is not child]
            yield Finding(child, False, "Another condition here asks as much or more of the same fact.")
        yield from look_through(child, others)


def _any(children: tuple[Node, ...], around: tuple[Node, ...]) -> Iterator[Finding]:
    kept = list(children)
    for child in children:
        if dead(child, around):
            place = next(leaves(child))
            yield Finding(place, True, "What holds around this `any` rules this branch out: it can never be met.")
            continue
        wider = (each for each in kept if each is not child and isinstance(each, Condition))
        if isinstance(child, Condition) and any(_implied(each, (child,)) for each in wider):
            kept = [each for each in kept if each is not child]
            yield Finding(child, False, "Another branch of this `any` lets the same firms through, and more.")
        yield from look_through(child, around)


def _implied(condition: Condition, by: tuple[Node, ...]) -> bool:
    """Whether ``by`` leaves ``condition`` no choice. Not told where ``by`` cannot hold anyway."""
    if condition.op is Op.KNOWN or contradiction(All(by)):
        return False
    return contradiction(All((*by, Not(condition)))) is not None
