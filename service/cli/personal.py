"""Commands about personal data, for requests on paper and the nightly run: export, erase, retention."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from models.errors import RefusedInput
from service.api.personal import TEMPLATE
from service.asking import asked_code
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.clock import utc_now
from service.pages.render import sheet
from service.usecases.erase_personal_data import erase_personal_data
from service.usecases.export_personal_data import as_csv, check_format, export_personal_data, flat
from service.usecases.retention import run_retention
from service.web.encode import encode

group = typer.Typer(help="What is held of persons, and how long.", no_args_is_help=True)
Code = Annotated[str, typer.Argument(metavar="USCC", help="Of the firm or sole proprietor that asks.")]


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(group, name="personal")


@group.command("export")
def export(
    uscc: Code,
    file: Annotated[Path | None, typer.Option(help="Write to this new file: .json, .csv or .html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Everything held of the firm's persons, or of a sole proprietor, to hand over."""
    out = Out(as_json)
    asked_code(uscc)
    wanted = check_format(file.suffix.removeprefix(".") if file else "json")
    with office_of(settings_of()) as office:
        held = export_personal_data(office, uscc, utc_now())
    if file is None:
        out.json(held)
        return
    if wanted == "csv":
        body = as_csv(held)
    elif wanted == "html":
        body = sheet(TEMPLATE, out.t.language, held=held, flat=flat).encode()
    else:
        body = encode(held, indent=True)
    try:
        with file.open("xb") as opened:
            opened.write(body)
    except OSError as problem:
        raise RefusedInput(
            "unwritable_file", "file", str(file), f"It cannot be written: {problem.strerror}.", "Name a new file."
        ) from None
    if as_json:
        out.json({"uscc": uscc, "file": str(file), "sections": len(held["sections"])})
    else:
        out.line(out.t("personal.written", file=file))


@group.command("erase")
def erase(uscc: Code, as_json: AsJson = False) -> None:
    """Delete what the firm or sole proprietor may claim to have deleted; says what stays and why."""
    out = Out(as_json)
    asked_code(uscc)
    with office_of(settings_of()) as office:
        done = erase_personal_data(office, uscc, getpass.getuser()[:64], utc_now())
    if as_json:
        out.json(done)
        return
    t = out.t
    out.line(t("personal.erased", uscc=uscc, removed=", ".join(f"{k} {n}" for k, n in done["removed"].items())))
    out.heading(t("personal.stays"))
    out.pairs([(t.name(each), each[f"why_{t.language}"]) for each in done["stays"]])
    out.line(t.name(done["backups"]))


@group.command("retention")
def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only; remove nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove what has had its time by seed/retention.yaml; run it each night."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        run = run_retention(office, utc_now(), getpass.getuser()[:64], dry_run)
    if as_json:
        out.json(run)
        return
    t = out.t
    if dry_run:
        out.line(t("personal.dry"))
    out.table(
        [t("personal.rule"), t("personal.removed"), t("personal.cite")],
        [(t.name(rule), rule["removed"], rule["cite"]) for rule in run["rules"]],
        numbers=(1,),
    )
    out.line(t.name(run["backups"]))
