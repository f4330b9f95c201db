"""The office's secret keys, and prospect ids: no way back to the firm without the key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from models.uscc import LENGTH

PROSPECT_KEY = "prospect.key"


def office_key(home: Path, name: str = PROSPECT_KEY) -> bytes:
    """The key of 256 bits in the file ``name``, made on first use and readable by its owner only."""
    path = home / name
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    unfinished = home / f".{name}.{secrets.token_hex(8)}"
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        # link, not rename: of two processes that start at once the first one's key stays.
        os.link(unfinished, path)
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()
    return path.read_bytes()


def prospect_id(key: bytes, lender: str, uscc: str) -> str:
    """128 bits of HMAC-SHA256 over lender and code, as ``p_`` and 32 hex digits."""
    return "p_" + hmac.new(key, f"{lender}\n{uscc}".encode(), hashlib.sha256).hexdigest()[:32]


#: Bytes of a screen's digest that tie a sealed id to the screen.
SCOPE = 8


def sealed_prospect(key: bytes, lender: str, scope: bytes, uscc: str) -> str:
    """The firm's id for one lender in one screen (``scope``: the first bytes of its digest).

    The same firm has another id in another screen and for another lender, so that cards cannot be put together. AES-SIV
    (RFC 5297) of scope and code, bound to the lender: whoever holds the key can open it again.
    """
    sealed = _box(key).encrypt(scope[:SCOPE] + uscc.encode(), [lender.encode()])
    return "p_" + base64.urlsafe_b64encode(sealed).decode()


def opened_prospect(key: bytes, lender: str, text: str) -> tuple[bytes, str] | None:
    """Scope and code of an id that was made for this lender; ``None`` for any other text."""
    try:
        sealed = base64.b64decode(text.removeprefix("p_"), altchars=b"-_", validate=True)
        opened = _box(key).decrypt(sealed, [lender.encode()])
    except (binascii.Error, ValueError, InvalidTag):
        return None
    if not text.startswith("p_") or len(opened) != SCOPE + LENGTH:
        return None
    return opened[:SCOPE], opened[SCOPE:].decode()


def _box(key: bytes) -> AESSIV:
    return AESSIV(hashlib.sha256(b"prospect " + key).digest())
