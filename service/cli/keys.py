"""Commands about the office's own keys."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.clock import utc_now
from service.shown import minute
from service.usecases.rotate_keys import NAMES, list_keys, retire_old, rotate

group = typer.Typer(help="The office's own keys: list, change, retire.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help=f"One of: {', '.join(NAMES)}.")]


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(group, name="keys")


@group.command("list")
def list_all(as_json: AsJson = False) -> None:
    """Every key by name: the one in use, since when, and the old ones that are still read with."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        found = list_keys(office)
    if as_json:
        out.json({"items": found, "next_cursor": None})
    else:
        _table(out, found)


@group.command("rotate")
def rotate_one(name: Name, as_json: AsJson = False) -> None:
    """Put a new key in the place of one; the old one is read with until it is retired. Nobody is signed out."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        made = rotate(office, name, utc_now())
    _say(out, made)


@group.command("retire")
def retire(name: Name, as_json: AsJson = False) -> None:
    """Remove the old keys of one name: what only they open is void."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        left = retire_old(office, name, utc_now())
    _say(out, left)


def _say(out: Out, line: dict[str, Any]) -> None:
    if out.as_json:
        out.json(line)
    else:
        _table(out, [line])


def _table(out: Out, found: list[dict[str, Any]]) -> None:
    t = out.t
    out.table(
        [t("key.name"), t("key.opens"), t("key.id"), t("key.since"), t("key.old")],
        [
            (
                line["name"],
                t.word("key_opens", line["name"]),
                line["id"],
                minute(line["since"]) if line["since"] else None,
                len(line["old"]),
            )
            for line in found
        ],
        numbers=(4,),
        whole=(0,),
    )
