"""Finds conditions under one ``all`` that no firm can ever meet together, before any firm is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from matching.facts import FactSpec
from matching.nodes import All, Condition, Node, Not, Op
from matching.parameters import ParameterRef
from models.kinds import Kind, Scalar, encode

_WHOLE = frozenset({Kind.MONEY, Kind.COUNT, Kind.MONTHS, Kind.DATE})
_OPPOSITE = {
    Op.IS: Op.IS_NOT,
    Op.IS_NOT: Op.IS,
    Op.IN: Op.NOT_IN,
    Op.NOT_IN: Op.IN,
    Op.LT: Op.GE,
    Op.GE: Op.LT,
    Op.LE: Op.GT,
    Op.GT: Op.LE,
}


@dataclass(frozen=True)
class Contradiction:
    """``later`` is the first condition, in the order written, that leaves no possible value."""

    later: Condition
    rule: str


def contradiction(node: Node) -> Contradiction | None:
    """The first contradiction among the conditions that ``node`` joins by ``all``; ``None`` if there is none.

    Looks through nested ``all`` and through ``not`` of one condition. Arguments taken from parameters are left out,
    since they change with the day.
    """
    regions: dict[str, _Region] = {}
    for condition, op in _joined(node, negated=False):
        if op is None:
            return Contradiction(condition, "`not known` is never met: an unknown value stays unknown.")
        constants = [value for value in condition.values if not isinstance(value, ParameterRef)]
        if len(constants) != len(condition.values):
            continue
        spec = condition.spec
        first = spec.id not in regions
        region = regions.setdefault(spec.id, _Region(spec))
        region.narrow(op, constants)
        if region.empty:
            alone = "No value meets this condition."
            together = f"No firm can meet this together with what the same `all` asks of {spec.id} before."
            return Contradiction(condition, alone if first else together)
    return None


def _joined(node: Node, negated: bool) -> Iterator[tuple[Condition, Op | None]]:
    """Conditions that must all hold, with the operator after negation (``None``: ``not known``)."""
    match node:
        case Condition() if not negated:
            yield node, node.op
        case Condition() if node.op is Op.KNOWN:
            yield node, None
        case Condition() if node.op in _OPPOSITE:
            yield node, _OPPOSITE[node.op]
        case Not(child):
            yield from _joined(child, not negated)
        case All(children) if not negated:
            for child in children:
                yield from _joined(child, negated)
        case _:
            return


@dataclass
class _Region:
    """Values of one fact still possible: an interval in stored form, or a set of codes."""

    spec: FactSpec
    low: float = float("-inf")
    high: float = float("inf")
    low_open: bool = False
    high_open: bool = False
    excluded: set[Scalar | float] = field(default_factory=set)
    codes: set[Scalar] | None = None

    def __post_init__(self) -> None:
        if self.spec.kind is Kind.FLAG:
            self.codes = {True, False}
        elif self.spec.codes:
            self.codes = set(self.spec.codes)

    @property
    def empty(self) -> bool:
        if self.spec.kind in (Kind.FLAG, Kind.CODE):
            return self.codes is not None and not self.codes - self.excluded
        if self.low > self.high:
            return True
        return self.low == self.high and (self.low_open or self.high_open or self.low in self.excluded)

    def narrow(self, op: Op, values: list[Scalar]) -> None:
        """Keep only what ``op`` with ``values`` lets through."""
        if op is Op.KNOWN:
            return
        if self.spec.kind in (Kind.FLAG, Kind.CODE):
            if op in (Op.IS_NOT, Op.NOT_IN):
                self.excluded |= set(values)
            else:
                self.codes = set(values) if self.codes is None else self.codes & set(values)
            return
        stored = [encode(self.spec.kind, value) for value in values]
        step = 1 if self.spec.kind in _WHOLE else 0
        match op:
            case Op.IS | Op.BETWEEN:
                self._at_least(stored[0], open_end=False)
                self._at_most(stored[-1], open_end=False)
            case Op.IS_NOT:
                self.excluded.add(stored[0])
            case Op.GE:
                self._at_least(stored[0], open_end=False)
            case Op.GT:
                self._at_least(stored[0] + step, open_end=not step)
            case Op.LE:
                self._at_most(stored[0], open_end=False)
            case Op.LT:
                self._at_most(stored[0] - step, open_end=not step)

    def _at_least(self, low: float, open_end: bool) -> None:
        if low > self.low or (low == self.low and open_end):
            self.low, self.low_open = low, open_end

    def _at_most(self, high: float, open_end: bool) -> None:
        if high < self.high or (high == self.high and open_end):
            self.high, self.high_open = high, open_end
