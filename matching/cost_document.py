"""What bank and firm confirm: the parties and the list, as one canonical text whose SHA-256 proves it."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from matching.financing_cost import CostList
from matching.rulefile import Name


@dataclass(frozen=True)
class CostDocument:
    """One cost list between a lender and a firm. ``reference`` is the lender's own number of the loan.

    ``receipt`` and ``option`` name the options answer it was drawn up from; empty when the lender drafted it.
    """

    reference: str
    uscc: str
    firm_name: str
    lender: str
    lender_name: Name
    product_name: Name
    cost: CostList
    receipt: str = ""
    option: str = ""

    @cached_property
    def text(self) -> str:
        """Canonical JSON: keys sorted, no spaces, numbers as text without trailing zeros. The same list has one."""
        return json.dumps(asdict(self), default=_plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """SHA-256 of :attr:`text` as UTF-8, in hex."""
        return sha256(self.text.encode()).hexdigest()


def read_document(text: str) -> CostDocument:
    """The document of a :attr:`CostDocument.text`. A part the text does not have yet gets its default."""
    read: CostDocument = _read(CostDocument, json.loads(text))
    return read


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        # A zero keeps its exponent when normalised.
        return format(value.normalize() if value else Decimal(0), "f")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a cost list")


def _read(kind: Any, value: Any) -> Any:
    """``value`` out of JSON as the annotated ``kind``: a dataclass, a tuple of one kind, an optional, or plain."""
    if get_origin(kind) is UnionType:
        return None if value is None else _read(get_args(kind)[0], value)
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], each) for each in value)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        given = (part for part in fields(kind) if part.name in value or part.default is MISSING)
        return kind(**{part.name: _read(hints[part.name], value[part.name]) for part in given})  # type: ignore[operator]
    if kind is date:
        return date.fromisoformat(value)
    return kind(value) if kind is Decimal or issubclass(kind, StrEnum) else value
