"""Commands of needs and applications: needs and clocks, applications, tickets, lenders' figures, certificates."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from models.errors import RefusedInput
from service.access.auth import Caller, Role
from service.asking import asked_code
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out, money
from service.clock import utc_now
from service.needs.lapsing import run_out
from service.snapshot.shelf import Shelf
from service.usecases.issue_certificate import verify_certificate
from service.usecases.lender_figures import ledger_figures, lender_figures, product_figures
from service.usecases.read_applications import list_applications, read_application
from service.usecases.read_needs import list_needs
from service.usecases.read_tickets import list_tickets
from service.usecases.step_ticket import TicketStepAsked, step_ticket

need = typer.Typer(help="Needs of firms.", no_args_is_help=True)
application = typer.Typer(help="Applications of needs to lenders.", no_args_is_help=True)
ticket = typer.Typer(help="Tickets of repair.", no_args_is_help=True)
certificate = typer.Typer(help="Matching certificates.", no_args_is_help=True)
_MOST_LISTED = 200
#: A certificate is a few kilobytes.
_LARGEST_FILE = 1_000_000


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    for group, name in ((need, "need"), (application, "application"), (ticket, "ticket"), (certificate, "certificate")):
        app.add_typer(group, name=name)


def _terminal() -> Caller:
    """The person at the office's terminal."""
    return Caller("terminal", Role.OFFICE, person=getpass.getuser()[:64])


@need.command("list")
def list_of_firm(uscc: Annotated[str, typer.Argument(metavar="USCC")], as_json: AsJson = False) -> None:
    """The needs of a firm, newest first."""
    out, t = Out(as_json), Out(as_json).t
    asked_code(uscc)
    with office_of(settings_of()) as office:
        found = list_needs(office, uscc, utc_now())
    if as_json:
        out.json({"items": found})
        return
    out.table(
        [t(f"need.{name}") for name in ("id", "amount", "months", "use", "until", "state")],
        [
            (
                each["id"],
                f"{money(each['low_yuan'])} – {money(each['high_yuan'])}",
                each["term_months"],
                each["use"],
                each["valid_until"],
                t.word("need_state", each["state"]),
            )
            for each in found
        ],
        whole=(0,),
    )


@need.command("clocks")
def clocks(as_json: AsJson = False) -> None:
    """End what has run out and ask the next lenders. Reading does it too, for what is read; run this every day."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        changed = run_out(office, utc_now())
    if as_json:
        out.json({"needs_changed": changed})
        return
    out.line(out.t("need.changed", count=changed))


@application.command("list")
def list_all(
    stage: Annotated[str, typer.Option(help="Only in this state.")] = "",
    firm: Annotated[str, typer.Option(help="Only of this firm (its code).")] = "",
    as_json: AsJson = False,
) -> None:
    """Applications, newest first, with state, whose turn it is, and until when."""
    out, t = Out(as_json), Out(as_json).t
    with office_of(settings_of()) as office:
        found = list_applications(
            office, Shelf(office), _terminal(), utc_now(), stage=stage, uscc=firm, limit=_MOST_LISTED
        )
    if as_json:
        out.json({"items": found})
        return
    out.table(
        [t(f"application.{name}") for name in ("id", "firm", "lender", "product", "state", "waits", "due")],
        [
            (
                each["id"],
                each["uscc"],
                t.name(each["lender"]),
                t.name(each["product"]),
                t.name(each["state"]),
                t.word("party", each["waits_for"]),
                each["clock"]["due"] if each["clock"] else None,
            )
            for each in found
        ],
        whole=(0, 1),
    )


@application.command("show")
def show(application_id: Annotated[str, typer.Argument(metavar="ID")], as_json: AsJson = False) -> None:
    """One application with every step."""
    out, t = Out(as_json), Out(as_json).t
    with office_of(settings_of()) as office:
        found = read_application(office, Shelf(office), _terminal(), application_id, utc_now(), "")
    if as_json:
        out.json(found)
        return
    out.pairs(
        [
            (t("application.firm"), f"{found['name'] or '—'}  {found['uscc']}"),
            (t("application.lender"), t.name(found["lender"])),
            (t("application.product"), t.name(found["product"])),
            (t("application.state"), t.name(found["state"])),
            (t("application.reason"), t.name(found["reason"]) if found["reason"] else None),
        ]
    )
    out.table(
        [t(f"application.{name}") for name in ("at", "step", "by", "text")],
        [(each["at"], t.name(each["step"]), t.word("party", each["by"]), each["text"]) for each in found["steps"]],
    )


@application.command("figures")
def figures(as_json: AsJson = False) -> None:
    """Lenders against the aims, products whose decisions show a criterion they do not state, and the ledgers."""
    out, t = Out(as_json), Out(as_json).t
    with office_of(settings_of()) as office:
        now = utc_now()
        lenders, products = lender_figures(office, now), product_figures(office, now)
        ledgers = ledger_figures(office)
    if as_json:
        out.json({"lenders": lenders, "products": products, "ledgers": ledgers})
        return
    names = ("lender", "asked", "contacted", "days", "silent", "approved", "drawn_yuan")
    out.table([t(f"application.{name}") for name in names], [_figures(out, each) for each in lenders["items"]])
    flagged = [(each, one) for each in products["items"] for one in each["hidden_criteria"] if one["flagged"]]
    if flagged:
        out.heading(t("application.hidden"))
        out.table(
            [t(f"application.{name}") for name in ("product", "criterion", "declined", "decisions")],
            [(t.name(each["product"]), t.name(one), one["declined"], one["n"]) for each, one in flagged],
        )


def _figures(out: Out, each: dict[str, Any]) -> tuple[Any, ...]:
    share = each["contacted_share"]
    return (
        out.t.name(each["lender"]),
        each["asked"],
        None if share is None else f"{share * 100:.0f} %",
        each["median_days_to_decision"],
        each["silent"],
        each["approved"],
        money(each["drawn_yuan"]),
    )


@ticket.command("list")
def list_of_tickets(
    stage: Annotated[str, typer.Option(help="Only in this state.")] = "", as_json: AsJson = False
) -> None:
    """Tickets of repair, newest first: whose matter, what is done, until when."""
    out, t = Out(as_json), Out(as_json).t
    with office_of(settings_of()) as office:
        found = list_tickets(office, _terminal(), utc_now(), stage)
    if as_json:
        out.json({"items": found})
        return
    out.table(
        [t(f"ticket.{name}") for name in ("id", "firm", "type", "department", "state", "due", "version")],
        [
            (
                each["id"],
                each["uscc"],
                t.name(each["type"]),
                t.name(each["department"]) if each["department"] else None,
                t.name(each["state"]),
                each["due"],
                each["version"],
            )
            for each in found
        ],
        whole=(0, 1),
    )


@ticket.command("step")
def take_step(
    ticket_id: Annotated[str, typer.Argument(metavar="ID")],
    step: Annotated[str, typer.Argument(metavar="STEP", help="solve, send_back or drop.")],
    version: Annotated[int, typer.Option(help="Of the ticket as it was read.")],
    text: Annotated[str, typer.Option(help="What is said with it.")],
    as_json: AsJson = False,
) -> None:
    """Take a step of a ticket for the office."""
    out, t = Out(as_json), Out(as_json).t
    with office_of(settings_of()) as office:
        found = step_ticket(office, _terminal(), ticket_id, TicketStepAsked(step, version, text), utc_now(), "")
    if as_json:
        out.json(found)
        return
    out.line(f"{found['id']}: {t.name(found['state'])}")


@certificate.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As it was issued, or its signed text alone.")],
    key: Annotated[str, typer.Option(help="The office's public key in hex, in place of those kept here.")] = "",
    as_json: AsJson = False,
) -> None:
    """Whether the office signed this very certificate, and whether it is still the newest; exit 2 where it did not."""
    out, t = Out(as_json), Out(as_json).t
    text = _text_of(file)
    with office_of(settings_of()) as office:
        found = verify_certificate(office, Shelf(office), text, key)
    if as_json:
        out.json(found)
    elif found.valid and found.certificate:
        said = found.certificate
        out.pairs(
            [
                (t("certificate.id"), said["id"]),
                (t("certificate.firm"), f"{said['firm']['name'] or '—'}  {said['firm']['uscc']}"),
                (t("certificate.lender"), t.name(said["lender"])),
                (t("certificate.product"), t.name(said["product"])),
                (t("certificate.state"), t.word("application_state", said["state"])),
                (t("certificate.valid"), True),
                (t("certificate.current"), found.current),
                (t("certificate.key"), found.key_id),
            ]
        )
    if not found.valid:
        fix = "Ask the firm for the file as it was issued, and the office whether the key is its own."
        rule = f"{found.reason[:1].upper()}{found.reason[1:]}."
        raise RefusedInput("not_valid", "file", str(file), rule, fix)


def _text_of(file: Path) -> str:
    try:
        if file.stat().st_size > _LARGEST_FILE:
            raise RefusedInput("bad_certificate", "file", str(file), "It is too large.", "Give the certificate alone.")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        rule = f"It cannot be read as text: {problem}."
        raise RefusedInput("bad_certificate", "file", str(file), rule, "Name the file as it was issued.") from None
