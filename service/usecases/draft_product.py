"""A lender writes a product: drafted, changed while it is a draft, and submitted for somebody else to activate."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from models.errors import RefusedInput
from models.tables import ProductVersion
from service.access.auth import Action, Caller
from service.answers.product_versions import version_answer
from service.audit.journal import record
from service.cases.parties import actor_of, case_event, content_digest
from service.clock import day_of
from service.market.product_rows import checked_product, id_taken, version_row, versions_of, wrong_state
from service.market.published import rules_of
from service.office import Office


@dataclass(frozen=True)
class ProductWritten:
    """A product document in the form of ``seed/products`` and, optionally, its cases."""

    document: dict[str, Any]
    cases: dict[str, Any] | None = None

    @property
    def digest(self) -> str:
        """What names the content."""
        return content_digest({"document": self.document, "cases": self.cases})


def draft_product(
    office: Office, caller: Caller, written: ProductWritten, now: datetime, request_id: str
) -> dict[str, Any]:
    """Keep a new product, or a new version of one, as a draft; the same content sent twice is one draft."""
    product, untried = checked_product(rules_of(office, day_of(now)), caller, written.document, written.cases)
    try:
        with office.write() as session:
            versions = versions_of(session, product.id)
            if versions and versions[-1].lender != caller.tenant:
                raise id_taken(product.id)
            last = versions[-1] if versions else None
            if last is not None and last.content_sha256 == written.digest and last.state in ("draft", "submitted"):
                return version_answer(last, versions, day_of(now), untried)
            row = ProductVersion(
                id=f"v_{uuid.uuid4().hex}",
                product_id=product.id,
                version=last.version + 1 if last else 1,
                lender=caller.tenant,
                document=written.document,
                cases=written.cases,
                content_sha256=written.digest,
                revision=1,
                state="draft",
                author=actor_of(caller),
                drafted_at=now,
                submitted_by="",
                activated_by="",
                retired_by="",
            )
            session.add(row)
            session.flush()
            record(session, product_event(caller, Action.DRAFT_PRODUCT, row, now, request_id, "drafted"))
            return version_answer(row, [*versions, row], day_of(now), untried)
    except IntegrityError:
        rule = "Somebody drafted a version of this product at the same moment."
        raise RefusedInput("draft_clash", "id", product.id, rule, "Look at it, then send yours again.", 409) from None


def change_draft(
    office: Office,
    caller: Caller,
    product_id: str,
    version: int,
    revision: int,
    written: ProductWritten,
    now: datetime,
    request_id: str,
) -> dict[str, Any]:
    """Put other content into a draft. ``revision`` is the one that was read: 409 when somebody changed it since."""
    product, untried = checked_product(rules_of(office, day_of(now)), caller, written.document, written.cases)
    if product.id != product_id:
        raise RefusedInput(
            "other_product", "id", product.id, f"This is {product_id}.", "Draft it as a product of its own."
        )
    with office.write() as session:
        row = version_row(session, caller, product_id, version, lock=True)
        if row.state != "draft":
            raise wrong_state(row, "a draft")
        if row.revision != revision:
            rule = f"Somebody changed the draft since: its revision is {row.revision}."
            raise RefusedInput("changed_since", "revision", revision, rule, "Read it again.", status=409)
        if row.content_sha256 != written.digest:
            row.document, row.cases, row.content_sha256 = written.document, written.cases, written.digest
            row.revision, row.author, row.drafted_at = row.revision + 1, actor_of(caller), now
            record(session, product_event(caller, Action.DRAFT_PRODUCT, row, now, request_id, "changed"))
        return version_answer(row, versions_of(session, product_id), day_of(now), untried)


def submit_draft(
    office: Office, caller: Caller, product_id: str, version: int, now: datetime, request_id: str
) -> dict[str, Any]:
    """Close a draft for changes, so that what is activated is what was read; submitting twice changes nothing."""
    with office.write() as session:
        row = version_row(session, caller, product_id, version, lock=True)
        if row.state == "draft":
            row.state, row.submitted_by, row.submitted_at = "submitted", actor_of(caller), now
            record(session, product_event(caller, Action.DRAFT_PRODUCT, row, now, request_id, "submitted"))
        elif row.state != "submitted":
            raise wrong_state(row, "a draft")
        return version_answer(row, versions_of(session, product_id), day_of(now))


def product_event(caller: Caller, action: Action, row: ProductVersion, now: datetime, request_id: str, did: str) -> Any:
    """The journal's entry of a change to a product version."""
    detail = {"did": did, "product": row.product_id, "version": row.version, "content_sha256": row.content_sha256}
    return case_event(caller, action, "", row.id, now, request_id, detail)
