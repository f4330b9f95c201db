"""What if some facts of a firm were otherwise."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.access.auth import Action
from service.access.reading import Access
from service.api.guard import reads_firm
from service.api.inputs import AsOf, Body, Uscc
from service.api.route import DeskDep, router
from service.api.shapes_what_if import WhatIfAnswer
from service.market.published import rules_of
from service.usecases.what_if import suppose_facts
from service.web.encode import answered
from service.web.idempotency import unkeyed

routes = router("firms")
_EXAMPLE: JsonDict = {
    "facts": {"insured_staff": 40, "high_tech": True, "penalty_general.y1": 0},
    "need": {"amount_yuan": "3000000", "term_months": 12, "purpose": "working_capital"},
}


class NeedBody(Body):
    """The need, as in an options question; what is left out is filled in from each product's usual case."""

    amount_yuan: str | None = Field(default=None, max_length=40, description="Amount wanted, yuan above zero")
    term_months: int | None = Field(default=None, description="Term wanted, months")
    purpose: str | None = Field(default=None, max_length=40, description="What the money is for")
    security: str | None = Field(default=None, max_length=40, description="What the firm can offer")
    enjoyed: list[str] | None = Field(
        default=None, max_length=100, description="SCHEME=DATE, SCHEME=DATE:YUAN or SCHEME=never"
    )


class WhatIfQuestion(Body):
    """The facts to suppose otherwise; everything else stays as recorded."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, json_schema_extra={"examples": [_EXAMPLE]})

    facts: dict[str, Any] = Field(
        description="Fact id to value, null: unknown. Amounts as text in yuan, dates ISO, rates as fractions. "
        "penalty_general.y1 is the count of the latest twelve months"
    )
    need: NeedBody = Field(default_factory=NeedBody)
    confirmed: list[str] = Field(
        default_factory=list, max_length=200, description="Facts whose suspiciously small amount is meant"
    )
    as_of: AsOf = Field(default=None, description="Day of the snapshot; default the newest")


@routes.post(
    "/firms/{uscc}/what-if",
    summary="What if facts were otherwise",
    responses={200: {"model": WhatIfAnswer}},
    openapi_extra=unkeyed("It asks and changes nothing"),
)
async def what_if(
    access: Annotated[Access, reads_firm(Action.READ_OPTIONS)], desk: DeskDep, uscc: Uscc, question: WhatIfQuestion
) -> Response:
    """Score, options and cost with changed facts, beside today's: what opens, what closes, what it is worth in yuan.

    Hypothetical and labelled so; nothing is stored and there is no receipt. Facts that are worked out (size class,
    score) cannot be stated: the refusal names what they are made of. `followed` says what moved with the change.
    Under a consent over some dimensions facts outside it cannot be stated (403), and both sides are made of the rest.
    """
    snapshot, need = desk.shelf.on(question.as_of), question.need.model_dump(exclude_none=True)
    facts, confirmed, models = question.facts, question.confirmed, desk.shelf.models
    viewer, used = access.viewer, await run_in_threadpool(rules_of, desk.office, desk.today())
    asked = (snapshot, uscc, facts, need, viewer, confirmed, models, used)
    return answered(await run_in_threadpool(suppose_facts, *asked))
