"""The office's secret keys, and prospect ids: stable for one lender, different for each, and no way back to the firm
without the key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

_FILE = "prospect.key"


def office_key(home: Path, name: str = _FILE) -> bytes:
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
