"""The office's signing keys: the private one in a file only its owner reads, the public ones kept in the database."""

from __future__ import annotations

import base64
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
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.errors import RefusedInput
from models.tables import SigningKey
from service.audit.journal import record
from service.audit.told import told
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

    def sealed(self, payload: bytes, kind: str) -> str:
        """``payload`` as a compact JWS (RFC 7515) of type ``kind``: readable and verifiable by whoever has the key."""
        header = {"alg": ALGORITHM, "kid": self.key_id, "typ": kind}
        return jws.serialize_compact(header, payload, OKPKey.import_key(self._private), algorithms=[ALGORITHM])


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

    def opens(self, text: str, kind: str) -> bytes | None:
        """The payload of a compact JWS of type ``kind`` that this key signed; ``None`` for any other text."""
        if self.algorithm != ALGORITHM:
            return None
        key = OKPKey.import_key(Ed25519PublicKey.from_public_bytes(self.raw))
        try:
            opened = jws.deserialize_compact(text.encode(), key, algorithms=[ALGORITHM])
        except (JoseError, ValueError):
            return None
        return opened.payload if opened.protected.get("typ") == kind else None


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
            record(session, told("rotate_signing_key", now, object_id=_key_id(raw)))
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


def first_signer(office: Office, now: datetime) -> Signer:
    """The key in use; an office that never had one gets its first."""
    with office.read() as session:
        has_one = session.scalars(select(SigningKey.id).limit(1)).first() is not None
    if not has_one:
        rotate_key(office, now)
    return signer_of(office)


def jwks(keys: Mapping[str, PublicKey]) -> dict[str, list[dict[str, str]]]:
    """The keys as a JSON Web Key Set (RFC 7517, RFC 8037), retired ones too: what they signed stays signed."""
    return {
        "keys": [
            {"kty": "OKP", "crv": key.algorithm, "x": _base64(key.raw), "kid": key_id, "use": "sig", "alg": "EdDSA"}
            for key_id, key in sorted(keys.items())
            if key.algorithm == ALGORITHM
        ]
    }


def read_jwks(document: object) -> dict[str, PublicKey]:
    """The keys of a set as :func:`jwks` makes it; ``RefusedInput`` for what is none. An id is its key's own digest, so
    that nobody puts another key under it."""
    try:
        given = {each["kid"]: base64.urlsafe_b64decode(each["x"] + "=") for each in document["keys"]}  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        given = {}
    if not given or any(_key_id(raw) != key_id for key_id, raw in given.items()):
        raise RefusedInput(
            "bad_keys", "keys", None, "This is no set of an office's public keys.",
            "Take the office's /.well-known/jwks.json as it is.",
        )  # fmt: skip
    return {key_id: PublicKey(ALGORITHM, raw) for key_id, raw in given.items()}


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def public_keys(session: Session) -> Mapping[str, PublicKey]:
    """Every key the office ever had, by id."""
    return {
        key.id: PublicKey(key.algorithm, bytes.fromhex(key.public_key)) for key in session.scalars(select(SigningKey))
    }


def _key_id(raw: bytes) -> str:
    return sha256(raw).hexdigest()[:16]


def _no_key(rule: str, fix: str) -> RefusedInput:
    return RefusedInput("no_signing_key", "key", KEY_FILE, rule, fix, status=409)
