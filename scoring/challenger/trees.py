"""Boosted trees as plain data: flat arrays, their JSON form, and a walker that follows them as scikit-learn does."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.errors import RefusedInput
from scoring.scorecard.inputs import Inputs

FORMAT = "rongqiao.challenger/1"
LARGEST_FILE = 64_000_000

Floats = NDArray[np.float64]


def bad_challenger(field: str, value: object, rule: str) -> RefusedInput:
    """The refusal of a file that is no challenger of this version."""
    return RefusedInput("bad_challenger", field, value, rule, "Take the file from the register again.")


@dataclass(frozen=True)
class Tree:
    """One tree; node 0 is the root. ``left`` is -1 in a leaf, whose ``value`` is added to the log-odds.

    A row goes left when its value is at most the ``threshold``; an unknown value goes left where ``missing_left``.
    """

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    missing_left: tuple[bool, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]

    def __post_init__(self) -> None:
        parts = (self.feature, self.threshold, self.missing_left, self.left, self.right, self.value)
        if not self.left or any(len(part) != len(self.left) for part in parts):
            raise bad_challenger("trees", [len(part) for part in parts], "All parts of a tree have one length.")
        if not all(math.isfinite(number) for number in (*self.threshold, *self.value)):
            raise bad_challenger("trees", "threshold, value", "Numbers are finite.")
        for at, (left, right) in enumerate(zip(self.left, self.right, strict=True)):
            # A child after its parent: no walk can go in circles.
            if left != -1 and not (at < left < len(self.left) and at < right < len(self.left)):
                raise bad_challenger("trees", (at, left, right), "A node's children come after it.")


@dataclass(frozen=True)
class Trees:
    """The whole model: columns by name, categories as positions in their list, trees, where the log-odds start."""

    names: tuple[str, ...]
    categories: tuple[tuple[str, ...] | None, ...]
    baseline: float
    trees: tuple[Tree, ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.categories) or len(set(self.names)) != len(self.names):
            raise bad_challenger("names", self.names, "Each column has one name and one kind.")
        if not math.isfinite(self.baseline):
            raise bad_challenger("baseline", self.baseline, "The start is finite.")
        if any(not 0 <= feature < len(self.names) for tree in self.trees for feature in tree.feature):
            raise bad_challenger("trees", len(self.names), "A tree reads the named columns only.")

    def log_odds(self, values: Floats) -> Floats:
        """Log-odds of default (n,) of values (n, columns), NaN where unknown."""
        total = np.full(len(values), self.baseline)
        for walk in self._walks:
            total += walk.leaf_values(values)
        return total

    def pd(self, values: Floats) -> Floats:
        """Probability of default (n,)."""
        made: Floats = expit(self.log_odds(values))
        return made

    @property
    def items(self) -> tuple[str, ...]:
        """The items a firm must bring, known or not."""
        return self.names

    def matrix(self, inputs: Inputs) -> Floats:
        """The values (n, columns) that :meth:`pd` reads, of firms."""
        return matrix_of(inputs, self.names, self.categories)

    @cached_property
    def _walks(self) -> list[_Walk]:
        return [_Walk(tree) for tree in self.trees]

    def to_json(self) -> bytes:
        """Canonical JSON: the same trees give the same bytes."""
        trees = [
            {name: getattr(tree, name) for name in ("feature", "threshold", "missing_left", "left", "right", "value")}
            for tree in self.trees
        ]
        content = {
            "format": FORMAT,
            "names": self.names,
            "categories": self.categories,
            "baseline": self.baseline,
            "trees": trees,
        }
        return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Trees:
        """The trees of :meth:`to_json`. ``RefusedInput`` for anything else."""
        if len(content) > LARGEST_FILE:
            raise bad_challenger("file", len(content), f"A challenger has at most {LARGEST_FILE} bytes.")
        try:
            read = json.loads(content, object_pairs_hook=_once, parse_constant=_no_constant)
            if read.pop("format") != FORMAT:
                raise bad_challenger("format", "another", f"This version reads {FORMAT}.")
            trees = tuple(_tree(tree) for tree in read.pop("trees"))
            categories = tuple(None if part is None else tuple(map(_text, part)) for part in read.pop("categories"))
            made = cls(tuple(map(_text, read.pop("names"))), categories, _number(read.pop("baseline")), trees)
        except RefusedInput:
            raise
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise bad_challenger("file", str(error), "The file is no challenger.") from error
        if read:
            raise bad_challenger("file", sorted(read), "The format knows no such key.")
        return made


def matrix_of(inputs: Inputs, names: Sequence[str], categories: Sequence[tuple[str, ...] | None]) -> Floats:
    """The matrix (n, columns) the trees read; a value that is not listed is unknown to them."""
    made = np.empty((inputs.n, len(names)))
    for at, (name, listed) in enumerate(zip(names, categories, strict=True)):
        if listed is None:
            made[:, at] = inputs.numbers[name]
            continue
        category = inputs.categories[name]
        rank = {value: float(place) for place, value in enumerate(listed)}
        table = np.array([*(rank.get(value, np.nan) for value in category.values), np.nan])
        made[:, at] = table[category.codes]
    return made


class _Walk:
    """One tree as arrays."""

    def __init__(self, tree: Tree):
        self._feature = np.array(tree.feature, np.intp)
        self._threshold = np.array(tree.threshold, np.float64)
        self._missing_left = np.array(tree.missing_left, np.bool_)
        self._left, self._right = np.array(tree.left, np.intp), np.array(tree.right, np.intp)
        self._value = np.array(tree.value, np.float64)

    def leaf_values(self, values: Floats) -> Floats:
        """The value of the leaf each row reaches (n,)."""
        node = np.zeros(len(values), np.intp)
        rows = np.arange(len(values)) if self._left[0] != -1 else np.empty(0, np.intp)
        while len(rows):
            at = node[rows]
            read = values[rows, self._feature[at]]
            left = np.where(np.isnan(read), self._missing_left[at], read <= self._threshold[at])
            node[rows] = np.where(left, self._left[at], self._right[at])
            rows = rows[self._left[node[rows]] != -1]
        found: Floats = self._value[node]
        return found


def _tree(read: Any) -> Tree:
    if set(read) != {"feature", "threshold", "missing_left", "left", "right", "value"}:
        raise bad_challenger("trees", sorted(read), "Exactly the format's keys are allowed.")
    if not all(type(flag) is bool for flag in read["missing_left"]):
        raise bad_challenger("missing_left", "another kind", "It is true or false.")
    feature, left, right = (tuple(map(_whole, read[name])) for name in ("feature", "left", "right"))
    threshold, value = (tuple(map(_number, read[name])) for name in ("threshold", "value"))
    return Tree(feature, threshold, tuple(read["missing_left"]), left, right, value)


def _number(read: object) -> float:
    if type(read) not in (int, float):
        raise bad_challenger("number", read, "A number belongs here.")
    return float(read)  # type: ignore[arg-type]


def _whole(read: object) -> int:
    if type(read) is not int:
        raise bad_challenger("number", read, "A whole number belongs here.")
    return read


def _text(read: object) -> str:
    if not isinstance(read, str):
        raise bad_challenger("text", read, "A text belongs here.")
    return read


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise bad_challenger("file", [key for key, _ in pairs], "A key may come only once.")
    return made


def _no_constant(name: str) -> NoReturn:
    raise bad_challenger("file", name, "A number is finite.")
