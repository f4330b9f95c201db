"""The nodes of a rule: a condition on one fact, and `all`, `any`, `not` over nodes. Frozen, comparable, hashable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from matching.facts import FactSpec
from matching.parameters import ParameterRef
from models.kinds import Kind, Scalar


class Op(StrEnum):
    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    NOT_IN = "not_in"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    BETWEEN = "between"
    KNOWN = "known"


#: Operators that order values; only they may take a parameter.
ORDERING = frozenset({Op.LT, Op.LE, Op.GT, Op.GE, Op.BETWEEN})
_ORDERED = frozenset({Kind.MONEY, Kind.COUNT, Kind.MONTHS, Kind.NUMBER, Kind.RATIO, Kind.DATE})
_EQUALITY = frozenset({Op.IS, Op.IS_NOT})
_MEMBERSHIP = frozenset({Op.IN, Op.NOT_IN})

OPS_OF_KIND: Mapping[Kind, frozenset[Op]] = {
    **{kind: ORDERING | _EQUALITY | {Op.KNOWN} for kind in _ORDERED},
    Kind.CODE: _EQUALITY | _MEMBERSHIP | {Op.KNOWN},
    Kind.FLAG: _EQUALITY | {Op.KNOWN},
    Kind.TEXT: frozenset(),
}


@dataclass(frozen=True)
class Condition:
    """One fact, one operator, its arguments: none for ``known``, two for ``between``, several for ``in``.

    ``cite`` is the clause it comes from. ``settled_by`` (and ``settled_by_zh``) overrides what the fact says
    would settle an unknown.
    ``where`` is the place it was written (``schemes/x.yaml:12``) and takes no part in comparing conditions.
    """

    spec: FactSpec
    op: Op
    values: tuple[Scalar | ParameterRef, ...] = ()
    cite: str = ""
    settled_by: str = ""
    where: str = field(default="", compare=False)
    settled_by_zh: str = ""

    @property
    def fact(self) -> str:
        """Id of the fact asked."""
        return self.spec.id


@dataclass(frozen=True)
class All:
    """Met when every child is; no children means every firm."""

    children: tuple[Node, ...]


@dataclass(frozen=True)
class Any:
    """Met when one child is."""

    children: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    """Met when the child is unmet; unknown stays unknown."""

    child: Node


Node = Condition | All | Any | Not


def leaves(node: Node) -> Iterator[Condition]:
    """Every condition of a tree, in the order written."""
    match node:
        case Condition():
            yield node
        case Not(child):
            yield from leaves(child)
        case All(children) | Any(children):
            for child in children:
                yield from leaves(child)
