"""States and clocks of applications: no steps lead anywhere undefined, ends stay ends, clocks never run backwards."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.applications.rules import PARTIES, ApplicationRules, parse_application_rules
from matching.applications.states import Place, Turn, begun, next_lenders, take
from matching.applications.wanted import Wanted
from models.errors import DataFileError, RefusedInput
from service.books.rulebook import application_rules, facts, working_days
from service.books.seedbook import rule_set

DAY = date(2024, 12, 2)
RULES = application_rules()
#: Every legal move, written down by hand: who moves from where to where by what. The oracle of the data file.
MOVES = {
    ("lender", "accept", "recommended", "accepted"),
    ("lender", "review", "accepted", "in_review"),
    ("lender", "find_nothing", "in_review", "no_information_found"),
    ("lender", "not_reach", "in_review", "source_unreachable"),
    ("lender", "resume", "no_information_found", "in_review"),
    ("lender", "resume", "source_unreachable", "in_review"),
    ("lender", "approve", "in_review", "approved"),
    ("firm", "take_up", "approved", "approved"),
    ("lender", "draw", "approved", "drawn"),
    ("lender", "close", "drawn", "closed"),
    *(
        ("lender", "decline", stage, "declined")
        for stage in ("recommended", "accepted", "in_review", "no_information_found", "source_unreachable")
    ),
    *(
        (party, "withdraw", stage, "withdrawn")
        for party in ("firm", "clock")
        for stage in (
            *("recommended", "accepted", "in_review", "no_information_found", "source_unreachable", "approved"),
        )
    ),
}
UNDECIDED = ("recommended", "accepted", "in_review", "no_information_found", "source_unreachable", "approved")


def moves(late: bool) -> set[tuple[str, str, str, str]]:
    return {
        (party, step.id, stage, step.to)
        for stage in RULES.procedure.stages
        for party in PARTIES
        for step in RULES.procedure.open_steps(stage, party, late)
    }


def test_the_shipped_moves_are_exactly_these() -> None:
    assert moves(late=False) == MOVES
    assert moves(late=True) == MOVES | {("clock", "expire", stage, "expired") for stage in UNDECIDED}
    closed = {stage.id for stage in RULES.procedure.stages.values() if stage.closed}
    assert closed == {"closed", "declined", "withdrawn", "expired"}


def test_not_finding_and_not_reaching_are_no_refusals_and_keep_the_clock() -> None:
    place = begun(RULES, DAY)
    for number, step in enumerate(("accept", "review", "find_nothing", "resume", "not_reach"), start=1):
        place = take(RULES, place, step, "lender", DAY + timedelta(number), working_days()).place
    clock = RULES.due(place.stage, place.clock_since, working_days())
    assert clock is not None
    assert (place.stage, place.clock_since, place.since) == (
        "source_unreachable", DAY + timedelta(1), DAY + timedelta(5),
    )  # fmt: skip
    assert clock.since == DAY + timedelta(1)
    assert clock.due == working_days().add_working_days(DAY + timedelta(1), 18)


STEPS = st.tuples(
    st.sampled_from([*RULES.procedure.steps, "no_such_step"]), st.sampled_from(PARTIES), st.integers(-2, 40)
)


@settings(max_examples=150, deadline=None)
@given(asked=st.lists(STEPS, max_size=25))
def test_no_sequence_of_steps_leaves_the_table(asked: list[tuple[str, str, int]]) -> None:
    place, today, ended = begun(RULES, DAY), DAY, False
    for step, party, days in asked:
        today += timedelta(days)
        before = place
        try:
            taken = take(RULES, place, step, party, today, working_days())
        except RefusedInput:
            continue
        place = taken.place
        assert not ended, "an end is left by nothing"
        assert place.stage in RULES.procedure.stages
        assert place.version == before.version + 1
        assert place.since >= before.since
        if before.clock_since and place.clock_since:
            assert place.clock_since >= before.clock_since
        if step == "expire":
            assert taken.ended is not None
            assert taken.ended.late_on(max(today, before.since))
        assert (place.clock_since is None) == (place.stage not in UNDECIDED)
        ended = RULES.procedure.stages[place.stage].closed


def test_a_clock_set_back_takes_nothing_back() -> None:
    place = Place("accepted", DAY, DAY)
    assert take(RULES, place, "review", "lender", DAY - timedelta(9), working_days()).place.since == DAY


def test_a_late_lender_is_ended_by_the_clock_and_by_nobody_else() -> None:
    place, late = begun(RULES, DAY), DAY + timedelta(4)
    assert take(RULES, place, "accept", "lender", late, working_days()).place.stage == "accepted"
    assert take(RULES, place, "expire", "clock", late, working_days()).place.stage == "expired"
    for party, day in (("lender", late), ("firm", late), ("clock", late - timedelta(1))):
        with pytest.raises(RefusedInput, match="recommended"):
            take(RULES, place, "expire", party, day, working_days())


# --- whom to ask next


@settings(max_examples=150, deadline=None)
@given(said=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=8), most=st.integers(1, 4))
def test_at_most_so_many_are_asked_best_first_and_each_once(said: list[tuple[bool, bool, bool]], most: int) -> None:
    turns = [Turn(f"l{place}", place, asked or held, held, again) for place, (asked, held, again) in enumerate(said, 1)]
    chosen = next_lenders(turns, most)
    by_id = {turn.lender: turn for turn in turns}
    held = sum(turn.open for turn in turns)
    waiting = [turn for turn in turns if not turn.open and (turn.again or not turn.asked)]
    assert len(chosen) == min(len(waiting), max(most - held, 0))
    assert len({*chosen}) == len(chosen)
    for lender in chosen:
        assert by_id[lender] in waiting
    left = [turn for turn in waiting if turn.lender not in chosen]
    order = [(not by_id[each].again, by_id[each].place) for each in chosen]
    assert order == sorted(order)
    assert all((not turn.again, turn.place) > each for turn in left for each in order)


# --- the need


def need(**changed: Any) -> Wanted:
    usual: dict[str, Any] = {"low": Decimal(100000), "high": Decimal(300000), "term": 12, "term_unit": "month"}
    usual |= {"use": "working_capital", "security": "none_stated", "valid_until": DAY + timedelta(30)}
    return Wanted(**usual | changed)


@pytest.mark.parametrize(("term", "unit", "months"), [(2, "year", 24), (7, "month", 7), (30, "day", 1), (31, "day", 2)])
def test_a_term_has_a_unit(term: int, unit: str, months: int) -> None:
    assert need(term=term, term_unit=unit).term_months == months


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"low": -1}, "amount_yuan"),
        ({"low": 400000}, "amount_yuan"),
        ({"term": 41, "term_unit": "year"}, "term"),
        ({"term_unit": "week"}, "term_unit"),
        ({"use": "fun"}, "use"),
        ({"security": "gold"}, "security"),
        ({"valid_until": DAY - timedelta(1)}, "valid_until"),
        ({"valid_until": DAY + timedelta(181)}, "valid_until"),
    ],
)
def test_a_need_that_cannot_be_is_refused(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        need(**changed).check(facts(), DAY, 180)
    assert refused.value.field == field


# --- the data file


def parsed(**changed: Any) -> ApplicationRules:
    document = rule_set().document("applications.yaml")
    return parse_application_rules(type(document)(document | changed), facts())


def test_the_reasons_are_named_and_a_missing_score_is_none_of_them() -> None:
    rules = parsed()
    assert len(rules.tickets) >= 15
    assert {reason.ticket for reason in rules.reasons.values() if reason.repairable} == {*rules.tickets}
    for word in ("could_not_score", "score_too_low", "other", "", "no_such"):
        with pytest.raises(RefusedInput) as refused:
            rules.reason(word)
        assert refused.value.code == "bad_reason"
    assert "no_information_found" not in rules.reasons


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"reasons": [{"id": "could_not_score", "zh": "a", "en": "a"}]}, "id"),
        ({"reasons": [{"id": "x", "zh": "a", "en": "a", "ticket": "none_such"}]}, "ticket"),
        ({"reasons": [{"id": "x", "zh": "a", "en": "a", "facts": ["none_such"]}]}, "facts"),
        ({"prefilled": ["none_such"]}, "prefilled"),
        ({"at_most_lenders": 0}, "at_most_lenders"),
        ({"clocks": [{"id": "c", "zh": "a", "en": "a", "runs": ["declined"], "limit": {}}]}, "runs"),
    ],
)
def test_a_wrong_file_names_what_is_wrong(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(DataFileError) as wrong:
        parsed(**changed)
    assert wrong.value.field == field
