"""The command tree, and the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Sequence

import typer

from models.errors import DataFileError, RefusedInput, RongqiaoError
from service.cli.context import runs
from service.cli.interrupt import listen, stop_if_pressed
from service.cli.output import complain
from service.web.storage_failure import storage_failure

#: What each module of commands brings. Loading all of them takes seconds, so that a command line loads those alone
#: that have its first word.
PARTS = {
    "city": ("demo", "real", "serve"),
    "intake": ("feeds", "ingest", "batches", "build"),
    "jobs": ("jobs",),
    "answers": ("firm", "options", "prospects"),
    "alarms": ("watch",),
    "borrowers": ("borrowers",),
    "receipts": ("replay", "evidence"),
    "cases": ("objection", "repair"),
    "needs": ("need", "application", "ticket", "certificate"),
    "people": ("client", "person"),
    "keys": ("keys",),
    "person_consents": ("person-consent",),
    "personal": ("personal",),
    "products": ("products",),
    "cost_list": ("cost-list",),
    "rulebook": ("scheme", "size", "uscc"),
    "what_if": ("what-if",),
    "models": ("model",),
    "reviews": ("review",),
    "sandbox": ("sandbox",),
    "strategy": ("strategy",),
    "campaign": ("campaign",),
    "training": ("train",),
    "trust": ("audit", "backup", "restore"),
    "validation": ("validate",),
    "webhooks": ("webhooks",),
}

DONE, FAILED, REFUSED = 0, 1, 2


_HELP = "Rongqiao (融桥): the credit and financing matchmaker of a city. RONGQIAO_HOME is the data folder (./var)."


def run_program(arguments: Sequence[str]) -> int:
    """Run one command; 0 done, 1 failure, 2 refused input."""
    listen()
    as_json = "--json" in arguments
    app = tree(arguments[0] if arguments else None)
    runs(" ".join(_command(app, arguments)), arguments)
    try:
        code = app(args=list(arguments) or ["--help"], standalone_mode=False, prog_name="rongqiao")
        stop_if_pressed()
        return int(code or DONE)
    except (RefusedInput, DataFileError) as error:
        complain(error, as_json)
        return REFUSED
    except typer.TyperException as error:
        complain(_usage(error), as_json)
        return REFUSED
    except (typer.Abort, KeyboardInterrupt):
        raise KeyboardInterrupt from None
    except RongqiaoError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    except BrokenPipeError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and (failure := storage_failure(error)):
            sys.stderr.write(f"{failure.rule} {failure.fix}\n")
            return FAILED
        traceback.print_exc()
        return FAILED


def tree(word: str | None = None) -> typer.Typer:
    """The tree with the commands named ``word``, and whatever shares a module with them; all of it for any other."""
    app = typer.Typer(
        name="rongqiao",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help=_HELP,
    )
    # A tree of one command would be that command, without its name.
    app.callback()(lambda: None)
    asked = [part for part, words in PARTS.items() if word in words] or PARTS
    for part in asked:
        importlib.import_module(f"service.cli.{part}").register(app)
    return app


def _command(part: typer.Typer, arguments: Sequence[str]) -> list[str]:
    """The words of a command line that name the command: groups, then the command itself."""
    for group in part.registered_groups:
        if arguments and group.name == arguments[0] and group.typer_instance:
            return [group.name, *_command(group.typer_instance, arguments[1:])]
    named = {each.name for each in part.registered_commands}
    return list(arguments[:1]) if arguments and arguments[0] in named else []


def _usage(error: typer.TyperException) -> RefusedInput:
    """A wrong command line as a refused input."""
    parameter = getattr(error, "param", None)
    field = getattr(error, "option_name", None) or getattr(parameter, "name", None) or "command"
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "rongqiao"
    return RefusedInput(
        "bad_usage", str(field), " ".join(sys.argv[1:])[:200], error.format_message(), f"See `{command} --help`."
    )
