"""The population stability index, against its definition written out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.stability import LEAST_SHARE, psi, psi_of_scores

SHARES = st.lists(st.integers(1, 1000), min_size=3, max_size=3)


def test_the_index_by_hand() -> None:
    assert psi([50, 50], [50, 50]) == 0.0
    by_hand = (0.6 - 0.5) * math.log(0.6 / 0.5) + (0.4 - 0.5) * math.log(0.4 / 0.5)
    assert psi([0.5, 0.5], [0.6, 0.4]) == pytest.approx(by_hand, rel=1e-12)
    assert psi([500, 500], [6, 4]) == pytest.approx(by_hand, rel=1e-12)


def test_an_empty_bin_counts_as_a_small_share() -> None:
    expected = psi([0.5, 0.5, 0.0], [0.5, 0.3, 0.2])
    floor = LEAST_SHARE / (1 + LEAST_SHARE)
    assert expected == pytest.approx(
        sum(
            (a - e) * math.log(a / e)
            for e, a in zip([0.5 / (1 + LEAST_SHARE), 0.5 / (1 + LEAST_SHARE), floor], [0.5, 0.3, 0.2], strict=True)
        )
    )


@settings(max_examples=50, deadline=None)
@given(SHARES, SHARES)
def test_it_is_symmetric_and_never_negative(one: list[int], other: list[int]) -> None:
    assert psi(one, other) >= 0.0
    assert psi(one, other) == pytest.approx(psi(other, one), rel=1e-9, abs=1e-15)


def test_scores_that_did_not_move_and_scores_that_did() -> None:
    rng = np.random.default_rng(3)
    before, after = rng.normal(600, 40, 5000), rng.normal(600, 40, 5000)
    assert psi_of_scores(before, before) == 0.0
    assert psi_of_scores(before, after) < 0.02
    assert psi_of_scores(before, after + 40) > 0.25
    assert psi_of_scores(np.full(10, 5), np.full(20, 5)) == 0.0


@pytest.mark.parametrize(("one", "other"), [([1, 2], [1]), ([1, -1], [1, 1]), ([0, 0], [1, 1]), ([[1]], [[1]])])
def test_what_is_no_distribution_is_refused(one: list[int], other: list[int]) -> None:
    with pytest.raises(ValueError, match="share"):
        psi(one, other)
