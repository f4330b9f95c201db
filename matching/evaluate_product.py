"""Asks one product about one firm and its need: dates, limits, conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from matching.parameters import ParameterBook
from matching.products import Product
from matching.verdicts import Requirement, Verdict, truth_of
from models.kinds import Scalar


@dataclass(frozen=True)
class ProductResult:
    """Whether a firm with a need meets a product, and why. Terms not published: never MET."""

    product: str
    verdict: Verdict
    requirements: tuple[Requirement, ...]


def evaluate_product(
    product: Product, facts: Mapping[str, Scalar | None], parameters: ParameterBook, as_of: date
) -> ProductResult:
    """What ``product`` says of a firm and its need. ``facts`` by id, absent or ``None`` is unknown; money in yuan."""
    requirements = product.requirements.judge(facts, parameters, as_of)
    dated = product.validity.finding(as_of, "product terms: valid", "")
    if dated:
        requirements = (Requirement(dated.truth, (dated,)), *requirements)
    verdict = product.validity.outside(as_of) or Verdict(truth_of(requirements).value)
    if verdict is Verdict.MET and product.terms is None:
        verdict = Verdict.UNKNOWN
    return ProductResult(product.id, verdict, requirements)
