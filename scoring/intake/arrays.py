"""Between Arrow text and numpy: the few conversions the row checks are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scoring.intake.faults import Reason

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Parsed:
    """One column in storage form (null where missing or bad) and, per reason, a mask of its bad rows."""

    values: Any
    bad: tuple[tuple[Reason, Mask], ...] = ()


def mask_of(array: Any) -> Mask:
    """A boolean Arrow array as a numpy mask; null counts as false."""
    if array.null_count:
        array = pc.fill_null(array, False)
    mask: Mask = array.to_numpy(zero_copy_only=False)
    return mask


def present(array: Any) -> Mask:
    """Which places hold a value."""
    if not array.null_count:
        return np.ones(len(array), dtype=bool)
    return mask_of(array.is_valid())


def matching(text: Any, pattern: str) -> Mask:
    """Which values match a RE2 pattern; it is the caller's to anchor it."""
    return mask_of(pc.match_substring_regex(text, pattern))


def only(text: Any, good: Mask) -> Any:
    """``text`` with null wherever ``good`` is false."""
    if good.all():
        return text
    return pc.if_else(pa.array(good), text, pa.scalar(None, text.type))


def from_numpy(values: NDArray[Any], good: Mask, type_: Any) -> Any:
    """An Arrow array of ``type_``, null wherever ``good`` is false."""
    array = pa.array(values) if good.all() else pa.array(values, mask=~good)
    return array if array.type == type_ else array.cast(type_)


def found(faults: Sequence[tuple[Reason, Mask]]) -> tuple[tuple[Reason, Mask], ...]:
    """Only the faults some row has."""
    return tuple((reason, mask) for reason, mask in faults if mask.any())


def as_text(array: Any) -> Any:
    """Any kind of text array as plain ``string`` without empty values (they become null)."""
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), pa.string())
    text = array if array.type == pa.string() else array.cast(pa.string())
    filled = pc.greater(pc.binary_length(text), 0)
    good = mask_of(filled)
    return text if int(good.sum()) == len(text) - text.null_count else only(text, good)


def raw_bytes(text: Any) -> NDArray[np.uint8]:
    """The UTF-8 bytes of all values of a ``string`` array, end to end (bytes under nulls included)."""
    if not len(text):
        return np.empty(0, dtype=np.uint8)
    _, offsets, data = text.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[text.offset : text.offset + len(text) + 1]
    if data is None:
        return np.empty(0, dtype=np.uint8)
    return np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]]


def fixed_width(text: Any, width: int) -> tuple[NDArray[np.uint8], Mask]:
    """The values of exactly ``width`` bytes as an (n, width) matrix of bytes, and a mask of which they are."""
    fits = mask_of(pc.equal(pc.binary_length(text), width))
    chosen = text if fits.all() else text.filter(pa.array(fits))
    return raw_bytes(chosen).reshape(-1, width), fits
