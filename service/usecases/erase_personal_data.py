"""Deletes what a person may claim to have deleted, and says what stays and why."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from models.tables import Client, Consent, Erasure, FactSet, KeptAnswer, Person, Receipt
from scoring.feeds import Share
from service.access.auth import Action
from service.audit.journal import record
from service.audit.told import told
from service.books.seedbook import feeds
from service.clock import day_of
from service.integration.changes import Kind, publish
from service.office import Office
from service.personal.about import is_sole_proprietor
from service.personal.records import outlived, remove_records
from service.personal.rules import retention_rules
from service.records.firm_records import revisions_of
from service.usecases.build_snapshot import only_build


def erase_personal_data(office: Office, uscc: str, asked_by: str, now: datetime) -> dict[str, Any]:
    """Delete for the firm, and answer with counts, and with what stays.

    Goes: consents that cover persons (of a sole proprietor: every consent) are withdrawn; what the firm said of itself;
    its facts behind old answers; answers it could ask for again; and, of a sole proprietor, adverse records whose five
    years are over. Profiles follow with the next build. Asked again it finds less, or nothing.
    """
    sole, rules = is_sole_proprietor(office, uscc), retention_rules()
    removed = {"self_reported": 0, "outlived": 0}
    with only_build(office):
        for feed in (each for each in feeds().values() if each.share is Share.SELF_REPORTED):
            ids = {each.record_id for every in revisions_of(office, feed, [uscc]).values() for each in every}
            removed["self_reported"] += remove_records(office, feed, ids, "erasure", now) if ids else 0
        if sole:
            until = day_of(rules.rules["personal_records"].over(now))
            for name, ids in outlived(office, [uscc], until).items():
                removed["outlived"] += remove_records(office, feeds()[name], ids, "erasure", now)
    with office.write() as session:
        removed["consents"] = _withdraw(session, uscc, bool(sole), asked_by, now)
        removed["facts"] = _forget_facts(session, uscc)
        removed["kept_answers"] = _forget_answers(session, uscc)
        report = {"removed": removed, "stays": [vars(each) for each in rules.stays], "backups": rules.backups}
        row = Erasure(
            id="e_" + sha256(f"{uscc}|{asked_by}|{now.isoformat()}".encode()).hexdigest()[:24],
            firm=uscc,
            at=now,
            asked_by=asked_by,
            report=report,
        )
        session.merge(row)
        record(session, told(Action.ERASE_PERSONAL_DATA, now, uscc, row.id, detail=removed))
    return {"id": row.id, "uscc": uscc, "at": now, "sole_proprietor": sole, **report}


def _withdraw(session: Session, uscc: str, every: bool, by: str, now: datetime) -> int:
    """End the firm's consents that are in force or will be; each is told as if it had been revoked by itself."""
    live = [Consent.firm == uscc, Consent.revoked_at.is_(None), Consent.valid_until >= day_of(now)]
    if not every:
        live.append(Consent.personal.is_(True))
    rows = session.scalars(select(Consent).where(*live)).all()
    for row in rows:
        row.revoked_at, row.revoked_by = now, by
        for tenant in (row.firm, row.lender):
            publish(session, tenant, Kind.CONSENT_REVOKED, row.id, now)
        record(session, told(Action.REVOKE_CONSENT, now, uscc, row.id, detail={"lender": row.lender}))
    return len(rows)


def _forget_facts(session: Session, uscc: str) -> int:
    """Facts that only answers about this firm rest on; the receipts stay and say that their facts are gone."""
    own = select(Receipt.facts_sha256).where(Receipt.subject == uscc)
    others = select(Receipt.facts_sha256).where(Receipt.subject != uscc)
    gone = delete(FactSet).where(FactSet.sha256.in_(own), FactSet.sha256.not_in(others))
    return int(session.execute(gone).rowcount)  # type: ignore[attr-defined]


def _forget_answers(session: Session, uscc: str) -> int:
    clients = session.scalars(select(Client.id).where(Client.tenant == uscc))
    people = session.scalars(select(Person.id).where(Person.tenant == uscc))
    askers = [f"client {each}" for each in clients] + [f"person {each}" for each in people]
    if not askers:
        return 0
    gone = delete(KeptAnswer).where(or_(*(KeptAnswer.asker == asker for asker in askers)))
    return int(session.execute(gone).rowcount)  # type: ignore[attr-defined]
