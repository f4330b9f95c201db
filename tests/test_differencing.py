"""What a lender may be told of groups: attacks that ask twice fail, and every card has others alike.

Each attack is tried many times in two worlds that differ in one firm's secret; what it guesses is held to how often a
coin would be right. The limits come from the noise alone and are computed here another way than the code does it.
"""

from __future__ import annotations

from collections import Counter
from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.conditions import parse_conditions
from matching.facts import FactBook, FactSpec, Source
from matching.search.terms import ReleaseTerms, parse_market_terms
from matching.search.veil import Trait, Veil, canonical_question
from models.errors import DataFileError
from models.kinds import Kind
from service.books.rulebook import market_terms

TERMS = market_terms().release
FIRMS = 400
CODES = np.array([b"9121%014d" % number for number in range(FIRMS)])
TRAITS = (
    Trait("size", np.arange(FIRMS) % 3, 3),
    Trait("section", np.arange(FIRMS) // 3 % 5, 5),
    Trait("district", np.arange(FIRMS) // 15 % 7 - 1, 6),
    Trait("age", np.arange(FIRMS) // 100, 4),
)
NOBODY = np.zeros(FIRMS, np.bool_)
TRIES = 300


def veil(secret: int, snapshot: str = "s1") -> Veil:
    return Veil(snapshot, CODES, b"%d" % secret, TERMS)


def right_guesses(guess: object) -> float:
    """Share of right guesses over many secrets, each in both worlds (the target is in the group or not)."""
    assert callable(guess)
    return sum(guess(secret, held) is held for secret in range(TRIES) for held in (True, False)) / (2 * TRIES)


def chance_of_shift(shift: int) -> float:
    weights = [exp(-abs(each) / TERMS.noise_scale) for each in range(-TERMS.noise_most, TERMS.noise_most + 1)]
    return exp(-abs(shift) / TERMS.noise_scale) / sum(weights)


def best_pair_guess() -> float:
    """How often the best guess from one difference of two told counts is right: half, plus half the distance of the
    distributions of the difference in the two worlds.
    """
    shifts = range(-TERMS.noise_most, TERMS.noise_most + 1)
    differences: Counter[int] = Counter()
    for first in shifts:
        for other in shifts:
            differences[first - other] += chance_of_shift(first) * chance_of_shift(other)  # type: ignore[assignment]
    ends = range(-2 * TERMS.noise_most, 2 * TERMS.noise_most + 2)
    return 0.5 + sum(abs(differences[each] - differences[each - 1]) for each in ends) / 4


def test_asking_with_and_without_one_firm_tells_little_more_than_a_coin() -> None:
    def guess(secret: int, held: bool) -> bool:
        teller = veil(secret)
        everyone = teller.told(100 + held, "met", "screen")
        without = teller.told(100, "met", "screen and not that firm")
        assert everyone is not None
        assert without is not None
        return everyone > without

    assert best_pair_guess() < 0.56
    assert right_guesses(guess) < best_pair_guess() + 0.06


def test_an_unchanged_answer_does_not_tell_that_the_firm_left_out_was_not_among_them() -> None:
    """Noise that followed from the firms found would give itself away here, every time."""

    def guess(secret: int, held: bool) -> bool:
        teller, rows = veil(secret), np.arange(200)
        without = rows if not held else rows[rows != 7]
        same_count = teller.told(200, "met", "screen") == teller.told(len(without), "met", "screen and not that firm")
        first = teller.listed(rows, TRAITS, NOBODY[rows], "screen").rows
        second = teller.listed(without, TRAITS, NOBODY[without], "screen and not that firm").rows
        return not (same_count or np.array_equal(first, second))

    assert right_guesses(guess) < 0.56


def test_counting_cards_with_and_without_one_firm_tells_little_more_than_a_coin() -> None:
    """Through the cursor a lender counts every card; the firm's own traits are known to it."""
    alike = [row for row in range(FIRMS) if TRAITS[0].places[row] == TRAITS[0].places[7]]

    def guess(secret: int, held: bool) -> bool:
        teller, rows = veil(secret), np.arange(FIRMS)
        without = rows if not held else rows[rows != 7]
        with_it = np.isin(teller.listed(rows, TRAITS, NOBODY, "screen").rows, alike).sum()
        other = np.isin(teller.listed(without, TRAITS, NOBODY[without], "other").rows, alike).sum()
        return bool(with_it > other)

    assert right_guesses(guess) < 0.57


def test_narrowing_to_one_firm_tells_nothing_at_all() -> None:
    for secret in range(50):
        for found in (0, 1):
            rows = np.arange(found)
            assert veil(secret).told(found, "met", "narrow") is None
            assert not veil(secret).listed(rows, TRAITS, NOBODY[rows], "narrow").rows.size
            assert set(veil(secret).counts(rows, TRAITS[0], "narrow")) == {None}


def test_the_same_question_has_the_same_answer_so_asking_again_averages_nothing() -> None:
    facts = FactBook([FactSpec(name, Kind.COUNT, "", Source.ITEM, "", "") for name in "ab"])
    first = {"fact": "a", "op": "ge", "value": 1}
    second = {"any": [{"fact": "b", "op": "lt", "value": 3}, {"fact": "a", "op": "is", "value": 9}]}
    turned = {"any": list(reversed(second["any"]))}  # type: ignore[call-overload]
    written = [[first, second], [turned, first], [first, turned, first], [{"all": [second]}, first]]
    asked = {
        canonical_question(parse_conditions({"all": parts}, facts).children)  # type: ignore[union-attr]
        for parts in written[:3]
    }
    assert len(asked) == 1
    assert veil(1).told(60, "met", *asked) == veil(1).told(60, "met", *asked)
    told = {veil(1, snapshot).told(500, "met", *asked) for snapshot in map(str, range(30))}
    assert len(told) > 10, "every snapshot is another question, which is counted again"


def test_the_budget_of_a_day_spent_on_one_firm_leaves_doubt() -> None:
    """Every condition of the day buys one count, half with the firm and half without; the means are compared."""
    half = TERMS.conditions_per_day // 2

    def guess(secret: int, held: bool) -> bool:
        teller = veil(secret)
        with_it = [teller.told(500 + held, "met", f"with {way}") or 0 for way in range(half)]
        without = [teller.told(500, "met", f"without {way}") or 0 for way in range(half)]
        return sum(with_it) - sum(without) > half / 2

    assert right_guesses(guess) < 0.75


@settings(max_examples=40, deadline=None)
@given(secret=st.integers(0, 10_000), share=st.floats(0.02, 1), seed=st.integers(0, 50))
def test_every_card_has_enough_alike_among_the_firms_found(secret: int, share: float, seed: int) -> None:
    """The oracle builds the cards as text and, level by level, counts equal ones over all firms found."""
    rows = np.flatnonzero(np.random.default_rng(seed).random(FIRMS) < share)
    cards = veil(secret).listed(rows, TRAITS, NOBODY[rows], "question")
    for row, shown in zip(cards.rows.tolist(), cards.shown.tolist(), strict=True):
        alike = [other for other in rows.tolist() if all(t.places[other] == t.places[row] for t in TRAITS[:shown])]
        assert len(alike) >= TERMS.smallest_group
    assert len(set(cards.rows.tolist())) == len(cards.rows)


def test_a_part_of_the_firms_is_listed_another_for_every_question() -> None:
    rows = np.arange(FIRMS)
    listed = [set(veil(3).listed(rows, TRAITS[:1], NOBODY, f"q{way}").rows.tolist()) for way in range(40)]
    mean = sum(map(len, listed)) / len(listed) / FIRMS
    assert abs(mean - TERMS.listed_share) < 0.02
    assert len({frozenset(each) for each in listed}) == 40
    agreed = NOBODY.copy()
    agreed[11] = True
    assert all(11 in veil(3).listed(rows, TRAITS, agreed, f"q{way}").rows for way in range(40))


@pytest.mark.parametrize("shift", [0, 1, 5, TERMS.noise_most])
def test_shifts_are_as_frequent_as_said_and_never_beyond(shift: int) -> None:
    teller = veil(1)
    drawn = [(teller.told(1_000, "met", str(number)) or 0) - 1_000 for number in range(20_000)]
    expected = chance_of_shift(shift)
    for side in (shift, -shift):
        assert drawn.count(side) / len(drawn) == pytest.approx(expected, abs=4 * (expected / len(drawn)) ** 0.5)
    assert max(map(abs, drawn)) <= TERMS.noise_most < TERMS.smallest_group


def test_facets_withhold_small_cells_and_their_rest_is_not_exact() -> None:
    rows = np.arange(300)
    told = [veil(secret).counts(rows, TRAITS[2], "q") for secret in range(60)]
    whole = [veil(secret).told(300, "met", "q") for secret in range(60)]
    rests = {total - sum(count or 0 for count in counts) for total, counts in zip(whole, told, strict=True) if total}
    assert len(rests) > 15
    assert all(count is None or count >= TERMS.smallest_group for counts in told for count in counts)


@pytest.mark.parametrize(
    "changed",
    [{"smallest_group": 1}, {"noise_most": 19}, {"listed_share": "1"}, {"noise_scale": 0}, {"conditions_per_day": 0}],
    ids=lambda value: next(iter(value)),
)
def test_terms_that_protect_nobody_are_refused(changed: dict[str, object]) -> None:
    release = {
        "smallest_group": 20, "noise_scale": 10, "noise_most": 18, "listed_share": "0.25",
        "conditions_per_day": 200, "conditions_per_quarter": 1000,
    }  # fmt: skip
    contact = {"days": 30, "longest_days": 365, "most_at_a_time": 20, "most_per_quarter": 60}
    assert isinstance(parse_market_terms({"release": release, "contact": contact}).release, ReleaseTerms)
    with pytest.raises(DataFileError) as refused:
        parse_market_terms({"release": release | changed, "contact": contact})
    assert refused.value.field == next(iter(changed))
