"""What lenders of a campaign rank by: risk-adjusted value, the unknown at the middle, places within a lender."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from matching.applications.bank_value import risk_adjusted
from matching.cost import cost_of, quote
from service.books.rulebook import application_rules, offers, parameters
from service.market.campaign_value import Ranking, best_of, ranking

NAN = np.nan
PRODUCTS = sorted((one for one in offers().products.values() if one.terms and one.terms.rate), key=lambda one: one.id)


@dataclass
class Known:
    """What a ranking asks of a snapshot: scores, and probabilities where a model gave them."""

    values: dict[str, Any]

    def get(self, name: str) -> Any:
        return self.values.get(name)


def ranked(pd: list[float] | None, score: list[float], places: list[int] | None = None) -> Ranking:
    """One product of the shelf for each place; every firm asks the product of its place."""
    at = places or [0] * len(score)
    of_one = [one for one in PRODUCTS if one.lender.id == PRODUCTS[0].lender.id]
    others = [one for one in PRODUCTS if one.lender.id != PRODUCTS[0].lender.id]
    products = [of_one[0], *others][: max(at) + 1]
    costs = [
        cost_of(one, quote(one, one.terms.amount.typical, 12, date(2024, 10, 31), parameters()))  # type: ignore[union-attr]
        for one in products
    ]
    return ranking(snapshot(pd, score), products, costs, np.arange(len(score)), np.array(at))


def snapshot(pd: list[float] | None, score: list[float]) -> Any:
    values = {"score": np.array(score)} | ({} if pd is None else {"pd": np.array(pd)})
    return SimpleNamespace(columns=Known(values), firms=len(score))


def test_whoever_is_likelier_to_repay_stands_higher_whatever_the_score() -> None:
    made = ranked([0.05, 0.01, 0.02], [900.0, 500.0, 700.0])
    assert np.argsort(-made.standing).tolist() == [1, 2, 0]
    assert made.said["by"] == "risk_adjusted_value"


def test_an_unknown_risk_stands_with_the_middle_firm_and_the_score_decides_between_them() -> None:
    made = ranked([0.01, 0.02, 0.03, NAN, NAN], [500.0, 600.0, 700.0, 800.0, 550.0])
    assert np.argsort(-made.standing).tolist() == [0, 3, 1, 4, 2]
    (said,) = made.said["products"]
    assert (said["pd_known"], said["pd_unknown"], said["pd_middle"]) == (3, 2, 0.02)


@pytest.mark.parametrize("pd", [None, [NAN, NAN, NAN]])
def test_without_any_probability_the_score_decides_and_is_said_to(pd: list[float] | None) -> None:
    made = ranked(pd, [600.0, 800.0, NAN])
    assert np.argsort(-made.standing).tolist() == [1, 2, 0]
    assert (made.said["by"], made.said["products"][0]["pd_middle"]) == ("score", None)


def test_the_figures_are_those_of_an_application() -> None:
    made = ranked([0.01, 0.02], [1.0, 2.0])
    said, terms = made.said["products"][0], application_rules().bank_value
    value = risk_adjusted(Decimal(said["rate"]), None, PRODUCTS[0].security or "credit", Decimal(1), terms)
    assert (said["margin"], said["loss_given_default"]) == (str(value.margin), str(value.loss_given_default))
    assert (made.said["funding"], made.said["confirmed"]) == (str(terms.funding_annual_rate), terms.confirmed)


def test_places_are_within_a_lender_and_equals_share_one() -> None:
    alike = ranked([0.01, 0.01, 0.03, 0.03], [5.0, 5.0, 5.0, 5.0], [0, 0, 1, 1])
    assert alike.standing.tolist() == [0.5, 0.5, 0.5, 0.5]
    apart = ranked([0.01, 0.02, 0.03, 0.04], [5.0, 5.0, 5.0, 5.0], [0, 0, 1, 1])
    assert apart.standing.tolist() == [0.75, 0.25, 0.75, 0.25]


def test_the_best_of_many_candidates_are_the_likeliest_to_repay() -> None:
    known = snapshot([0.05, 0.01, NAN, 0.02], [9.0, 8.0, 7.0, 6.0])
    assert best_of(known, np.arange(4), 2).tolist() == [1, 2]
    assert best_of(known, np.arange(4), 4).tolist() == [0, 1, 2, 3]
    assert best_of(snapshot(None, [9.0, 8.0]), np.arange(2), 1).tolist() == [0]


def test_nobody_to_rank_is_no_error() -> None:
    assert ranking(snapshot(None, [1.0]), [], [], np.zeros(0, np.int64), np.zeros(0, np.int64)).standing.size == 0
