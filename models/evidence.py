"""What an answer rests on: citations and findings."""

from __future__ import annotations

from typing import NamedTuple

from models.kinds import Scalar
from models.truth import Truth


class Finding(NamedTuple):
    """One condition asked of one firm: what was expected, what was found, and the text it comes from.

    ``settled_by`` names the one document or authorisation that would settle an UNKNOWN; empty otherwise.
    A named tuple, since an answer holds hundreds and a tuple is made several times faster than a frozen dataclass.
    """

    fact: str
    op: str
    expected: Scalar | tuple[Scalar, ...] | None
    actual: Scalar | None
    truth: Truth
    source: str
    cite: str
    unit: str = ""
    settled_by: str = ""
