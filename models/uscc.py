"""Unified social credit code (GB 32100-2015): letters are allowed in places 1-8, the 18th is a check character.

Full-width digits, spaces and lower case are refused, never repaired: two spellings must not make two firms.
"""

from __future__ import annotations

from dataclasses import dataclass

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
LENGTH = 18
_VALUE = {character: number for number, character in enumerate(ALPHABET)}


@dataclass(frozen=True)
class UsccCheck:
    """Outcome for one code: ``reason`` is empty when valid, else a slug; ``detail`` says it in words."""

    code: str
    valid: bool
    reason: str = ""
    detail: str = ""


def check_character(first_17: str) -> str:
    """The 18th character for 17 characters of the alphabet; ``KeyError`` for any other character."""
    total = sum(_VALUE[character] * weight for character, weight in zip(first_17, WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def check_uscc(code: str) -> UsccCheck:
    """Whether ``code`` is a well-formed unified social credit code, and why not."""
    if len(code) != LENGTH:
        return UsccCheck(code, False, "length", f"has {len(code)} characters; a code has {LENGTH}")
    for place, character in enumerate(code, start=1):
        if character not in _VALUE:
            return UsccCheck(
                code,
                False,
                "character",
                f"place {place} is {character!r}; only 0-9 and A-Z without I, O, Z, S, V occur",
            )
    expected = check_character(code[:17])
    if code[17] != expected:
        return UsccCheck(code, False, "check_character", f"ends in {code[17]!r}; the check character is {expected!r}")
    return UsccCheck(code, True)
