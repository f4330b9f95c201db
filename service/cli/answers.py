"""Commands that answer: firm, options, prospects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any

import typer

from service.access.auth import Caller, Role
from service.access.disclosure import Viewer
from service.asking import asked_code, asked_day
from service.books.rulebook import facts
from service.books.seedbook import catalogue
from service.cases.marks import marks_of
from service.cli.alarms import show_others
from service.cli.benefits import gives_words
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out, cell, money, percent
from service.cli.pd import show_models, show_pd
from service.clock import utc_now
from service.market.seeker import Seeker
from service.office import Office
from service.snapshot.shelf import Shelf
from service.usecases.find_prospects import prospects_of_product
from service.usecases.firm_report import firm_profile, firm_score, firm_summary
from service.usecases.list_options import list_options

AsOf = Annotated[str | None, typer.Option("--as-of", help="Day of the snapshot (YYYY-MM-DD); default the newest.")]
#: Answers write amounts with two decimals, and nothing else so.
_AMOUNT = re.compile(r"^-?\d+\.\d\d$", re.ASCII)
#: The person at the office's terminal: sees what staff see.
_STAFF = Caller("terminal", Role.OFFICE)
_VIEWER = Viewer(Role.OFFICE)


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.command("firm")(firm)
    app.command("options")(options)
    app.command("prospects")(prospects)


@contextmanager
def _shelf() -> Iterator[tuple[Office, Shelf]]:
    with office_of(settings_of()) as office:
        yield office, Shelf(office)


def _day(as_of: str | None) -> date | None:
    return asked_day(as_of, "as_of") if as_of is not None else None


def firm(uscc: Annotated[str, typer.Argument(metavar="USCC")], as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Profile and evaluation of one firm."""
    out = Out(as_json)
    asked_code(uscc)
    with _shelf() as (office, shelf):
        snapshot = shelf.on(_day(as_of))
        with office.read() as session:
            marks = marks_of(session, uscc)
        summary = firm_summary(shelf, snapshot, uscc, _VIEWER, marks=marks)
        score = firm_score(shelf, snapshot, uscc, _VIEWER, marks=marks)
        profile = firm_profile(snapshot, uscc, _VIEWER, marks=marks)
    if as_json:
        out.json({**summary, "score": score, "profile": profile})
        return
    show_firm(out, summary, score, profile)


def show_firm(out: Out, summary: dict[str, Any], score: dict[str, Any], profile: dict[str, Any]) -> None:
    """The firm as tables: who it is, why it has its score, what is known of it."""
    t, evaluation, registration = out.t, summary["evaluation"], summary["registration"]
    out.heading(f"{summary['name'] or summary['uscc']}  {summary['uscc']}")
    frozen = summary["frozen"]
    out.pairs(
        [
            (t("firm.as_of"), summary["as_of"]),
            (t("firm.status"), t.word("registration", registration["registration_status"])),
            (t("firm.established"), registration["established_on"]),
            (t("firm.industry"), registration["industry_code"]),
            (t("firm.size"), t.word("size", summary["size_class"])),
            (t("firm.score"), _score_words(out, evaluation)),
            (t("firm.official"), evaluation["official_grade"]),
            (t("firm.coverage"), percent(evaluation["coverage"], 0)),
            (t("firm.percentile"), _standing(out, evaluation)),
            (
                t("firm.frozen"),
                f"{frozen['quarter']}: {_number(frozen['score'])} {frozen['grade'] or ''}" if frozen else "",
            ),
        ]
    )
    out.line(out.t.name(evaluation["label"]))
    lines = [line for line in score["lines"] if float(line["points"]) != 0]
    if lines:
        dimensions = {each.id: t.name(each) for each in catalogue().dimensions}
        out.table(
            [t("score.dimension"), t("score.line"), t("score.value"), t("score.points")],
            [
                (
                    dimensions.get(line["dimension"], "—"),
                    t.name(line),
                    _shown(line["value"]),
                    f"{float(line['points']):+.1f}",
                )
                for line in lines
            ],
            numbers=(3,),
        )
    for note in score["notes"]:
        out.line(t.name(note))
    show_pd(out, score["pd"], score["override"])
    show_others(out, summary["other_evaluations"])
    for category in catalogue().categories:
        rows = [
            (
                t.name(item),
                t("profile.masked") if item["masked"] and item["known"] else _value(out, item),
                item["observed_on"],
                t("profile.contested") if item["contested"] else t("profile.stale") if item["past_refresh"] else "",
            )
            for item in profile["items"]
            if item["category"] == category.code
        ]
        out.heading(f"{category.code} {t.name(category)}")
        out.table([t("profile.item"), t("profile.value"), t("profile.observed"), t("profile.note")], rows)


def _score_words(out: Out, evaluation: dict[str, Any]) -> str:
    if evaluation["score"] is None:
        return out.t.word("state", evaluation["state"])
    return out.t(
        "firm.score_words",
        score=_number(evaluation["score"]),
        grade=evaluation["grade"] or "—",
        low=_number(evaluation["low"]),
        high=_number(evaluation["high"]),
    )


def _standing(out: Out, evaluation: dict[str, Any]) -> str:
    if evaluation["percentile"] is None:
        return ""
    return out.t("firm.standing", percent=percent(evaluation["percentile"], 0), peers=evaluation["peers"])


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f}"


def _shown(value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, str) and _AMOUNT.match(value):
        return money(value)
    return f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _value(out: Out, item: dict[str, Any]) -> str:
    if not item["known"]:
        return out.t("profile.unknown")
    if item["type"] == "money":
        return out.t("unit.yuan", amount=money(item["value"]))
    if item["type"] == "ratio":
        return percent(item["value"], 1)
    if item["type"] == "code":
        return out.t.word("code", str(item["value"]))
    return f"{_shown(item['value'])} {out.t.word('measure', item['unit']) if item['unit'] else ''}".strip()


def options(
    uscc: Annotated[str, typer.Argument(metavar="USCC")],
    as_of: AsOf = None,
    amount_yuan: Annotated[str | None, typer.Option(help="Amount wanted, yuan.")] = None,
    term_months: Annotated[int | None, typer.Option(help="Term wanted, months.")] = None,
    purpose: Annotated[str | None, typer.Option(help="working_capital, fixed_assets, technical_upgrade, …")] = None,
    security: Annotated[str | None, typer.Option(help="credit, guarantee, mortgage, pledge or none_stated.")] = None,
    enjoyed: Annotated[
        list[str] | None,
        typer.Option(metavar="SCHEME=DATE[:YUAN]", help="A scheme enjoyed before, or SCHEME=never; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Every product and scheme for a firm, with status, cost and what is missing."""
    out = Out(as_json)
    asked_code(uscc)
    need = {
        "amount_yuan": amount_yuan,
        "term_months": term_months,
        "purpose": purpose,
        "security": security,
        "enjoyed": enjoyed or None,
    }
    with _shelf() as (office, shelf):
        snapshot = shelf.on(_day(as_of))
        with office.read() as session:
            marks = marks_of(session, uscc)
        answer = list_options(office, snapshot, uscc, need, _VIEWER, utc_now(), marks=marks)
    if as_json:
        out.json(answer)
        return
    show_options(out, answer)


def show_options(out: Out, answer: dict[str, Any], most: int = 0) -> None:
    """Options as a table, best first; at most ``most`` of them (0: all)."""
    t = out.t
    out.heading(f"{answer['name'] or answer['uscc']}  {answer['uscc']}  {t('firm.as_of')} {answer['as_of']}")
    counts = ", ".join(f"{t.word('status', status)} {count}" for status, count in answer["counts"].items() if count)
    out.line(counts)
    show_models(out, answer["models"])
    shown = answer["options"][:most] if most else answer["options"]
    out.table(
        [
            t("option.id"),
            t("option.name"),
            t("option.status"),
            t("option.principal"),
            t("option.cost"),
            t("option.rate"),
            t("option.why"),
        ],
        [
            (
                option["id"],
                t.name(option),
                t.word("status", option["status"]),
                money(option["cost"]["principal_yuan"]) if option["cost"] else "—",
                money(option["cost"]["total_yuan"]) if option["cost"] else "—",
                percent(option["cost"]["all_in_annual_rate"]) if option["cost"] else "—",
                _why(out, option),
            )
            for option in shown
        ],
        numbers=(3, 4, 5),
        whole=(0, 3, 4, 5),
    )
    out.line(t("option.receipt", receipt=answer["receipt_id"]))


def _papers(out: Out, option: dict[str, Any]) -> list[str]:
    """The documents that would settle an open option, in the language of the terminal where the facts name them."""
    if out.t.language == "zh":
        named = [facts()[fact].settled_by_zh for fact in option["missing"] if fact in facts()]
        return named or [out.t("option.unpublished")]
    return list(option["settled_by"])


def _why(out: Out, option: dict[str, Any]) -> str:
    """What stands between the firm and the option, in one cell."""
    t = out.t
    if option["status"] == "eligible":
        stacked = ", ".join(t.name(each) for each in option["stack"])
        return t("option.with", schemes=stacked) if stacked else gives_words(out, option["benefit"])
    if option["opens_on"]:
        return t("option.opens", day=option["opens_on"])
    if option["successor"]:
        return t("option.successor", scheme=option["successor"])
    if option["status"] == "unknown":
        return t("finding.settled_by", document="; ".join(_papers(out, option)))
    failed = [f for f in option["findings"] if f["truth"] == "unmet"]
    return "; ".join(
        t(
            "option.failed",
            condition=in_words(out, {"fact": f["fact"], "op": f["op"], "value": f["expected"]}),
            actual=argument(f["actual"]) if f["actual"] is not None else "—",
        )
        for f in failed[:3]
    )


def prospects(
    product_id: Annotated[str, typer.Argument(metavar="PRODUCT_ID")],
    limit: Annotated[int, typer.Option(min=1, max=500, help="Most firms of one page.")] = 50,
    cursor: Annotated[str, typer.Option(help="next_cursor of the page before.")] = "",
    as_json: AsJson = False,
) -> None:
    """Firms that meet a product's conditions, best score first, and what each condition removes."""
    out = Out(as_json)
    with _shelf() as (_, shelf):
        answer = prospects_of_product(Seeker(shelf, _STAFF, None, utc_now()), product_id, cursor, limit)
    if as_json:
        out.json(answer)
        return
    show_prospects(out, answer)


def show_prospects(out: Out, answer: dict[str, Any]) -> None:
    """The waterfall and the page of firms."""
    t = out.t
    out.heading(t("prospect.found", product=answer["product"], total=cell(answer["total"]), among=answer["among"]))
    show_models(out, answer["models"])
    out.table(
        [t("prospect.condition"), t("prospect.removes"), t("prospect.unknown"), t("prospect.left")],
        [
            (in_words(out, step["condition"]), step["removes"], step["unknown"], step["left"])
            for step in answer["waterfall"]
        ],
        numbers=(1, 2, 3),
    )
    named = any("uscc" in card for card in answer["items"])
    who = [t("prospect.firm"), t("prospect.code")] if named else [t("prospect.id")]
    out.table(
        [*who, t("firm.size"), t("prospect.district"), t("prospect.section"), t("prospect.grade"), t("prospect.score")],
        [
            (
                *((card["name"], card["uscc"]) if named else (card["prospect_id"],)),
                t.word("size", card["size_class"]),
                card["district"],
                card["industry_section"],
                card["grade"],
                _number(card["score"]) if named else "–".join(map(str, card["score_band"] or ())),
            )
            for card in answer["items"]
        ],
    )
    if answer["next_cursor"]:
        out.line(t("prospect.more", cursor=answer["next_cursor"]))


def in_words(out: Out, condition: dict[str, Any]) -> str:
    """A condition tree in one line, facts by their names."""
    t = out.t
    if "fact" in condition:
        value = condition.get("value")
        shown = "" if value is None else argument(value)
        return f"{fact_name(out, condition['fact'])} {t.word('op', condition['op'])} {shown}".strip()
    if "not" in condition:
        return t("condition.not", part=in_words(out, condition["not"]))
    word, parts = next(iter(condition.items()))
    return f" {t(f'condition.{word}')} ".join(f"({in_words(out, part)})" for part in parts)


def fact_name(out: Out, fact: str) -> str:
    """The name of a fact in the language of the terminal."""
    if fact == "as_of":
        return out.t("scheme.as_of")
    spec = facts().get(fact)
    return out.t.name(spec) if spec else fact


def argument(value: Any) -> str:
    """What a condition compares with, or what was found."""
    if isinstance(value, list):
        return ", ".join(_shown(each) for each in value)
    if isinstance(value, dict):
        times = f"{value['times']} × " if "times" in value else ""
        return f"{times}{value['param']}"
    return _shown(value)
