"""Passwords and the second factor: argon2id, TOTP (RFC 6238), and the rules both follow. Keys are arguments."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pyotp
from cryptography.fernet import Fernet, MultiFernet
from pwdlib import PasswordHash

from models.errors import RefusedInput

_PASSWORDS = PasswordHash.recommended()
#: Checked in place of the hash of a person who does not exist, so that both take the same time.
_NOBODY = _PASSWORDS.hash("nobody has this password")
SHORTEST, LONGEST = 12, 128
STEP = 30
#: Wrong attempts in a row before a person has to wait, and how long: doubled each time, a day at most.
FREE_FAILURES = 5
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(days=1)


def hash_password(password: str, person_id: str) -> str:
    """The argon2id hash of a new password; ``RefusedInput`` for one that is too short, too long, or the person's id."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise _weak(f"A password has {SHORTEST} to {LONGEST} characters.")
    if person_id.lower() in password.lower() or len(set(password)) < 5:
        raise _weak("A password does not hold the person's id and has at least five different characters.")
    return _PASSWORDS.hash(password)


def password_fits(password: str, kept: str) -> bool:
    """Whether the password is the one whose hash was kept; as slow for no hash as for a wrong one."""
    fits = _PASSWORDS.verify(password[:LONGEST], kept or _NOBODY)
    return fits and bool(kept) and len(password) <= LONGEST


def new_second_factor() -> str:
    """A TOTP secret of 160 bits in base 32, to be shown once."""
    return pyotp.random_base32()


def enrolment_uri(secret: str, person_id: str) -> str:
    """What an authenticator app reads (as text or as a code on screen)."""
    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=person_id, issuer_name="Rongqiao")


def step_of(code: str, secret: str, now: datetime, last_step: int) -> int | None:
    """The time step a code belongs to, one step of clock difference allowed; ``None`` for a wrong or used one."""
    if len(code) != 6 or not (code.isascii() and code.isdecimal()):
        return None
    totp, current = pyotp.TOTP(secret, interval=STEP), int(now.timestamp()) // STEP
    fitting = [
        step
        for step in (current - 1, current, current + 1)
        if step > last_step and pyotp.utils.strings_equal(totp.at(step * STEP), code)
    ]
    return fitting[0] if fitting else None


def wait_after(failures: int) -> timedelta | None:
    """How long a person waits after so many failures in a row; ``None``: not at all."""
    if failures < FREE_FAILURES:
        return None
    return min(_FIRST_WAIT * 2 ** min(failures - FREE_FAILURES, 20), _LONGEST_WAIT)


def sealed(secret: str, key: bytes) -> bytes:
    """The secret as the database may hold it: encrypted and authenticated with the office's key."""
    return _box(key).encrypt_at_time(secret.encode(), int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()))


def unsealed(kept: bytes, keys: Sequence[bytes]) -> str:
    """The secret again, sealed with whichever of the office's keys."""
    return MultiFernet([_box(key) for key in keys]).decrypt(kept).decode()


def _box(key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"second factor " + key).digest()))


def _weak(rule: str) -> RefusedInput:
    # The value is not given back: it may be most of what the person chooses next.
    return RefusedInput("weak_password", "password", None, rule, "Take several words; a manager can make them.")
