"""The journal read by a firm about itself, and by an auditor; its state, and the anchors that fix its end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Select, select

from models.errors import DataFileError
from models.tables import AuditEntry, AuditHead
from service.audit.journal import Verified, verify
from service.office import Office
from service.records.lake import sync_folder
from service.registry.keys import first_signer, public_keys
from service.web.encode import canonical

#: Signed ends of the chain, one JSON line each. Kept beside the database and copied off the machine by the operator.
ANCHORS = "audit-anchors.jsonl"


def access_log(office: Office, firm: str, before: int | None, limit: int) -> list[dict[str, Any]]:
    """What the journal says about one firm, newest first, at most ``limit`` entries numbered below ``before``.

    The caller's house is named to the firm, its person is not.
    """
    return [_look(row) for row in _rows(office, select(AuditEntry).where(AuditEntry.firm == firm), before, limit)]


def audit_entries(
    office: Office, before: int | None, limit: int, firm: str = "", actor: str = ""
) -> list[dict[str, Any]]:
    """The journal, newest first, at most ``limit`` entries below ``before``, of one firm or one actor where given."""
    query = select(AuditEntry)
    if firm:
        query = query.where(AuditEntry.firm == firm)
    if actor:
        query = query.where(AuditEntry.actor == actor)
    return [_entry(row) for row in _rows(office, query, before, limit)]


def _rows(office: Office, query: Select[Any], before: int | None, limit: int) -> Sequence[AuditEntry]:
    if before is not None:
        query = query.where(AuditEntry.seq < before)
    with office.read() as session:
        return session.scalars(query.order_by(AuditEntry.seq.desc()).limit(limit)).all()


def _look(row: AuditEntry) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "at": row.at,
        "action": row.action,
        "role": row.role,
        "house": row.tenant,
        "purpose": row.purpose,
        "consent_id": row.consent_id,
        "result": row.result,
        "reason": row.reason,
    }


def _entry(row: AuditEntry) -> dict[str, Any]:
    return _look(row) | {
        "actor": row.actor,
        "person": row.person,
        "firm": row.firm,
        "object_id": row.object_id,
        "detail": orjson.loads(row.detail),
        "request_id": row.request_id,
        "entry_hash": row.entry_hash,
    }


def anchor(office: Office, now: datetime) -> dict[str, Any]:
    """Append the signed end of the journal to the anchor file, flushed to disk, and answer with it.

    An office that never had a signing key gets its first.
    """
    signer = first_signer(office, now)
    with office.read() as session:
        head = session.get_one(AuditHead, 1)
    said = {"seq": head.seq, "entry_hash": head.entry_hash, "at": now.isoformat(), "key_id": signer.key_id}
    line = canonical({**said, "signature": signer.sign(canonical(said))}) + b"\n"
    with (office.home / ANCHORS).open("ab") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(office.home)
    return said


def read_anchors(office: Office) -> list[tuple[int, str]]:
    """Number and hash of every anchored entry; ``DataFileError`` naming the line that the office did not sign."""
    path = office.home / ANCHORS
    with office.read() as session:
        keys = public_keys(session)
    found = []
    for number, line in enumerate(path.read_bytes().splitlines() if path.exists() else (), 1):
        try:
            said = orjson.loads(line)
            signature = said.pop("signature")
            good = keys[said["key_id"]].verifies(canonical(said), signature)
            found.append((int(said["seq"]), str(said["entry_hash"])))
        except (ValueError, KeyError, TypeError, AttributeError):
            good = False
        if not good:
            raise DataFileError(
                ANCHORS, number, "signature", None, "This anchor was not signed by this office.", "Restore the file."
            )
    return found


def audit_state(office: Office) -> dict[str, Any]:
    """Walk the whole journal against its anchors."""
    anchors = read_anchors(office)
    found: Verified = verify(office, anchors)
    return {
        "entries": found.entries,
        "head_hash": found.head_hash,
        "anchors": len(anchors),
        "whole": found.broken is None,
        "first_bad_entry": found.broken.seq if found.broken else None,
        "fault": found.broken.fault if found.broken else None,
    }
