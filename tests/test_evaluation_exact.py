"""Exact sums: many firms at once, one firm explained and a plain reading of the data file agree to the thousandth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.truth import Truth
from scoring.evaluation.evaluate import UNKNOWN_POINTS, State, evaluate
from scoring.evaluation.explain import explain
from tests.evaluation_firms import AS_OF, BOOK, FILES, columns_of, one, random_firm
from tests.oracle_evaluation import tell


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.05, 0.4, 0.9, 1.0]), st.booleans())
def test_many_firms_at_once_agree_with_the_plain_reading_of_the_data_file(
    seed: int, unknown: float, used: bool
) -> None:
    rng = np.random.default_rng(seed)
    firms = [random_firm(rng, unknown) for _ in range(20)]
    assert BOOK.official is not None
    book = replace(BOOK, official=replace(BOOK.official, card=replace(BOOK.official.card, enabled=used)))
    columns = columns_of(firms)
    made = evaluate(book, columns, AS_OF)
    summed = {
        int(row): int(total)
        for part in made.parts
        for row, total in zip(part.rows, part.contributions.sum(0), strict=True)
    }
    for row, firm in enumerate(firms):
        model = FILES["financing_sole_proprietor" if firm.get("sole_proprietor") else "financing"]
        if firm.get("registration_status") in ("cancelled", "revoked", "moved_away"):
            assert (made.state[row], made.total[row], made.grade[row]) == (State.NOT_LIVE, UNKNOWN_POINTS, -1)
            assert row not in summed
            continue
        told = tell(model, firm, used)
        assert made.coverage[row] == pytest.approx(told.coverage, abs=1e-12)
        assert summed[row] == told.total == sum(told.lines.values())
        assert (made.low[row], made.high[row]) == (told.low, told.high)
        assert told.low <= told.total <= told.high
        assert made.dimensions[:, row].tolist() == list(told.dimensions.values())
        grade = made.grade[row]
        assert (None if grade < 0 else made.grades[grade]) == told.grade
        assert made.grades[made.grade_low[row]] == told.grade_low
        assert made.grades[made.grade_high[row]] == told.grade_high
        alone = explain(book, columns, row, AS_OF)
        assert {each.line.id: int(each.points * 1000) for each in alone.lines} == told.lines
        assert {v.id for v in alone.vetoes if v.truth is Truth.MET} == told.vetoed
        assert {v.id for v in alone.vetoes if v.truth is Truth.UNKNOWN} == told.open_vetoes
        assert alone.grade == told.grade
        if told.coverage > 0:
            assert made.total[row] == told.total
            assert alone.total == sum(each.points for each in alone.lines)
        else:
            assert (made.state[row], made.total[row], alone.total) == (State.NOTHING_KNOWN, UNKNOWN_POINTS, None)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_an_unknown_item_turns_out_to_be_the_score_stays_in_the_stated_range(seed: int) -> None:
    rng = np.random.default_rng(seed)
    full = random_firm(rng, 0.0) | {"registration_status": "active", "sole_proprietor": False}
    hidden = {name: value for name, value in full.items() if rng.random() < 0.6 or name in ("sole_proprietor",)}
    truth, seen = one(full), one(hidden)
    assert seen.low[0] <= truth.total[0] <= seen.high[0]
    assert seen.grade_low[0] >= truth.grade[0] >= seen.grade_high[0]
