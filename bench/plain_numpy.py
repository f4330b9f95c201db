"""The peer without a library: every verdict of a rule book for one firm in a few numpy calls, no findings.

All conditions are compared at once as intervals or looked up as sets; then smallest and largest by level of the trees.
Truths are 0 unmet, 1 unknown, 2 met. Written for this comparison alone, from the meaning of the conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, nextafter
from typing import Any

import numpy as np

from matching.nodes import All, Condition, Node, Not, Op, leaves
from models.kinds import Kind

Row = np.ndarray
_NEGATED = (Op.IS_NOT, Op.NOT_IN)


class PlainNumpy:
    """``arguments``: stored values of a condition. ``codes``: the dictionary of each code fact."""

    def __init__(
        self,
        rules: Mapping[str, Node],
        arguments: Callable[[Condition], Sequence[Any]],
        codes: Mapping[str, Sequence[str]],
    ):
        asked = tuple(dict.fromkeys(condition for node in rules.values() for condition in leaves(node)))
        self.facts = tuple(dict.fromkeys(condition.fact for condition in asked))
        self._codes = {fact: {code: at for at, code in enumerate(codes[fact])} for fact in self.facts if fact in codes}
        self._slots = np.array([self.facts.index(condition.fact) for condition in asked])
        self._negated = np.array([condition.op in _NEGATED for condition in asked])
        ends = [_interval(condition.op, arguments(condition)) for condition in asked]
        self._low, self._high = np.array(ends).T.copy()
        self._sets_at = np.array([at for at, each in enumerate(asked) if each.spec.kind is Kind.CODE], np.intp)
        self._sets = np.zeros((len(self._sets_at), max(map(len, self._codes.values()), default=1)), np.bool_)
        for row, at in enumerate(self._sets_at):
            for code in arguments(asked[at]):
                self._sets[row, self._codes[asked[at].fact][code]] = True
        self._every_set = np.arange(len(self._sets_at))
        self._places: dict[Node, int] = {condition: at for at, condition in enumerate(asked)}
        self._levels: dict[int, dict[type, list[tuple[int, list[int]]]]] = {}
        # Behind the conditions stand a truth that is always met and one that never is, for empty groups.
        self._size = len(asked) + 2
        self._tops = np.array([self._add(node)[0] for node in rules.values()])
        self._steps = [
            (kind, *_segments(nodes)) for _, kinds in sorted(self._levels.items()) for kind, nodes in kinds.items()
        ]

    def row(self, firm: Mapping[str, Any]) -> Row:
        """A firm's plain values as one float64 each, NaN for unknown."""
        made = [
            self._codes[fact][value] if fact in self._codes and value is not None else value
            for fact, value in ((fact, firm[fact]) for fact in self.facts)
        ]
        return np.array(made, np.float64)

    def verdicts(self, row: Row) -> np.ndarray:
        """The truth of every rule, in the order given."""
        values = row[self._slots]
        unknown = values != values
        passes = (values >= self._low) & (values <= self._high)
        places = np.nan_to_num(values[self._sets_at]).astype(np.intp)
        passes[self._sets_at] = self._sets[self._every_set, places]
        passes ^= self._negated
        truths = np.empty(self._size, np.int8)
        asked = len(values)
        truths[:asked] = passes * np.int8(2)
        truths[:asked][unknown] = 1
        truths[asked], truths[asked + 1] = 2, 0
        for kind, at, children, starts in self._steps:
            if kind is Not:
                truths[at] = 2 - truths[children]
            else:
                join = np.minimum if kind is All else np.maximum
                truths[at] = join.reduceat(truths[children], starts)
        return truths[self._tops]

    def _add(self, node: Node) -> tuple[int, int]:
        """Place and height of a node."""
        if isinstance(node, Condition):
            return self._places[node], 0
        inside = [self._add(child) for child in ((node.child,) if isinstance(node, Not) else node.children)]
        height = 1 + max((height for _, height in inside), default=0)
        place, self._size = self._size, self._size + 1
        empty = [len(self._slots) + (0 if isinstance(node, All) else 1)]
        kinds = self._levels.setdefault(height, {})
        kinds.setdefault(type(node), []).append((place, [child for child, _ in inside] or empty))
        return place, height


def _interval(op: Op, values: Sequence[Any]) -> tuple[float, float]:
    """The known values that pass, ends included; sets of codes pass here and are looked up."""
    match op:
        case Op.LT:
            return -inf, nextafter(values[0], -inf)
        case Op.LE:
            return -inf, values[0]
        case Op.GT:
            return nextafter(values[0], inf), inf
        case Op.GE:
            return values[0], inf
        case Op.BETWEEN:
            return values[0], values[1]
        case Op.IS | Op.IS_NOT if not isinstance(values[0], str):
            return values[0], values[0]
        case _:
            return -inf, inf


def _segments(nodes: Sequence[tuple[int, list[int]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places of the nodes, all their children in a row, and where each node's children start."""
    sizes = [len(children) for _, children in nodes]
    children = np.concatenate([children for _, children in nodes])
    return np.array([place for place, _ in nodes]), children, np.concatenate([[0], np.cumsum(sizes)[:-1]])
