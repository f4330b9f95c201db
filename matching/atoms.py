"""Rewrites rules for columns: conditions become literals over few kinds of atoms, so that equal work is done once.

``ge`` is not-``lt``, ``gt`` is not-``le``, whole numbers need ``lt`` alone, ``between`` is two literals, ``not`` moves
down to the literals. In Kleene's logic these rewritings change no answer: unknown stays unknown on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any as Anything

import numpy as np
import numpy.typing as npt

from matching.arguments import Arguments, constant_arguments, dated_arguments, has_parameter
from matching.facts import STATED, FactSpec
from matching.nodes import All, Any, Condition, Node, Not, Op
from matching.parameters import ParameterBook
from models.kinds import DTYPES, UNKNOWN_INT64, UNKNOWNS, Kind, Scalar, encode
from models.truth import Truth

Column = npt.NDArray[Anything]
Columns = Mapping[str, Column]
Bits = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]

_FLOATS = (Kind.NUMBER, Kind.RATIO)
#: Sets of codes that fall into more runs than this are looked up in a table instead of compared.
_MOST_RUNS = 6


class Test(StrEnum):
    LT = "lt"
    LE = "le"
    EQ = "eq"
    IN = "in"
    KNOWN = "known"


@dataclass(frozen=True)
class Atom:
    """One test of one column against stored constants (places in the dictionary for codes)."""

    fact: str
    test: Test
    constants: tuple[int | float, ...] = ()


@dataclass(frozen=True)
class Literal:
    """An atom or its negation."""

    atom: Atom
    negated: bool


@dataclass(frozen=True)
class Group:
    """``all`` (else ``any``) over rows; a child is a row number or another group."""

    all: bool
    children: tuple[int | Group, ...]


@dataclass(frozen=True)
class Plan:
    """``rows``: what each bit row holds, a literal or the same truth for every firm. ``rules``: trees over rows.

    ``kinds`` are the columns needed.
    """

    rows: tuple[Literal | Truth, ...]
    rules: tuple[int | Group, ...]
    kinds: Mapping[str, Kind]

    def by_fact(self) -> Mapping[str, tuple[tuple[int, Literal], ...]]:
        """Literals with their row number, grouped by column, so that a column is read while it is in cache."""
        grouped: dict[str, list[tuple[int, Literal]]] = {}
        for row, literal in enumerate(self.rows):
            if isinstance(literal, Literal):
                grouped.setdefault(literal.atom.fact, []).append((row, literal))
        return {fact: tuple(literals) for fact, literals in grouped.items()}


class Planner:
    """Builds the plan of a rule book for one set of columns and one set of scalars."""

    def __init__(
        self,
        columns: Columns,
        scalars: Mapping[str, Scalar | None],
        parameters: ParameterBook,
        as_of: date,
        dictionaries: Mapping[str, Sequence[str]],
    ):
        self._columns = columns
        self._scalars = scalars
        self._parameters = parameters
        self._as_of = as_of
        self._dictionaries = dictionaries
        self._places: dict[str, dict[str, int]] = {}
        self._rows: dict[Literal | Truth, int] = {}
        self._kinds: dict[str, Kind] = {}
        self._seen: dict[tuple[object, ...], int | Group] = {}

    def plan(self, rules: Sequence[Node]) -> Plan:
        """The plan of ``rules``, one tree each."""
        trees = tuple(self._tree(rule, negated=False) for rule in rules)
        return Plan(tuple(self._rows), trees, self._kinds)

    def _row(self, held: Literal | Truth) -> int:
        return self._rows.setdefault(held, len(self._rows))

    def _tree(self, node: Node, negated: bool) -> int | Group:
        match node:
            case Condition():
                return self._condition(node, negated)
            case Not(child):
                return self._tree(child, not negated)
            case All(children) | Any(children):
                conjunction = isinstance(node, All) is not negated
                if not children:
                    return self._row(Truth.MET if conjunction else Truth.UNMET)
                made = tuple(self._tree(child, negated) for child in children)
                return made[0] if len(made) == 1 else Group(conjunction, made)

    def _condition(self, condition: Condition, negated: bool) -> int | Group:
        key = (condition.spec.id, condition.op, condition.values, negated)
        if key not in self._seen:
            self._seen[key] = self._rewritten(condition, negated)
        return self._seen[key]

    def _rewritten(self, condition: Condition, negated: bool) -> int | Group:
        arguments = self._arguments(condition)
        if arguments.stored is None:
            return self._row(Truth.UNKNOWN)
        literals = self._literals(condition, arguments.stored)
        rows = tuple(self._settled(condition.spec, atom, flipped is not negated) for atom, flipped in literals)
        return rows[0] if len(rows) == 1 else Group(not negated, rows)

    def _arguments(self, condition: Condition) -> Arguments:
        if not has_parameter(condition):
            return constant_arguments(condition)
        return dated_arguments(condition, self._scalars, self._parameters, self._as_of)

    def _literals(self, condition: Condition, stored: tuple[int | float | str, ...]) -> list[tuple[Atom, bool]]:
        """Atoms that must all hold, each with whether it is negated."""
        spec, op = condition.spec, condition.op
        if op is Op.KNOWN:
            return [(Atom(spec.id, Test.KNOWN), False)]
        if spec.kind is Kind.CODE:
            places = self._dictionary(spec)
            found = tuple(sorted(places[str(code)] for code in stored if code in places))
            return [(Atom(spec.id, Test.IN, found), op in (Op.IS_NOT, Op.NOT_IN))]
        numbers = [number for number in stored if not isinstance(number, str)]
        match op:
            case Op.IS | Op.IS_NOT:
                return [(Atom(spec.id, Test.EQ, (numbers[0],)), op is Op.IS_NOT)]
            case Op.LT | Op.GE:
                return [(_below(spec, numbers[0]), op is Op.GE)]
            case Op.LE | Op.GT:
                return [(_up_to(spec, numbers[0]), op is Op.GT)]
            case _:
                return [(_below(spec, numbers[0]), True), (_up_to(spec, numbers[1]), False)]

    def _dictionary(self, spec: FactSpec) -> dict[str, int]:
        if spec.id not in self._places:
            codes = self._dictionaries.get(spec.id, spec.codes)
            self._places[spec.id] = {code: place for place, code in enumerate(codes)}
        return self._places[spec.id]

    def _settled(self, spec: FactSpec, atom: Atom, negated: bool) -> int:
        """Row of a literal: a column's own, or one truth for every firm when the fact has no column."""
        if spec.id in self._columns:
            self._kinds[spec.id] = spec.kind
            return self._row(Literal(atom, negated))
        value = self._scalars.get(spec.id) if spec.source in STATED else None
        if value is None or value != value:
            return self._row(Truth.UNKNOWN)
        codes = list(self._dictionary(spec)) if spec.kind is Kind.CODE else ()
        column = np.array([encode(spec.kind, value, codes)], DTYPES[spec.kind])
        held = np.empty(1, np.bool_)
        test(atom, column, held, np.empty(1, np.bool_))
        return self._row(Truth.MET if bool(held[0]) is not negated else Truth.UNMET)


def test(atom: Atom, column: Column, out: Flags, scratch: Flags) -> None:
    """Writes into ``out`` whether each value passes; unknown values give anything. All arrays have one length."""
    match atom.test:
        case Test.LT:
            np.less(column, atom.constants[0], out=out)
        case Test.LE:
            np.less_equal(column, atom.constants[0], out=out)
        case Test.EQ:
            np.equal(column, atom.constants[0], out=out)
        case Test.KNOWN:
            out.fill(True)
        case Test.IN:
            _member(atom.constants, column, out, scratch)


class KnownBits:
    """Which values of each column are known, packed; made when first asked for and kept.

    Serves any number of threads: at worst two of them make the same row.
    """

    def __init__(self, columns: Columns):
        self._columns = columns
        self._rows: dict[str, Bits] = {}

    def row(self, fact: str, kind: Kind) -> Bits:
        """Packed bits of one column, 1 where known; bits past the last firm are 0."""
        if fact not in self._rows:
            column = self._columns[fact]
            self._rows[fact] = np.packbits(column == column if kind in _FLOATS else column != UNKNOWNS[kind])
        return self._rows[fact]


def _member(codes: tuple[int | float, ...], column: Column, out: Flags, scratch: Flags) -> None:
    runs = _runs([int(code) for code in codes])
    if len(runs) > _MOST_RUNS:
        # Codes past the last one wanted are clipped to a False entry behind it.
        table = np.zeros(runs[-1][1] + 2, np.bool_)
        for first, last in runs:
            table[first : last + 1] = True
        np.take(table, column, out=out, mode="clip")
        return
    out.fill(False)
    for first, last in runs:
        if first == last:
            np.equal(column, first, out=scratch)
        else:
            np.greater_equal(column, first, out=scratch)
            scratch &= column <= last
        np.logical_or(out, scratch, out=out)


def _runs(places: list[int]) -> list[tuple[int, int]]:
    """Neighbouring places as (first, last)."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and runs[-1][1] == place - 1:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs


def _below(spec: FactSpec, constant: int | float) -> Atom:
    return Atom(spec.id, Test.LT, (constant if spec.kind in _FLOATS else _inside(int(constant)),))


def _up_to(spec: FactSpec, constant: int | float) -> Atom:
    if spec.kind in _FLOATS:
        return Atom(spec.id, Test.LE, (constant,))
    return Atom(spec.id, Test.LT, (_inside(int(constant) + 1),))


def _inside(constant: int) -> int:
    """A parameter's multiple may leave int64; no stored value does, so the nearest int64 splits them alike."""
    return max(UNKNOWN_INT64 + 1, min(constant, -UNKNOWN_INT64 - 1))
