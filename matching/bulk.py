"""The bulk evaluator: a whole rule book over all firms at once, on columns.

Conditions are rewritten into few kinds of atoms (matching/atoms.py). Each distinct atom is evaluated once into two
packed bit rows, ``met`` and ``open`` (not unmet), side by side; a rule is AND and OR of such rows, and both halves
follow the same operation. Firms are taken in blocks, which bounds
the memory for atoms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from matching.atoms import Bits, Columns, Flags, Group, KnownBits, Plan, Planner, test
from matching.nodes import Node
from matching.parameters import ParameterBook
from models.kinds import DTYPES, Kind, Scalar
from models.truth import Truth

#: Firms per block, a multiple of 64. Measured: fewer firms cost calls, more cost memory and gain little.
BLOCK = 262_144


@dataclass(frozen=True)
class RuleBook:
    """Rules by id, in the order their rows are wanted."""

    rules: Mapping[str, Node]


@dataclass(frozen=True)
class Matches:
    """Verdicts of ``n`` firms: two bit matrices, one row per rule, firms packed eight to a byte (first firm highest).

    ``met``: the firm meets the rule. ``open``: not unmet, so ``open`` without ``met`` is unknown.
    Bits past ``n`` are 0.
    """

    rule_ids: tuple[str, ...]
    met: Bits
    open: Bits
    n: int

    def eligible(self, rule: str) -> Flags:
        """Who meets a rule, one bool per firm."""
        return self._unpacked(self.met, rule)

    def not_unmet(self, rule: str) -> Flags:
        """Who meets a rule or may yet meet it, one bool per firm."""
        return self._unpacked(self.open, rule)

    def count(self, rule: str) -> int:
        """How many firms meet a rule."""
        return int(ones(self.met[self.rule_ids.index(rule)]))

    def count_unknown(self, rule: str) -> int:
        """How many firms' verdict is unknown."""
        return int(ones(self.open[self.rule_ids.index(rule)])) - self.count(rule)

    def truth(self, rule: str, firm: int) -> Truth:
        """The verdict of one firm (its row number)."""
        row, byte, bit = self.rule_ids.index(rule), firm // 8, 128 >> firm % 8
        if self.met[row, byte] & bit:
            return Truth.MET
        return Truth.UNKNOWN if self.open[row, byte] & bit else Truth.UNMET

    def _unpacked(self, bits: Bits, rule: str) -> Flags:
        return np.unpackbits(bits[self.rule_ids.index(rule)], count=self.n).view(np.bool_)


def match(
    book: RuleBook,
    columns: Columns,
    n: int,
    scalars: Mapping[str, Scalar | None],
    parameters: ParameterBook,
    as_of: date,
    dictionaries: Mapping[str, Sequence[str]] | None = None,
    known: KnownBits | None = None,
) -> Matches:
    """Every rule over ``n`` firms.

    ``columns``: fact id → array of length ``n`` in the stored form of ``models/kinds.py``; a fact without a column is
    unknown for every firm. ``scalars``: facts of the need and the loan, the same for every firm. ``dictionaries``:
    the codes a snapshot uses for its code columns, where they differ from the fact's own. ``known``: of the same
    columns, kept by a caller that asks them again and again.
    ``ValueError`` if a column has another length or dtype than its fact.
    """
    plan = Planner(columns, scalars, parameters, as_of, dictionaries or {}).plan(tuple(book.rules.values()))
    _checked(columns, plan.kinds, n)
    width = (n + 7) // 8
    answers = np.empty((len(plan.rules), 2, width), np.uint8)
    block = _Block(plan, min(n, BLOCK), known or KnownBits(columns))
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        rows = block.rows(columns, start, stop)
        part = answers[:, :, start // 8 : (stop + 7) // 8]
        for rule, tree in enumerate(plan.rules):
            part[rule] = _evaluate(tree, rows)
    if n % 8:
        answers[:, :, -1] &= np.uint8(0xFF << (8 - n % 8) & 0xFF)
    return Matches(tuple(book.rules), answers[:, 0], answers[:, 1], n)


def ones(bits: Bits) -> npt.NDArray[np.int64]:
    """How many bits are set in each row (last axis, contiguous); a plain row gives a plain number."""
    whole = bits.shape[-1] // 8 * 8
    count: npt.NDArray[np.int64] = np.bitwise_count(bits[..., :whole].view(np.uint64)).sum(axis=-1, dtype=np.int64)
    if whole < bits.shape[-1]:
        count += np.bitwise_count(bits[..., whole:]).sum(axis=-1, dtype=np.int64)
    return count


def _checked(columns: Columns, kinds: Mapping[str, Kind], n: int) -> None:
    for fact, kind in kinds.items():
        column = columns[fact]
        if column.shape != (n,) or column.dtype != np.dtype(DTYPES[kind]):
            raise ValueError(
                f"column {fact} is {column.dtype}{list(column.shape)}; "
                f"a {kind} column of {n} firms is {DTYPES[kind]}[{n}]"
            )


class _Block:
    """Buffers for the rows of one block, reused from block to block. Rows: (literal, met and open, bytes)."""

    def __init__(self, plan: Plan, size: int, known: KnownBits):
        self._plan = plan
        self._facts = plan.by_fact()
        self._known = known
        self._held = np.empty(size, np.bool_)
        self._scratch = np.empty(size, np.bool_)
        self._rows = np.empty((len(plan.rows), 2, (size + 7) // 8), np.uint8)
        for row, held in enumerate(plan.rows):
            if isinstance(held, Truth):
                self._rows[row, 0] = 255 if held is Truth.MET else 0
                self._rows[row, 1] = 0 if held is Truth.UNMET else 255

    def rows(self, columns: Columns, start: int, stop: int) -> Bits:
        """The rows of firms ``start`` to ``stop``; valid until the next call."""
        size = stop - start
        held, scratch = self._held[:size], self._scratch[:size]
        rows = self._rows[:, :, : (size + 7) // 8]
        for fact, literals in self._facts.items():
            column = columns[fact][start:stop]
            certain = self._known.row(fact, self._plan.kinds[fact])[start // 8 : (stop + 7) // 8]
            unsure = np.invert(certain)
            for row, literal in literals:
                test(literal.atom, column, held, scratch)
                passes = np.packbits(held)
                if literal.negated:
                    np.invert(passes, out=passes)
                np.bitwise_and(passes, certain, out=rows[row, 0])
                np.bitwise_or(passes, unsure, out=rows[row, 1])
        return rows


def _evaluate(tree: int | Group, rows: Bits) -> Bits:
    """Met and open bits of one rule over one block. Both halves take the same AND or OR."""
    if isinstance(tree, int):
        row: Bits = rows[tree]
        return row
    join = np.bitwise_and if tree.all else np.bitwise_or
    first, second, *others = tree.children
    answer: Bits = join(_evaluate(first, rows), _evaluate(second, rows))
    for child in others:
        join(answer, _evaluate(child, rows), out=answer)
    return answer
