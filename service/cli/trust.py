"""Commands of trust and upkeep: the audit journal, backup and restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.errors import RefusedInput
from service.asking import asked_day
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.clock import utc_now
from service.snapshot.shelf import Shelf
from service.usecases.backup_office import BackupReport, backup_office, restore_office
from service.usecases.find_alarms import alarms_since
from service.usecases.read_audit import ANCHORS, anchor, audit_entries, audit_state

audit = typer.Typer(help="The audit journal.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(audit, name="audit")
    app.command("backup")(backup)
    app.command("restore")(restore)


@audit.command("verify")
def verify_audit(as_json: AsJson = False) -> None:
    """Walk the whole journal against its anchors; exit 2 naming the first entry that is not as it was written."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        state = audit_state(office)
    if as_json:
        out.json(state)
    elif state["whole"]:
        out.line(out.t("audit.whole", entries=state["entries"], anchors=state["anchors"]))
    if not state["whole"]:
        raise RefusedInput(
            "journal_broken",
            "audit_entry",
            state["first_bad_entry"],
            f"The journal is not as it was written: {state['fault']}.",
            "Keep the database as it is for inquiry, and restore the last backup whose journal is whole.",
        )


@audit.command("anchor")
def anchor_audit(as_json: AsJson = False) -> None:
    """Sign the end of the journal and add it to audit-anchors.jsonl: copy that file off this machine each day."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        said = anchor(office, utc_now())
    if as_json:
        out.json(said)
    else:
        out.line(out.t("audit.anchored", seq=said["seq"], entry_hash=said["entry_hash"], file=ANCHORS))


@audit.command("list")
def list_audit(
    firm: Annotated[str, typer.Option(help="Only entries about this firm.")] = "",
    actor: Annotated[str, typer.Option(help="Only entries of this client or person.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many entries at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Entries of the journal, newest first."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        entries = audit_entries(office, None, limit, firm, actor)
    if as_json:
        out.json({"items": entries, "next_cursor": None})
        return
    t = out.t
    heads = ("seq", "at", "actor", "action", "firm", "purpose", "result", "reason")
    out.table(
        [t(f"audit.{head}") for head in heads],
        [(str(each["seq"]), *(each[head] for head in heads[1:])) for each in entries],
        whole=(0, 1),
    )


@audit.command("alarms")
def list_alarms(
    since: Annotated[str | None, typer.Option(help="First day looked at (YYYY-MM-DD); default a week back.")] = None,
    as_json: AsJson = False,
) -> None:
    """Callers that read unusually: too much, at night, in vain, far away, or without a need behind it."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        shelf = Shelf(office)
        snapshot = shelf.built() if shelf.newest() else None
        found = alarms_since(office, snapshot, asked_day(since, "since") if since else None, utc_now())
    if as_json:
        out.json({"items": found, "next_cursor": None})
        return
    t = out.t
    if not found:
        out.line(t("look_up_alarm.none"))
        return
    out.table(
        [t(f"look_up_alarm.{head}") for head in ("since", "why", "actor", "readings", "threshold", "firms", "entries")],
        [
            (
                each["since"].strftime("%Y-%m-%d %H:%M"),
                t.word("alarm_rule", each["rule"]),
                each["actor"],
                each["readings"],
                each["threshold"],
                each["firms"],
                f"{each['first_entry']}…{each['last_entry']}",
            )
            for each in found
        ],
        numbers=(3, 4, 5),
        whole=(0,),
    )


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The new file (tar).")], as_json: AsJson = False
) -> None:
    """Write the whole office into one file while it works. It holds keys and personal data: keep it like the office."""
    with office_of(settings_of()) as office:
        report = backup_office(office, file, utc_now())
    _tell(Out(as_json), report, "backup.made", as_json)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file made by `rongqiao backup`.")],
    home: Annotated[Path | None, typer.Option(help="The empty folder to restore into; default RONGQIAO_HOME.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an office from a backup: every file, the database and the audit chain are checked before it is used."""
    settings = settings_of(home)
    report = restore_office(file, settings.home.resolve(), settings.database_url)
    _tell(Out(as_json), report, "backup.restored", as_json)


def _tell(out: Out, report: BackupReport, label: str, as_json: bool) -> None:
    if as_json:
        out.json(report)
        return
    size = f"{report.bytes / 1e6:,.1f} MB"
    entries = report.audit_entries
    out.line(out.t(label, file=report.file, files=report.files, size=size, made_at=report.made_at, entries=entries))
