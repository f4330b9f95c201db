"""Receipts: what an answer rested on, kept so that it can be given again, byte for byte.

A receipt names the firm's facts (a row, by their digest) and the rules (a folder, by the digest of its files). Both are
written once and never changed; anyone can recompute the digests.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.errors import NotFound
from models.kinds import Scalar
from models.tables import FactSet, Receipt
from service.access.auth import Role
from service.access.disclosure import Consent, Viewer
from service.answers.options import Asked
from service.books.rule_set import RuleSet
from service.office import Office
from service.records.lake import sync_folder
from service.web.encode import encode

KIND = "options"
_MANIFEST = "manifest.json"
_KNOWN = select(Receipt.id).where(Receipt.id == bindparam("wanted"))


@cache
def product_version() -> str:
    """The version of the product that answers."""
    return version("rongqiao")


def facts_text(facts: Mapping[str, Scalar]) -> str:
    """Canonical JSON of facts: sorted; amounts as ``{"yuan": "1.00"}``, days as ``{"date": "2024-10-31"}``."""
    marked = {name: _marked(value) for name, value in facts.items()}
    return orjson.dumps(marked, option=orjson.OPT_SORT_KEYS).decode()


def _marked(value: Scalar) -> object:
    if isinstance(value, Decimal):
        return {"yuan": format(value, "f")}
    return {"date": value.isoformat()} if isinstance(value, date) else value


def read_facts(text: str) -> dict[str, Scalar]:
    """The facts of a :func:`facts_text`."""
    return {name: _unmarked(value) for name, value in orjson.loads(text).items()}


def _unmarked(value: Any) -> Scalar:
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]
    return Decimal(value["yuan"]) if "yuan" in value else date.fromisoformat(value["date"])


def digest(text: str | bytes) -> str:
    """SHA-256 in hex."""
    return sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def receipt_id(receipt: Receipt) -> str:
    """The id that belongs to what a receipt says. The moment of the answer has no part in it: asking again gives the
    same receipt.
    """
    parts = [receipt.kind, receipt.subject, receipt.as_of, receipt.snapshot_id, receipt.rules_digest]
    parts += [receipt.question, receipt.product_version, receipt.facts_sha256, receipt.answer_sha256]
    return "r_" + digest(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS))[:32]


def receipt_of(asked: Asked, answer: bytes, rules_digest: str, now: datetime) -> Receipt:
    """The receipt of ``answer``, encoded and without its ``receipt_id``."""
    made = Receipt(
        kind=KIND,
        subject=asked.uscc,
        snapshot_id=asked.snapshot_id,
        rules_digest=rules_digest,
        question=question_of(asked),
        answer_sha256=digest(answer),
        answered_at=now,
        as_of=asked.as_of,
        product_version=product_version(),
        facts_sha256=digest(facts_text(asked.facts)),
    )
    made.id = receipt_id(made)
    return made


def question_of(asked: Asked) -> dict[str, Any]:
    """What the receipt keeps of the question; ``contested``, ``platform`` and ``consent`` only where there was any."""
    viewer = asked.viewer
    question: dict[str, Any] = {"need": dict(asked.need), "viewer": viewer.role.value, "models": dict(asked.models)}
    beside: dict[str, Any] = {"contested": list(asked.contested), "platform": list(asked.platform)}
    if viewer.consent is not None:
        scope = viewer.consent
        beside["consent"] = {"dimensions": sorted(scope.dimensions), "personal": scope.personal}
    return question | {name: told for name, told in beside.items() if told}


def asked_again(receipt: Receipt, facts: Mapping[str, Scalar]) -> Asked:
    """The question of a receipt with the facts it names."""
    assert receipt.as_of is not None
    question = receipt.question
    return Asked(
        receipt.subject,
        receipt.as_of,
        receipt.snapshot_id,
        question["need"],
        viewer_of(question),
        facts,
        question.get("contested", ()),
        question.get("platform", ()),
        question.get("models", {}),
    )


def viewer_of(question: Mapping[str, Any]) -> Viewer:
    """For whom the answer to a kept question was made."""
    scope = question.get("consent")
    consent = Consent(frozenset(scope["dimensions"]), scope["personal"]) if scope else None
    return Viewer(Role(question["viewer"]), consent)


def add_receipt(session: Session, receipt: Receipt, asked: Asked) -> bool:
    """Add receipt and facts to a write transaction; false when the same receipt is there already."""
    if session.get(Receipt, receipt.id) is not None:
        return False
    if session.get(FactSet, receipt.facts_sha256) is None:
        session.add(FactSet(sha256=receipt.facts_sha256, body=facts_text(asked.facts)))
    session.add(receipt)
    return True


def has_receipt(office: Office, wanted: str) -> bool:
    """Whether a receipt is kept under this id."""
    with office.read() as session:
        return session.connection().execute(_KNOWN, {"wanted": wanted}).first() is not None


def find_receipt(office: Office, wanted: str) -> tuple[Receipt, str]:
    """A receipt and the text of its facts (empty when none are kept); ``NotFound`` for an id that is none."""
    with office.read() as session:
        receipt = session.get(Receipt, wanted)
        facts = session.get(FactSet, receipt.facts_sha256) if receipt else None
    if receipt is None:
        raise unknown_receipt(wanted)
    return receipt, facts.body if facts else ""


def unknown_receipt(wanted: str) -> NotFound:
    """The one answer for a receipt that is not there and one the caller may not see."""
    return NotFound(
        "receipt", wanted, "There is no such receipt for you.", "Use the receipt_id of an answer.", "unknown_receipt"
    )


def rules_folder(home: Path, rules_digest: str) -> Path:
    """Where the rule set with this digest is kept."""
    return home / "rulesets" / rules_digest


def keep_rule_set(office: Office, files: RuleSet) -> Path:
    """Keep a copy of every rule file under its digest: written whole or not at all, flushed, never changed."""
    folder = rules_folder(office.home, files.digest)
    if folder.exists():
        return folder
    unfinished = office.work / f"rules-{secrets.token_hex(8)}"
    manifest = encode({"digest": files.digest, "files": files.file_digests()}, indent=True)
    for name, body in {**files.files, _MANIFEST: manifest}.items():
        path = unfinished / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
    for place in (unfinished, *(path for path in unfinished.rglob("*") if path.is_dir())):
        sync_folder(place)
    folder.parent.mkdir(exist_ok=True)
    try:
        unfinished.rename(folder)
    except OSError:
        shutil.rmtree(unfinished)
        if not folder.exists():
            raise
    sync_folder(folder.parent)
    return folder


def changed_file(folder: Path, files: RuleSet) -> str:
    """The first rule file that is not what the manifest of ``folder`` says; the manifest when it is of no use."""
    try:
        kept = orjson.loads((folder / _MANIFEST).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return _MANIFEST
    found = files.file_digests()
    return next((name for name in sorted({*kept, *found}) if kept.get(name) != found.get(name)), _MANIFEST)
