"""Commands about rules, sizes and codes: scheme list|check|evaluate, size, uscc."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.errors import RefusedInput
from models.uscc import check_uscc
from scoring.size import SizeAnswer, size_of
from service.answers.rules import scheme_answer
from service.asking import asked_day
from service.books.rulebook import offers, sizes
from service.cli import scheme_card
from service.cli.answers import argument, fact_name
from service.cli.benefits import show_benefit
from service.cli.output import AsJson, Out
from service.clock import today
from service.usecases.ask_scheme import ask_scheme
from service.usecases.check_rules import check_rules
from service.web.strict_json import parse_strict

schemes_app = typer.Typer(help="Public support schemes: list, check, evaluate.")
schemes_app.command("show")(scheme_card.show)
schemes_app.command("usage")(scheme_card.usage)


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(schemes_app, name="scheme")
    app.command("size")(size)
    app.command("uscc")(uscc)


@schemes_app.command("list")
def list_schemes(as_json: AsJson = False) -> None:
    """Every scheme of the rule book."""
    out = Out(as_json)
    answers = [scheme_answer(scheme) for scheme in offers().schemes.values()]
    if as_json:
        out.json({"items": answers, "next_cursor": None})
        return
    t = out.t
    out.table(
        [t("scheme.id"), t("scheme.name"), t("scheme.offers"), t("scheme.since"), t("scheme.until"), t("scheme.cite")],
        [
            (a["id"], t.name(a), t.word("offers", a["offers"]), a["valid_from"], a["valid_until"], a["cite"])
            for a in answers
        ],
        whole=(0, 3, 4),
    )


@schemes_app.command("check")
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Rule or model files; none: the whole rule book.")] = None,
    notes: Annotated[bool, typer.Option("--notes", help="List what is not confirmed, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read rule and model files, run the cases beside the rules; exit 2 with every fault by file and line."""
    out = Out(as_json)
    report = check_rules(files or ())
    if as_json:
        out.json(report)
        if report.problems:
            raise report.problems[0].as_error()
        return
    t = out.t
    remarks = [*report.problems, *(report.notes if notes else ())]
    for remark in remarks:
        kind = t("scheme.problem") if remark.error else t("scheme.note")
        # Never wrapped: other programs read file:line.
        typer.echo(f"{remark.file}:{remark.line}: {kind}: {remark.field}: {remark.rule} {remark.fix}".rstrip())
    if not report.problems:
        out.table(
            [t("scheme.file"), t("scheme.id"), t("scheme.cases")],
            [(c.file, c.id, c.cases) for c in report.items],
            numbers=(2,),
        )
        if report.models:
            out.table(
                [t("scheme.file"), t("scheme.id"), t("scheme.model_kind")],
                [(model.file, model.id, model.kind) for model in report.models],
            )
        held = len(report.items) + len(report.models)
        out.line(t("scheme.all_good", files=held, cases=sum(c.cases for c in report.items)))
    out.line(t("scheme.found", problems=len(report.problems), notes=len(report.notes)))
    if report.problems:
        raise typer.Exit(2)


@schemes_app.command("evaluate")
def evaluate(
    scheme_id: Annotated[str, typer.Argument(metavar="ID")],
    facts: Annotated[Path, typer.Option(help="JSON object: fact id to value; what is left out is unknown.")],
    as_of: Annotated[
        str | None, typer.Option(help="Day the question is asked for (YYYY-MM-DD); default today.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask one scheme about the facts of a firm and a loan."""
    out = Out(as_json)
    answer = ask_scheme(scheme_id, _facts(facts), asked_day(as_of, "as_of") if as_of else today())
    if as_json:
        out.json(answer)
        return
    t = out.t
    out.heading(f"{t.name(answer)}: {t.word('verdict', answer['verdict'])}")
    out.pairs([(t("scheme.as_of"), answer["as_of"]), (t("scheme.opens_on"), answer["opens_on"])])
    out.table(
        [
            t("finding.fact"),
            t("finding.op"),
            t("finding.expected"),
            t("finding.actual"),
            t("finding.truth"),
            t("finding.cite"),
        ],
        [
            (
                fact_name(out, f["fact"]),
                t.word("op", f["op"]),
                argument(f["expected"]),
                argument(f["actual"]),
                t.word("truth", f["truth"]),
                f["cite"],
            )
            for f in answer["findings"]
        ],
    )
    if answer["benefit"]:
        show_benefit(out, answer["benefit"], answer["once"])
    for document in answer["settled_by"]:
        out.line(t("finding.settled_by", document=document))


def _facts(path: Path) -> dict[str, object]:
    try:
        body = path.read_bytes()
    except OSError as problem:
        raise RefusedInput(
            "unreadable_file", "facts", str(path), f"It cannot be read: {problem.strerror}.", "Check the path."
        ) from None
    facts = parse_strict(body)
    if not isinstance(facts, dict):
        raise RefusedInput("bad_json", "facts", str(path), "The file holds one object.", 'Write {"fact": value}.')
    return facts


def size(
    industry: Annotated[str, typer.Option(help="GB/T 4754 code, section letter first: C3311.")],
    employees: Annotated[int | None, typer.Option(help="Persons.")] = None,
    revenue_yuan: Annotated[str | None, typer.Option(help="Revenue of a year, yuan.")] = None,
    assets_yuan: Annotated[str | None, typer.Option(help="Total assets, yuan.")] = None,
    as_json: AsJson = False,
) -> None:
    """Size class by the official table: large, medium, small or micro."""
    out = Out(as_json)
    answer = size_of(sizes(), industry, employees, revenue_yuan, assets_yuan)
    if as_json:
        out.json(size_answer(answer))
        return
    t = out.t
    if answer.size_class:
        words = t.word("size", answer.size_class)
    else:
        words = t("size.between", low=t.word("size", answer.low), high=t.word("size", answer.high))
    out.heading(words)
    out.pairs(
        [
            (t("size.row"), t.name(answer.row)),
            (t("size.decided_by"), ", ".join(t.word("metric", metric) for metric in answer.decided_by)),
            (t("size.missing"), ", ".join(t.word("metric", metric) for metric in answer.missing)),
            (t("size.source"), answer.source),
        ]
    )


def size_answer(answer: SizeAnswer) -> dict[str, object]:
    """The JSON form of a size class; ``size_class`` is null while a missing figure could change it."""
    return {
        "size_class": answer.size_class,
        "low": answer.low,
        "high": answer.high,
        "industry": answer.industry,
        "row": {"id": answer.row.id, "zh": answer.row.zh, "en": answer.row.en},
        "decided_by": list(answer.decided_by),
        "missing": list(answer.missing),
        "source": answer.source,
    }


def uscc(code: Annotated[str, typer.Argument(metavar="CODE")], as_json: AsJson = False) -> None:
    """Whether a unified social credit code is well-formed, and why not. Exit 2 when it is not."""
    out = Out(as_json)
    outcome = check_uscc(code)
    if as_json:
        out.json({"code": code, "valid": outcome.valid, "reason": outcome.reason, "detail": outcome.detail})
    elif outcome.valid:
        out.line(out.t("uscc.valid", code=code))
    else:
        out.line(out.t(f"uscc.{outcome.reason}", code=code))
    if not outcome.valid:
        raise typer.Exit(2)
