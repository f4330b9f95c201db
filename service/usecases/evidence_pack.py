"""The evidence pack of one receipt: inputs, rules, sources, steps, answer and hashes, signed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from models.errors import RefusedInput
from models.tables import Receipt
from service.access.auth import Role
from service.access.disclosure import Shown, Viewer
from service.books.evidence import first_fault, seal
from service.books.receipts import find_receipt, rules_folder
from service.books.rule_set import RuleSet, read_rule_set
from service.books.rulebook import Rules
from service.office import Office
from service.registry.keys import first_signer, public_keys
from service.usecases.replay_receipt import replay_receipt


def evidence_pack(office: Office, wanted: str, viewer: Role, now: datetime) -> dict[str, Any]:
    """The pack of receipt ``wanted`` for ``viewer``: the firm itself, or staff.

    Values staff may not see are masked among the inputs; an answer that was given to the firm itself holds such values
    and is refused to staff (403). ``NotFound`` without such a receipt; ``RefusedInput`` (409, ``not_replayable``) when
    a part of it is not what it was.
    """
    receipt, facts = find_receipt(office, wanted)
    if receipt.question["viewer"] == Role.FIRM and viewer is not Role.FIRM:
        raise RefusedInput(
            "given_to_the_firm",
            "receipt",
            wanted,
            "This answer was given to the firm itself and shows values that staff do not see.",
            "The firm can fetch the pack and hand it over.",
            status=403,
        )
    replayed = replay_receipt(office, wanted)
    if replayed.broken or replayed.answer is None:
        broken = replayed.broken
        raise RefusedInput(
            "not_replayable",
            broken.part if broken else "answer",
            wanted,
            f"A part of this receipt is not what it was: {broken.said if broken else 'no answer'}.",
            "Restore the folder from a backup.",
            status=409,
        )
    files = read_rule_set(rules_folder(office.home, receipt.rules_digest))
    parts = {
        "receipt": receipt_answer(receipt),
        "inputs": {"facts": _shown(orjson.loads(facts), Viewer(viewer), Rules(files))},
        "rules": {"digest": receipt.rules_digest, "files": _files(files)},
        "answer": replayed.answer,
    }
    return seal(parts, first_signer(office, now))


def check_evidence(office: Office, pack: Any) -> str:
    """The first part of ``pack`` that does not match, or that this office did not sign; empty when all does."""
    with office.read() as session:
        return first_fault(pack, public_keys(session))


def receipt_answer(receipt: Receipt) -> dict[str, Any]:
    """A receipt as an answer."""
    return {
        "id": receipt.id,
        "kind": receipt.kind,
        "subject": receipt.subject,
        "question": receipt.question,
        "as_of": receipt.as_of,
        "snapshot_id": receipt.snapshot_id,
        "rules_digest": receipt.rules_digest,
        "product_version": receipt.product_version,
        "facts_sha256": receipt.facts_sha256,
        "answer_sha256": receipt.answer_sha256,
        "answered_at": receipt.answered_at,
    }


def _shown(facts: dict[str, Any], viewer: Viewer, rules: Rules) -> dict[str, Any]:
    items = rules.catalogue.items
    hidden = {name for name in facts if name in items and viewer.shown(items[name]) is not Shown.FULL}
    return {name: {"masked": True} if name in hidden else value for name, value in facts.items()}


def _files(files: RuleSet) -> list[dict[str, str]]:
    digests = files.file_digests()
    return [{"path": name, "sha256": digests[name], "text": body.decode()} for name, body in files.files.items()]
