"""Firms for a lender: by product, by ad-hoc conditions, and those that opened themselves to contact."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.access.auth import Action, Caller
from service.api.guard import requires
from service.api.inputs import Body, Cursor, Limit, Purposed
from service.api.route import DeskDep, router
from service.api.shapes_market import ContactedAnswer, ProspectsAnswer, SearchAnswer
from service.desk import Desk
from service.market.seeker import Seeker
from service.usecases.contact_prospect import contact_prospect, read_prospect
from service.usecases.find_prospects import prospects_of_product, search_prospects
from service.web.encode import answered
from service.web.idempotency import unkeyed

routes = router("prospects")
Finder = Annotated[Caller, requires(Action.FIND_PROSPECTS)]
ProspectId = Annotated[str, Path(max_length=80, description="Of a card")]
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
    request: Request,
    product_id: Annotated[str, Path(max_length=120, examples=["score-based-loan"])],
    cursor: Cursor = "",
    limit: Limit = 50,
    purpose: Purposed = None,
) -> Response:
    """A page sorted by score, the total, a waterfall of how many firms each condition removes, and facets.

    Lenders see their own products' prospects, as `POST /v1/prospects/search` tells them.
    """
    seeker = seeker_of(desk, caller, purpose, request)
    return answered(await run_in_threadpool(prospects_of_product, seeker, product_id, cursor, limit))


@routes.post(
    "/prospects/search",
    summary="Firms that meet ad-hoc conditions",
    responses={200: {"model": SearchAnswer}},
    openapi_extra=unkeyed("It asks and changes nothing but the count of screens"),
)
async def search(caller: Finder, desk: DeskDep, request: Request, screen: Screen, purpose: Purposed = None) -> Response:
    """The same for conditions of your own; conditions nobody can meet are refused.

    A lender is told of groups, not of firms: counts are moved by a few firms and withheld below `withheld_below`; cards
    stand for a part of the firms found, each with at least so many alike, in bands; the list follows the bands shown.
    Screens over public registers alone are counted exactly. Different screens a day are limited (429).
    """
    seeker = seeker_of(desk, caller, purpose, request)
    asked = (screen.conditions, screen.sort, screen.cursor, screen.limit)
    return answered(await run_in_threadpool(search_prospects, seeker, *asked))


@routes.post(
    "/prospects/{prospect_id}/contact",
    summary="Contact the firm behind a card",
    responses={200: {"model": ContactedAnswer}},
)
async def contact(
    caller: Annotated[Caller, requires(Action.CONTACT_FIRM)],
    desk: DeskDep,
    request: Request,
    prospect_id: ProspectId,
    purpose: Purposed = None,
) -> Response:
    """Code, name and public items of a firm that opened itself to you; counted against the number it set (409).

    The firm sees who contacted it. Asking again while the contact holds counts once.
    """
    seeker = seeker_of(desk, caller, purpose, request)
    return answered(await run_in_threadpool(contact_prospect, seeker, prospect_id))


@routes.get("/prospects/{prospect_id}", summary="A contacted firm", responses={200: {"model": ContactedAnswer}})
async def contacted(
    caller: Annotated[Caller, requires(Action.READ_PROSPECT)],
    desk: DeskDep,
    request: Request,
    prospect_id: ProspectId,
    purpose: Purposed = None,
) -> Response:
    """Name and public items while the contact holds; 404 from the moment the firm closes itself."""
    seeker = seeker_of(desk, caller, purpose, request)
    return answered(await run_in_threadpool(read_prospect, seeker, prospect_id))


def seeker_of(desk: Desk, caller: Caller, purpose: str | None, request: Request) -> Seeker:
    """Who looks for firms with this request."""
    return Seeker(desk.shelf, caller, purpose, desk.now(), request.scope["request_id"])
