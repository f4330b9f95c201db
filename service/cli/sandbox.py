"""The command about sandboxes: an office of an invented city to try an integration on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.clock import utc_now
from service.usecases.make_sandbox import make_sandbox

group = typer.Typer(help="An office of an invented city to try an integration on.", no_args_is_help=True)


@group.callback()
def group_of_one() -> None:
    """Without it a group of one command would be that command."""


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(group, name="sandbox", help="An office of an invented city to try an integration on.")


@group.command("make")
def make(
    lender: Annotated[str, typer.Option(help="Whose sandbox; default the first bank of the shelf.")] = "",
    home: Annotated[Path | None, typer.Option("--home", help="A folder of its own; default RONGQIAO_HOME.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make the folder a sandbox, print its key once and its magic codes. Run again it renews what has run out."""
    out, settings = Out(as_json), settings_of(home)
    with office_of(settings) as office, out.progress_by_stage() as tell:
        made = make_sandbox(office, lender, utc_now(), tell)
    t = out.t
    if as_json:
        firms = [{"id": each.id, "uscc": each.uscc, "zh": each.zh, "en": each.en} for each in made.firms]
        key = {"client_id": made.client_id, "client_secret": made.secret or None}
        out.json({"home": str(settings.home), "synthetic": True, "lender": made.lender, **key, "firms": firms})
        return
    out.line(t("index.synthetic"))
    out.pairs([(t("sandbox.client"), made.client_id), (t("sandbox.secret"), made.secret or t("sandbox.told"))])
    out.table([t("sandbox.code"), t("sandbox.does")], [(each.uscc, t.name(each)) for each in made.firms], whole=(0,))
    out.line(t("sandbox.serve", home=settings.home))
