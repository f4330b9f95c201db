"""A secret key of the office and those before it: the newest seals, each opens until it is retired.

The key in use is the file ``NAME.key``, those before it ``NAME.key.1``, ``NAME.key.2`` and so on, beside it.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from service.access.opaque import office_key


def office_keys(home: Path, name: str) -> tuple[bytes, ...]:
    """The keys of 256 bits kept under the file ``name``, the one in use first, then the latest before it.

    Read them after what they are to open: a rotation puts a new key into its place before anything is sealed with it.
    """
    return (office_key(home, name), *(path.read_bytes() for path in old_keys(home, name)))


def old_keys(home: Path, name: str) -> list[Path]:
    """The files of the keys before the one in use, the latest first."""
    found = [path for path in home.glob(f"{name}.*") if path.suffix[1:].isdecimal()]
    return sorted(found, key=lambda path: -int(path.suffix[1:]))


def turn_key(home: Path, name: str, *, keep: bool) -> None:
    """Put a new key in the place of the one in use, which is kept for reading where ``keep`` says so.

    Whenever the process is killed, the key in use before is in its place or among the old ones.
    """
    before, path = office_key(home, name), home / name
    if keep:
        numbers = [int(each.suffix[1:]) for each in old_keys(home, name)]
        _write(path.with_name(f"{name}.{max(numbers, default=0) + 1}"), before)
    _write(path, secrets.token_bytes(len(before)))


def _write(path: Path, key: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
