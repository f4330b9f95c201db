"""Invented unified social credit codes: well-formed, and in a block in which we know of no issued code."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.uscc import ALPHABET, WEIGHTS
from seed.city.draws import Ints

#: Every invented organisation code starts so; issued ones we know of start with digits, MA or another single letter.
INVENTED_BLOCK = "QX"
#: Region digits of counterparties outside the city; no such region exists.
OUTSIDE_REGION = "990100"
#: Serial numbers of the population are drawn from so many times its size, above the first.
SPREAD = 40
FIRST_SERIAL = 31**5
_ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_VALUE = np.zeros(128, dtype=np.int64)
_VALUE[[ord(character) for character in ALPHABET]] = np.arange(31)
_ALPHABET = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)


def invent(prefixes: list[str], serials: Ints) -> NDArray[np.str_]:
    """Codes from eight-character prefixes (registrar, kind, region) and distinct serial numbers below 31**6.

    Both check characters hold: the organisation code's (GB 11714) and the whole code's (GB 32100-2015).
    """
    size = len(serials)
    code = np.zeros((size, 18), dtype=np.uint8)
    code[:, :8] = np.frombuffer("".join(prefixes).encode(), dtype=np.uint8).reshape(size, 8)
    code[:, 8:10] = np.frombuffer(INVENTED_BLOCK.encode(), dtype=np.uint8)
    rest = serials.copy()
    for place in range(15, 9, -1):
        code[:, place] = _ALPHABET[rest % 31]
        rest //= 31
    body = code[:, 8:16].astype(np.int64)
    # GB 11714 counts A as 10 and so on through the whole alphabet.
    value = np.where(body >= ord("A"), body - ord("A") + 10, body - ord("0"))
    check = (11 - value @ _ORGANISATION_WEIGHTS % 11) % 11
    code[:, 16] = np.where(check == 10, ord("X"), ord("0") + check % 10)
    total = _VALUE[code[:, :17]] @ np.array(WEIGHTS)
    code[:, 17] = _ALPHABET[-total % 31]
    return code.view("S18").ravel().astype("U18")
