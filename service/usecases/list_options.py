"""Every product and scheme for one firm and one need, with reasons and cost, and the receipt of the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from matching.needs import read_need
from matching.option import Option, Status
from matching.options import options
from models.kinds import Scalar
from models.tables import Receipt
from service.answers.rules import option_answer, plain
from service.auth import Role
from service.disclosure import Shown, disclose
from service.encode import encode
from service.office import Office
from service.rulebook import facts, offers, parameters, rules_digest
from service.seedbook import catalogue
from service.snapshots import OpenSnapshot


def list_options(
    office: Office, snapshot: OpenSnapshot, uscc: str, need: Mapping[str, object], viewer: Role, now: datetime
) -> dict[str, Any]:
    """The options as of the snapshot's day, best first.

    ``need``: ``amount_yuan``, ``term_months``, ``purpose``, ``security``, ``contract_on`` as the caller wrote them;
    what is left out is filled in from each product's usual case, and the option says so. The same question about the
    same snapshot under the same rules has the same receipt.
    """
    stated = read_need(need, facts())
    row = snapshot.row_of(uscc)
    found = options(firm_facts(snapshot, row), stated, offers(), parameters(), snapshot.as_of)
    listed = [_answer(option, viewer) for option in found]
    counts = Counter(option.status for option in found)
    answer = {
        "uscc": uscc,
        "name": snapshot.value("firm_name", row),
        "as_of": snapshot.as_of,
        "snapshot_id": snapshot.id,
        "need": {name.removeprefix("need_"): plain(value) for name, value in stated.facts().items()},
        "counts": {status.value: counts[status] for status in Status},
        "options": listed,
    }
    return {**answer, "receipt_id": _receipt(office, answer, need, viewer, now)}


def firm_facts(snapshot: OpenSnapshot, row: int) -> dict[str, Scalar | None]:
    """Every fact of one firm by id: items, derived facts and the evaluation's; ``None`` is unknown."""
    items: dict[str, Scalar | None] = {name: reading.value for name, reading in snapshot.readings(row).items()}
    return items | snapshot.facts(row)


def _answer(option: Option, viewer: Role) -> dict[str, Any]:
    book = offers()
    product = book.products.get(option.id)
    name = product.name if product else book.schemes[option.id].name
    answer = option_answer(option, name, product.lender.id if product else None, book.schemes.values())
    for finding in answer["findings"]:
        item = catalogue().items.get(finding["fact"])
        if item is not None and disclose(viewer, None, item) is not Shown.FULL:
            finding["actual"] = None
            finding["masked"] = True
    return answer


def _receipt(office: Office, answer: Mapping[str, Any], need: Mapping[str, object], viewer: Role, now: datetime) -> str:
    """Keep what makes the answer replayable; its id is a digest, so the same answer is kept once."""
    question = {"need": {name: value for name, value in need.items() if value is not None}, "viewer": viewer.value}
    digest = sha256(encode(answer)).hexdigest()
    named = encode([answer["uscc"], answer["snapshot_id"], rules_digest(), question, digest])
    receipt_id = "r_" + sha256(named).hexdigest()[:32]
    with office.read() as session:
        if session.get(Receipt, receipt_id) is not None:
            return receipt_id
    with office.write() as session:
        session.merge(
            Receipt(
                id=receipt_id,
                kind="options",
                subject=answer["uscc"],
                snapshot_id=answer["snapshot_id"],
                rules_digest=rules_digest(),
                question=question,
                answer_sha256=digest,
                answered_at=now,
            )
        )
    return receipt_id
