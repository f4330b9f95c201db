"""The shelf of every lender, and how a lender publishes on it: drafts, versions, preview, activation, retirement."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.access.auth import Action, Caller
from service.answers.rules import product_answer
from service.api.guard import requires
from service.api.inputs import Cursor, Limit, Purposed
from service.api.paging import page_answer, page_of, paged
from service.api.prospects import seeker_of
from service.api.route import CHANGED, DeskDep, router
from service.api.shapes import Page
from service.api.shapes_products import (
    ActivationBody,
    ComparisonAnswer,
    DraftBody,
    DraftChange,
    PreviewAnswer,
    PreviewBody,
    RetirementBody,
    VersionAnswer,
    VersionLine,
)
from service.api.shapes_rules import ProductShape
from service.asking import asked_day
from service.desk import Desk
from service.market.published import rules_of
from service.usecases.activate_product import activate_product, retire_product
from service.usecases.draft_product import ProductWritten, change_draft, draft_product, submit_draft
from service.usecases.preview_product import preview_product
from service.usecases.read_products import compare_versions, list_versions, read_version
from service.web.encode import answered
from service.web.etags import CONDITIONAL, check_unchanged, tagged
from service.web.idempotency import unkeyed

routes = router("products")
Writer = Annotated[Caller, requires(Action.DRAFT_PRODUCT)]
Second = Annotated[Caller, requires(Action.ACTIVATE_PRODUCT)]
Reader = Annotated[Caller, requires(Action.READ_PRODUCT_VERSIONS)]
ProductId = Annotated[str, Path(max_length=80, examples=["score-based-loan"])]
Version = Annotated[int, Path(ge=1, le=100_000)]
_VERSION = "/products/{product_id}/versions/{version}"


@routes.get("/products", summary="The product shelf", responses={200: {"model": Page[ProductShape]}})
async def list_products(
    caller: Annotated[Caller, requires(Action.READ_PRODUCTS)], desk: DeskDep, cursor: Cursor = "", limit: Limit = 100
) -> Response:
    """What lenders, lessors, factors, guarantors, insurers and funds offer, with terms where they are published."""
    products = (await run_in_threadpool(rules_of, desk.office, desk.today())).offers.products
    page, following = page_of(list(products.values()), list(products), cursor, limit)
    return answered(paged([product_answer(product) for product in page], following))


@routes.post(
    "/products",
    status_code=201,
    summary="Draft a product, or a new version of one",
    responses={201: {"model": VersionAnswer}},
)
async def draft(caller: Writer, desk: DeskDep, request: Request, body: DraftBody) -> Response:
    """The document has the form of the product files (as JSON) and is checked like them; its cases are optional.

    Nothing is offered before it is submitted and a second person of your house has activated it.
    """
    written, told = ProductWritten(body.document, body.cases), request.scope["request_id"]
    return answered(await run_in_threadpool(draft_product, desk.office, caller, written, desk.now(), told), 201)


@routes.post(
    "/products/{product_id}/preview",
    summary="What a product would find",
    responses={200: {"model": PreviewAnswer}},
    openapi_extra=unkeyed("It asks and changes nothing but the count of screens"),
)
async def preview(
    caller: Reader, desk: DeskDep, request: Request, product_id: ProductId, body: PreviewBody, purpose: Purposed = None
) -> Response:
    """Hits, what each condition alone removes, and how many of the hits a guarantee is open to.

    Of a document, of a version that is kept, or of the product as it is offered. Lenders are told moved counts.
    """
    seeker = seeker_of(desk, caller, purpose, request)
    return answered(await run_in_threadpool(preview_product, seeker, product_id, body.document, body.version))


@routes.get(
    "/products/{product_id}/versions", summary="Versions of a product", responses={200: {"model": Page[VersionLine]}}
)
async def versions(
    caller: Reader, desk: DeskDep, product_id: ProductId, cursor: Cursor = "", limit: Limit = 100
) -> Response:
    """Newest first, with who did what; of your own house (staff: of every house)."""
    found = await run_in_threadpool(list_versions, desk.office, caller, product_id, desk.today())
    return page_answer(found, cursor, limit, "version")


@routes.get(
    _VERSION,
    summary="One version of a product",
    responses={200: {"model": VersionAnswer}, 304: {"description": "As you have it"}},
)
async def version_of(
    caller: Reader, desk: DeskDep, request: Request, product_id: ProductId, version: Version
) -> Response:
    """With its document and its cases."""
    asked = (desk.office, caller, product_id, version, desk.today())
    return tagged(request, await run_in_threadpool(read_version, *asked))


async def _check_unchanged(request: Request, desk: Desk, caller: Caller, product_id: str, version: int) -> None:
    """Raise the 412 refusal where ``If-Match`` names another state of the version than it is in."""
    asked = (desk.office, caller, product_id, version, desk.today())
    await check_unchanged(request, desk.office, lambda: read_version(*asked))


@routes.get(_VERSION + "/diff", summary="Two versions compared", responses={200: {"model": ComparisonAnswer}})
async def diff(
    caller: Reader,
    desk: DeskDep,
    product_id: ProductId,
    version: Version,
    against: Annotated[int, Query(ge=1, le=100_000, description="The other version")],
) -> Response:
    """Each place of the document whose value differs, with both values."""
    return answered(await run_in_threadpool(compare_versions, desk.office, caller, product_id, version, against))


@routes.put(
    _VERSION,
    summary="Change a draft",
    responses={200: {"model": VersionAnswer}, **CHANGED},
    openapi_extra=CONDITIONAL,
)
async def change(
    caller: Writer, desk: DeskDep, request: Request, product_id: ProductId, version: Version, body: DraftChange
) -> Response:
    """`revision` is the one you read; 409 when somebody changed the draft since."""
    await _check_unchanged(request, desk, caller, product_id, version)
    written, told = ProductWritten(body.document, body.cases), request.scope["request_id"]
    asked = (product_id, version, body.revision, written, desk.now(), told)
    return answered(await run_in_threadpool(change_draft, desk.office, caller, *asked))


@routes.post(
    _VERSION + "/submission",
    summary="Submit a draft",
    responses={200: {"model": VersionAnswer}, **CHANGED},
    openapi_extra=CONDITIONAL,
)
async def submit(caller: Writer, desk: DeskDep, request: Request, product_id: ProductId, version: Version) -> Response:
    """From here on its content cannot change."""
    await _check_unchanged(request, desk, caller, product_id, version)
    asked = (product_id, version, desk.now(), request.scope["request_id"])
    return answered(await run_in_threadpool(submit_draft, desk.office, caller, *asked))


@routes.post(
    _VERSION + "/activation",
    summary="Activate a version",
    responses={200: {"model": VersionAnswer}, **CHANGED},
    openapi_extra=CONDITIONAL,
)
async def activate(
    caller: Second, desk: DeskDep, request: Request, product_id: ProductId, version: Version, body: ActivationBody
) -> Response:
    """By somebody else than who wrote it. Offered from that day on, to firms and in prospects, without a build."""
    await _check_unchanged(request, desk, caller, product_id, version)
    day = asked_day(body.effective_from, "effective_from")
    asked = (product_id, version, day, desk.now(), request.scope["request_id"])
    return answered(await run_in_threadpool(activate_product, desk.office, caller, *asked))


@routes.post(
    _VERSION + "/retirement",
    summary="Retire a version",
    responses={200: {"model": VersionAnswer}, **CHANGED},
    openapi_extra=CONDITIONAL,
)
async def retire(
    caller: Second, desk: DeskDep, request: Request, product_id: ProductId, version: Version, body: RetirementBody
) -> Response:
    """Not offered from that day on."""
    await _check_unchanged(request, desk, caller, product_id, version)
    asked = (product_id, version, asked_day(body.on, "on"), desk.now(), request.scope["request_id"])
    return answered(await run_in_threadpool(retire_product, desk.office, caller, *asked))
