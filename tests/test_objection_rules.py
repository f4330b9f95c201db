"""The stages of an objection as data: the order of steps, whose they are, and every limit on both sides of its day."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from matching.objection_rules import parse_objection_rules
from matching.procedure import clock_of
from models.errors import DataFileError, RefusedInput
from service.books.documents import read_yaml
from service.books.rulebook import objection_rules, working_days
from service.books.seedbook import SEED

RULES, CHINA = objection_rules(), working_days()
PROCEDURE = RULES.procedure


def day(text: str) -> date:
    return date.fromisoformat(text)


def due(stage: str, since: str, filed: str = "") -> date | None:
    return RULES.stage_clock(stage, day(since), day(filed or since), CHINA).due


@pytest.mark.parametrize(("stage", "days"), [("received", 2), ("checking", 2), ("inquiry", 10)])
def test_the_limits_are_the_published_ones_of_another_city_and_say_so(stage: str, days: int) -> None:
    limit = PROCEDURE.stages[stage].limit
    assert limit is not None
    assert (limit.working_days, limit.calendar_days, limit.confirmed) == (days, None, False)


def test_the_whole_takes_twenty_calendar_days() -> None:
    """征信业管理条例 Art 25 says 20日; where it means working days the regulation would say 工作日."""
    assert (RULES.whole.calendar_days, RULES.whole.working_days, RULES.whole.confirmed) == (20, None, True)
    clock = RULES.whole_clock(day("2026-09-10"), CHINA)
    assert clock.due == day("2026-09-30")
    assert not clock.late_on(day("2026-09-30"))
    assert clock.late_on(day("2026-10-01"))


@pytest.mark.parametrize(
    ("stage", "since", "last"),
    [
        ("received", "2026-09-10", "2026-09-14"),  # Thursday; a weekend lies between
        ("received", "2026-09-30", "2026-10-09"),  # 1 to 7 October are holidays: the 8th and the 9th
        ("received", "2026-02-13", "2026-02-24"),  # Saturday 14 February is worked, then the Spring Festival
        ("checking", "2026-04-30", "2026-05-07"),  # 1 to 5 May are holidays
        ("inquiry", "2026-09-24", "2026-10-15"),  # Mid-Autumn, National Day, and Saturday 10 October worked
        ("inquiry", "2026-03-02", "2026-03-16"),
    ],
)
def test_a_stage_counts_working_days_over_holidays(stage: str, since: str, last: str) -> None:
    assert due(stage, since) == day(last)


def test_over_a_long_holiday_the_three_limits_together_pass_the_twenty_days() -> None:
    """So the limit of the whole is shown beside that of the stage; nobody may read one for the other."""
    accepted = due("received", "2026-02-12")
    assert accepted is not None
    checked = due("checking", accepted.isoformat())
    assert checked is not None
    answered = due("inquiry", checked.isoformat())
    whole = RULES.whole_clock(day("2026-02-12"), CHINA).due
    assert answered is not None
    assert whole is not None
    assert answered > whole


def test_a_stage_without_its_own_limit_has_that_of_the_whole() -> None:
    assert due("reply", "2026-09-20", "2026-09-10") == day("2026-09-30")
    assert due("rejected", "2026-09-20", "2026-09-10") is None


def test_beyond_the_calendar_no_day_is_guessed_and_nothing_is_late() -> None:
    last = CHINA.last_day
    clock = RULES.stage_clock("inquiry", last - timedelta(3), last - timedelta(3), CHINA)
    assert clock.due is None
    assert str(last) in clock.note
    assert not clock.confirmed
    assert not clock.late_on(last + timedelta(400))
    assert RULES.whole_clock(last, CHINA).due == last + timedelta(20), "calendar days need no calendar of work"


def test_no_limit_is_no_clock() -> None:
    assert clock_of(None, day("2026-09-10"), CHINA).due is None


class Cases(RuleBasedStateMachine):
    """Any party tries any step at any moment; the model is the table of moves, written out here a second time."""

    MOVES: ClassVar[dict[tuple[str, str, str], str]] = {
        ("received", "accept", "office"): "checking",
        ("checking", "inquire", "office"): "inquiry",
        ("checking", "uphold", "office"): "correction",
        ("inquiry", "answer", "agency"): "reply",
        ("inquiry", "answer", "office"): "reply",
        ("reply", "uphold", "office"): "correction",
        ("reply", "reject", "office"): "rejected",
        ("reply", "annotate", "office"): "annotated",
        ("correction", "correct", "agency"): "corrected",
        ("correction", "correct", "office"): "corrected",
        ("annotated", "state", "firm"): "annotated",
        **{(each, "take_back", "firm"): "withdrawn" for each in ("received", "checking", "inquiry", "reply")},
    }

    def __init__(self) -> None:
        super().__init__()
        self.stage = PROCEDURE.first

    @rule(
        step=st.sampled_from(sorted(PROCEDURE.steps)), party=st.sampled_from(["office", "agency", "firm", ""]),
        late=st.booleans(),
    )  # fmt: skip
    def tries(self, step: str, party: str, late: bool) -> None:
        expected = self.MOVES.get((self.stage, step, party))
        if late and (self.stage, step, party) == ("inquiry", "annotate", "office"):
            expected = "annotated"
        if expected is None:
            with pytest.raises(RefusedInput) as refused:
                PROCEDURE.take(step, self.stage, party, late)
            assert refused.value.status == 409
            return
        self.stage = PROCEDURE.take(step, self.stage, party, late).to
        assert self.stage == expected

    @precondition(lambda self: not PROCEDURE.stages[self.stage].closed)
    @invariant()
    def somebody_can_always_go_on(self) -> None:
        parties = ("office", "agency", "firm")
        assert any(PROCEDURE.open_steps(self.stage, party, late=False) for party in parties)
        assert PROCEDURE.stages[self.stage].marked, "an open case is marked for every reader"


Cases.TestCase.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)
TestCases = Cases.TestCase


def test_the_three_outcomes_of_the_article_and_what_readers_see_after_them() -> None:
    """Art 25: wrong is corrected; no error lifts the mark; what cannot be verified is recorded."""
    after = {stage.id: stage.marked for stage in PROCEDURE.stages.values() if stage.closed}
    assert after == {"corrected": True, "rejected": False, "annotated": True, "withdrawn": False}


def test_the_letter_says_everything_and_reads_nothing_of_what_the_firm_wrote() -> None:
    places = {
        "id": "o_1", "agency": {"zh": "税务局", "en": "Tax"}, "firm": "示范企业", "uscc": "91210100MA0UXYT71A",
        "filed_on": day("2026-09-10"), "item": {"zh": "欠税", "en": "Tax arrears"}, "record": "", "reason": "wrong",
        "evidence": "we paid {id} {0.__class__} %s", "due": day("2026-09-24"), "sent_on": day("2026-09-10"),
    }  # fmt: skip
    letter = RULES.letter.filled(places)
    assert "we paid {id} {0.__class__} %s" in letter["en"]
    for language, words in (("zh", ("税务局", "欠税", "2026-09-24", "第二十五条")), ("en", ("Tax arrears", "Art 25"))):
        for word in words:
            assert word in letter[language]


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda d: d["stages"][0].update({"by": "court"}), "by"),
        (lambda d: d["stages"].append(dict(d["stages"][0])), "id"),
        (lambda d: d["steps"][0].update({"to": "nowhere"}), "to"),
        (lambda d: d["steps"][0].update({"from": ["nowhere"]}), "from"),
        (lambda d: d["steps"][0].update({"by": ["court"]}), "by"),
        (lambda d: d["steps"].append(dict(d["steps"][0])), "id"),
        (lambda d: d["whole"].pop("cite"), "cite"),
        (lambda d: d["stages"][0]["limit"].update({"working_days": 0}), "working_days"),
        (lambda d: d["letter"].update({"zh": "{agency.__class__}"}), "zh"),
        (lambda d: d.update({"stages": []}), "stages"),
        (lambda d: d.pop("reasons"), "reasons"),
    ],
)
def test_a_fault_in_the_file_names_its_field(spoil: Any, field: str) -> None:
    document: Any = deepcopy(read_yaml(SEED / "objections.yaml", SEED))
    spoil(document)
    with pytest.raises(DataFileError) as refused:
        parse_objection_rules(document)
    assert refused.value.field == field
