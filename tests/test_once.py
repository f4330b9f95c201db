"""Support given once: what was enjoyed before bars, opens again on its day, or is taken off; silence bars nothing."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.enjoyed import Enjoyed, enjoyed_facts, read_enjoyed, written
from matching.evaluate_scheme import SchemeResult, evaluate_scheme
from matching.needs import Need, read_need
from matching.option import Option
from matching.options import OptionsAnswer, answer
from matching.schemes import Scheme
from matching.status import Status
from matching.verdicts import Verdict
from models.dates import add_months
from models.errors import DataFileError, RefusedInput
from models.truth import Truth
from service.books.rulebook import facts, offers, parameters, rules
from service.usecases.ask_scheme import ask_scheme
from tests.test_scheme_parts import award

D = Decimal
AS_OF = date(2021, 6, 30)
FUSHUN = offers().of_city("fushun")
RECORD = "The finance office's record of support granted"
#: A firm that meets 003:165: three years on the list of technology SMEs, no bar. Once in three years.
TECHNOLOGY_SME = {
    "private_owned": True,
    "high_tech": False,
    "claim_tech_sme_years": 3,
    "claim_title_revoked": False,
    "abnormal_operation": False,
    "serious_violation": False,
    "tax_credit_grade": "B",
}
IPO = {
    "private_owned": True,
    "claim_ipo_tutoring_confirmed": True,
    "claim_ipo_application_accepted": True,
    "claim_ipo_approved": False,
    "claim_ipo_listed": False,
}


def ask(scheme_id: str, as_of: date = AS_OF, **stated: object) -> SchemeResult:
    return evaluate_scheme(offers().schemes[scheme_id], facts().read_values(stated), parameters(), as_of)


def enjoyed(*lines: str, as_of: date = AS_OF) -> tuple[Enjoyed, ...]:
    return read_enjoyed(list(lines), offers().schemes, as_of)


def options(*lines: str, as_of: date = AS_OF) -> OptionsAnswer:
    firm = facts().read_values({**TECHNOLOGY_SME, **IPO})
    need = read_need({"enjoyed": list(lines)}, facts(), offers().schemes, as_of)
    return answer(firm, need, FUSHUN, parameters(), as_of, facts(), rules().changes)


def option(scheme_id: str, found: OptionsAnswer) -> Option:
    (one,) = [each for each in found.options if each.id == scheme_id]
    return one


def test_an_unknown_past_bars_nothing_and_names_its_record() -> None:
    found = option("fs-technology-sme", options())
    assert found.status is Status.ELIGIBLE
    assert found.settled_by == (RECORD,)
    (result,) = found.schemes
    assert result.once is not None
    assert (result.once.truth, result.once.requirements) == (Truth.UNKNOWN, ())
    assert result.once.record is not None
    assert result.once.record.zh == "财政部门政策兑付记录"


def test_what_is_said_of_another_scheme_says_nothing_of_this_one() -> None:
    found = option("fs-technology-sme", options("fs-high-tech=2021-01-01:100000"))
    assert (found.status, found.settled_by) == (Status.ELIGIBLE, (RECORD,))


def test_a_scheme_never_enjoyed_is_open_and_asks_for_no_record() -> None:
    found = option("fs-technology-sme", options("fs-technology-sme=never"))
    assert (found.status, found.settled_by) == (Status.ELIGIBLE, ())


def test_inside_its_window_it_is_a_near_miss_that_opens_on_a_day() -> None:
    # 003:165 每户企业三年内只可申请一次奖励资金
    found = option("fs-technology-sme", options("fs-technology-sme=2018-07-02:20000"))
    assert found.status is Status.NEAR_MISS
    assert found.near_miss is not None
    (gap,) = found.near_miss.gaps
    assert (gap.fact, gap.by, gap.unit) == ("claim_last_enjoyed_on", 2, "days")
    assert gap.cite == "003:165 三年内只可申请一次"
    assert found.near_miss.opening is not None
    assert found.near_miss.opening.on == date(2021, 7, 2)
    assert found.near_miss.opening.facts == ("claim_last_enjoyed_on",)
    assert found.near_miss.changes == ()
    then = option("fs-technology-sme", options("fs-technology-sme=2018-07-02:20000", as_of=date(2021, 7, 2)))
    assert then.status is Status.ELIGIBLE
    before = option("fs-technology-sme", options("fs-technology-sme=2018-07-02", as_of=date(2021, 7, 1)))
    assert before.status is Status.NEAR_MISS


def test_a_window_that_ends_after_the_scheme_does_names_no_day() -> None:
    found = option("fs-technology-sme", options("fs-technology-sme=2020-06-30"))
    assert found.near_miss is not None
    assert found.near_miss.opening is None, "2023-06-30 lies after the last day of the rules"


def test_once_for_good_never_opens() -> None:
    # 003:117 同一企业享受一次
    result = ask("fs-newly-above-scale", claim_enjoyed_before=True)
    assert result.verdict is Verdict.UNMET
    assert result.once is not None
    assert (result.once.truth, result.once.opens_on) == (Truth.UNMET, None)
    assert ask("fs-newly-above-scale", claim_last_enjoyed_on="2020-02-01").verdict is Verdict.UNMET


def test_of_two_times_the_later_counts() -> None:
    lines = ("fs-technology-sme=2015-01-01", "fs-technology-sme=2020-01-01")
    assert option("fs-technology-sme", options(*lines)).status is Status.NEAR_MISS
    assert option("fs-technology-sme", options(*reversed(lines))).status is Status.NEAR_MISS


@pytest.mark.parametrize(("paid", "left"), [(1_000_000, 1_000_000), ("1999999.99", "0.01")])
def test_stages_already_paid_are_taken_off(paid: object, left: object) -> None:
    # 003:75 最高300万元, 003:77 and 003:79 one million each
    benefit = option("fs-ipo-domestic", options(f"fs-ipo-domestic=2020-05-01:{paid}")).benefit
    assert benefit is not None
    assert benefit.amount_yuan == D(str(left))
    assert [step.en for step in benefit.steps][-1] == "Paid after what was enjoyed"


def test_stages_paid_in_two_sums_are_taken_off_together() -> None:
    lines = ("fs-ipo-domestic=2020-05-01:400000", "fs-ipo-domestic=2020-09-01:600000")
    benefit = option("fs-ipo-domestic", options(*lines)).benefit
    assert benefit is not None
    assert benefit.amount_yuan == 1_000_000


def test_all_stages_paid_is_all_there_is() -> None:
    assert option("fs-ipo-domestic", options("fs-ipo-domestic=2020-05-01:3000000")).status is Status.NEAR_MISS
    assert option("fs-ipo-domestic", options("fs-ipo-domestic=2020-05-01:2999999.99")).status is Status.ELIGIBLE


def test_stages_paid_in_a_sum_nobody_states_leave_the_amount_open() -> None:
    benefit = option("fs-ipo-domestic", options("fs-ipo-domestic=2020-05-01")).benefit
    assert benefit is not None
    assert (benefit.amount_yuan, benefit.at_least_yuan, benefit.at_most_yuan) == (None, 0, 2_000_000)
    assert benefit.missing == ("claim_enjoyed_yuan",)


def test_a_yearly_cap_counts_what_was_paid_in_its_year() -> None:
    # 000:96 单户机构每年奖励金额最高不超过30万元
    scheme = offers().schemes["sy-insurer-award-2024"]
    lines = ("sy-insurer-award-2024=2024-03-01:100000", "sy-insurer-award-2024=2024-06-01:150000.50")
    past = enjoyed(*lines, "sy-insurer-award-2024=2023-12-31:300000", as_of=date(2024, 12, 31))
    claim = {"claim_on": date(2024, 9, 1)}
    assert enjoyed_facts(past, scheme, claim, date(2024, 12, 31))["claim_enjoyed_yuan"] == D("250000.50")
    unstated = enjoyed("sy-insurer-award-2024=2024-03-01", as_of=date(2024, 12, 31))
    assert "claim_enjoyed_yuan" not in enjoyed_facts(unstated, scheme, claim, date(2024, 12, 31))
    never = enjoyed("sy-insurer-award-2024=never", as_of=date(2024, 12, 31))
    assert enjoyed_facts(never, scheme, claim, date(2024, 12, 31))["claim_enjoyed_yuan"] == 0


def once(**rule: object) -> Scheme:
    return award(once={"cite": "x", **rule})


def claimed(scheme: Scheme, as_of: date = date(2024, 6, 3), **stated: object) -> SchemeResult:
    values = facts().read_values({"private_owned": True, "claim_on": "2024-06-03", **stated})
    return evaluate_scheme(scheme, values, parameters(), as_of)


def test_once_a_year_opens_with_the_next_year() -> None:
    yearly = award(once={"per": "year", "cite": "x"}, valid={"from": "2024-01-01"}, readings=[])
    assert claimed(yearly, claim_last_enjoyed_on="2023-12-31").verdict is Verdict.MET
    used = claimed(yearly, claim_last_enjoyed_on="2024-01-01")
    assert used.verdict is Verdict.UNMET
    assert used.once is not None
    assert used.once.opens_on == date(2025, 1, 1)
    assert claimed(yearly, as_of=date(2025, 1, 1), claim_last_enjoyed_on="2024-01-01").verdict is Verdict.MET
    assert claimed(yearly, claim_enjoyed_before=True).verdict is Verdict.MET, "nobody says in which year"


@pytest.mark.parametrize(("per", "day"), [("loan", "loan_contract_on"), ("event", "claim_on")])
def test_what_was_had_before_this_loan_or_event_was_for_another(per: str, day: str) -> None:
    scheme = once(per=per)
    stated = {day: "2024-06-01"}
    before = claimed(scheme, **stated, claim_last_enjoyed_on="2024-05-31")
    assert before.verdict is Verdict.MET
    assert before.settled_by == ()
    since = claimed(scheme, **stated, claim_last_enjoyed_on="2024-06-01")
    assert (since.verdict, since.settled_by) == (Verdict.MET, (RECORD,)), "it may have been this one: the record says"
    assert claimed(scheme, **stated, claim_enjoyed_before=False).settled_by == ()


def test_once_in_a_lifetime_is_used_up_by_any_day() -> None:
    assert claimed(once(per="lifetime"), claim_last_enjoyed_on="1999-01-01").verdict is Verdict.UNMET


@settings(max_examples=80, deadline=None)
@given(
    months=st.integers(1, 120),
    last=st.dates(date(2000, 1, 1), date(2030, 12, 31)),
    shift=st.integers(-3, 3),
)
def test_a_window_is_over_on_the_very_day_its_months_are(months: int, last: date, shift: int) -> None:
    scheme = award(once={"per": "firm", "window_months": months, "cite": "x"}, valid=None, readings=[])
    opens = add_months(last, months)
    result = claimed(scheme, opens + timedelta(days=shift), claim_last_enjoyed_on=last)
    assert result.verdict is (Verdict.MET if shift >= 0 else Verdict.UNMET)
    assert result.once is not None
    assert result.once.opens_on == (None if shift >= 0 else opens)


def test_a_rule_is_read_strictly() -> None:
    for rule, field in (
        ({"per": "year", "window_months": 12}, "window_months"),
        ({"per": "month"}, "per"),
        ({"per": "firm", "window_months": 0}, "window_months"),
    ):
        with pytest.raises(DataFileError) as refused:
            once(**rule)
        assert refused.value.field == field


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["fs-technology-sne=2020-01-01"], "unknown_scheme"),
        (["fs-technology-sme=2021-07-01"], "later_day"),
        (["fs-technology-sme=2020-02-30"], "bad_date"),
        (["fs-technology-sme=2020-01-01:0"], "bad_amount"),
        (["fs-technology-sme=2020-01-01:1e5"], "bad_amount"),
        (["fs-technology-sme"], "bad_value"),
        (["fs-technology-sme="], "bad_value"),
        (["fs-technology-sme=never", "fs-technology-sme=2020-01-01"], "two_values"),
        (["fs-technology-sme=2020-01-01", "fs-technology-sme=2020-01-01"], "two_values"),
        ("fs-technology-sme=never", "bad_value"),
        ([7], "bad_value"),
    ],
)
def test_what_cannot_have_been_enjoyed_is_refused(lines: object, code: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        read_need({"enjoyed": lines}, facts(), offers().schemes, AS_OF)
    assert (refused.value.code, refused.value.field) == (code, "enjoyed")


def test_an_unknown_scheme_is_told_what_was_meant() -> None:
    with pytest.raises(RefusedInput) as refused:
        enjoyed("fs-technology-sne=2020-01-01")
    assert "fs-technology-sme" in refused.value.fix


@given(
    entries=st.lists(
        st.builds(
            Enjoyed,
            st.sampled_from(sorted(offers().schemes)),
            st.dates(date(2000, 1, 1), AS_OF),
            st.none() | st.integers(1, 10**12).map(lambda fen: D(fen) / 100),
        ),
        unique=True,
        max_size=4,
    )
)
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_read_again(entries: list[Enjoyed]) -> None:
    assert read_enjoyed([written(each) for each in entries], offers().schemes, AS_OF) == tuple(entries)


def test_a_claim_asked_by_itself_states_its_past_as_facts() -> None:
    stated = {**TECHNOLOGY_SME, "claim_last_enjoyed_on": "2018-07-01"}
    told = ask_scheme("fs-technology-sme", stated, AS_OF)
    assert (told["verdict"], told["once"]["truth"]) == ("unmet", "unmet")
    assert told["once"]["opens_on"] == date(2021, 7, 1)
    silent = ask_scheme("fs-technology-sme", TECHNOLOGY_SME, AS_OF)
    assert (silent["verdict"], silent["once"]["truth"], silent["settled_by"]) == ("met", "unknown", [RECORD])
    for wrong in ({"claim_last_enjoyed_on": "2021-07-01"}, {**stated, "claim_enjoyed_before": False}):
        with pytest.raises(RefusedInput):
            ask_scheme("fs-technology-sme", {**TECHNOLOGY_SME, **wrong}, AS_OF)


def test_a_need_without_a_past_has_none() -> None:
    assert Need().enjoyed == ()
