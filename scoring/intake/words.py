"""Text, codes, flags and unified social credit codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.uscc import ALPHABET, LENGTH, WEIGHTS, check_uscc
from scoring.feeds import Column
from scoring.intake.arrays import Mask, Parsed, fixed_width, found, mask_of, matching, only, present, raw_bytes
from scoring.intake.faults import Reason, longest

#: C0 and C1 controls, soft hyphen, zero-width and direction marks, line and paragraph separators, BOM, U+FFFD.
_UNSEEN = r"[\x00-\x1f\x7f-\x{9f}\x{ad}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{2069}\x{feff}\x{fffc}\x{fffd}]"
_FLAGS = (("true", "false"), ("True", "False"), ("TRUE", "FALSE"), ("1", "0"), ("是", "否"))
_FLAG_WORDS = pa.array([word for pair in _FLAGS for word in pair])

_NOT_IN_ALPHABET = 99
_VALUE_OF: NDArray[np.int16] = np.full(256, _NOT_IN_ALPHABET, dtype=np.int16)
_VALUE_OF[[ord(character) for character in ALPHABET]] = np.arange(len(ALPHABET))
#: With weight 1 on the check character itself, a correct code sums to a multiple of 31.
_ALL_WEIGHTS = np.array([*WEIGHTS, 1], dtype=np.int16)
_USCC_REASONS = {
    "length": Reason.USCC_LENGTH,
    "character": Reason.USCC_CHARACTER,
    "check_character": Reason.USCC_CHECK,
}


def valid_usccs(text: Any) -> Mask:
    """Which values of a ``string`` array are unified social credit codes; agrees with ``models.uscc.check_uscc``."""
    matrix, fits = fixed_width(text, LENGTH)
    values = _VALUE_OF[matrix]
    good: Mask = (values.max(axis=1, initial=0) < _NOT_IN_ALPHABET) & (values @ _ALL_WEIGHTS % 31 == 0)
    if fits.all():
        return good
    valid = np.zeros(len(text), dtype=bool)
    valid[fits] = good
    return valid


def usccs(text: Any) -> Parsed:
    """Unified social credit codes; why one is none is asked of the one-code check, for the bad ones only."""
    good = valid_usccs(text)
    bad = present(text) & ~good
    masks: dict[Reason, Mask] = {}
    for place in np.flatnonzero(bad):
        reason = _USCC_REASONS[check_uscc(text[int(place)].as_py()).reason]
        masks.setdefault(reason, np.zeros(len(text), dtype=bool))[place] = True
    return Parsed(only(text, good), tuple(masks.items()))


def texts(text: Any, column: Column) -> Parsed:
    """Text within the column's length and pattern, without control characters or white space around it.

    Nothing is repaired: two spellings of one name must not become two records without anyone noticing.
    """
    there = present(text)
    unseen = _unseen(text)
    spaced = mask_of(pc.not_equal(pc.binary_length(pc.utf8_trim_whitespace(text)), pc.binary_length(text))) & ~unseen
    long = mask_of(pc.greater(pc.utf8_length(text), longest(column)))
    faults = [(Reason.CONTROL_CHARACTER, unseen), (Reason.SURROUNDING_SPACE, spaced), (Reason.TOO_LONG, long)]
    good = there & ~unseen & ~spaced & ~long
    if column.pattern:
        other = good & ~matching(text, rf"\A(?:{column.pattern})\z")
        faults.append((Reason.PATTERN, other))
        good &= ~other
    return Parsed(only(text, good), found(faults))


def codes(text: Any, column: Column) -> Parsed:
    """Values the column lists, exactly as listed."""
    good = mask_of(pc.is_in(text, value_set=pa.array(column.values))) & present(text)
    return Parsed(only(text, good), found([(Reason.UNKNOWN_CODE, present(text) & ~good)]))


def flags(text: Any) -> Parsed:
    """Booleans from true/false, 1/0 or 是/否."""
    index = pc.index_in(text, value_set=_FLAG_WORDS)
    good = present(index)
    truth = index.fill_null(0).to_numpy() % 2 == 0
    values = pa.array(truth, mask=~good)
    return Parsed(values, found([(Reason.BAD_FLAG, present(text) & ~good)]))


def _unseen(text: Any) -> Mask:
    """Which values have characters nobody sees; plain ASCII columns are cleared by one look at their bytes."""
    data = raw_bytes(text)
    if not ((data < 32) | (data > 126)).any():
        return np.zeros(len(text), dtype=bool)
    return matching(text, _UNSEEN)
