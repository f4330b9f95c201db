"""Commands about firms somebody should look at: watch list."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.answers.rules import plain
from service.asking import asked_day
from service.books.rulebook import prepaid_industries
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out, cell, percent
from service.snapshot.shelf import Shelf
from service.usecases.watch_list import watch_list

group = typer.Typer(help="Firms of prepaid business that somebody should look at.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(group, name="watch")


@group.command("list")
def list_firms(
    industry: Annotated[str, typer.Option(help="One industry, such as gym; default all.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many firms.")] = 50,
    as_of: Annotated[str | None, typer.Option(help="Day of the snapshot (YYYY-MM-DD); default the newest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Firms whose alarms fired, newest first, with the facts behind them."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        snapshot = Shelf(office).built(asked_day(as_of, "as_of") if as_of is not None else None)
        answer = watch_list(snapshot, industry, 0, limit)
    answer.pop("next_start")
    if as_json:
        out.json({**answer, "next_cursor": None})
        return
    show_watch(out, answer)


def show_watch(out: Out, answer: dict[str, Any]) -> None:
    """What each alarm came to, then the firms."""
    t = out.t
    out.heading(t.name(answer))
    out.line(t("alarm.counts", **{name: answer[name] for name in ("as_of", "watched", "unplaced", "alarmed")}))
    out.table(
        [t("alarm.severity"), t("alarm.alarm"), t("alarm.cite"), t("alarm.firms"), t("alarm.unknown")],
        [(t.word("severity", a["severity"]), t.name(a), a["cite"], a["firms"], a["unknown"]) for a in answer["alarms"]],
        numbers=(3, 4),
    )
    industries = prepaid_industries().industries
    for firm in answer["items"]:
        industry = industries[firm["industry"]]
        words = (cell(firm["on"]), firm["name"] or "", firm["uscc"], t.name({"zh": industry.zh, "en": industry.en}))
        out.heading("  ".join(words))
        for alarm in firm["alarms"]:
            facts = "; ".join(f"{t.name(each)} {cell(plain(each['value']))}" for each in alarm["evidence"])
            out.line(f"  [{t.word('severity', alarm['severity'])}] {t.name(alarm)}: {facts}")


def show_others(out: Out, others: list[dict[str, Any]]) -> None:
    """The evaluations beside the financing evaluation of one firm."""
    t = out.t
    for other in others:
        words = t.word("side_state", other["state"])
        if other["score"] is not None:
            grade = t.word("side_grade", other["grade"])
            words = t("beside.words", score=f"{other['score']:.1f}", most=f"{other['most']:.0f}", grade=grade)
            words += f" {percent(other['coverage'], 0)}"
        out.pairs([(t.name(other), words)])
        if other["proposed"]:
            out.line(f"  {t('beside.proposed')}")
