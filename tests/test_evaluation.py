"""The financing evaluation: every band edge, unknown items, vetoes, caps, switches, peers, quarters."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.truth import Truth
from scoring.columns import Columns
from scoring.evaluation.evaluate import UNKNOWN_POINTS, State, evaluate
from scoring.evaluation.explain import explain
from scoring.evaluation.peers import PeerGroup, percentiles
from scoring.evaluation.quarter import frozen_quarter, to_review
from tests.evaluation_firms import AS_OF, BOOK, FILES, clean, columns_of, line, one


def test_the_default_model_is_the_proposed_one() -> None:
    model = BOOK.scored[0]
    assert [(d.id, d.most, d.base) for d in model.dimensions] == [
        ("basic_situation", 80_000, 80_000),
        ("law_abiding", 380_000, 380_000),
        ("operating_capacity", 260_000, 0),
        ("creditworthiness", 200_000, 120_000),
        ("social_responsibility", 80_000, 60_000),
    ]
    assert (model.grades, model.cuts) == (("A", "B", "C", "D"), (900_000, 750_000, 600_000, 0))
    assert sum(band.best for band in model.dimensions[2].bands) == 260_000


def test_our_label_is_never_the_official_one_and_both_subjects_have_a_table() -> None:
    assert [(m.applies_to, m.card.zh[:4]) for m in BOOK.scored] == [
        ("enterprise", "融资评价"),
        ("sole_proprietor", "融资评价"),
    ]
    assert all("公共信用" not in model.card.zh for model in BOOK.scored)
    assert BOOK.official is not None
    assert (BOOK.official.imports, BOOK.official.table_held) == ("public_credit_grade", False)
    assert "DB21/T 4006" in BOOK.official.standard


EDGES = [
    ("sales_trend", "sales_growth", [(-0.3, 0), (-0.2999, 30), (-1e-12, 30), (0.0, 45), (0.15, 45), (0.1501, 60)]),
    ("invoicing", "invoicing_months", [(0, 0), (5, 0), (6, 20), (11, 20), (12, 30), (23, 30), (24, 40)]),
    ("insurance", "insurance_months", [(5, 0), (6, 15), (12, "22.5"), (24, 30)]),
    ("top_customers", "top5_customer_share", [(0.399, 30), (0.4, "22.5"), (0.6, 15), (0.8, 15), (0.801, 0)]),
    ("leverage", "leverage", [(0.499, 40), (0.5, 30), (0.7, 20), (0.85, 20), (0.8501, 0), (1.5, 0)]),
    ("staff_trend", "insured_staff_growth", [(-0.9, 0), (-0.3, 0), (0.0, 20), (0.15, 30), (9.0, 30)]),
    ("power_trend", "electricity_growth", [(-0.3, 0), (-0.075, 15), (0.15, 30)]),
    ("related_risk", "related_party_risk", [(0, 0), (1, -20), (2, -40), (3, -40), (10**15, -40)]),
    ("abnormal_operation", "abnormal_operation", [(True, -20), (False, 0)]),
    ("abnormal_taxpayer", "tax_abnormal_household", [(True, -20)]),
    ("judgment_debtor", "judgment_debtor", [(0, 0), (1, -40), (7, -40)]),
    ("unpaid_judgment", "unpaid_judgment_months", [(0, 0), (1, -20), (6, -20), (7, -50), (12, -50), (13, -100)]),
    ("social_insurance_arrears", "social_insurance_arrears_months", [(1, -10), (2, -10), (3, -30), (6, -30), (7, -50)]),
    ("housing_fund_arrears", "housing_fund_arrears_months", [(0, 0), (2, -10), (6, -30), (7, -50)]),
    ("late_payroll", "late_payroll_months", [(0, 0), (2, -10), (3, -30), (7, -50)]),
    ("inspection", "inspection_result", [("warned", 0), ("rectified", 0), ("refused", -20), ("serious", -30)]),
    ("tax_credit", "tax_credit_grade", [("A", 0), ("B", -5), ("M", -8), ("C", -30), ("D", -80)]),
    ("promise", "promise_fulfilment", [("none", 0), ("kept", 10), ("pending", 0), ("broken", -40)]),
    ("guarantee_circle", "guarantee_circle", [(True, -30)]),
    ("compensation", "compensations_60m", [(0, 0), (1, -60), (4, -60)]),
    ("inventions", "invention_patents", [(0, 0), (1, 5), (4, 20), (9, 20)]),
    ("donations", "donations_24m", [(999_999, 0), (1_000_000, 5)]),
    ("complaints", "open_complaints", [(1, -5), (4, -20), (40, -20)]),
]


@pytest.mark.parametrize(
    ("band", "item", "value", "points"), [(b, i, value, points) for b, i, pairs in EDGES for value, points in pairs]
)
def test_every_band_edge(band: str, item: str, value: Any, points: int | str) -> None:
    assert line(clean() | {item: value}, band) == Decimal(points)


@pytest.mark.parametrize(
    ("years", "points"),
    [((1, 0, 0), -20), ((0, 1, 0), -12), ((0, 0, 1), -6), ((1, 1, 1), -38), ((5, 0, 0), -100), ((6, 9, 9), -100)],
)
def test_a_penalty_weighs_less_each_year(years: tuple[int, int, int], points: int) -> None:
    counts = {f"penalty_general.y{k}": count for k, count in enumerate(years, 1)}
    assert line(clean() | counts, "penalty_general") == points


@pytest.mark.parametrize(
    ("mortgaged", "value", "points"), [(0, 100, 30), (49, 100, 20), (50, 100, 10), (80, 100, 0), (0, 0, 0), (5, 0, 0)]
)
def test_the_ratio_of_two_items(mortgaged: int, value: int, points: int) -> None:
    firm = clean() | {"real_estate_mortgaged": mortgaged, "real_estate_value": value}
    assert line(firm, "clear_property") == points


def test_groups_and_dimensions_are_cut_to_their_limits_in_lines_of_their_own() -> None:
    honours = {"high_tech": True, "tech_growth_label": True, "specialised_label": True, "industry_credit_grade": "A"}
    assets = {"real_estate_value": 100, "invention_patents": 4}
    firm = clean() | honours | assets | {"customs_credit_grade": "advanced", "promise_fulfilment": "kept"}
    assert line(firm, "creditworthiness.honours") == -10
    assert line(firm, "creditworthiness.clear_assets") == -10
    assert line(firm, "creditworthiness.limit") == -10
    assert one(firm).dimensions[3, 0] == 200_000
    arrears = {"social_insurance_arrears_months": 9, "housing_fund_arrears_months": 9, "late_payroll_months": 9}
    assert line(clean() | arrears, "law_abiding.staff_arrears") == 50


def test_a_firm_without_a_blemish_and_without_honours() -> None:
    made = one(clean())
    assert (made.total[0], made.low[0], made.high[0]) == (900_000, 900_000, 900_000)
    assert (made.coverage[0], made.state[0], made.veto[0], made.veto_open[0]) == (1.0, State.SCORED, 0, 0)
    assert one(clean() | {"promise_fulfilment": "kept"}).grade[0] == 0


def test_an_unknown_item_counts_as_expected_in_a_line_of_its_own_and_widens_the_range() -> None:
    firm = {name: value for name, value in clean().items() if name != "leverage"}
    made = one(firm)
    assert (made.total[0], made.low[0], made.high[0]) == (880_000, 860_000, 900_000)
    assert made.coverage[0] == pytest.approx(1 - 0.26 * 40 / 260)
    told = explain(BOOK, columns_of([firm]), 0, AS_OF)
    leverage = next(each for each in told.lines if each.line.id == "leverage")
    assert (leverage.known, leverage.value, leverage.points, leverage.counted_as) == (False, None, 0, 20)
    assert line(firm, "operating_capacity.unknown") == 20


def test_an_unknown_veto_lowers_only_the_low_end() -> None:
    firm = {name: value for name, value in clean().items() if name != "dishonest_debtor"}
    made = one(firm)
    assert (made.grade[0], made.grade_low[0], made.low[0], made.high[0]) == (0, 3, 599_999, 900_000)


def test_too_little_known_gives_a_score_but_no_grade() -> None:
    firm = {"sales_growth": 0.3, "invoicing_months": 30, "top5_customer_share": 0.2}
    made = one(firm)
    assert (made.state[0], made.grade[0]) == (State.STATUS_UNKNOWN, -1)
    assert made.total[0] > 0
    assert (made.grades[made.grade_low[0]], made.grades[made.grade_high[0]]) == ("D", "A")
    assert one(firm | {"tax_blacklist": True}).grade[0] == 3


@pytest.mark.parametrize("veto", [dict(veto) for veto in FILES["financing"]["vetoes"]], ids=lambda veto: veto["id"])
def test_every_veto_gives_the_lowest_grade_and_says_so(veto: dict[str, Any]) -> None:
    for value in veto.get("in", [True]):
        firm = clean() | {veto["item"]: value}
        made = one(firm)
        assert made.grades[made.grade[0]] == "D"
        assert made.total[0] == made.high[0] == 599_999
        told = explain(BOOK, columns_of([firm]), 0, AS_OF)
        assert [each.id for each in told.vetoes if each.truth is Truth.MET] == [veto["id"]]
        assert line(firm, "veto") == Decimal("599.999") - sum(told.dimensions.values())


def test_accidents_below_major_are_no_veto() -> None:
    assert one(clean() | {"accident_grade": "larger"}).veto[0] == 0


def test_an_official_d_leaves_at_most_b() -> None:
    firm = clean() | {"promise_fulfilment": "kept", "public_credit_grade": "D"}
    made = one(firm)
    assert (made.grades[made.grade[0]], made.total[0]) == ("B", 899_999)
    assert line(firm, "official") == Decimal("-10.001")
    assert one(firm | {"public_credit_grade": "C"}).total[0] == 910_000
    unknown = one(firm | {"public_credit_grade": None})
    assert (unknown.total[0], unknown.low[0]) == (910_000, 899_999)


def test_ours_works_with_the_official_slot_off_absent_empty_or_not_yet_in_force() -> None:
    assert BOOK.official is not None
    firm = clean() | {"promise_fulfilment": "kept", "public_credit_grade": "D"}
    off = replace(BOOK, official=replace(BOOK.official, card=replace(BOOK.official.card, enabled=False)))
    made = one(firm, off)
    assert (made.total[0], made.low[0], made.slots[-1].state) == (910_000, 910_000, "off")
    assert one(firm, replace(BOOK, official=None)).total[0] == 910_000
    early = one(firm, as_of=date(2024, 10, 29))
    assert (early.total[0], early.slots[-1].state) == (910_000, "not_yet")
    empty = one({name: value for name, value in firm.items() if name != "public_credit_grade"})
    assert (empty.total[0], empty.slots[-1].state) == (910_000, "empty")
    assert "DB21/T 4006" not in empty.slots[-1].note_en
    assert "not held" in empty.slots[-1].note_en


@pytest.mark.parametrize("status", ["cancelled", "revoked", "moved_away"])
def test_a_firm_that_is_gone_is_shown_not_scored(status: str) -> None:
    told = explain(BOOK, columns_of([clean() | {"registration_status": status}]), 0, AS_OF)
    assert (told.state, told.total, told.grade, told.lines) == (State.NOT_LIVE, None, None, ())
    assert "not scored" in told.notes[0][1]


def test_no_model_in_use_is_said_not_guessed() -> None:
    made = one(clean(), as_of=date(2014, 12, 31))
    assert (made.state[0], made.total[0], made.model[0]) == (State.NO_MODEL, UNKNOWN_POINTS, -1)
    assert {slot.state for slot in made.slots} == {"not_yet"}


def test_a_sole_proprietor_has_a_table_of_its_own() -> None:
    firm = clean("financing_sole_proprietor")
    told = explain(BOOK, columns_of([firm | {"quality_sole_proprietor": True}]), 0, AS_OF)
    assert told.model is not None
    assert told.model.applies_to == "sole_proprietor"
    assert told.total == 940
    assert not any(each.line.id == "leverage" for each in told.lines)
    unknown_kind = one({**firm, "sole_proprietor": None})
    assert BOOK.scored[unknown_kind.model[0]].applies_to == "enterprise"


def test_facts_are_in_storage_form() -> None:
    gone = clean() | {"registration_status": "revoked"}
    facts = evaluate(BOOK, columns_of([clean(), gone]), AS_OF, contributions=False).facts()
    assert {name: str(array.dtype) for name, array in facts.values.items()} == {
        "score": "float64", "grade": "int16", "coverage": "float64", "official_grade": "int16"
    }  # fmt: skip
    assert (facts.values["score"][0], facts.values["grade"].tolist()) == (900.0, [0, -1])
    assert np.isnan(facts.values["score"][1])
    assert facts.codes["grade"] == ("A", "B", "C", "D")


def test_a_code_the_model_does_not_know_is_not_taken_for_unknown() -> None:
    columns = Columns(1, {"tax_credit_grade": np.zeros(1, np.int16)}, {"tax_credit_grade": ("AAA",)})
    with pytest.raises(ValueError, match="AAA"):
        evaluate(BOOK, columns, AS_OF)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 2), st.integers(-1, 2)), min_size=1, max_size=30),
    st.integers(1, 6),
)
def test_percentiles_compare_with_the_narrowest_group_that_is_large_enough(
    firms: list[tuple[int, int, int]], fewest: int
) -> None:
    total, size, section = (np.array(column, np.int32) for column in zip(*firms, strict=True))
    share, group, peers = percentiles(total, size.astype(np.int16), section.astype(np.int16), fewest)
    for row, (points, own_size, own_section) in enumerate(firms):
        both = [t for t, s, i in firms if (s, i) == (own_size, own_section)]
        same_section = [t for t, _, i in firms if i == own_section]
        if own_size >= 0 and own_section >= 0 and len(both) >= fewest:
            expected, among = PeerGroup.SIZE_AND_SECTION, both
        elif own_section >= 0 and len(same_section) >= fewest:
            expected, among = PeerGroup.SECTION, same_section
        else:
            expected, among = PeerGroup.ALL, [t for t, _, _ in firms]
        assert (group[row], peers[row]) == (expected, len(among))
        below, same = sum(t < points for t in among), among.count(points)
        assert share[row] == pytest.approx((below + same / 2) / len(among))


@pytest.mark.parametrize(
    ("as_of", "quarter"),
    [("2024-10-31", "2024-09-30"), ("2024-09-30", "2024-09-30"), ("2024-09-29", "2024-06-30"),
     ("2024-01-01", "2023-12-31"), ("2024-12-31", "2024-12-31"), ("2024-03-30", "2023-12-31"),
     ("2024-05-15", "2024-03-31")],
)  # fmt: skip
def test_the_frozen_quarter_of_a_day(as_of: str, quarter: str) -> None:
    day = date.fromisoformat(as_of)
    assert frozen_quarter(day) == date.fromisoformat(quarter)


def test_every_d_and_a_repeatable_share_of_the_others_is_reviewed_by_hand() -> None:
    firms = [clean() | {"tax_blacklist": row % 10 == 0} for row in range(2000)]
    made = evaluate(BOOK, columns_of(firms), AS_OF, contributions=False)
    names = [f"firm {row}" for row in range(2000)]
    drawn = to_review(BOOK, made, names)
    assert drawn[::10].all()
    others = np.delete(drawn, np.s_[::10])
    assert 15 <= others.sum() <= 65
    assert (to_review(BOOK, made, names) == drawn).all()
    next_quarter = replace(made, as_of=date(2025, 1, 31))
    assert (to_review(BOOK, next_quarter, names) != drawn).any()
