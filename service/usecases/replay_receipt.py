"""Answers an old question again from its receipt, and says of every part whether it still is what it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from models.errors import DataFileError, NotFound, RefusedInput
from models.tables import Receipt, Snapshot
from service.access.scope import Scope
from service.answers.options import Asked, options_answer
from service.books.receipts import (
    asked_again,
    changed_file,
    digest,
    find_receipt,
    product_version,
    read_facts,
    receipt_id,
    rules_folder,
)
from service.books.rule_set import RuleSet, read_rule_set
from service.books.rulebook import Rules
from service.clock import today
from service.delta.delta import split_id
from service.market.published import rules_of
from service.office import Office
from service.snapshot.shelf import Shelf
from service.usecases.list_options import firm_facts
from service.web.encode import encode


@dataclass(frozen=True)
class Check:
    """One part of a receipt: ``holds`` or not, and what was found. ``part`` names a file where one is at fault."""

    part: str
    holds: bool
    said: str


@dataclass(frozen=True)
class Replayed:
    """``answer`` is the answer given again, with its receipt id; ``None`` where the stored inputs cannot be trusted.

    ``rules_changed_since``: rule files that differ today. They have no part in the answer.
    """

    receipt: Receipt
    answer: dict[str, Any] | None
    checks: tuple[Check, ...]
    rules_changed_since: tuple[str, ...]

    @property
    def broken(self) -> Check | None:
        """The first part that is not what it was; ``None`` when the answer is given again and nothing is in doubt."""
        return next((check for check in self.checks if not check.holds), None)


def replay_receipt(office: Office, wanted: str) -> Replayed:
    """The answer of receipt ``wanted`` again, from the stored facts and the stored rules; ``NotFound`` without one."""
    receipt, facts_body = find_receipt(office, wanted)
    checks = [_receipt_check(receipt), _facts_check(receipt, facts_body)]
    # A receipt that is not what its id stands for names no folder worth reading.
    kept = read_rule_set(rules_folder(office.home, receipt.rules_digest)) if checks[0].holds else RuleSet({})
    checks.append(_rules_check(office, receipt, kept))
    if not all(check.holds for check in checks):
        return Replayed(receipt, None, tuple(checks), ())
    asked = asked_again(receipt, read_facts(facts_body))
    try:
        answer = options_answer(asked, Rules(kept))
    except (DataFileError, RefusedInput) as problem:
        said = f"version {product_version()} cannot read the rules of version {receipt.product_version}: {problem}"
        return Replayed(receipt, None, (*checks, Check("product", False, said)), ())
    checks += [_answer_check(receipt, answer), _snapshot_check(office, receipt, asked, Rules(kept))]
    return Replayed(receipt, {**answer, "receipt_id": receipt.id}, tuple(checks), _changed_since(office, receipt, kept))


def _receipt_check(receipt: Receipt) -> Check:
    if not receipt.facts_sha256 or receipt.as_of is None:
        return Check("receipt", False, "it was written before facts and rules were kept, and cannot be replayed")
    holds = receipt_id(receipt) == receipt.id
    return Check("receipt", holds, "its parts give its id" if holds else "what it says is not what its id stands for")


def _facts_check(receipt: Receipt, body: str) -> Check:
    if not body:
        return Check("facts", False, "the facts it names are not kept")
    holds = digest(body) == receipt.facts_sha256
    return Check("facts", holds, "as they were" if holds else "they were changed after the answer")


def _rules_check(office: Office, receipt: Receipt, kept: RuleSet) -> Check:
    folder = rules_folder(office.home, receipt.rules_digest)
    if not kept.files:
        return Check("rules", False, f"the rule set {receipt.rules_digest} is not kept")
    if kept.digest == receipt.rules_digest:
        return Check("rules", True, "as they were")
    return Check(f"rules/{changed_file(folder, kept)}", False, "this kept rule file was changed, added or removed")


def _answer_check(receipt: Receipt, answer: dict[str, Any]) -> Check:
    if digest(encode(answer)) == receipt.answer_sha256:
        return Check("answer", True, "the same bytes")
    now = product_version()
    if now == receipt.product_version:
        return Check("answer", False, "the same inputs give other bytes")
    return Check("answer", False, f"it was made by version {receipt.product_version}; version {now} gives other bytes")


def _snapshot_check(office: Office, receipt: Receipt, asked: Asked, rules: Rules) -> Check:
    """Whether the snapshot, where it is still there, gives the facts that were kept: those its viewer might know."""
    built, through = split_id(receipt.snapshot_id)
    with office.read() as session:
        row = session.execute(select(Snapshot.id).where(Snapshot.id == built)).one_or_none()
    if row is None or not (office.snapshots / built).exists():
        return Check("snapshot", True, "no longer here; the kept facts were used")
    try:
        snapshot = Shelf(office).by_id(receipt.snapshot_id)
    except NotFound as problem:
        if not through:
            return Check("snapshot", False, f"it cannot be read: {problem}")
        return Check("snapshot", True, "what had arrived cannot be laid over it again; the kept facts were used")
    except (RefusedInput, OSError, ValueError, KeyError) as problem:
        return Check("snapshot", False, f"it cannot be read: {problem}")
    try:
        found = Scope(asked.viewer, rules).known(firm_facts(snapshot, snapshot.row_of(receipt.subject)))
    except (RefusedInput, OSError, ValueError, KeyError) as problem:
        return Check("snapshot", False, f"it cannot be read: {problem}")
    wrong = sorted(name for name in {*found, *asked.facts} if found.get(name) != asked.facts.get(name))
    if wrong:
        return Check(f"snapshot/{wrong[0]}", False, f"{len(wrong)} of its facts are not the ones that were used")
    return Check("snapshot", True, "gives the same facts")


def _changed_since(office: Office, receipt: Receipt, kept: RuleSet) -> tuple[str, ...]:
    current = rules_of(office, today()).files
    if receipt.rules_digest == current.digest:
        return ()
    old, new = kept.file_digests(), current.file_digests()
    return tuple(name for name in sorted({*old, *new}) if old.get(name) != new.get(name))
