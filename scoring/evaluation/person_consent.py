"""Whose consent to be evaluated as a person stands, as a column beside the facts of a build. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.kinds import UNKNOWN_FLAG, UNKNOWN_INT32
from scoring.columns import Array, Columns
from scoring.evaluation.beside import CONSENT

#: Day (int32) of a firm's latest change of legal representative, a further fact of the catalogue.
CHANGED_ON = "representative_changed_on"


def with_consents(columns: Columns, uscc: Array, given: Mapping[str, int]) -> Columns:
    """``columns`` with the flag ``person_consent``: true where ``given`` names the firm (code to day signed, int32).

    A consent was of the person who led the firm on the day it was signed: where the representative changed after it, it
    is false. Firms without a consent are unknown, which evaluates nobody.
    """
    flag = np.full(columns.n, UNKNOWN_FLAG, np.int8)
    if given:
        codes = np.array(sorted(given), dtype=uscc.dtype)
        days = np.array([given[code] for code in sorted(given)], np.int32)
        place = np.minimum(np.searchsorted(codes, uscc), len(codes) - 1)
        named = codes[place] == uscc
        changed = columns.get(CHANGED_ON)
        since = np.full(columns.n, UNKNOWN_INT32, np.int32) if changed is None else changed
        ended = (since != UNKNOWN_INT32) & (since > days[place])
        flag[named] = np.where(ended[named], 0, 1)
    return columns.merged(Columns(columns.n, {CONSENT: flag}))
