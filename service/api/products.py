"""GET /v1/products: the shelf of every lender."""

from __future__ import annotations

from typing import Annotated

from starlette.responses import Response

from service.access.auth import Action, Caller
from service.answers.rules import product_answer
from service.api.inputs import Cursor, Limit
from service.api.paging import page_of, paged
from service.api.route import requires, router
from service.api.shapes import Page
from service.api.shapes_rules import ProductShape
from service.books.rulebook import offers
from service.web.encode import answered

routes = router("products")


@routes.get("/products", summary="The product shelf", responses={200: {"model": Page[ProductShape]}})
async def list_products(
    caller: Annotated[Caller, requires(Action.READ_PRODUCTS)], cursor: Cursor = "", limit: Limit = 100
) -> Response:
    """What lenders, lessors, factors, guarantors, insurers and funds offer, with terms where they are published."""
    products = offers().products
    page, following = page_of(list(products.values()), list(products), cursor, limit)
    return answered(paged([product_answer(product) for product in page], following))
