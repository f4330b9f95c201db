"""Items supposed otherwise: what follows from the same records, and that a better factor never lowers the score."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import RefusedInput
from models.kinds import DTYPES, Kind, Scalar, decode, encode
from scoring.columns import Columns
from scoring.derived import DERIVED, MADE_OF
from scoring.supposed import Because, beside, suppose, year_columns
from service.books.rulebook import evaluations, sizes
from service.books.seedbook import catalogue
from service.registry.scoring import PD_KINDS
from service.snapshot.rescoring import made_of, rescore

D = Decimal
AS_OF = date(2024, 10, 31)
ITEMS = catalogue().items
PENALTY = ("penalty_general", *year_columns(ITEMS["penalty_general"]))


def row(**values: Any) -> Columns:
    """One firm in storage form; ``penalty_general__y1`` stands for the year column."""
    named = {name.replace("__", "."): value for name, value in values.items()}
    kinds = {name: ITEMS[name.partition(".")[0]] for name in named}
    stored = {
        name: np.array([encode(kinds[name].kind, value, kinds[name].codes)], DTYPES[kinds[name].kind])
        for name, value in named.items()
    }
    codes = {name: item.codes for name, item in kinds.items() if item.kind is Kind.CODE}
    return Columns(1, stored, codes)


def read(columns: Columns, name: str) -> Scalar | None:
    item = ITEMS[name.partition(".")[0]]
    return decode(item.kind, columns.values[name][0].item(), columns.codes.get(name, item.codes))


def penalties(total: int | None, *years: int | None) -> Columns:
    return row(penalty_general=total, **{f"penalty_general__y{place}": n for place, n in enumerate(years, 1)})


def split(found: Columns) -> tuple[Scalar | None, ...]:
    return tuple(read(found, name) for name in PENALTY)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"penalty_general": 6}, (6, 2, 0, 4)),  # as it was, whatever the order
        ({"penalty_general": 7}, (7, 3, 0, 4)),  # one more is a new one
        ({"penalty_general": 5}, (5, 2, 0, 3)),  # one fewer: the oldest
        ({"penalty_general": 1}, (1, 1, 0, 0)),
        ({"penalty_general": 0}, (0, 0, 0, 0)),
        ({"penalty_general": None}, (None, None, None, None)),
        ({"penalty_general.y3": 0}, (2, 2, 0, 0)),
        ({"penalty_general.y1": 0, "penalty_general.y2": 1}, (5, 0, 1, 4)),
        ({"penalty_general.y1": None}, (None, None, 0, 4)),
        ({"penalty_general": 5, "penalty_general.y1": 1}, (5, 1, 0, 4)),
    ],
)
def test_a_count_and_its_years_stay_together(
    stated: Mapping[str, int | None], expected: tuple[int | None, ...]
) -> None:
    assert split(suppose(penalties(6, 2, 0, 4), stated, ITEMS).columns) == expected


def test_a_count_that_was_unknown_counts_as_new() -> None:
    assert split(suppose(penalties(None, None, None, None), {"penalty_general": 2}, ITEMS).columns) == (2, 2, 0, 0)
    found = suppose(penalties(None, None, None, None), {"penalty_general.y1": 2}, ITEMS).columns
    assert split(found) == (None, 2, None, None), "two years are unknown, so is the total"


def test_a_total_that_contradicts_its_years_is_refused() -> None:
    with pytest.raises(RefusedInput) as refused:
        suppose(penalties(6, 2, 0, 4), {"penalty_general": 6, "penalty_general.y1": 1}, ITEMS)
    assert (refused.value.code, refused.value.field) == ("two_values", "facts.penalty_general")
    assert "come to 5" in refused.value.rule


@given(st.lists(st.integers(0, 9), min_size=3, max_size=3), st.integers(0, 40))
@settings(max_examples=80, deadline=None)
def test_records_fewer_go_oldest_first_and_records_more_are_new(years: list[int], total: int) -> None:
    made = split(suppose(penalties(sum(years), *years), {"penalty_general": total}, ITEMS).columns)[1:]
    assert sum(int(str(part)) for part in made) == total
    weights = (1.0, 0.6, 0.3)
    weigh = [w * int(str(n)) for w, n in zip(weights, made, strict=True)]
    # By hand: of records that go, the oldest go; of records that come, all are new.
    kept = [place for place, count in enumerate(years) for _ in range(count)][:total]
    kept += [0] * (total - len(kept))
    assert sum(weigh) == pytest.approx(sum(weights[place] for place in kept))


def test_a_longer_window_moves_with_the_shorter_one_inside_it() -> None:
    sales = row(sales_last_month=D(100), sales_12m=D(1200), sales_24m=D(2000))
    found = suppose(sales, {"sales_12m": D(1500)}, ITEMS)
    assert [read(found.columns, name) for name in sales.values] == [D(100), D(1500), D(2300)]
    assert dict(found.followed) == {"sales_24m": (Because.WINDOW, "sales_12m")}
    found = suppose(sales, {"sales_last_month": D(50)}, ITEMS)
    assert [read(found.columns, name) for name in sales.values] == [D(50), D(1150), D(1950)]
    stated = suppose(sales, {"sales_12m": D(1500), "sales_24m": D(1600)}, ITEMS)
    assert read(stated.columns, "sales_24m") == D(1600)
    assert not stated.followed
    for unknown in (None, D(5)):
        lone = suppose(row(sales_12m=None, sales_24m=D(2000)), {"sales_12m": unknown}, ITEMS)
        assert read(lone.columns, "sales_24m") == D(2000), "nothing follows from what was unknown"


@given(st.integers(1, 10**12), st.integers(0, 10**12), st.integers(0, 10**12))
@settings(max_examples=60, deadline=None)
def test_the_year_before_stays_as_recorded(recent: int, before: int, then: int) -> None:
    sales = row(sales_12m=D(recent) / 100, sales_24m=D(recent + before) / 100)
    found = suppose(sales, {"sales_12m": D(then) / 100}, ITEMS).columns
    longer, shorter = read(found, "sales_24m"), read(found, "sales_12m")
    assert isinstance(longer, Decimal)
    assert isinstance(shorter, Decimal)
    assert longer - shorter == D(before) / 100


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 10**6))
@settings(max_examples=80, deadline=None)
def test_growth_follows_its_sum_to_the_last_bit(later: int, earlier: int, then: int) -> None:
    recorded = row(electricity_12m=later / 1000, electricity_growth=(later / 1000 - earlier / 1000) / (earlier / 1000))
    found = read(suppose(recorded, {"electricity_12m": then / 1000}, ITEMS).columns, "electricity_growth")
    if later == 0 != then:
        assert found is None, "a year of nothing does not tell what the year before was"
    else:
        assert found == pytest.approx((then - earlier) / earlier, rel=1e-9, abs=1e-9)


def test_a_quotient_follows_both_columns_of_its_record() -> None:
    sheet = row(total_assets=D(1000), total_liabilities=D(600), leverage=0.6)
    assert read(suppose(sheet, {"total_liabilities": D(250)}, ITEMS).columns, "leverage") == 0.25
    assert read(suppose(sheet, {"total_assets": D(2400)}, ITEMS).columns, "leverage") == 0.25
    assert read(suppose(sheet, {"total_assets": D(0)}, ITEMS).columns, "leverage") is None
    assert read(suppose(sheet, {"total_assets": None}, ITEMS).columns, "leverage") == 0.6
    assert read(suppose(sheet, {"leverage": 0.1}, ITEMS).columns, "leverage") == 0.1


def test_an_open_dictionary_takes_a_code_no_firm_of_the_city_has() -> None:
    one = Columns(1, {"industry_code": np.array([0], np.int16)}, {"industry_code": ("C3311",)})
    found = suppose(one, {"industry_code": "F5211"}, ITEMS).columns
    assert read(found, "industry_code") == "F5211"
    assert rescore(found, AS_OF, sizes(), evaluations()).facts["industry_section"] == "F"
    assert read(one, "industry_code") == "C3311", "the snapshot itself is not touched"


def test_what_was_made_of_the_same_records_is_named() -> None:
    assert "penalty_amount" in beside({"penalty_general"}, (), ITEMS)
    assert "penalty_minor" not in beside({"penalty_general"}, (), ITEMS), "no record is both"
    assert set(beside({"sales_12m"}, {"sales_24m"}, ITEMS)) == {
        "sales_last_month",
        "customers_12m",
        "top5_customer_share",
        "invoicing_months",
        "void_red_share",
    }
    assert beside({"established_on"}, (), ITEMS) == (), "the columns of one register entry are apart"
    assert beside({"need_amount_yuan"}, (), ITEMS) == ()


def test_each_worked_out_fact_names_what_it_is_made_of() -> None:
    named = {**MADE_OF, **made_of(evaluations())}
    assert set(named) == {*DERIVED, "score", "grade", "coverage", "official_grade", *PD_KINDS}
    assert {part for parts in named.values() for part in parts} <= ITEMS.keys(), "all of it can be stated"


# -- Improving a good factor never lowers the score.

#: From worse to better, where an item is a code; what an order would leave open (none, pending) is left out.
ORDERS: Mapping[str, tuple[str, ...]] = {
    "inspection_result": ("serious", "refused", "rectified", "warned", "no_problem"),
    "tax_credit_grade": ("D", "C", "M", "B", "A"),
    "promise_fulfilment": ("broken", "pending", "kept"),
    "industry_credit_grade": ("D", "C", "B", "A"),
    "customs_credit_grade": ("dishonest", "registered", "advanced"),
    "environmental_grade": ("poor", "warned", "good", "trusted", "green_factory"),
    "labour_relations": ("dispute", "qualified", "model"),
    "safety_standard": ("none", "third", "second", "first"),
    "accident_grade": ("extraordinary", "major", "larger", "ordinary", "none"),
    "public_credit_grade": ("D", "C", "B", "A"),
}
#: Not scored themselves; scored items and facts follow them.
BEHIND = ("sales_12m", "sales_last_month", "electricity_12m", "total_assets", "total_liabilities", "real_estate_value")
#: Say whether a firm is scored and by which model; each random firm is told its own.
CHOOSING = {"entity_type", "registration_status"}
SCORED = tuple(sorted({*made_of(evaluations())["score"], *BEHIND, "public_credit_grade"} - {"sales_24m"} - CHOOSING))
BETTER_DOWN = {"real_estate_mortgaged"}  # neutral in the catalogue; pledged to the bank it backs no other loan
NUMBERS = (-0.4, -0.3, 0.0, 0.15, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 1.3)
WHOLES = (0, 0, 1, 2, 3, 5, 6, 7, 12, 13, 24, 36, 10_000, 2_000_000)


def a_value(name: str, rng: np.random.Generator) -> Scalar:
    item = ITEMS[name]
    if item.kind is Kind.CODE:
        return str(rng.choice(ORDERS[name]))
    if item.kind is Kind.FLAG:
        return bool(rng.random() < 0.03)
    if item.kind is Kind.RATIO:
        return float(rng.choice(NUMBERS))
    whole = int(rng.choice(WHOLES))
    return D(whole + 1) if item.kind is Kind.MONEY else float(whole + 1) if item.kind is Kind.NUMBER else whole


def better(name: str, value: Scalar, rng: np.random.Generator) -> Scalar:
    """A value at least as good."""
    item = ITEMS[name]
    if name in ORDERS:
        order = ORDERS[name]
        return order[int(rng.integers(order.index(str(value)), len(order)))]
    down = item.direction == "bad" or name in BETTER_DOWN
    assert down or item.direction == "good", name
    if item.kind is Kind.FLAG:
        return not down
    if item.kind in (Kind.RATIO, Kind.NUMBER):
        step = float(rng.choice([0.01, 0.3, 5.0]))
        return float(str(value)) + (-step if down else step)
    step = int(rng.choice([1, 3, 1_000_000]))
    moved = int(float(str(value))) + (-step if down else step)
    return D(max(moved, 1)) if item.kind is Kind.MONEY else max(moved, 0)


def a_random_firm(rng: np.random.Generator, sole: bool) -> Columns:
    """Most things known, sums and quotients true to one another."""
    values: dict[str, Any] = {name: a_value(name, rng) for name in SCORED if rng.random() < 0.85}
    for item in ITEMS.values():
        if years := year_columns(item):
            parts = [int(rng.integers(0, 3)) for _ in years]
            values |= dict(zip((year.replace(".", "__") for year in years), parts, strict=True))
            values[item.id] = sum(parts)
    values["sales_24m"] = values.get("sales_12m", D(0)) + D(int(rng.choice(WHOLES)))
    if {"total_assets", "total_liabilities"} <= values.keys():
        values["leverage"] = float(values["total_liabilities"]) / float(values["total_assets"])
    values |= {"registration_status": "active", "entity_type": "sole_proprietor" if sole else "company"}
    return row(**values)


def total(columns: Columns) -> Decimal:
    found = rescore(columns, AS_OF, sizes(), evaluations()).why.total
    assert found is not None
    return found


@pytest.mark.parametrize("sole", [False, True], ids=["enterprise", "sole_proprietor"])
def test_improving_a_good_factor_never_lowers_the_score(sole: bool) -> None:
    rng = np.random.default_rng(20 + sole)
    raised: set[str] = set()
    for _ in range(9):
        firm = a_random_firm(rng, sole)
        before = total(firm)
        for name in SCORED:
            if name not in firm.values:
                continue
            value = read(firm, name)
            assert value is not None
            then = better(name, value, rng)
            after = total(suppose(firm, {name: then}, ITEMS).columns)
            assert after >= before, f"{name}: {value} → {then}: {before} → {after}"
            raised |= {name} if after > before else set()
    assert len(raised) > 20, "most factors count for something"


@pytest.mark.parametrize("sole", [False, True], ids=["enterprise", "sole_proprietor"])
def test_an_unknown_settled_at_its_best_never_lowers_the_score(sole: bool) -> None:
    rng = np.random.default_rng(40 + sole)
    for _ in range(3):
        firm = a_random_firm(rng, sole)
        for name in ("tax_credit_grade", "leverage", "insurance_months", "judgment_debtor", "customs_credit_grade"):
            hidden = suppose(firm, {name: None}, ITEMS).columns
            best: Scalar = {"leverage": 0.0, "insurance_months": 36, "judgment_debtor": 0}.get(name, 0)
            best = ORDERS[name][-1] if name in ORDERS else best
            assert total(suppose(hidden, {name: best}, ITEMS).columns) >= total(hidden), name


def test_a_better_year_before_lowers_the_score_and_is_the_one_exception() -> None:
    """The catalogue calls sales of 24 months good. Stated alone they raise the year before, and growth falls."""
    firm = row(sales_12m=D(1200), sales_24m=D(2200), registration_status="active", entity_type="company")
    before = rescore(firm, AS_OF, sizes(), evaluations())
    after = rescore(suppose(firm, {"sales_24m": D(3000)}, ITEMS).columns, AS_OF, sizes(), evaluations())
    assert ITEMS["sales_24m"].direction == "good"
    assert (before.facts["sales_growth"], after.facts["sales_growth"]) == (pytest.approx(0.2), pytest.approx(-1 / 3))
    assert before.why.total is not None
    assert after.why.total == before.why.total - 60
