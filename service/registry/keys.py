"""The office's signing keys: the private one in a file only its owner reads, the public ones kept in the database."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.errors import RefusedInput
from models.tables import SigningKey
from service.office import Office
from service.records.lake import sync_folder

ALGORITHM = "Ed25519"
KEY_FILE = "model-signing.key"
_RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


@dataclass(frozen=True)
class Signer:
    """The office's key in use."""

    key_id: str
    algorithm: str
    _private: Ed25519PrivateKey

    def sign(self, message: bytes) -> str:
        """The signature in hex."""
        return self._private.sign(message).hex()


@dataclass(frozen=True)
class PublicKey:
    """A key of the office, in use or retired."""

    algorithm: str
    raw: bytes

    def verifies(self, message: bytes, signature: str) -> bool:
        """Whether ``signature`` (hex) over ``message`` is this key's; false for an algorithm not known here."""
        if self.algorithm != ALGORITHM:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(bytes.fromhex(signature), message)
        except (InvalidSignature, ValueError):
            return False
        return True


def rotate_key(office: Office, now: datetime) -> str:
    """Make a signing key, the office's first or in place of the one in use, which is retired; the new key's id.

    A process killed in between leaves a key file that signs nothing; rotating again mends it.
    """
    private = Ed25519PrivateKey.generate()
    raw = private.public_key().public_bytes(*_RAW)
    body = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = office.home / KEY_FILE
    unfinished = office.home / f".{KEY_FILE}.{secrets.token_hex(8)}"
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        with office.write() as session:
            session.execute(update(SigningKey).where(SigningKey.retired_at.is_(None)).values(retired_at=now))
            session.add(SigningKey(id=_key_id(raw), algorithm=ALGORITHM, public_key=raw.hex(), created_at=now))
            session.flush()
            os.replace(unfinished, path)
            sync_folder(office.home)
    finally:
        unfinished.unlink(missing_ok=True)
    return _key_id(raw)


def signer_of(office: Office) -> Signer:
    """The key in use; ``RefusedInput`` where there is none, others can read it, or the office does not know it."""
    path = office.home / KEY_FILE
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        body = path.read_bytes()
    except OSError:
        raise _no_key("The office has no signing key.", "Make one: `rongqiao model keys rotate`.") from None
    if mode & 0o077:
        raise _no_key(f"Its mode {mode:o} lets others read it.", f"Set it: chmod 600 {path}.")
    try:
        private = serialization.load_pem_private_key(body, password=None)
    except ValueError:
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise _no_key("It holds no Ed25519 key.", "Make another: `rongqiao model keys rotate`.")
    key_id = _key_id(private.public_key().public_bytes(*_RAW))
    with office.read() as session:
        known = session.get(SigningKey, key_id)
    if known is None or known.retired_at is not None:
        raise _no_key("It is not the key in use of this office.", "Make another: `rongqiao model keys rotate`.")
    return Signer(key_id, ALGORITHM, private)


def public_keys(session: Session) -> Mapping[str, PublicKey]:
    """Every key the office ever had, by id."""
    return {
        key.id: PublicKey(key.algorithm, bytes.fromhex(key.public_key)) for key in session.scalars(select(SigningKey))
    }


def _key_id(raw: bytes) -> str:
    return sha256(raw).hexdigest()[:16]


def _no_key(rule: str, fix: str) -> RefusedInput:
    return RefusedInput("no_signing_key", "key", KEY_FILE, rule, fix, status=409)
