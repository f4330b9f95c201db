"""Matching certificates: signed with the office's key for those they concern, verified by anybody who has the file."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.orm import Session

from matching.applications.rules import APPROVED
from models.errors import RefusedInput
from models.tables import Application, ApplicationStep, Need, SigningKey
from service.access.auth import Action, Caller
from service.answers.certificate import TYPE, certificate_answer
from service.audit.journal import record
from service.cases.parties import case_event
from service.needs.finding import find_application, firm_name, seen_by, steps_of
from service.office import Office
from service.registry.keys import ALGORITHM, PublicKey, public_keys, signer_of
from service.snapshot.shelf import Shelf
from service.web.encode import canonical

#: What the certificate's JWS says it is.
JWS_TYPE = "rq-match+jws"
_MATCHED = ("accepted", "in_review", "no_information_found", "source_unreachable", *APPROVED)


@dataclass(frozen=True)
class Verified:
    """What a file that claims to be a certificate came to.

    ``valid``: the office signed exactly this. ``current``: it still says what the office's records say; ``None`` where
    there are none to compare with. ``reason`` says what is wrong, empty where nothing is.
    """

    valid: bool
    reason: str
    key_id: str
    key_retired: bool
    current: bool | None
    certificate: dict[str, Any] | None


def issue_certificate(
    office: Office, shelf: Shelf, caller: Caller, application_id: str, now: datetime, request_id: str
) -> dict[str, Any]:
    """The certificate of an application and its JWS; the issue is in the journal.

    ``RefusedInput`` (409) before the lender accepted and after an end without a loan (``not_matched``), for a lender
    without the firm's consent (``no_consent``: it would learn who the firm is), and without a signing key.
    """
    signer = signer_of(office)
    with office.write() as session:
        row = find_application(session, caller, application_id)
        need = session.get_one(Need, row.need_id)
        steps = steps_of(session, row.id)
        if row.stage not in _MATCHED:
            raise RefusedInput(
                "not_matched",
                "application_id",
                application_id,
                f"The application is {row.stage}: there is no match to certify.",
                "A certificate exists from the lender's acceptance on, as long as no end without a loan came.",
                status=409,
            )
        if seen_by(session, shelf, caller, row, need, now).uscc is None:
            rule, fix = "A certificate names the firm.", "Wait for the firm's consent."
            raise RefusedInput("no_consent", "application_id", application_id, rule, fix, status=409)
        record(session, case_event(caller, Action.READ_CERTIFICATE, row.firm, row.id, now, request_id))
        content = _content(shelf, row, need, steps)
    return {**content, "jws": signer.sealed(canonical(content), JWS_TYPE), "key_id": signer.key_id}


def _content(shelf: Shelf, row: Application, need: Need, steps: Sequence[ApplicationStep]) -> dict[str, Any]:
    said: dict[str, Any] = orjson.loads(canonical(certificate_answer(row, need, steps, firm_name(shelf, row.firm))))
    return {"certificate": said}


def verify_certificate(office: Office, shelf: Shelf, text: str, public_key: str = "") -> Verified:
    """Check a certificate's file: JSON as issued, or its JWS alone. ``public_key`` (hex) replaces the office's keys.

    ``RefusedInput`` for a text that is no certificate at all.
    """
    sealed, shown = _read(text)
    key_id = _key_id(sealed)
    with office.read() as session:
        keys = dict(public_keys(session))
        held = session.get(SigningKey, key_id)
        retired = held is not None and held.retired_at is not None
        key = PublicKey(ALGORITHM, _raw(public_key)) if public_key else keys.get(key_id)
        if key is None:
            return Verified(False, "signed with a key that is none of this office", key_id, False, None, None)
        payload = key.opens(sealed, JWS_TYPE)
        if payload is None:
            return Verified(False, "the signature does not fit", key_id, retired, None, None)
        content = orjson.loads(payload)
        said = content.get("certificate", {})
        if said.get("type") != TYPE:
            return Verified(False, "what is signed is no matching certificate", key_id, retired, None, None)
        if shown is not None and shown != said:
            return Verified(False, "what is shown is not what was signed", key_id, retired, None, said)
        return Verified(True, "", key_id, retired, _is_current(session, shelf, said), said)


def _is_current(session: Session, shelf: Shelf, said: dict[str, Any]) -> bool | None:
    row = session.get(Application, f"a_{str(said['id']).removeprefix('mc_')}")
    if row is None:
        return None
    need = session.get_one(Need, row.need_id)
    now = _content(shelf, row, need, steps_of(session, row.id))["certificate"]
    # The name of a firm may be written otherwise by now; the match is the same.
    return {**now, "firm": now["firm"]["uscc"]} == {**said, "firm": said["firm"]["uscc"]}


def _read(text: str) -> tuple[str, dict[str, Any] | None]:
    """The JWS of the file, and what the file shows beside it."""
    text = text.strip()
    if not text.startswith("{"):
        return text, None
    try:
        file = orjson.loads(text)
        sealed, shown = file["jws"], file["certificate"]
    except (ValueError, KeyError, TypeError):
        raise _no_certificate() from None
    if not isinstance(sealed, str) or not isinstance(shown, dict):
        raise _no_certificate()
    return sealed, shown


def _key_id(sealed: str) -> str:
    """The key a JWS names; nothing of it is believed before the signature was checked."""
    first = sealed.partition(".")[0]
    try:
        header = orjson.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
        return str(header["kid"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise _no_certificate() from None


def _raw(public_key: str) -> bytes:
    try:
        raw = bytes.fromhex(public_key)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        rule = "An Ed25519 key is 64 hex digits."
        raise RefusedInput("bad_key", "key", public_key, rule, "Copy it from `rongqiao model keys`.")
    return raw


def _no_certificate() -> RefusedInput:
    rule = "This is no matching certificate: it is a JSON object with `certificate` and `jws`, or the JWS alone."
    return RefusedInput("bad_certificate", "file", None, rule, "Give the file as it was issued.")
