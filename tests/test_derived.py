"""Derived facts: each against a plain reading, unknown where its source is unknown."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.dates import days, whole_months
from models.kinds import DTYPES, UNKNOWN_INT32, UNKNOWN_INT64, UNKNOWNS, Kind, encode
from scoring.columns import Columns
from scoring.derived import DERIVED, age_in_months, derive, sales_growth
from scoring.industry import parse_industries
from scoring.size import SIZE_CLASSES, parse_sizes
from service.books.documents import read_yaml

SEED = Path(__file__).parent.parent / "seed"
SIZES = parse_sizes(read_yaml(SEED / "sizes.yaml"), parse_industries(read_yaml(SEED / "industries.yaml")))
AS_OF = date(2024, 10, 31)
KINDS = {
    "industry_code": Kind.CODE,
    "entity_type": Kind.CODE,
    "ownership": Kind.CODE,
    "registration_status": Kind.CODE,
    "insured_staff": Kind.COUNT,
    "revenue": Kind.MONEY,
    "sales_12m": Kind.MONEY,
    "sales_24m": Kind.MONEY,
    "total_assets": Kind.MONEY,
    "established_on": Kind.DATE,
}
CODES = {
    "industry_code": ("C3311", "K70", "J66", "M7310"),
    "entity_type": ("company", "sole_proprietor"),
    "ownership": ("private", "state"),
    "registration_status": ("active", "cancelled", "revoked", "moved_away"),
}


def firm(**facts: object) -> dict[str, object]:
    """The derived facts of one firm, decoded; facts not named are unknown."""
    values = {
        name: np.array([encode(kind, facts.get(name), CODES.get(name, ()))], DTYPES[kind])  # type: ignore[arg-type]
        for name, kind in KINDS.items()
    }
    made = derive(Columns(1, values, CODES), SIZES, AS_OF)
    answer: dict[str, object] = {}
    for name, kind in DERIVED.items():
        array = made.values[name]
        assert array.dtype == DTYPES[kind]
        stored = array[0]
        unknown = np.isnan(stored) if kind is Kind.RATIO else stored == UNKNOWNS[kind]
        answer[name] = None if unknown else made.codes[name][stored] if kind is Kind.CODE else stored.item()
    return answer


def test_a_firm_with_everything_known() -> None:
    made = firm(
        industry_code="C3311", entity_type="company", ownership="private", registration_status="active",
        insured_staff=25, revenue=5_000_000, sales_12m=1, sales_24m=3, established_on=date(2020, 2, 29),
    )  # fmt: skip
    assert made == {
        "size_class": "small",
        "size_row": "industry",
        "industry_section": "C",
        "firm_age_months": 56,
        "sole_proprietor": 0,
        "private_owned": 1,
        "live": 1,
        "sales_growth": -0.5,
    }


def test_of_nothing_nothing_is_known() -> None:
    assert set(firm().values()) == {None}
    bare = derive(Columns(3, {}, {}), SIZES, AS_OF)
    assert set(bare.values) == set(DERIVED)
    assert np.isnan(bare.values["sales_growth"]).all()
    assert (bare.values["live"] == -1).all()


def test_revenue_falls_back_to_invoices_and_is_preferred_to_them() -> None:
    assert firm(industry_code="C3311", insured_staff=25, sales_12m=5_000_000)["size_class"] == "small"
    both = firm(industry_code="C3311", insured_staff=25, revenue=2_000_000, sales_12m=5_000_000)
    assert both["size_class"] == "micro"


def test_an_uncovered_or_coarse_industry_has_a_section_but_no_size() -> None:
    finance = firm(industry_code="J66", insured_staff=5, revenue=1)
    assert (finance["industry_section"], finance["size_row"], finance["size_class"]) == ("J", None, None)
    coarse = firm(industry_code="K70", insured_staff=5, revenue=1)
    assert (coarse["industry_section"], coarse["size_row"]) == ("K", None)


def test_flags_are_unknown_only_when_their_source_is() -> None:
    sole = firm(entity_type="sole_proprietor", ownership="state", registration_status="revoked")
    assert (sole["sole_proprietor"], sole["private_owned"], sole["live"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("sales_12m", "sales_24m", "growth"),
    [(150, 250, 0.5), (100, 200, 0.0), (0, 100, -1.0), (100, 100, None), (100, 50, None), (None, 200, None),
     (100, None, None), (-50, 50, -1.5)],
)  # fmt: skip
def test_sales_growth(sales_12m: int | None, sales_24m: int | None, growth: float | None) -> None:
    arrays = [np.array([UNKNOWN_INT64 if v is None else v], np.int64) for v in (sales_12m, sales_24m)]
    made = sales_growth(*arrays)[0]
    assert np.isnan(made) if growth is None else made == growth


@settings(max_examples=150, deadline=None)
@given(st.dates(date(1950, 1, 1), date(2030, 12, 31)), st.integers(0, 30000))
def test_age_counts_months_as_the_calendar_does(as_of: date, back: int) -> None:
    start = as_of - timedelta(days=back)
    made = age_in_months(np.array([days(start), UNKNOWN_INT32, days(as_of) + 1], np.int32), as_of)
    assert made.tolist() == [whole_months(start, as_of), UNKNOWN_INT64, UNKNOWN_INT64]


def test_the_dictionaries_travel_with_the_columns() -> None:
    made = derive(Columns(1, {}, {}), SIZES, AS_OF)
    assert made.codes["size_class"] == SIZE_CLASSES
    assert len(made.codes["size_row"]) == 16
    assert made.codes["industry_section"][0] == "A"


def test_columns_refuse_a_wrong_length_and_join_only_equals() -> None:
    with pytest.raises(ValueError, match="shape"):
        Columns(2, {"x": np.zeros(3)}, {})
    with pytest.raises(ValueError, match="belong"):
        Columns(2, {}, {}).merged(Columns(3, {}, {}))
    joined = Columns(2, {"x": np.zeros(2), "y": np.zeros(2)}, {}).merged(Columns(2, {"x": np.ones(2)}, {}))
    assert joined.values["x"].tolist() == [1, 1]
    picked = joined.take(np.array([True, False]), ["x", "absent"])
    assert (picked.n, list(picked.values)) == (1, ["x"])
    assert joined.row(1).values["x"].tolist() == [1]
