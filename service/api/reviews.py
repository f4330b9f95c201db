"""The review queue: firms a person looks at, and what the person decides."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from models.dates import parse_date
from models.errors import RefusedInput
from service.access.auth import Action, Caller
from service.answers.reviews import case_answer
from service.api.guard import requires
from service.api.inputs import Body, Cursor, ExpiresOn, Limit
from service.api.paging import bad_cursor, paged, read, write
from service.api.route import DeskDep, router
from service.api.shapes import Page
from service.api.shapes_models import ReviewShape
from service.usecases.decide_review import decide_review
from service.usecases.list_reviews import list_reviews
from service.web.encode import answered

routes = router("reviews")


class Decision(Body):
    """``confirm`` takes reason and note; ``adjust`` also another grade and the last day it is shown."""

    decision: Literal["confirm", "adjust"]
    reason: str = Field(max_length=40, description="Id of a reason, such as as_expected or record_wrong")
    note: str = Field(default="", max_length=2000)
    grade: str | None = Field(default=None, max_length=8)
    expires_on: ExpiresOn = None


@routes.get("/reviews", summary="Firms drawn for review", responses={200: {"model": Page[ReviewShape]}})
async def reviews(
    caller: Annotated[Caller, requires(Action.REVIEW)],
    desk: DeskDep,
    state: Annotated[str, Query(max_length=10, description="open, decided or all")] = "open",
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Response:
    """Drawn by the build from code and quarter alone: every firm of the lowest grade, a share of the others."""
    after = None
    if cursor:
        quarter, _, seen = read(cursor).partition(" ")
        try:
            after = (parse_date(quarter), seen)
        except RefusedInput:
            raise bad_cursor(cursor) from None
    cases = await run_in_threadpool(list_reviews, desk.office, state, limit + 1, after)
    shown, more = cases[:limit], len(cases) > limit
    following = write(f"{shown[-1].quarter.isoformat()} {shown[-1].id}") if more else None
    return answered(paged([case_answer(case) for case in shown], following))


@routes.post("/reviews/{case_id}/decision", summary="Decide a review", responses={200: {"model": ReviewShape}})
async def decide(
    caller: Annotated[Caller, requires(Action.REVIEW)],
    desk: DeskDep,
    case_id: Annotated[str, Path(max_length=20, description="Id of a case")],
    decision: Decision,
) -> Response:
    """Once per case. An adjusted grade is shown beside the evaluation until it expires; the score never changes."""
    case = await run_in_threadpool(
        lambda: decide_review(
            desk.office,
            case_id,
            by=caller.client_id,
            decision=decision.decision,
            reason=decision.reason,
            note=decision.note,
            grade=decision.grade,
            expires_on=decision.expires_on,
            now=desk.now(),
        )
    )
    return answered(case_answer(case))
