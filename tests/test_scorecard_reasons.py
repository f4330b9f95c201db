"""Reasons, what-if and the interval of a card, against the tables themselves."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import RefusedInput
from scoring.scorecard import Inputs, Scorecard, ScorecardClassifier
from tests.scorecard_firms import made_firms

TABLE, BAD = made_firms()
FIRM = {"debt": 6.0, "sales": 0.2, "overdue": 3.0, "noise": 0.0, "district": "铁西区"}


@pytest.fixture(scope="module")
def card() -> Scorecard:
    return ScorecardClassifier(monotone={"debt": 1, "sales": -1}, steps=400, crosses=0).fit(TABLE, BAD).scorecard_


@pytest.mark.parametrize("against", ["best", "average"])
def test_lost_points_sum_to_the_distance_from_the_reference(card: Scorecard, against: str) -> None:
    given = card.reasons(Inputs.of(FIRM), against)  # type: ignore[arg-type]
    best = card.base + sum(max(line.points) for line in card.lines)
    average = card.base + sum(round(float(np.dot(line.points, line.shares))) for line in card.lines)
    reference = {"best": best, "average": average}[against]
    assert sum(reason.lost for reason in given) == reference - int(card.score(Inputs.of(FIRM)).points[0])
    assert [reason.lost for reason in given] == sorted((reason.lost for reason in given), reverse=True)


def test_a_reason_names_the_bin_and_a_better_one_that_gives_what_it_says(card: Scorecard) -> None:
    before = int(card.score(Inputs.of(FIRM)).points[0])
    for reason in card.reasons(Inputs.of(FIRM)):
        (reached,) = reason.reached
        if reached.kind == "interval":
            value = FIRM[reached.item]
            assert reached.low is None or reached.low <= value
            assert reached.high is None or value < reached.high
        if reason.better is None:
            assert reason.gain == 0
            continue
        (better,) = reason.better
        value = better.values[0] if better.kind == "values" else better.low if better.low is not None else -1e9
        after = card.what_if(Inputs.of(FIRM), {better.item: value}).points[0]
        assert after - before == reason.gain > 0


def test_the_better_bin_lies_in_the_good_direction(card: Scorecard) -> None:
    by_item = {reason.line: reason for reason in card.reasons(Inputs.of(FIRM))}
    assert by_item["debt"].lost > 0
    assert by_item["sales"].lost > 0
    assert by_item["debt"].better[0].high <= by_item["debt"].reached[0].low  # type: ignore[index, operator]
    assert by_item["sales"].better[0].low >= by_item["sales"].reached[0].high  # type: ignore[index, operator]


def test_reasons_are_for_one_firm(card: Scorecard) -> None:
    with pytest.raises(RefusedInput):
        card.reasons(Inputs.from_frame(TABLE))


def test_what_is_known_and_fresh_has_no_spread(card: Scorecard) -> None:
    sure = card.pd_interval(Inputs.of(FIRM))
    assert sure.low[0] == sure.pd[0] == sure.high[0]
    assert sure.coverage[0] == pytest.approx(1.0)
    assert not sure.thin[0]


def test_each_unknown_item_widens_the_interval(card: Scorecard) -> None:
    widths, coverages = [], []
    firm: dict[str, float | str | None] = dict(FIRM)
    for name in ("noise", "district", "overdue", "debt", "sales"):
        firm[name] = None
        given = card.pd_interval(Inputs.of(firm))
        points = [np.log(p / (1 - p)) for p in (given.low[0], given.high[0])]
        widths.append(points[1] - points[0])
        coverages.append(given.coverage[0])
        assert given.low[0] <= given.pd[0] <= given.high[0]
    assert widths == sorted(widths)
    assert coverages == sorted(coverages, reverse=True)
    assert given.thin[0]
    assert coverages[-1] == pytest.approx(0.0)


def test_old_items_count_for_less(card: Scorecard) -> None:
    inputs = Inputs.of(FIRM)
    fresh, old = (card.pd_interval(inputs, {"sales": np.array([age])}) for age in (0.0, 24.0))
    assert fresh.low[0] == fresh.high[0]
    assert old.low[0] < old.pd[0] < old.high[0]
    assert old.coverage[0] < fresh.coverage[0]
    wide = card.pd_interval(inputs, {"sales": np.array([24.0])}, level=0.99)
    assert wide.low[0] < old.low[0]
    assert wide.high[0] > old.high[0]


@pytest.mark.parametrize(
    "call",
    [
        {"level": 1.0},
        {"ages_months": {"sales": np.array([-1.0])}},
        {"ages_months": {"sales": np.array([1.0, 2.0])}},
    ],
    ids=["level", "age below zero", "two ages for one firm"],
)
def test_an_interval_needs_a_level_and_ages(card: Scorecard, call: dict[str, object]) -> None:
    with pytest.raises(RefusedInput):
        card.pd_interval(Inputs.of(FIRM), **call)  # type: ignore[arg-type]
