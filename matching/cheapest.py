"""The cheapest changes that make every condition hold: branch and bound over the ways each requirement can be met."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from matching.changes import NEED_BEHIND, Changeable, ChangeBook, Towards
from matching.facts import FactSpec
from matching.nodes import All, Condition, Node, Not, Op
from matching.parameters import ParameterBook
from matching.question import Standing
from models.evidence import Finding
from models.kinds import Kind, Scalar
from models.truth import Truth

#: More ways or branches than this are not searched, and then nothing is claimed.
MOST_WAYS = 512
MOST_BRANCHES = 4_000


class Leaf(NamedTuple):
    """One condition as it was found. ``held`` is ``None`` while unknown; ``fact`` the one a firm would move."""

    condition: Condition
    finding: Finding
    fact: str
    held: bool | None


@dataclass(frozen=True)
class Examined:
    """Conditions with their leaves: ``first`` is the place of each node's first leaf, ``truths`` what each came to."""

    nodes: tuple[Node, ...]
    first: tuple[int, ...]
    truths: tuple[Truth, ...]
    leaves: tuple[Leaf, ...]

    def unknown(self) -> tuple[tuple[Leaf, ...], ...]:
        """The unknown conditions of each requirement that is neither met nor unmet."""
        ends = (*self.first, len(self.leaves))[1:]
        parts = zip(self.truths, self.first, ends, strict=True)
        open_ones = (self.leaves[first:end] for truth, first, end in parts if truth is Truth.UNKNOWN)
        return tuple(tuple(leaf for leaf in leaves if leaf.held is None) for leaves in open_ones)


def _held(truth: Truth) -> bool | None:
    return True if truth is Truth.MET else False if truth is Truth.UNMET else None


def examined(standing: Standing, parameters: ParameterBook, as_of: date) -> Examined:
    """Every condition behind a standing, the dates left out."""
    nodes: list[Node] = []
    first: list[int] = []
    truths: list[Truth] = []
    found: list[Leaf] = []
    for requirements, values in standing.rules:
        judged = requirements.judge(values, parameters, as_of)
        for node, conditions, (truth, findings) in zip(requirements.nodes, requirements.leaves, judged, strict=True):
            nodes.append(node)
            first.append(len(found))
            truths.append(truth)
            for condition, finding in zip(conditions, findings, strict=True):
                fact = condition.spec.id
                found.append(Leaf(condition, finding, NEED_BEHIND.get(fact, fact), _held(finding.truth)))
    return Examined(tuple(nodes), tuple(first), tuple(truths), tuple(found))


Way = frozenset[tuple[int, bool]]
Movable = Callable[[Leaf, bool], bool]


class _TooManyWays(Exception):
    """A requirement has more ways of being met than are searched."""


def ways_of(asked: Examined, movable: Movable) -> list[tuple[Way, ...]] | None:
    """For each requirement the sets of leaves, each with the truth it takes, that meet it.

    ``None`` where a requirement cannot be met, or has more ways of being met than are searched. A leaf may take the
    truth it has, or another where ``movable`` says so; what is unknown can be neither.
    """

    def possible(place: int, want: bool) -> bool:
        leaf = asked.leaves[place]
        return leaf.held is want or (leaf.held is not None and movable(leaf, want))

    found: dict[int, tuple[Way, ...]] = {}
    # What is not met decides most often: it is looked at first.
    for place in sorted(range(len(asked.nodes)), key=lambda each: asked.truths[each] is Truth.MET):
        take = iter(range(asked.first[place], len(asked.leaves)))
        try:
            ways = _ways(asked.nodes[place], True, take, possible)
        except _TooManyWays:
            return None
        if not ways:
            return None
        found[place] = ways
    return [found[place] for place in range(len(asked.nodes))]


def _ways(node: Node, want: bool, take: Iterator[int], possible: Callable[[int, bool], bool]) -> tuple[Way, ...]:
    if isinstance(node, Condition):
        place = next(take)
        return (frozenset({(place, want)}),) if possible(place, want) else ()
    if isinstance(node, Not):
        return _ways(node.child, not want, take, possible)
    parts = [_ways(child, want, take, possible) for child in node.children]
    if isinstance(node, All) is not want:
        made = [way for part in parts for way in part]
    else:
        if _times(len(part) for part in parts) > MOST_WAYS:
            raise _TooManyWays
        made = [frozenset().union(*combination) for combination in product(*parts)]
    if len(made) > MOST_WAYS:
        raise _TooManyWays
    return tuple(dict.fromkeys(made))


def _times(numbers: Iterable[int]) -> int:
    made = 1
    for number in numbers:
        made *= number
    return made


def cheapest_changes(
    asked: Examined,
    values: Mapping[str, Scalar | None],
    book: ChangeBook,
    holds: Callable[[Mapping[str, Scalar]], bool],
) -> dict[str, Scalar] | None:
    """The new values, by fact, that open the offer with the least effort; ``None`` if there are none.

    Order: sum of weights, then the number of changes, then fact ids. Each fact moves as little as it can. ``holds``
    asks the offer again with the values set: what it does not confirm is never returned.
    """
    ways = ways_of(asked, lambda leaf, want: book.of(leaf.fact) is not None)
    return None if ways is None else _Search(asked, values, book, holds, ways).run()


class _Search:
    def __init__(
        self,
        asked: Examined,
        values: Mapping[str, Scalar | None],
        book: ChangeBook,
        holds: Callable[[Mapping[str, Scalar]], bool],
        ways: Sequence[tuple[Way, ...]],
    ):
        self.asked, self.values, self.book, self.holds = asked, values, book, holds
        self.ways = sorted((sorted(each, key=self._cost) for each in ways), key=len)
        self.best: tuple[tuple[int, int, tuple[str, ...]], dict[str, Scalar]] | None = None
        self.branches = 0

    def run(self) -> dict[str, Scalar] | None:
        self._visit(0, frozenset(), frozenset())
        if self.best is None or self.branches > MOST_BRANCHES:
            return None
        return self.best[1]

    def _moved(self, way: Way) -> frozenset[str]:
        leaves = self.asked.leaves
        return frozenset(leaves[place].fact for place, want in way if leaves[place].held is not want)

    def _effort(self, facts: Iterable[str]) -> int:
        return sum(self.book.changeable[fact].effort.weight for fact in facts)

    def _cost(self, way: Way) -> tuple[int, int, list[tuple[int, bool]]]:
        moved = self._moved(way)
        return self._effort(moved), len(moved), sorted(way)

    def _visit(self, at: int, chosen: Way, moved: frozenset[str]) -> None:
        self.branches += 1
        key = (self._effort(moved), len(moved), tuple(sorted(moved)))
        if self.branches > MOST_BRANCHES or (self.best and key[:2] > self.best[0][:2]):
            return
        if at < len(self.ways):
            for way in self.ways[at]:
                self._visit(at + 1, chosen | way, moved | self._moved(way))
            return
        if not moved or (self.best and key >= self.best[0]):
            return
        values = self._values(chosen, moved)
        if values is not None and self.holds(values):
            self.best = (key, values)

    def _values(self, chosen: Way, moved: frozenset[str]) -> dict[str, Scalar] | None:
        made: dict[str, Scalar] = {}
        for fact in sorted(moved):
            wanted = [
                (self.asked.leaves[place], want) for place, want in chosen if self.asked.leaves[place].fact == fact
            ]
            value = nearest(wanted, self.values.get(fact), self.book.changeable[fact])
            if value is None:
                return None
            made[fact] = value
        return made


def nearest(
    wanted: Sequence[tuple[Leaf, bool]], now: Scalar | None, changeable: Changeable | None = None
) -> Scalar | None:
    """The value nearest to ``now`` under which every leaf takes the truth wanted of it; ``None`` if there is none."""
    spec = wanted[0][0].condition.spec
    fitting = [
        value
        for value in candidates(spec, [leaf for leaf, _ in wanted])
        if all(passes(leaf, value) is want for leaf, want in wanted) and _allowed(value, now, changeable)
    ]
    if not fitting:
        return None
    if spec.kind in (Kind.FLAG, Kind.CODE) or now is None:
        return fitting[0]
    return min(fitting, key=lambda value: (abs(measure(value) - measure(now)), measure(value)))


def _allowed(value: Scalar, now: Scalar | None, changeable: Changeable | None) -> bool:
    if changeable is None:
        return True
    if value in changeable.never:
        return False
    if now is None or changeable.spec.kind in (Kind.FLAG, Kind.CODE):
        return True
    # What is not negative by itself (a debt, a count) is never made so.
    if measure(value) < 0 <= measure(now):
        return False
    if changeable.towards is None:
        return True
    return (measure(value) > measure(now)) is (changeable.towards is Towards.UP)


_STEPS: Mapping[Kind, Decimal] = {
    Kind.MONEY: Decimal("0.01"),
    Kind.COUNT: Decimal(1),
    Kind.MONTHS: Decimal(1),
    Kind.DATE: Decimal(1),
    Kind.RATIO: Decimal("0.000001"),
    Kind.NUMBER: Decimal("0.000001"),
}


def candidates(spec: FactSpec, found: Sequence[Leaf]) -> list[Scalar]:
    """Values at which a leaf on this fact changes its truth: each bound and its neighbours, each code, yes and no."""
    if spec.kind is Kind.FLAG:
        return [True, False]
    expected = tuple([each for leaf in found for each in _listed(leaf)])
    if spec.kind is Kind.CODE:
        return list(dict.fromkeys([*expected, *spec.codes]))
    return list(_around(spec.kind, expected))


@lru_cache(maxsize=512)
def _around(kind: Kind, bounds: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    """Each bound and its neighbours. The bounds of a rule book are few, and every firm is held to the same."""
    step = _STEPS[kind]
    measures: dict[Decimal, None] = {}
    for each in bounds:
        for rounding in (ROUND_FLOOR, ROUND_CEILING):
            bound = (measure(each) / step).to_integral_value(rounding)
            measures.update(dict.fromkeys((bound * step, (bound - 1) * step, (bound + 1) * step)))
    return tuple(_as_kind(kind, each) for each in measures)


def _listed(leaf: Leaf) -> tuple[Scalar, ...]:
    expected = leaf.finding.expected
    return () if expected is None else expected if isinstance(expected, tuple) else (expected,)


def measure(value: Scalar) -> Decimal:
    """A number or a day on one scale."""
    if isinstance(value, Decimal):
        return value
    return Decimal(value.toordinal()) if isinstance(value, date) else Decimal(str(value))


def _as_kind(kind: Kind, value: Decimal) -> Scalar:
    if kind is Kind.DATE:
        return date.min + timedelta(days=int(value) - 1)
    if kind in (Kind.COUNT, Kind.MONTHS):
        return int(value)
    return value.quantize(Decimal("0.01")) if kind is Kind.MONEY else float(value)


def passes(leaf: Leaf, value: Scalar) -> bool:
    """Whether a known value meets a condition, by the argument as it was shown."""
    expected, op = _listed(leaf), leaf.condition.op
    match op:
        case Op.KNOWN:
            return True
        case Op.IN | Op.NOT_IN:
            return (value in expected) is (op is Op.IN)
        case _ if not expected:
            return False
        case Op.IS | Op.IS_NOT if leaf.condition.spec.kind in (Kind.CODE, Kind.FLAG):
            return (value == expected[0]) is (op is Op.IS)
    number, low = measure(value), measure(expected[0])
    match op:
        case Op.IS | Op.IS_NOT:
            return (number == low) is (op is Op.IS)
        case Op.LT:
            return number < low
        case Op.LE:
            return number <= low
        case Op.GT:
            return number > low
        case Op.GE:
            return number >= low
    return low <= number <= measure(expected[-1])
