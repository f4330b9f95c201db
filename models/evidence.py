"""What an answer rests on: citations and findings."""

from __future__ import annotations

from dataclasses import dataclass

from models.kinds import Scalar
from models.truth import Truth


@dataclass(frozen=True)
class Finding:
    """One condition asked of one firm: what was expected, what was found, and the text it comes from.

    ``settled_by`` names the one document or authorisation that would settle an UNKNOWN; empty otherwise.
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
