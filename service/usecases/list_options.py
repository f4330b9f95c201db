"""Every product and scheme for one firm and one need, with reasons and cost, and the receipt of the answer."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

from models.kinds import Scalar
from models.tables import Receipt
from service.access.disclosure import Viewer
from service.access.scope import Scope
from service.answers.kept import Kept, KeptAnswers
from service.answers.options import Asked, options_answer
from service.answers.scored_by import scored_by
from service.books.receipts import add_receipt, has_receipt, keep_rule_set, receipt_of
from service.books.rulebook import Rules
from service.cases.marks import Mark, marks_answer, standing_marks
from service.clock import day_of
from service.needs.platform_facts import facts_since, untold
from service.office import Office
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.count_usage import Usage, add_usage
from service.usecases.rests_on import RestsOn, rests_on
from service.web.encode import canonical, encode


def list_options(
    office: Office,
    snapshot: OpenSnapshot,
    uscc: str,
    need: Mapping[str, object],
    viewer: Viewer,
    now: datetime,
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
    question = _question(office, snapshot, uscc, need, viewer, now, marks, until)
    answer, _, receipt_id = _answered(office, snapshot, question, now)
    return {**answer, "receipt_id": receipt_id}


def encoded_options(
    kept: KeptAnswers,
    office: Office,
    snapshot: OpenSnapshot,
    uscc: str,
    need: Mapping[str, object],
    viewer: Viewer,
    now: datetime,
    marks: Sequence[Mark] = (),
    until: date | None = None,
) -> bytes:
    """:func:`list_options` as JSON, which is kept to be given again (:func:`kept_options`)."""
    question = _question(office, snapshot, uscc, need, viewer, now, marks, until)
    _, body, receipt_id = _answered(office, snapshot, question, now)
    body = body[:-1] + b',"receipt_id":' + encode(receipt_id) + b"}"
    kept.keep(snapshot, question.key, Kept(body, receipt_id), uscc)
    return body


def kept_options(
    kept: KeptAnswers,
    rest: RestsOn,
    snapshot: OpenSnapshot,
    uscc: str,
    need: Mapping[str, object],
    viewer: Viewer,
    marks: Sequence[Mark] = (),
    until: date | None = None,
) -> bytes | None:
    """What was answered before from the same; ``None`` where nothing was, or its receipt is not known to be there.

    ``rest`` is looked up at each answer, with the receipts of ``kept`` about this firm.
    """
    found = kept.find(snapshot, _asked(rest, snapshot, uscc, need, viewer, marks, until).key)
    return found.body if found is not None and found.receipt_id in rest.receipts else None


@dataclass(frozen=True)
class _Question:
    """Everything beside the snapshot that an answer follows from: ``told`` are loans drawn through the platform."""

    uscc: str
    stated: Mapping[str, object]
    viewer: Viewer
    marks: tuple[Mark, ...]
    told: Sequence[Mapping[str, Any]]
    used: Rules

    @property
    def key(self) -> Hashable:
        return self.uscc, canonical([self.stated, self.told]), self.viewer, self.marks, self.used.files.digest


def _question(
    office: Office,
    snapshot: OpenSnapshot,
    uscc: str,
    need: Mapping[str, object],
    viewer: Viewer,
    now: datetime,
    marks: Sequence[Mark],
    until: date | None,
) -> _Question:
    with office.read() as session:
        rest = rests_on(session, office, uscc, day_of(now))
    return _asked(rest, snapshot, uscc, need, viewer, marks, until)


def _asked(
    rest: RestsOn,
    snapshot: OpenSnapshot,
    uscc: str,
    need: Mapping[str, object],
    viewer: Viewer,
    marks: Sequence[Mark],
    until: date | None,
) -> _Question:
    stated = {name: value for name, value in need.items() if value is not None}
    told = facts_since(rest.since, until or snapshot.as_of, {})
    return _Question(uscc, stated, viewer, tuple(standing_marks(marks, snapshot.known_by)), told, rest.used)


def _answered(
    office: Office, snapshot: OpenSnapshot, question: _Question, now: datetime
) -> tuple[dict[str, Any], bytes, str]:
    """The answer, its JSON and the id of its receipt, which is kept then."""
    used, viewer, uscc = question.used, question.viewer, question.uscc
    row = snapshot.row_of(uscc)
    # The receipt keeps no more than the answer rests on, so that its id tells nothing of the rest either.
    scope = Scope(viewer, used)
    facts = scope.known(firm_facts(snapshot, row))
    standing = [mark for mark in question.marks if scope.knows(mark.item)]
    contested = orjson.loads(encode(marks_answer(standing, viewer, used.catalogue.items)))
    told = [each for each in untold(question.told, facts) if scope.knows(each["fact"])]
    models = scored_by(snapshot, row)
    asked = Asked(uscc, snapshot.as_of, snapshot.id, question.stated, viewer, facts, contested, told, models)
    answer = options_answer(asked, used)
    body = encode(answer)
    receipt = receipt_of(asked, body, used.files.digest, now)
    _keep(office, receipt, asked, answer, used)
    return answer, body, receipt.id


def firm_facts(snapshot: OpenSnapshot, row: int) -> dict[str, Scalar]:
    """Every known fact of one firm by id: items, derived facts and the evaluation's. What is absent is unknown."""
    items = {name: reading.value for name, reading in snapshot.readings(row).items()}
    return {name: value for name, value in (items | snapshot.facts(row)).items() if value is not None}


def _keep(office: Office, receipt: Receipt, asked: Asked, answer: Mapping[str, Any], used: Rules) -> None:
    if has_receipt(office, receipt.id):
        return
    keep_rule_set(office, used.files)
    day = day_of(receipt.answered_at)
    eligible = [each["id"] for each in answer["options"] if each["status"] == "eligible"]
    with office.write() as session:
        if add_receipt(session, receipt, asked):
            add_usage(session, day, Usage.MATCHED, [each for each in eligible if each in used.offers.schemes])
