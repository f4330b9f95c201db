"""Firms for a lender: by product, or by ad-hoc conditions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.access.auth import Action, Caller
from service.access.opaque import office_key
from service.api.inputs import Body, Cursor, Limit
from service.api.route import DeskDep, requires, router
from service.api.shapes_firm import ProspectsAnswer, SearchAnswer
from service.usecases.find_prospects import prospects_of_product, search_prospects
from service.web.encode import answered

routes = router("prospects")
Finder = Annotated[Caller, requires(Action.FIND_PROSPECTS)]
_EXAMPLE: JsonDict = {
    "conditions": {
        "all": [
            {"fact": "size_class", "op": "in", "value": ["micro", "small"]},
            {"fact": "sales_12m", "op": "ge", "value": 1000000},
            {"not": {"fact": "dishonest_debtor", "op": "is", "value": True}},
        ]
    },
    "sort": "",
    "limit": 20,
}


class Screen(Body):
    """Conditions over facts of firms, in the grammar of every rule."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, json_schema_extra={"examples": [_EXAMPLE]})

    conditions: dict[str, Any] = Field(
        description='{"all": […]}, {"any": […]}, {"not": …} or {"fact", "op", "value"}; ops: is, is_not, in, not_in, '
        "lt, le, gt, ge, between, known"
    )
    sort: str = Field(
        default="", max_length=80, description="Empty: best score first. item: ascending. -item: descending"
    )
    limit: int = Field(default=50, ge=1, le=500)
    cursor: str = Field(default="", max_length=400)


@routes.get(
    "/products/{product_id}/prospects",
    summary="Firms that meet a product's conditions",
    responses={200: {"model": ProspectsAnswer}},
)
async def prospects(
    caller: Finder,
    desk: DeskDep,
    product_id: Annotated[str, Path(max_length=120, examples=["score-based-loan"])],
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Response:
    """A page sorted by score, the total, and a waterfall of how many firms each condition removes.

    Lenders see their own products' prospects, as cards without identity: banded score, size, district, section, grade.
    """
    key = office_key(desk.office.home)
    return answered(await run_in_threadpool(prospects_of_product, desk.shelf, key, caller, product_id, cursor, limit))


@routes.post("/prospects/search", summary="Firms that meet ad-hoc conditions", responses={200: {"model": SearchAnswer}})
async def search(caller: Finder, desk: DeskDep, screen: Screen) -> Response:
    """The same for conditions of your own.

    A lender's screen over facts that are not public, with fewer than 5 firms found, is answered without firms or
    counts (`withheld_below`): otherwise public facts could single out a firm and the screen tell its other facts.
    """
    key = office_key(desk.office.home)
    return answered(
        await run_in_threadpool(
            search_prospects, desk.shelf, key, caller, screen.conditions, screen.sort, screen.cursor, screen.limit
        )
    )
