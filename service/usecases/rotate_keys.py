"""The office's own keys: listed, changed for new ones, the old ones removed. Each change is in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import RefusedInput
from models.tables import Person, SigningKey
from service.access.key_ring import office_keys, old_keys, turn_key
from service.access.opaque import PROSPECT_KEY, office_key
from service.access.second_factor import sealed, unsealed
from service.audit.journal import record
from service.audit.told import told
from service.integration.signing import KEY_FILE as WEBHOOK_KEY
from service.learning.training_export import KEY_FILE as TRAINING_KEY
from service.office import Office
from service.registry.keys import rotate_key
from service.usecases.sign_in import SECOND_FACTOR_KEY

SIGNING = "signing"


@dataclass(frozen=True)
class _Secret:
    """A secret key: its file, and whether the one before opens what it sealed until it is retired."""

    file: str
    keeps_old: bool


_SECRETS: Mapping[str, _Secret] = {
    "second-factor": _Secret(SECOND_FACTOR_KEY, keeps_old=True),
    "prospect": _Secret(PROSPECT_KEY, keeps_old=True),
    "webhook": _Secret(WEBHOOK_KEY, keeps_old=True),
    # Names firms in files for training; nothing is read back with it.
    "training": _Secret(TRAINING_KEY, keeps_old=False),
}
NAMES = (SIGNING, *_SECRETS)


def list_keys(office: Office) -> list[dict[str, Any]]:
    """Every key of the office by name: the one in use (``None`` before its first use) and the old ones still read.

    Of a secret key the id is a part of its SHA-256, which tells nothing of 256 random bits.
    """
    with office.read() as session:
        signing = session.scalars(select(SigningKey).order_by(SigningKey.created_at.desc())).all()
    found = [{"id": each.id, "since": each.created_at, "retired_at": each.retired_at} for each in signing]
    lines = [_line(SIGNING, [each for each in found if not each["retired_at"]], [e for e in found if e["retired_at"]])]
    for name, secret in _SECRETS.items():
        path = office.home / secret.file
        current = [_told_of(path)] if path.exists() else []
        lines.append(_line(name, current, [_told_of(each) for each in old_keys(office.home, secret.file)]))
    return lines


def rotate(office: Office, name: str, now: datetime) -> dict[str, Any]:
    """Put a new key in the place of the one called ``name``; the line of it as listed.

    Second factors are sealed anew in the same transaction. Nobody is signed out: sessions and tokens are kept as
    hashes, without a key. Killed at any moment the office opens everything; rotating again is safe.
    """
    if name == SIGNING:
        rotate_key(office, now)
    else:
        secret = _secret(name)
        with office.write() as session:
            # First the file, then what it seals: the old key lies beside it, so nothing is ever sealed by a lost one.
            turn_key(office.home, secret.file, keep=secret.keeps_old)
            _seal_anew(office, session, name)
            record(session, told("rotate_office_key", now, object_id=name))
    return _listed(office, name)


def retire_old(office: Office, name: str, now: datetime) -> dict[str, Any]:
    """Remove the old keys called ``name``: what only they open is void from now on. The line as listed.

    Second factors are sealed with the key in use first, so that nobody is shut out.
    """
    if name == SIGNING:
        raise RefusedInput(
            "bad_key", "name", name, "A retired signing key only verifies, and what it signed is kept.", "Leave it."
        )
    secret = _secret(name)
    with office.write() as session:
        old = old_keys(office.home, secret.file)
        if old:
            _seal_anew(office, session, name)
            record(session, told("retire_office_key", now, object_id=name, detail={"keys": len(old)}))
    # After the commit: until then the database may still need them.
    for path in old:
        path.unlink(missing_ok=True)
    return _listed(office, name)


def _seal_anew(office: Office, session: Session, name: str) -> None:
    if name != "second-factor":
        return
    key, keys = office_key(office.home, SECOND_FACTOR_KEY), office_keys(office.home, SECOND_FACTOR_KEY)
    for person in session.scalars(select(Person).where(Person.second_factor != b"").with_for_update()):
        person.second_factor = sealed(unsealed(person.second_factor, keys), key)
    session.flush()


def _secret(name: str) -> _Secret:
    found = _SECRETS.get(name)
    if found is None:
        raise RefusedInput("bad_key", "name", name, "The office has no such key.", f"One of: {', '.join(NAMES)}.")
    return found


def _listed(office: Office, name: str) -> dict[str, Any]:
    return next(line for line in list_keys(office) if line["name"] == name)


def _line(name: str, current: list[dict[str, Any]], old: list[dict[str, Any]]) -> dict[str, Any]:
    newest = current[0] if current else {"id": None, "since": None}
    return {
        "name": name,
        "id": newest["id"],
        "since": newest["since"],
        "old": [{"id": each["id"], "since": each["since"]} for each in old],
    }


def _told_of(path: Path) -> dict[str, Any]:
    since = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return {"id": sha256(b"key id " + path.read_bytes()).hexdigest()[:16], "since": since}
