"""Commands of objections and repairs: what waits for the office, one case, the office's steps, late agencies."""

from __future__ import annotations

import getpass
from typing import Annotated, Any

import typer

from service.access.auth import Caller, Role
from service.asking import asked_code
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.clock import utc_now
from service.snapshot.shelf import Shelf
from service.usecases.late_agencies import late_agencies
from service.usecases.objection import list_objections, read_objection
from service.usecases.repair import firm_repairs
from service.usecases.step_objection import StepAsked, step_objection

objection = typer.Typer(help="Objections of firms to what is said of them.", no_args_is_help=True)
repair = typer.Typer(help="Credit repair.", no_args_is_help=True)
ObjectionId = Annotated[str, typer.Argument(metavar="ID", help="Of an objection.")]


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(objection, name="objection")
    app.add_typer(repair, name="repair")


def _terminal() -> Caller:
    """The person at the office's terminal."""
    return Caller("terminal", Role.OFFICE, person=getpass.getuser()[:64])


@objection.command("list")
def list_them(
    firm: Annotated[str, typer.Option(help="Only of this firm (its code).")] = "",
    stage: Annotated[str, typer.Option(help="Only in this stage.")] = "",
    as_json: AsJson = False,
) -> None:
    """Every objection, newest first, with its stage, whose turn it is, and until when."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        found = list_objections(office, _terminal(), utc_now(), firm, stage)
    if as_json:
        out.json({"items": found})
        return
    if not found:
        out.line(out.t("objection.none"))
        return
    t = out.t
    out.table(
        [t(f"objection.{name}") for name in ("id", "firm", "item", "agency", "state", "waits", "due")],
        [
            (
                each["id"],
                each["uscc"],
                t.name(each["item"]),
                t.name(each["agency"]),
                t.name(each["state"]),
                t.word("party", each["waits_for"]),
                _due(out, each["stage"]),
            )
            for each in found
        ],
        whole=(0, 1),
    )


@objection.command("show")
def show(objection_id: ObjectionId, as_json: AsJson = False) -> None:
    """One objection with every step."""
    with office_of(settings_of()) as office:
        found = read_objection(office, _terminal(), objection_id, utc_now(), "")
    _show(Out(as_json), found, as_json)


@objection.command("step")
def step(
    objection_id: ObjectionId,
    step: Annotated[str, typer.Argument(metavar="STEP", help="One of the steps that `show` names.")],
    text: Annotated[str, typer.Option(help="What is said with it.")] = "",
    batch: Annotated[str, typer.Option(help="Of a correction: the batch that holds it.")] = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Of a correction: take the record out.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a step for the office."""
    asked = StepAsked(step, text, batch, withdraw)
    with office_of(settings_of()) as office:
        found = step_objection(office, _terminal(), objection_id, asked, utc_now(), "")
    _show(Out(as_json), found, as_json)


@objection.command("late")
def late(as_json: AsJson = False) -> None:
    """Agencies past a limit."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        found = late_agencies(office, utc_now())
    if as_json:
        out.json({"items": found})
        return
    if not found:
        out.line(out.t("objection.none_late"))
        return
    t = out.t
    out.table(
        [t(f"objection.{name}") for name in ("agency", "inquiries", "repairs", "answered_late")],
        [
            (t.name(each["agency"]), len(each["inquiries"]), len(each["repairs"]), each["answered_late"])
            for each in found
        ],
        numbers=(1, 2, 3),
    )


@repair.command("list")
def list_repairable(uscc: Annotated[str, typer.Argument(metavar="USCC")], as_json: AsJson = False) -> None:
    """What of a firm can be repaired, from what day, and how long it may be shown."""
    out = Out(as_json)
    asked_code(uscc)
    with office_of(settings_of()) as office:
        found = firm_repairs(office, Shelf(office).current(), uscc, utc_now())
    if as_json:
        out.json(found)
        return
    t = out.t
    out.heading(f"{found['name']}  {uscc}")
    materials = ", ".join(t.name(each) for each in found["materials"]["asks"])
    out.line(t("repair.rules", on=found["on"], regime=t.name(found["regime"]), materials=materials))
    if not found["records"]:
        out.line(t("repair.none"))
        return
    out.table(
        [
            t(f"repair.{name}")
            for name in ("document", "decided", "class", "earliest", "latest", "public_until", "state")
        ],
        [
            (
                each["document"],
                each["decided_on"],
                t.name(each["class"]) if each["class"] else None,
                each["earliest"],
                each["latest"],
                each["public_until"],
                t.word("repair_state", each["state"]),
            )
            for each in found["records"]
        ],
    )


def _show(out: Out, found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        out.json(found)
        return
    t = out.t
    out.pairs(
        [
            (t("objection.id"), found["id"]),
            (t("objection.firm"), found["uscc"]),
            (t("objection.item"), t.name(found["item"])),
            (t("objection.agency"), t.name(found["agency"])),
            (t("objection.state"), t.name(found["state"])),
            (t("objection.waits"), t.word("party", found["waits_for"])),
            (t("objection.due"), _due(out, found["stage"])),
            (t("objection.whole"), _due(out, found["whole"]) if found["whole"] else None),
            (t("objection.reason"), found["reason"]),
            (t("objection.evidence"), found["evidence"]),
            (t("objection.statement"), found["statement"]),
        ]
    )
    out.table(
        [t(f"objection.{name}") for name in ("step", "at", "by", "text")],
        [(each["step"], each["at"].date(), t.word("party", each["by"]), each["text"]) for each in found["steps"]],
    )
    for each in found["steps"]:
        if each["letter"]:
            out.line(t.name(each["letter"]))
    out.line(t("objection.open", steps=", ".join(each["id"] for each in found["open_steps"]) or "—"))


def _due(out: Out, clock: dict[str, Any]) -> str:
    due = str(clock["due"]) if clock["due"] else "—"
    return f"{due} ({out.t('objection.late')})" if clock["late"] else due
