"""Everything a firm may be offered: the product shelf and the schemes of one city, checked against each other."""

from __future__ import annotations

from dataclasses import dataclass

from matching.benefits import GuaranteeTerms
from matching.products import Product, ProductBook
from matching.rulefile import clash
from matching.schemes import SchemeBook


@dataclass(frozen=True)
class Offers:
    """Products and schemes.

    ``DataFileError`` if a product rests on something that is no guarantee scheme, or charges more than it allows.
    """

    products: ProductBook
    schemes: SchemeBook

    def __post_init__(self) -> None:
        for product in self.products.values():
            self._check_guarantee(product)

    def _check_guarantee(self, product: Product) -> None:
        link = product.terms.guarantee if product.terms else None
        if product.terms is None or link is None:
            return
        scheme = self.schemes.get(link.scheme)
        if scheme is None or not isinstance(scheme.benefit, GuaranteeTerms):
            raise clash(product.id, "guarantee", link.scheme, "There is no such guarantee scheme.", "Name one that is.")
        ceiling = scheme.benefit.fee_rate(product.terms.amount.high)
        if link.fee_annual_rate > ceiling:
            rule = f"{scheme.id} allows {ceiling} a year at most."
            raise clash(product.id, "guarantee", str(link.fee_annual_rate), rule, "Lower fee_annual_rate.")

    def of_city(self, city: str) -> Offers:
        """The same products with the schemes of ``city`` and the national ones."""
        kept = (scheme for scheme in self.schemes.values() if scheme.city in (city, "national"))
        return Offers(self.products, SchemeBook(kept))
