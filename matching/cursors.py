"""Page cursors: where a page of a screen ended, tied to the screen it belongs to.

A cursor carries the last firm's sort key and row, and a digest over them and over the question. One that was altered,
or that comes from another screen, order or snapshot, is refused. The digest is no secret: whoever computes one gains
only a place to start in an answer that is theirs anyway.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

from models.errors import RefusedInput

_DIGEST = 16
_FORMS = {b"i": struct.Struct(">qq"), b"f": struct.Struct(">dq")}
#: 16 bytes of digest, the form's letter and 16 bytes of key and row: 33 bytes, 44 characters, no padding.
_LENGTH = 44


@dataclass(frozen=True)
class Cursor:
    """The last firm of a page: its sort key (0 in snapshot order) and its row."""

    key: int | float
    row: int


def fingerprint(*question: object) -> bytes:
    """Digest of everything that fixes a list of firms; each part must have a faithful ``repr``."""
    return hashlib.sha256(repr(question).encode()).digest()


def write_cursor(cursor: Cursor, question: bytes) -> str:
    """Opaque text, safe in a URL."""
    form = b"f" if isinstance(cursor.key, float) else b"i"
    payload = form + _FORMS[form].pack(cursor.key, cursor.row)
    return base64.urlsafe_b64encode(_tag(payload, question) + payload).decode()


def read_cursor(text: str, question: bytes) -> Cursor:
    """The cursor, if it was written for this very question; ``RefusedInput`` otherwise."""
    if isinstance(text, str) and len(text) == _LENGTH and text.isascii():
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
        except binascii.Error:
            raw = b""
        tag, payload = raw[:_DIGEST], raw[_DIGEST:]
        if payload and _tag(payload, question) == tag:
            return Cursor(*_FORMS[payload[:1]].unpack(payload[1:]))
    raise RefusedInput(
        "bad_cursor",
        "cursor",
        text,
        "A cursor is used as it was given, for the same conditions, order and snapshot.",
        "Ask for the first page again.",
    )


def _tag(payload: bytes, question: bytes) -> bytes:
    return hashlib.sha256(question + payload).digest()[:_DIGEST]
