"""What a person or a system asks for, from text to typed values: the same checks for HTTP and the command line."""

from __future__ import annotations

from datetime import date
from typing import Any

from models.dates import parse_date
from models.errors import RefusedInput
from models.uscc import check_uscc


def asked_code(code: str) -> str:
    """The unified social credit code itself when it is well-formed; ``RefusedInput`` with the reason otherwise."""
    outcome = check_uscc(code)
    if not outcome.valid:
        raise RefusedInput(
            "bad_uscc", "uscc", code, f"The code {outcome.detail}.", "Give the 18 characters of the licence."
        )
    return code


def asked_day(value: Any, field: str) -> date:
    """A day from ISO text, nothing else."""
    if type(value) is date:
        return value
    return parse_date(value if isinstance(value, str) else repr(value), field)
