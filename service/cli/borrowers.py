"""Commands of the post-loan watch: borrowers watch, overview, guarantor, circles."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.asking import asked_code
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.clock import utc_now
from service.snapshot.shelf import Shelf
from service.usecases.check_guarantor import check_guarantor, list_circles
from service.usecases.step_borrower_alert import borrowers_overview
from service.usecases.watch_borrowers import watch_borrowers

group = typer.Typer(help="Firms whose lenders watch them with consent, and guarantee circles.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(group, name="borrowers")


@group.command("watch")
def watch(as_json: AsJson = False) -> None:
    """Tell lenders what is new of their borrowers in the newest snapshot; runs after every build too."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        told = watch_borrowers(Shelf(office), utc_now())
    if as_json:
        out.json({"watched": told.watched, "alerts": told.alerts})
        return
    out.line(out.t("borrowers.told", watched=told.watched, alerts=told.alerts))


@group.command("overview")
def overview(as_json: AsJson = False) -> None:
    """By lender: borrowers watched, alerts told, waiting, late."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        answer = borrowers_overview(office, utc_now())
    if as_json:
        out.json(answer)
        return
    names = ("watched", "told", "waiting", "late")
    out.table(
        [out.t("borrowers.lender"), *(out.t(f"borrowers.{name}_count") for name in names)],
        [(each["lender"], *(each[name] for name in names)) for each in answer["lenders"]],
        numbers=(1, 2, 3, 4),
    )
    out.pairs([(out.t.name(each), each["told"]) for each in answer["alerts"]])


@group.command("guarantor")
def guarantor(
    uscc: Annotated[str, typer.Argument(help="Code of the firm that borrows.")],
    other: Annotated[str, typer.Argument(metavar="GUARANTOR", help="Code of the firm that would stand for it.")],
    as_json: AsJson = False,
) -> None:
    """Whether a firm may stand for another: never one of its own guarantee circle."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        answer = check_guarantor(office, Shelf(office).current(), asked_code(uscc), asked_code(other))
    if as_json:
        out.json(answer)
        return
    out.line(f"{out.t.name(answer)}  [{answer['cite']}]")


@group.command("circles")
def circles(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many circles.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Guarantee circles, largest first: firms, direct pairs, yuan inside, defaults and what would follow."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        answer = list_circles(office, Shelf(office).current(), limit)
    if as_json:
        out.json(answer)
        return
    _show_circles(out, answer)


def _show_circles(out: Out, answer: dict[str, Any]) -> None:
    t, names = out.t, ("members", "pairs", "amount_yuan", "defaulted", "failing", "may_fail", "longest_chain")
    if answer["circles"] is None:
        out.line(t("borrowers.no_guarantees"))
        return
    out.heading(t("borrowers.circles", count=answer["circles"], day=answer["as_of"]))
    out.table(
        [t("borrowers.first"), *(t(f"borrowers.{name}") for name in names)],
        [(each["firms"][0], *(each[name] for name in names)) for each in answer["items"]],
        numbers=range(1, len(names) + 1),
    )
