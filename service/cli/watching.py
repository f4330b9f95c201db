"""`rongqiao model watch`: a model in service, as tables."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.answers.watch import watch_answer
from service.asking import asked_day
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out, percent
from service.snapshot.shelf import Shelf
from service.usecases.watch_model import watch_model

#: Items shown in a terminal; all are in the JSON.
_MOST_ITEMS = 12


def watch(
    model: Annotated[
        str, typer.Argument(metavar="[ID]", help="Id of a registered model; default the one in force.")
    ] = "",
    as_of: Annotated[str | None, typer.Option(help="Day of the snapshot (YYYY-MM-DD); default the newest.")] = None,
    against: Annotated[
        str, typer.Option(metavar="training|SNAPSHOT", help="Default both: training, and the last quarter end before.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Watch a model in service: drift, defaults that came, grades that moved, parity, challenger, alerts."""
    out = Out(as_json)
    day = None if as_of is None else asked_day(as_of, "as_of")
    with office_of(settings_of()) as office:
        shelf = Shelf(office)
        answer = watch_answer(shelf, watch_model(shelf, model, day, against))
    if as_json:
        out.json(answer)
    else:
        _show(out, answer)


def _show(out: Out, answer: dict[str, Any]) -> None:
    t, model = out.t, answer["model"]
    out.heading(f"{model['name']}  {model['id']}  {answer['as_of']}  {t.word('light', answer['light'])}")
    for note in answer["notes"]:
        out.line(t.name(note))
    _show_alerts(out, answer["alerts"])
    for drift in answer["drift"]:
        _show_drift(out, drift)
    for cohort in (answer["outcomes"] or {}).get("cohorts", ()):
        _show_cohort(out, cohort)
    for migration in (answer["migration"] or {}).get("by", ()):
        _show_migration(out, migration, answer["migration"]["from"])
    for parity in answer["parity"]:
        _show_parity(out, parity)
    if answer["challenger"] is not None:
        _show_challenger(out, answer["challenger"])


def _show_alerts(out: Out, alerts: list[dict[str, Any]]) -> None:
    t = out.t
    if not alerts:
        out.line(t("watch.no_alert"))
        return
    out.table(
        [t("watch.severity"), t("watch.metric"), t("watch.subject"), t("watch.against"), t("watch.value"),
         t("watch.threshold"), t("watch.do")],
        [
            (t.word("light", each["severity"]), t.name(each), t.name(each["subject"]) if each["subject"] else None,
             t.word("watch_against", each["against"]), _number(each["value"]), _number(each["threshold"]),
             t.name(each["do"]))
            for each in alerts
        ],
        numbers=(4, 5),
    )  # fmt: skip


def _show_drift(out: Out, drift: dict[str, Any]) -> None:
    t, score = out.t, drift["score"]
    against = t.word("watch_against", drift["against"])
    out.heading(t("watch.drift", against=against, firms=f"{drift['firms']:,}"))
    out.line(t.word("watch_population", drift["population"]))
    if score is not None:
        told = {name: _number(score[name]) for name in ("psi", "chance")}
        means = {name: f"{score[name]:.1f}" for name in ("mean", "reference_mean")}
        out.line(t("watch.score", light=t.word("light", score["light"]), **told, **means))
    out.table(
        [t("train.item"), "CSI", t("watch.chance"), t("watch.light"), t("watch.effect")],
        [
            (t.name(item), _number(item["csi"]), _number(item["chance"]), t.word("light", item["light"]),
             f"{item['points_effect']:+.2f}")
            for item in drift["items"][:_MOST_ITEMS]
        ],
        numbers=(1, 2, 4),
    )  # fmt: skip


def _show_cohort(out: Out, cohort: dict[str, Any]) -> None:
    t = out.t
    out.heading(t("watch.cohort", day=cohort["as_of"], months=cohort["months"], window=cohort["window_months"]))
    if not cohort["judged"]:
        out.line(t("watch.in_fit") if cohort["in_fit"] else t("watch.judged", days=cohort["hindsight_days"]))
    if not cohort["complete"]:
        out.line(t("watch.complete"))
    if cohort["auc"] is not None:
        out.line(t("watch.auc", auc=_number(cohort["auc"]), challenger=_number(cohort["challenger_auc"])))
    out.table(
        [t("watch.grade"), t("train.rows"), t("train.defaults"), t("watch.predicted"), t("watch.observed"),
         t("watch.interval"), t("watch.light")],
        [
            (each["grade"] or t("watch.all"), each["firms"], each["defaults"], percent(each["mean_pd"]),
             percent(each["observed"]), f"{percent(each['low'])} – {percent(each['high'])}",
             t.word("light", each["light"]))
            for each in cohort["bands"]
        ],
        numbers=(1, 2, 3, 4),
    )  # fmt: skip


def _show_migration(out: Out, migration: dict[str, Any], start: dict[str, Any]) -> None:
    t = out.t
    counts = {name: migration[name] for name in ("upgrades", "downgrades", "graded_twice")}
    out.heading(t("watch.migration", name=t.name(migration), day=start["as_of"]))
    out.line(t("watch.moves", **counts))
    names = [grade or t("watch.no_grade") for grade in migration["grades"]]
    rows = [(name, *row, gone) for name, row, gone in zip(names, migration["counts"], migration["gone"], strict=True)]
    new = (t("watch.new"), *migration["new"], None)
    out.table(["", *names, t("watch.gone")], [*rows, new], numbers=range(1, len(names) + 2))


def _show_parity(out: Out, parity: dict[str, Any]) -> None:
    t = out.t
    out.heading(t("watch.parity", name=t.name(parity), grade=parity["approved_grade"]))
    out.line("  ".join(
        f"{t.word('watch_measure', each['measure'])} {_number(each['ratio'])} {t.word('light', each['light'])}"
        for each in parity["ratios"]
    ))  # fmt: skip
    out.table(
        [t("watch.group"), t("train.rows"), t.word("watch_measure", "approved"), t.word("watch_measure", "matched"),
         t("train.points"), t("train.mean_pd"), t("watch.assessed")],
        [
            (t.name(each), each["firms"], percent(each["approved"], 1), percent(each["matched"], 1),
             f"{each['mean_points']:.1f}", percent(each["mean_pd"]), each["assessed"])
            for each in parity["groups"]
        ],
        numbers=(1, 2, 3, 4, 5),
    )  # fmt: skip


def _show_challenger(out: Out, challenger: dict[str, Any]) -> None:
    t = out.t
    out.heading(t("watch.challenger", firms=f"{challenger['firms']:,}"))
    rank, differs = _number(challenger["rank_correlation"]), percent(challenger["grade_differs"], 1)
    out.line(t("watch.beside", rank=rank, differs=differs))
    out.table(
        ["", t.word("train_model", "champion"), t.word("train_model", "challenger")],
        [
            (t("train.mean_pd"), *(percent(challenger["mean_pd"][each]) for each in ("champion", "challenger"))),
            *((percent(each["at"], 0), percent(each["champion"]), percent(each["challenger"]))
              for each in challenger["quantiles"]),
        ],
        numbers=(1, 2),
    )  # fmt: skip


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"
