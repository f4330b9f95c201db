"""Exports as jobs: the rows are read for whoever asked, written as files, and named by a manifest. Run again, it begins
anew: what an attempt that was cut off left is removed.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from models.tables import Export
from service.access.auth import Action, check_may
from service.audit.journal import record
from service.cases.parties import case_event
from service.integration.export_files import Row, write_files
from service.integration.export_rows import Question, export_terms, kind_of, rows_of
from service.jobs.kinds import JobKind, add_kind
from service.jobs.work import Work
from service.office import Office
from service.snapshot.shelf import Shelf
from service.usecases.ask_export import JOB, READY, folder_of, remove_files, stored_caller
from service.web.encode import encode


def run_export(office: Office, work: Work) -> Mapping[str, Any]:
    """Make the files; the job's result is the manifest."""
    now, export_id = work.now(), str(work.arguments["export"])
    _sweep(office, now)
    with office.read() as session:
        row = session.get_one(Export, export_id)
        caller = stored_caller(session, row.caller)
    if row.state == READY:
        return dict(row.manifest)
    kind = kind_of(row.kind, row.parameters)
    check_may(caller, kind.action)
    work.tell("reading")
    question = Question(Shelf(office), caller, row.purpose, row.parameters, now)
    rows = rows_of(kind, question, lambda count: work.tell("reading", count))
    work.tell("writing", 0, len(rows))
    said = (row.id, row.tenant or "office", row.asked_by, now.isoformat(timespec="seconds"), row.purpose)
    mark = " ".join((*said, "synthetic") if office.is_sandbox else said)
    unfinished, folder = office.work / f"export-{row.id}-{work.lease.fence}", folder_of(office, row.id)
    unfinished.mkdir(parents=True)
    try:
        manifest = _manifest(row, mark, now) | {"files": write_files(unfinished, row.kind, rows, mark)}
        (unfinished / "manifest.json").write_bytes(encode(manifest, indent=True))
        with work.step() as session:
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(exist_ok=True)
            unfinished.rename(folder)
            kept = session.get_one(Export, export_id, with_for_update=True)
            kept.state, kept.manifest, kept.grounds = READY, manifest, _grounds(rows, bool(caller.is_lender))
            kept.expires_at = now + timedelta(days=export_terms().days_kept)
            detail = {"rows": len(rows), "sha256": {name: each["sha256"] for name, each in manifest["files"].items()}}
            record(session, case_event(caller, Action.ASK_EXPORT, "", row.id, now, "", detail))
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return manifest


def _manifest(row: Export, mark: str, now: datetime) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "parameters": row.parameters,
        "made_at": now.isoformat(timespec="seconds"),
        "made_for": row.asked_by,
        "tenant": row.tenant,
        "purpose": row.purpose,
        "mark": mark,
    }


def _grounds(rows: Sequence[Row], is_lender: bool) -> dict[str, list[str]]:
    """What the rows rest on: consents they name; codes a lender sees without one it sees since it may make contact."""
    if not is_lender:
        return {"consents": [], "contacts": []}
    consents = {str(row["consent_id"]) for row in rows if row.get("consent_id")}
    contacts = {str(row["uscc"]) for row in rows if row.get("uscc") and not row.get("consent_id")}
    return {"consents": sorted(consents), "contacts": sorted(contacts)}


def _sweep(office: Office, now: datetime) -> None:
    """Delete the files of exports that have expired."""
    with office.read() as session:
        over = list(session.scalars(select(Export.id).where(Export.state == READY, Export.expires_at <= now)))
    for export_id in over:
        remove_files(office, export_id)


add_kind(JobKind(JOB, run_export))
