"""The command what-if: facts supposed otherwise, and what that does to score, options and cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import typer

from matching.facts import FactBook
from models.errors import RefusedInput
from models.kinds import Kind
from service.access.auth import Role
from service.access.disclosure import Viewer
from service.asking import asked_code, asked_day
from service.cli.answers import AsOf, argument
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out, money, percent
from service.clock import today
from service.market.published import rules_of
from service.snapshot.shelf import Shelf
from service.usecases.what_if import changeable_facts, suppose_facts

#: Written for a fact that nobody knows; no dictionary has this code.
UNKNOWN = "unknown"
_FLAGS = {"true": True, "false": False}


def register(app: typer.Typer) -> None:
    """Hang the command into the tree."""
    app.command("what-if")(what_if)


def what_if(
    uscc: Annotated[str, typer.Argument(metavar="USCC")],
    changes: Annotated[
        list[str], typer.Option("--set", metavar="FACT=VALUE", help="A fact supposed otherwise; repeatable.")
    ],
    as_of: AsOf = None,
    amount_yuan: Annotated[str | None, typer.Option(help="Amount wanted, yuan.")] = None,
    term_months: Annotated[int | None, typer.Option(help="Term wanted, months.")] = None,
    purpose: Annotated[str | None, typer.Option(help="working_capital, fixed_assets, technical_upgrade, …")] = None,
    security: Annotated[str | None, typer.Option(help="credit, guarantee, mortgage, pledge or none_stated.")] = None,
    enjoyed: Annotated[
        list[str] | None,
        typer.Option(metavar="SCHEME=DATE[:YUAN]", help="A scheme enjoyed before, or SCHEME=never; repeatable."),
    ] = None,
    confirm: Annotated[list[str] | None, typer.Option(metavar="FACT", help="Its small amount is meant.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score, options and cost of a firm if facts were otherwise: FACT=VALUE, or FACT=unknown. Nothing is stored."""
    out = Out(as_json)
    asked_code(uscc)
    stated = {"amount_yuan": amount_yuan, "term_months": term_months, "purpose": purpose, "security": security}
    need = {name: value for name, value in {**stated, "enjoyed": enjoyed or None}.items() if value is not None}
    written = [_written(change, changeable_facts()) for change in changes]
    with office_of(settings_of()) as office:
        shelf = Shelf(office)
        snapshot = shelf.on(asked_day(as_of, "as_of") if as_of is not None else None)
        used = rules_of(office, today())
        made = suppose_facts(snapshot, uscc, written, need, Viewer(Role.OFFICE), confirm or (), shelf.models, used)
    if as_json:
        out.json(made)
        return
    _show(out, made)


def _written(change: str, facts: FactBook) -> tuple[str, object]:
    """Name and value of ``FACT=VALUE``: a flag's word as its value, ``unknown`` as no value, all else as text."""
    name, said, value = change.partition("=")
    if not name or not said or not value:
        rule, fix = "It names a fact and a value.", "Write FACT=VALUE, such as insured_staff=40, or FACT=unknown."
        raise RefusedInput("bad_usage", "set", change, rule, fix)
    if value == UNKNOWN:
        return name, None
    spec = facts.get(name)
    return name, _FLAGS.get(value, value) if spec is not None and spec.kind is Kind.FLAG else value


def _show(out: Out, made: dict[str, Any]) -> None:
    t = out.t
    out.heading(f"{made['name'] or made['uscc']}  {made['uscc']}  {t('firm.as_of')} {made['as_of']}")
    out.line(t.name(made["notice"]))
    for part in ("changed", "followed"):
        if made[part]:
            out.heading(t("what_if.changed") if part == "changed" else t("what_if.followed"))
            out.table(
                [t("what_if.fact"), t("what_if.was"), t("what_if.becomes"), t("what_if.why")],
                [
                    (t.name(each), argument(each["was"]), argument(each["becomes"]), t.name(each.get("because", {})))
                    for each in made[part]
                ],
            )
    if made["as_recorded"]:
        out.line(t("what_if.as_recorded", facts=", ".join(t.name(each) for each in made["as_recorded"])))
    _show_score(out, made["score"])
    _show_effect(out, made["effect"])
    for note in made["notes"]:
        out.line(t.name(note))


def _show_score(out: Out, score: dict[str, Any]) -> None:
    t, before, after = out.t, score["before"], score["after"]
    out.heading(t("what_if.score"))
    shares = [percent(each["coverage"], 0) for each in (before, after)]
    rows = [
        *((t.name(each), each["before"], each["after"], each["difference"]) for each in score["dimensions"]),
        *(("  " + t.name(each), each["before"], each["after"], each["difference"]) for each in score["lines"]),
        (t("what_if.total"), before["score"], after["score"], score["difference"]),
        (t("what_if.grade"), before["grade"], after["grade"], ""),
        (t("what_if.coverage"), *shares, ""),
    ]
    headers = [t("what_if.points"), t("what_if.was"), t("what_if.becomes"), t("what_if.difference")]
    out.table(headers, rows, numbers=(1, 2, 3))


def _show_effect(out: Out, effect: dict[str, Any]) -> None:
    t = out.t
    kinds = (("opened", t("what_if.opened")), ("closed", t("what_if.closed")), ("otherwise_moved", t("what_if.moved")))
    moved = [(words, each) for part, words in kinds for each in effect[part]]
    if moved:
        out.table(
            ["", t("option.id"), t("option.name"), t("what_if.was"), t("what_if.becomes")],
            [
                (words, each["id"], t.name(each), t.word("status", each["was"]), t.word("status", each["becomes"]))
                for words, each in moved
            ],
            whole=(0, 1),
        )
    yuan = [
        *((t("what_if.cost"), each, "cost_before_yuan", "cost_after_yuan") for each in effect["costs"]),
        *((t("what_if.support"), each, "before_yuan", "after_yuan") for each in effect["benefits"]),
    ]
    if yuan:
        out.table(
            ["", t("option.id"), t("what_if.was"), t("what_if.becomes"), t("what_if.difference")],
            [
                (words, each["id"], money(each[was]), money(each[becomes]), _signed(each["difference_yuan"]))
                for words, each, was, becomes in yuan
            ],
            numbers=(2, 3, 4),
            whole=(0, 1),
        )
    if not moved and not yuan:
        out.line(t("what_if.nothing"))


def _signed(yuan: str | None) -> str:
    return "—" if yuan is None else f"{Decimal(yuan):+,.2f}"
