"""Commands about firms that are reviewed by hand: list, decide."""

from __future__ import annotations

from typing import Annotated

import typer

from service.answers.reviews import case_answer
from service.asking import asked_day
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.clock import utc_now
from service.usecases.decide_review import decide_review
from service.usecases.list_reviews import list_reviews

group = typer.Typer(help="Firms that are reviewed by hand.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(group, name="review")


@group.command("list")
def list_cases(
    state: Annotated[str, typer.Option(help="open, decided or all.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Firms drawn for review, the newest quarter first."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        cases = [case_answer(case) for case in list_reviews(office, state, limit)]
    if as_json:
        out.json({"items": cases, "next_cursor": None})
        return
    t = out.t
    if not cases:
        out.line(t("review.none"))
        return
    out.table(
        [t("review.case"), t("review.quarter"), t("review.firm"), t("review.score"), t("review.grade"),
         t("review.decision"), t("review.override"), t("review.expires")],
        [
            (
                case["id"],
                case["quarter"],
                case["uscc"],
                f"{case['score']:.1f}",
                case["grade"],
                t.word("decision", case["decision"]),
                case["override_grade"],
                case["expires_on"],
            )
            for case in cases
        ],
        numbers=(3,),
        whole=(0, 2),
    )  # fmt: skip


@group.command("decide")
def decide(
    case: Annotated[str, typer.Argument(metavar="CASE")],
    decision: Annotated[str, typer.Argument(metavar="confirm|adjust")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Id of the client of the office that decides.")],
    reason: Annotated[str, typer.Option(help="Id of a reason, such as as_expected or record_wrong.")],
    note: Annotated[str, typer.Option(help="What was found; for the office only.")] = "",
    grade: Annotated[str | None, typer.Option(help="adjust: the grade shown beside the evaluation.")] = None,
    expires_on: Annotated[str | None, typer.Option(help="adjust: the last day it is shown.")] = None,
    as_json: AsJson = False,
) -> None:
    """Decide a case once. The score never changes; an adjusted grade is shown beside it."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        made = decide_review(
            office,
            case,
            by=by,
            decision=decision,
            reason=reason,
            note=note,
            grade=grade,
            expires_on=None if expires_on is None else asked_day(expires_on, "expires_on"),
            now=utc_now(),
        )
    if as_json:
        out.json(case_answer(made))
    else:
        out.line(out.t("review.decided", case=made.id, decision=out.t.word("decision", made.decision)))
