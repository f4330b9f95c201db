"""Every product and scheme for one firm and one need, with reasons and cost, and the receipt of the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import orjson

from models.kinds import Scalar
from models.tables import Receipt
from service.access.auth import Role
from service.access.disclosure import Consent
from service.answers.options import Asked, options_answer
from service.answers.scored_by import scored_by
from service.books.receipts import add_receipt, keep_rule_set, receipt_of
from service.books.rulebook import Rules
from service.cases.marks import Mark, marks_answer, standing_marks
from service.clock import day_of
from service.market.published import rules_of
from service.needs.platform_facts import platform_facts
from service.office import Office
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.count_usage import Usage, add_usage
from service.web.encode import encode


def list_options(
    office: Office,
    snapshot: OpenSnapshot,
    uscc: str,
    need: Mapping[str, object],
    viewer: Role,
    now: datetime,
    consent: Consent | None = None,
    marks: Sequence[Mark] = (),
    until: date | None = None,
) -> dict[str, Any]:
    """The options as of the snapshot's day, best first.

    A loan drawn through the platform up to ``until`` (default: the snapshot's day) counts before any feed tells of it.

    ``need``: ``amount_yuan``, ``term_months``, ``purpose``, ``security``, ``contract_on``, ``enjoyed`` as the caller
    wrote them; what is left out of a loan is filled in from each product's usual case, and the option says so. The same
    question about the same snapshot under the same rules has the same receipt. The receipt keeps all that is needed to
    answer again, the objections that stood (``marks``) included.
    """
    stated = {name: value for name, value in need.items() if value is not None}
    row = snapshot.row_of(uscc)
    facts, used = firm_facts(snapshot, row), rules_of(office, day_of(now))
    standing = standing_marks(marks, snapshot.known_by)
    contested = orjson.loads(encode(marks_answer(standing, viewer, consent, used.catalogue.items)))
    with office.read() as session:
        told = platform_facts(session, uscc, until or snapshot.as_of, facts)
    asked = Asked(uscc, snapshot.as_of, snapshot.id, stated, viewer, facts, contested, told, scored_by(snapshot, row))
    answer = options_answer(asked, used)
    receipt = receipt_of(asked, answer, used.files.digest, now)
    _keep(office, receipt, asked, answer, used)
    return {**answer, "receipt_id": receipt.id}


def firm_facts(snapshot: OpenSnapshot, row: int) -> dict[str, Scalar]:
    """Every known fact of one firm by id: items, derived facts and the evaluation's. What is absent is unknown."""
    items = {name: reading.value for name, reading in snapshot.readings(row).items()}
    return {name: value for name, value in (items | snapshot.facts(row)).items() if value is not None}


def _keep(office: Office, receipt: Receipt, asked: Asked, answer: Mapping[str, Any], used: Rules) -> None:
    with office.read() as session:
        if session.get(Receipt, receipt.id) is not None:
            return
    keep_rule_set(office, used.files)
    day = day_of(receipt.answered_at)
    eligible = [each["id"] for each in answer["options"] if each["status"] == "eligible"]
    with office.write() as session:
        if add_receipt(session, receipt, asked):
            add_usage(session, day, Usage.MATCHED, [each for each in eligible if each in used.offers.schemes])
