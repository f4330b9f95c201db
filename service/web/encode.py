"""Answers become bytes once, here: amounts are strings in yuan, rates and scores numbers, dates ISO 8601."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from starlette.responses import Response

from models.money import round_half_up

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z


def encode(answer: Any, *, indent: bool = False) -> bytes:
    """UTF-8 JSON of plain values, dataclasses, enums, dates, ``Decimal`` (as text) and numpy arrays.

    A float that is not a number becomes ``null``: unknown, never ``NaN``.
    """
    return orjson.dumps(answer, default=_plain, option=_OPTIONS | (orjson.OPT_INDENT_2 if indent else 0))


def canonical(value: Any) -> bytes:
    """JSON whose bytes do not depend on the order of keys: what digests and signatures are over."""
    return orjson.dumps(orjson.loads(encode(value)), option=orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, (Path, np.str_)):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def yuan_text(amount: Decimal | None) -> str | None:
    """An amount as an answer carries it: yuan with two decimals (``"1234.50"``), or ``None`` for unknown."""
    # Two decimals are never written with an exponent, so plain text will do: an answer holds a thousand amounts.
    return None if amount is None else str(round_half_up(amount))


def answered(answer: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response around :func:`encode`; bytes are JSON already."""
    body = answer if isinstance(answer, bytes) else encode(answer)
    return Response(body, status, headers, "application/json")
