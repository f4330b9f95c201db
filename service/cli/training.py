"""The command that trains a model on the office's own records."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.errors import RefusedInput
from scoring.training.plan import as_rate
from service.asking import asked_day
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out, percent
from service.clock import utc_now
from service.learning.training_plans import training_plan
from service.office import Office
from service.registry.store import STAFF, check_person
from service.registry.store import register as register_bundle

if TYPE_CHECKING:
    from scoring.training.training_set import TrainingSet


def register(app: typer.Typer) -> None:
    """Hang the command into the tree."""
    app.command("train")(train)


def train(
    model: Annotated[str, typer.Option(help="A file of seed/models by name, or a model file by path.")] = "pd_12m",
    cohorts: Annotated[
        str | None, typer.Option(help="Days to train on (2023-03-31,2023-06-30); default one of every usable quarter.")
    ] = None,
    prior: Annotated[str | None, typer.Option(help="The city's own yearly default rate, such as 0.02.")] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Register the model for this client of the office.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write the training set to this new Parquet file instead of training.")
    ] = None,
    home: Annotated[Path | None, typer.Option("--home", help="Data folder; default RONGQIAO_HOME, else ./var.")] = None,
    as_json: AsJson = False,
) -> None:
    """Train a default model on the city's records, point in time; measure it on a day and firms it never saw."""
    # What learns takes seconds to load: only this command waits for it.
    from service.learning.training_rows import make_training_set
    from service.usecases.train_model import keep_bundle, train_model

    out = Out(as_json)
    plan, rate = training_plan(model), _rate(prior)
    days = None if cohorts is None else [asked_day(day.strip(), "cohorts") for day in cohorts.split(",")]
    with office_of(settings_of(home)) as office:
        if export is not None:
            with out.progress_by_stage() as tell:
                training = make_training_set(office, plan, utc_now(), days, partial(tell, "cohorts"))
            _export(out, office, training, export)
            return
        if by is not None:
            # Before the work, not after it.
            with office.read() as session:
                check_person(session, "by", by, STAFF)
        with out.progress_by_stage() as tell:
            trained = train_model(office, plan, utc_now(), days, rate, tell)
        folder = keep_bundle(office, trained.bundle)
        if by is not None:
            register_bundle(office, trained.bundle, by, "rongqiao train")
    answer = {"model_id": trained.bundle.id, "folder": str(folder), "registered_by": by, "card": trained.bundle.card}
    if as_json:
        out.json(answer)
    else:
        _show(out, answer)


def _export(out: Out, office: Office, training: TrainingSet, file: Path) -> None:
    from scoring.training.card import cohorts_told, days_left_out
    from service.learning.training_export import export_training_set

    rows = export_training_set(office, training, file)
    cohorts, left_out = cohorts_told(training), days_left_out(training)
    if out.as_json:
        out.json({"file": str(file), "rows": rows, "cohorts": cohorts, "days_left_out": left_out})
        return
    _show_cohorts(out, cohorts, left_out)
    out.line(out.t("train.exported", rows=f"{rows:,}", file=file))


def _rate(prior: str | None) -> float | None:
    if prior is None:
        return None
    rate = as_rate(prior)
    if rate is None:
        raise RefusedInput(
            "bad_rate", "prior", prior, "A default rate is a fraction above 0 and below 1.", "Write it like 0.02."
        )
    return rate


def _show_cohorts(out: Out, cohorts: list[dict[str, Any]], left_out: list[dict[str, Any]]) -> None:
    t = out.t
    out.table(
        [t("train.day"), t("train.part"), t("train.window_end"), t("train.rows"), t("train.defaults"), t("train.rate")],
        [
            (c["day"], t.word("train_part", c["part"]), c["window_end"], c["rows"], c["defaults"],
             percent(c["default_rate"]))
            for c in cohorts
        ],
        numbers=(3, 4, 5),
        whole=(0, 1, 2),
    )  # fmt: skip
    for left in left_out:
        out.line(t("train.left_out", day=left["day"], said=left["said"]))


def _show(out: Out, answer: dict[str, Any]) -> None:
    t, card = out.t, answer["card"]
    out.heading(f"{t.name(card['model'])}: {answer['model_id']}")
    if card["synthetic"]:
        out.line(t("index.synthetic"))
    _show_cohorts(out, card["data"]["cohorts"], card["data"]["days_left_out"])
    out.table(
        [t("train.item"), t("train.direction"), t("train.information"), t("train.points"), t("train.known")],
        [
            (
                t.name(item) or item["id"],
                t.word("train_direction", item.get("direction")),
                f"{item['information_value']:.3f}" if "information_value" in item else None,
                f"{item['points_low']:.1f} … {item['points_high']:.1f}",
                percent(item.get("known_share"), 0),
            )
            for item in card["items"]
        ],
        numbers=(2, 3, 4),
    )
    if isinstance(card["out_of_time"], str):
        out.line(t("train.synthetic_labels"))
    else:
        out.table(
            [t("train.model"), t("train.day"), "AUC", "KS", "Brier", t("train.mean_pd"), t("train.rate")],
            [
                (
                    t.word("train_model", each["model"]),
                    each["day"],
                    f"{each['auc']:.3f} [{each['auc_low']:.3f}, {each['auc_high']:.3f}]",
                    f"{each['ks']:.3f}",
                    f"{each['brier']:.4f}",
                    percent(each["mean_pd"]),
                    percent(each["observed_rate"]),
                )
                for each in card["out_of_time"]
            ],
            numbers=(2, 3, 4, 5, 6),
        )
    for limit in card["limits"]:
        out.line(f"- {limit}")
    out.line(t("train.written", folder=answer["folder"]))
    if answer["registered_by"]:
        out.line(t("train.registered", by=answer["registered_by"]))
    else:
        out.line(t("train.next", folder=answer["folder"]))
