"""Commands that send changes to lenders' systems: the sender itself, and one round of it."""

from __future__ import annotations

import ssl
import threading
from typing import Annotated

import typer

from service.cli.context import office_of, settings_of
from service.cli.interrupt import stop_if_pressed
from service.cli.output import AsJson, Out
from service.clock import utc_now
from service.integration.addresses import shipped_policy
from service.usecases.deliver_webhooks import deliver

group = typer.Typer(help="Changes sent to lenders' systems.", no_args_is_help=True)
#: Seconds between two rounds when nothing is due.
_PAUSE = 1.0


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(group, name="webhooks")


@group.command("deliver")
def send(
    once: Annotated[bool, typer.Option("--once", help="Stop when nothing is due.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send webhooks until Ctrl-C; a try that was cut off is made again."""
    out, tls, tried, delivered, dead = Out(as_json), ssl.create_default_context(), 0, 0, 0
    policy, rest = shipped_policy(), threading.Event()
    with office_of(settings_of()) as office:
        while True:
            stop_if_pressed()
            made = deliver(office, policy, utc_now, tls)
            tried, delivered, dead = tried + made.tried, delivered + made.delivered, dead + made.dead
            if not made.tried:
                if once:
                    break
                rest.wait(_PAUSE)
    if as_json:
        out.json({"tried": tried, "delivered": delivered, "dead": dead})
    else:
        out.line(out.t("webhooks.sent", tried=tried, delivered=delivered, dead=dead))
