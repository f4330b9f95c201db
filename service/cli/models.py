"""Commands about registered models: list, show, register, approve, activate, roll back, retire; the office's keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from service.answers.models import model_answer, models_answer
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.cli.watching import watch
from service.clock import utc_now
from service.office import Office
from service.registry.keys import rotate_key
from service.usecases.activate_model import activate_model
from service.usecases.approve_model import approve_model
from service.usecases.register_model import register_model
from service.usecases.rollback_model import retire_model, rollback_model

ModelId = Annotated[str, typer.Argument(metavar="ID", help="Id of a registered model.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Id of the client of the office that answers for it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept for good.")]

group = typer.Typer(help="Registered models.", no_args_is_help=True)
keys = typer.Typer(help="The office's signing keys.", no_args_is_help=True)
group.add_typer(keys, name="keys")
group.command("watch")(watch)


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(group, name="model")


@group.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Every registered model, the newest first."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        answer = models_answer(office)
    if as_json:
        out.json(answer)
        return
    t = out.t
    if not answer["items"]:
        out.line(t("model.none"))
        return
    out.table(
        [t("model.id"), t("model.name"), t("model.status"), t("model.registered_by"), t("model.registered_at")],
        [
            (
                each["id"],
                each["name"],
                t.word("model_status", each["status"]),
                each["registered_by"],
                f"{each['registered_at']:%Y-%m-%d %H:%M} UTC",
            )
            for each in answer["items"]
        ],
        whole=(0,),
    )


@group.command("show")
def show(model: ModelId, as_json: AsJson = False) -> None:
    """One model: status, gates, history."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        _show(out, office, model)


@group.command("register")
def register_folder(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder `rongqiao train` wrote.")],
    by: By,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Keep a trained model for good, signed by the office: the first of two people."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        _show(out, office, register_model(office, folder, by, reason).id)


@group.command("approve")
def approve(model: ModelId, by: By, reason: Reason, as_json: AsJson = False) -> None:
    """The second of two people says that the model may be used. Nothing overrides a failed gate."""
    _step(approve_model, model, by, reason, as_json)


@group.command("activate")
def activate(model: ModelId, by: By, reason: Reason, as_json: AsJson = False) -> None:
    """Put an approved model in force; it scores from the next build on."""
    _step(activate_model, model, by, reason, as_json)


@group.command("rollback")
def rollback(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the models, such as pd-enterprise.")],
    by: By,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Withdraw the model in force and return to the last good one before it."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        _show(out, office, rollback_model(office, name, by, reason, utc_now()))


@group.command("retire")
def retire(model: ModelId, by: By, reason: Reason, as_json: AsJson = False) -> None:
    """Take a model out of use that is not in force."""
    _step(retire_model, model, by, reason, as_json)


def _step(take: Callable[..., None], model: str, by: str, reason: str, as_json: bool) -> None:
    """One signed step in a model's history, then the model as it stands."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        take(office, model, by, reason, utc_now())
        _show(out, office, model)


@keys.command("rotate")
def rotate(as_json: AsJson = False) -> None:
    """Make the office's first signing key, or one in place of it; what the old key signed stays valid."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        key_id = rotate_key(office, utc_now())
    if as_json:
        out.json({"key_id": key_id})
    else:
        out.line(out.t("model.key", key_id=key_id))


def _show(out: Out, office: Office, model_id: str) -> None:
    answer = model_answer(office, model_id)
    if out.as_json:
        out.json(answer)
        return
    t = out.t
    out.heading(f"{answer['name']}  {answer['id']}")
    out.pairs(
        [
            (t("model.status"), t.word("model_status", answer["status"])),
            (t("model.catalogue"), answer["catalogue_version"]),
            (t("model.fault"), answer["fault"]),
        ]
    )
    out.table(
        [t("model.gate"), t("model.value"), t("model.bound"), t("model.passed")],
        [(t.name(gate), _number(gate["value"]), _bound(gate), gate["passed"]) for gate in answer["gates"]],
        numbers=(1, 2),
    )
    out.table(
        [t("model.at"), t("model.step"), t("model.by"), t("model.why")],
        [
            (f"{step['at']:%Y-%m-%d %H:%M} UTC", t.word("model_step", step["kind"]), step["by"], step["why"])
            for step in answer["history"]
        ],
    )


def _bound(gate: dict[str, Any]) -> str:
    sign = "≤" if gate["relation"] == "at_most" else "≥"
    return "" if gate["bound"] is None else f"{sign} {_number(gate['bound'])}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
