"""Removes what has had its time by the rules of ``seed/retention.yaml``, and keeps a report of it."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from models.tables import RetentionRun
from service.audit.journal import record
from service.audit.told import told
from service.office import Office
from service.personal.records import remove_replaced
from service.personal.rules import Rule, retention_rules
from service.personal.sweeps import IN_DATABASE, empty_quarantine, remove_outlived, remove_rebuilt
from service.usecases.build_snapshot import only_build


def run_retention(office: Office, now: datetime, actor: str, dry_run: bool = False) -> dict[str, Any]:
    """Apply every rule as of ``now``; the report counts by rule and names nothing that was removed.

    ``dry_run`` counts and removes nothing. Files go first, one transaction each; then the rows, the report and the
    journal's entry in one. Run again after a crash it finishes what is left. It waits for a build that runs.
    """
    rules = retention_rules()
    over = {rule.id: rule.over(now) for rule in rules.rules.values()}
    removed = {"quarantine": empty_quarantine(office, over["quarantine"], dry_run)}
    with only_build(office):
        if not dry_run:
            remove_replaced(office)
        removed["personal_records"] = remove_outlived(office, over["personal_records"], dry_run, now)
        removed["rebuilt_snapshots"] = remove_rebuilt(office, over["rebuilt_snapshots"], dry_run)
    with office.write() as session:
        removed |= {name: sweep(session, over[name], dry_run) for name, sweep in IN_DATABASE.items()}
        lines = [_line(rule, over[rule.id], removed[rule.id]) for rule in rules.rules.values()]
        report = {"rules": lines, "removed": sum(removed.values()), "backups": rules.backups}
        run = RetentionRun(
            id="t_" + sha256(f"{now.isoformat()}|{dry_run}|{actor}".encode()).hexdigest()[:24],
            at=now,
            actor=actor,
            dry_run=dry_run,
            rules_sha256=rules.sha256,
            report=report,
        )
        session.merge(run)
        said = {"dry_run": dry_run} | {name: count for name, count in removed.items() if count}
        record(session, told("run_retention", now, object_id=run.id, detail=said))
    return run_answer(run)


def retention_runs(office: Office) -> list[dict[str, Any]]:
    """Every run, the newest first."""
    with office.read() as session:
        runs = session.scalars(select(RetentionRun).order_by(RetentionRun.at.desc(), RetentionRun.id)).all()
    return [run_answer(run) for run in runs]


def run_answer(run: RetentionRun) -> dict[str, Any]:
    """A run as an answer."""
    return {
        "id": run.id,
        "at": run.at,
        "actor": run.actor,
        "dry_run": run.dry_run,
        "rules_sha256": run.rules_sha256,
        **run.report,
    }


def _line(rule: Rule, over: datetime, removed: int) -> dict[str, Any]:
    return {
        "id": rule.id,
        "zh": rule.zh,
        "en": rule.en,
        "since": rule.since,
        "over": over.isoformat(),
        "cite": rule.cite,
        "confirmed": rule.confirmed,
        "removed": removed,
    }
