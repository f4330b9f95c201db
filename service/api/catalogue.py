"""GET /v1/catalogue: 5 dimensions, 16 categories, 139 items."""

from __future__ import annotations

from functools import cache
from typing import Annotated

from starlette.responses import Response

from scoring.catalogue import Item
from service.access.auth import Action, Caller
from service.api.guard import requires
from service.api.route import router
from service.api.shapes import CatalogueAnswer
from service.books.seedbook import catalogue
from service.web.encode import encode

routes = router("catalogue")


@routes.get("/catalogue", summary="The catalogue of items", responses={200: {"model": CatalogueAnswer}})
async def read_catalogue(caller: Annotated[Caller, requires(Action.READ_CATALOGUE)]) -> Response:
    """Dimensions, categories and items with unit, source, share mode, refresh period and legal basis."""
    return Response(_encoded(), media_type="application/json")


@cache
def _encoded() -> bytes:
    book = catalogue()
    return encode(
        {
            "version": book.version,
            "origin": dict(book.origin),
            "counts": {
                "dimensions": len(book.dimensions),
                "categories": len(book.categories),
                "items": len(book.items),
            },
            "dimensions": [
                {
                    "id": dimension.id,
                    "number": dimension.number,
                    "zh": dimension.zh,
                    "en": dimension.en,
                    "categories": [
                        {
                            "id": category.id,
                            "code": category.code,
                            "zh": category.zh,
                            "en": category.en,
                            "items": [item_answer(item) for item in category.items],
                        }
                        for category in book.categories
                        if category.dimension == dimension.id
                    ],
                }
                for dimension in book.dimensions
            ],
        }
    )


def item_answer(item: Item) -> dict[str, object]:
    """One item as declared."""
    return {
        "id": item.id,
        "code": item.code,
        "zh": item.zh,
        "en": item.en,
        "type": item.kind.value,
        "unit": item.unit,
        "codes": list(item.codes),
        "agency": item.agency,
        "feed": item.feed,
        "computed_by": item.compute.op.value,
        "window_months": item.compute.window_months,
        "share": item.share.value,
        "personal": item.personal,
        "refresh_months": item.refresh_months,
        "valid_for_months": item.valid_for_months,
        "direction": item.direction,
        "repairable": item.repairable,
        "use": list(item.use),
        "legal_basis": item.legal_basis,
    }
