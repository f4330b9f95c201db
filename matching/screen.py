"""Ad-hoc screens: which firms of a snapshot meet some conditions, how many, and what each condition costs.

A screen is a rule like any other. Each part of its outermost ``all`` goes through the bulk evaluator as one rule;
the page, the total and the waterfall are read off the bit rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from matching.atoms import Bits, Column, Columns, Flags, KnownBits
from matching.bulk import RuleBook, match, ones
from matching.cursors import Cursor, fingerprint, read_cursor, write_cursor
from matching.facts import FactSpec, Source
from matching.nodes import All, Any, Condition, Node, Not
from matching.parameters import ParameterBook
from models.errors import RefusedInput
from models.kinds import UNKNOWNS, Kind, Scalar

MAX_LIMIT = 500
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Step:
    """One line of the waterfall, for one part of the screen's outermost ``all``.

    ``removes``: firms this part alone does not let through, of which ``unknown`` lack the facts to say.
    ``left``: firms that meet this part and all before it.
    """

    part: Node
    removes: int
    unknown: int
    left: int


@dataclass(frozen=True)
class Page:
    """``rows``: row numbers in the snapshot, in the order asked. ``total``: firms that meet the screen.

    ``undecided``: firms that neither meet nor fail it. ``among``: firms looked at. ``next_cursor`` is empty on the
    last page.
    """

    rows: Rows
    total: int
    undecided: int
    among: int
    waterfall: tuple[Step, ...]
    next_cursor: str


@dataclass(frozen=True)
class Screened:
    """A screen evaluated over all firms; sets of firms are packed bits.

    ``met`` and ``possible`` have one row per part: who meets it, and who meets or may yet meet it. ``left`` starts with
    the firms looked at, then one row per part: who meets it and all before. ``undecided``: neither met nor failed.
    """

    parts: tuple[Node, ...]
    n: int
    met: Bits
    possible: Bits
    left: Bits
    undecided: Bits

    @property
    def looked_at(self) -> int:
        """How many firms were looked at."""
        return int(ones(self.left[0]))

    @property
    def total(self) -> int:
        """How many firms meet the screen."""
        return int(ones(self.left[-1]))

    @property
    def undecided_count(self) -> int:
        """How many firms neither meet nor fail it."""
        return int(ones(self.undecided))

    @property
    def found(self) -> Rows:
        """Row numbers of the firms that meet the screen."""
        return np.flatnonzero(np.unpackbits(self.left[-1], count=self.n).view(np.bool_))

    @property
    def waterfall(self) -> tuple[Step, ...]:
        """The count after each part, and what each part alone removes."""
        left, passing, possible = ones(self.left).tolist(), ones(self.met).tolist(), ones(self.possible).tolist()
        return tuple(
            Step(part, left[0] - sure, maybe - sure, after_it)
            for part, sure, maybe, after_it in zip(self.parts, passing, possible, left[1:], strict=True)
        )


@dataclass(frozen=True)
class Order:
    """By one column, unknown values last either way; ties in snapshot order."""

    spec: FactSpec
    descending: bool


def parse_order(text: str, facts: Mapping[str, FactSpec]) -> Order | None:
    """``""``: the snapshot's own order (best score first). ``item``: ascending. ``-item``: descending."""
    if not text:
        return None
    name = text.removeprefix("-")
    if name not in facts:
        raise RefusedInput("unknown_fact", "sort", text, "There is no such fact.", "Sort by an item, or - and an item.")
    spec = facts[name]
    if not spec.matchable or spec.source not in (Source.ITEM, Source.DERIVED):
        raise RefusedInput("not_for_matching", "sort", text, "Firms are not ordered by this fact.", "Sort by another.")
    return Order(spec, text.startswith("-"))


def run_screen(
    node: Node,
    columns: Columns,
    n: int,
    scalars: Mapping[str, Scalar | None],
    parameters: ParameterBook,
    as_of: date,
    *,
    dictionaries: Mapping[str, Sequence[str]] | None = None,
    known: KnownBits | None = None,
    within: Flags | None = None,
    sort: Order | None = None,
    limit: int = 50,
    cursor: str = "",
    snapshot: str = "",
) -> Page:
    """One page of the firms that meet ``node``.

    ``columns``, ``scalars``, ``dictionaries``, ``known``: as for :func:`matching.bulk.match`; best score first.
    ``within``: firms to look at (one bool per firm); counts leave the others out. ``cursor``: the ``next_cursor`` of
    the page before, good only for the same screen, order and ``snapshot`` (its id); ``RefusedInput`` otherwise. A
    changed ``within`` keeps cursors good: the next page holds the firms behind the last one shown.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise RefusedInput("bad_limit", "limit", limit, f"A page holds 1 to {MAX_LIMIT} firms.", "Ask for 50.")
    order = (sort.spec.id, sort.descending) if sort else ()
    asked = fingerprint(question_of(node), order, snapshot, sorted(scalars.items()), as_of, n)
    if cursor:
        read_cursor(cursor, asked)
    screened = evaluate_screen(
        node, columns, n, scalars, parameters, as_of, dictionaries=dictionaries, known=known, within=within
    )
    return page_of(screened, columns, sort, limit, cursor, asked)


def page_of(screened: Screened, columns: Columns, sort: Order | None, limit: int, cursor: str, asked: bytes) -> Page:
    """One page of an evaluated screen. ``asked`` is the fingerprint of everything that fixes the list."""
    rows, last = _page(screened.found, columns, sort, limit, read_cursor(cursor, asked) if cursor else None)
    return Page(
        rows=rows,
        total=screened.total,
        undecided=screened.undecided_count,
        among=screened.looked_at,
        waterfall=screened.waterfall,
        next_cursor=write_cursor(last, asked) if last else "",
    )


def evaluate_screen(
    node: Node,
    columns: Columns,
    n: int,
    scalars: Mapping[str, Scalar | None],
    parameters: ParameterBook,
    as_of: date,
    *,
    dictionaries: Mapping[str, Sequence[str]] | None = None,
    known: KnownBits | None = None,
    within: Flags | None = None,
) -> Screened:
    """Who meets each part of ``node``'s outermost ``all``; the arguments are those of :func:`run_screen`."""
    among = _everyone(n) if within is None else np.packbits(within)
    parts = parts_of(node)
    matches = match(
        RuleBook({str(place): part for place, part in enumerate(parts)}),
        columns, n, scalars, parameters, as_of, dictionaries, known,
    )  # fmt: skip
    met, possible = (matches.met, matches.open) if within is None else (matches.met & among, matches.open & among)
    left = np.empty((len(parts) + 1, among.size), np.uint8)
    left[0] = still_open = among
    for place in range(len(parts)):
        np.bitwise_and(left[place], met[place], out=left[place + 1])
        still_open = still_open & possible[place]
    return Screened(parts, n, met, possible, left, still_open & ~left[-1])


def parts_of(node: Node) -> tuple[Node, ...]:
    """The parts of a screen's outermost ``all``; a screen that is none has one part."""
    return node.children if isinstance(node, All) else (node,)


def question_of(node: Node) -> tuple[object, ...]:
    """What a tree asks, without where it was written or what it cites."""
    match node:
        case Condition():
            return (node.fact, node.op.value, node.values)
        case Not(child):
            return ("not", question_of(child))
        case All(children) | Any(children):
            return (type(node).__name__, *map(question_of, children))


def _everyone(n: int) -> Bits:
    bits = np.full((n + 7) // 8, 255, np.uint8)
    if n % 8:
        bits[-1] = 0xFF << (8 - n % 8) & 0xFF
    return bits


def _page(
    found: Rows, columns: Columns, sort: Order | None, limit: int, after: Cursor | None
) -> tuple[Rows, Cursor | None]:
    """Rows of one page, and where the next one starts (``None`` after the last)."""
    if sort is None or sort.spec.id not in columns:
        start = int(np.searchsorted(found, after.row, side="right")) if after else 0
        rows = found[start : start + limit]
        more = start + limit < len(found)
        return rows, Cursor(0, int(rows[-1])) if more else None
    keys = sort_keys(columns[sort.spec.id][found], sort)
    if after:
        behind = (keys > after.key) | ((keys == after.key) & (found > after.row))
        found, keys = found[behind], keys[behind]
    if len(found) > 4 * limit:
        # Only firms up to the limit-th key can be on this page; the rest need no sorting.
        edge = np.partition(keys, limit)[limit]
        near = keys <= edge
        found, keys, more = found[near], keys[near], True
    else:
        more = len(found) > limit
    order = np.argsort(keys, kind="stable")[:limit]
    rows = found[order]
    return rows, Cursor(keys[order[-1]].item(), int(rows[-1])) if more else None


def sort_keys(values: Column, sort: Order) -> Column:
    """Values turned so that ascending is the order asked and unknown comes last; integers stay integers."""
    kind = sort.spec.kind
    if kind in (Kind.NUMBER, Kind.RATIO):
        keys = -values if sort.descending else values
        return np.where(np.isnan(values), np.inf, keys)
    whole = values.astype(np.int64)
    unknown = whole == UNKNOWNS[kind]
    return np.where(unknown, np.iinfo(np.int64).max, -whole if sort.descending else whole)
