"""What lenders of a campaign rank by: the risk-adjusted value of a yuan lent, as an application tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.applications.bank_value import RiskAdjusted, risk_adjusted
from matching.cost import Cost
from matching.products import Product
from service.books.rulebook import application_rules
from service.snapshot.snapshots import OpenSnapshot

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """``standing`` (e,): each pair's place among all of its lender, from 0 to 1, larger is better; equal ones share a
    place. ``said``: how it came about, for the summary."""

    standing: Floats
    said: dict[str, Any]


def ranking(
    snapshot: OpenSnapshot, products: Sequence[Product], costs: Sequence[Cost], row: Ints, product: Ints
) -> Ranking:
    """Pairs (``row`` of the snapshot, ``product``) in the order of their lender.

    By yearly margin less expected loss (:func:`~matching.applications.bank_value.risk_adjusted`); of equal value, by
    score. A firm whose probability of default is unknown stands where the middle firm of the product stands, a product
    without interest where the middle one of the campaign does, a firm without a score at the middle of all scores:
    unknown is neither the best nor the worst. Without any probability the score alone decides. Places are within the
    lender, so that a pot shared by lenders does not go first to whoever charges most.
    """
    terms = application_rules().bank_value
    made = [
        risk_adjusted(cost.contract_annual_rate, None, each.security or "credit", Decimal(1), terms)
        for each, cost in zip(products, costs, strict=True)
    ]
    pd = known_pd(snapshot)[row]
    found = ~np.isnan(pd)
    middle = [_median(pd[found & (product == at)], pd[found]) for at in range(len(products))]
    margin, lost = np.array([_number(each.margin) for each in made]), _lost(made)
    margin = np.where(np.isnan(margin), _median(margin[~np.isnan(margin)], margin), margin)
    risk = np.where(found, pd, np.array(middle)[product]) * lost[product]
    value = margin[product] - risk if found.any() else np.zeros(row.size)
    lenders = list(dict.fromkeys(each.lender.id for each in products))
    house = np.array([lenders.index(each.lender.id) for each in products], np.int64)[product]
    known = np.bincount(product[found], minlength=len(products))
    return Ranking(
        _standing(house, value, _scores(snapshot)[row]),
        {
            "by": "risk_adjusted_value" if found.any() else "score",
            "funding": str(terms.funding_annual_rate),
            "confirmed": terms.confirmed,
            "products": [
                {
                    "id": each.id, "rate": _said(one.rate), "margin": _said(one.margin),
                    "loss_given_default": _said(one.loss_given_default), "pd_known": int(known[at]),
                    "pd_unknown": int((product == at).sum()) - int(known[at]),
                    "pd_middle": round(middle[at], 6) if found.any() else None,
                }
                for at, (each, one) in enumerate(zip(products, made, strict=True))
            ],
        },
    )  # fmt: skip


def best_of(snapshot: OpenSnapshot, found: Ints, most: int) -> Ints:
    """Of the rows ``found``, the ``most`` likeliest to repay, the unknown at the middle; of equals, the best scored."""
    if found.size <= most:
        return found
    pd = known_pd(snapshot)[found]
    risk = np.where(np.isnan(pd), _median(pd[~np.isnan(pd)], np.zeros(1)), pd)
    # Rows of a snapshot are sorted by score, highest first.
    return np.sort(found[np.lexsort((found, risk))[:most]])


def known_pd(snapshot: OpenSnapshot) -> Floats:
    """The probability of default of every firm (n,), NaN where it is unknown."""
    values = snapshot.columns.get("pd")
    return np.full(snapshot.firms, np.nan) if values is None else np.asarray(values, np.float64)


def _standing(house: Ints, value: Floats, score: Floats) -> Floats:
    # Rounded, so that sums that differ in their last bit alone are equal.
    order = np.lexsort((score, np.round(value, 12), house))
    if not order.size:
        return np.zeros(0)
    house, value, score = house[order], np.round(value, 12)[order], score[order]
    new_house = np.r_[True, house[1:] != house[:-1]]
    new = new_house | np.r_[True, (value[1:] != value[:-1]) | (score[1:] != score[:-1])]
    places = np.arange(order.size)
    start = np.maximum.accumulate(np.where(new_house, places, 0))
    size = np.bincount(house)[house]
    first, group = places[new], np.cumsum(new) - 1
    alike = np.diff(np.r_[first, order.size])
    made = np.empty(order.size)
    made[order] = (first[group] - start + alike[group] / 2) / size
    return made


def _scores(snapshot: OpenSnapshot) -> Floats:
    score = np.asarray(snapshot.columns.values["score"], np.float64)
    known = score[~np.isnan(score)]
    return np.where(np.isnan(score), np.median(known) if known.size else 0.0, score)


def _lost(made: Sequence[RiskAdjusted]) -> Floats:
    return np.array([float(each.loss_given_default) for each in made])


def _said(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _number(value: Decimal | None) -> float:
    return np.nan if value is None else float(value)


def _median(figures: Floats, otherwise: Floats) -> float:
    """The middle of ``figures``, without any of ``otherwise``, without those 0."""
    for each in (figures, otherwise):
        if each.size and not np.isnan(each).any():
            return float(np.median(each))
    return 0.0
