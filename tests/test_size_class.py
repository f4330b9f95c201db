"""Size classes: every boundary of every row, against the published table where it is at hand."""

from __future__ import annotations

import csv
import os
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import DataFileError, RefusedInput
from models.kinds import UNKNOWN_INT64
from scoring.industry import parse_industries
from scoring.size import METRICS, SIZE_CLASSES, classify, parse_sizes, size_of
from service.books.documents import read_yaml

SEED = Path(__file__).parent.parent / "seed"
INDUSTRIES = parse_industries(read_yaml(SEED / "industries.yaml"))
TABLE = parse_sizes(read_yaml(SEED / "sizes.yaml"), INDUSTRIES)
BY_ID = {row.id: place for place, row in enumerate(TABLE.rows)}

DATA = Path(os.environ.get("RONGQIAO_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
PUBLISHED = DATA / "cn_reference" / "sme_size_2017.csv"
STANDARD = DATA / "cn_reference" / "gbt4754_2017_industry.csv"

#: The table again, typed from its text: persons and 万元, (small, medium, large). Holds the data file to it everywhere.
PRINTED: dict[str, dict[str, tuple[int, int, int]]] = {
    "agriculture": {"revenue": (50, 500, 20000)},
    "industry": {"employees": (20, 300, 1000), "revenue": (300, 2000, 40000)},
    "construction": {"revenue": (300, 6000, 80000), "assets": (300, 5000, 80000)},
    "wholesale": {"employees": (5, 20, 200), "revenue": (1000, 5000, 40000)},
    "retail": {"employees": (10, 50, 300), "revenue": (100, 500, 20000)},
    "transport": {"employees": (20, 300, 1000), "revenue": (200, 3000, 30000)},
    "storage": {"employees": (20, 100, 200), "revenue": (100, 1000, 30000)},
    "post": {"employees": (20, 300, 1000), "revenue": (100, 2000, 30000)},
    "accommodation": {"employees": (10, 100, 300), "revenue": (100, 2000, 10000)},
    "catering": {"employees": (10, 100, 300), "revenue": (100, 2000, 10000)},
    "information_transmission": {"employees": (10, 100, 2000), "revenue": (100, 1000, 100000)},
    "software": {"employees": (10, 100, 300), "revenue": (50, 1000, 10000)},
    "property_development": {"revenue": (100, 1000, 200000), "assets": (2000, 5000, 10000)},
    "property_management": {"employees": (100, 300, 1000), "revenue": (500, 1000, 5000)},
    "leasing_and_business": {"employees": (10, 100, 300), "assets": (100, 8000, 120000)},
    "other": {"employees": (10, 100, 300)},
}
FEN_PER_WAN = 1_000_000
EDGES = [
    (row, metric, level, minimum)
    for row, metrics in PRINTED.items()
    for metric, minima in metrics.items()
    for level, minimum in enumerate(minima)
]


def stored(metric: str, printed: int) -> int:
    return printed if metric == "employees" else printed * FEN_PER_WAN


def classes(row: str, **metrics: int) -> int:
    arrays = {name: np.array([metrics.get(name, 10**15)], np.int64) for name in METRICS}
    return int(classify(TABLE, np.array([BY_ID[row]], np.int16), **arrays).size[0])


def test_the_table_has_its_sixteen_rows_with_the_printed_thresholds() -> None:
    assert list(PRINTED) == [row.id for row in TABLE.rows]
    for row in TABLE.rows:
        assert {m.id: m.minima for m in row.metrics} == {
            metric: tuple(stored(metric, value) for value in minima) for metric, minima in PRINTED[row.id].items()
        }


@pytest.mark.parametrize(("row", "metric", "level", "minimum"), EDGES)
def test_the_minimum_counts_and_one_less_drops_the_class(row: str, metric: str, level: int, minimum: int) -> None:
    at = stored(metric, minimum)
    assert classes(row, **{metric: at}) == level + 1
    assert classes(row, **{metric: at - 1}) == level


@pytest.mark.parametrize("row", PRINTED)
def test_every_metric_must_reach_the_class(row: str) -> None:
    for metric in PRINTED[row]:
        assert classes(row, **{metric: 0}) == 0
    assert classes(row) == SIZE_CLASSES.index("large")


@pytest.mark.skipif(not PUBLISHED.exists(), reason=f"{PUBLISHED} is not at hand (set RONGQIAO_DATA)")
def test_thresholds_and_codes_equal_the_published_table() -> None:
    with PUBLISHED.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == sum(len(metrics) for metrics in PRINTED.values())
    names = {"从业人员": "employees", "营业收入": "revenue", "资产总额": "assets"}
    by_zh = {row.zh: row for row in TABLE.rows}
    for line in lines:
        row, metric = by_zh[line["industry"]], names[line["metric"]]
        minima = next(m.minima for m in row.metrics if m.id == metric)
        assert minima == tuple(stored(metric, int(line[f"{name}_min"])) for name in SIZE_CLASSES[1:])
        # 591 (loading) is transport by the table's note; the published list of codes stops at divisions.
        assert set(row.codes) - {"591"} == set(line["gbt4754_codes"].split(";"))
        for level, minimum in enumerate(minima):
            assert classes(row.id, **{metric: minimum}) == level + 1
            assert classes(row.id, **{metric: minimum - 1}) == level


@pytest.mark.skipif(not STANDARD.exists(), reason=f"{STANDARD} is not at hand (set RONGQIAO_DATA)")
def test_sections_divisions_and_every_class_of_the_standard_are_placed() -> None:
    with STANDARD.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    ours = {code: section.zh for code, section in INDUSTRIES.sections.items()}
    divisions = {code: zh for section in INDUSTRIES.sections.values() for code, zh in section.divisions.items()}
    assert ours == {line["code"]: line["name"] for line in lines if line["level"] == "section"}
    assert divisions == {line["code"]: line["name"] for line in lines if line["level"] == "division"}
    without = {
        line["section"] + line["code"][:3]
        for line in lines
        if line["level"] == "class" and TABLE.row_of(line["section"] + line["code"]) < 0
    }
    assert {code[0] for code in without} == {"G", "J", "K", "P", "Q", "S", "T"}
    assert {code[1:3] for code in without if code[0] == "G"} == {"53"}
    assert {code for code in without if code[0] == "K"} == {"K704"}
    assert {code[1:3] for code in without if code[0] == "Q"} == {"84"}


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("A0111", "agriculture"), ("B0610", "industry"), ("C3311", "industry"), ("D4411", "industry"),
        ("E4710", "construction"), ("F5111", "wholesale"), ("F5211", "retail"), ("G5411", "transport"),
        ("G5821", "transport"), ("G5910", "transport"), ("G5920", "storage"), ("G59", "storage"), ("G6010", "post"),
        ("H6110", "accommodation"), ("H6210", "catering"), ("I6311", "information_transmission"),
        ("I6420", "information_transmission"), ("I6510", "software"), ("K7010", "property_development"),
        ("K701", "property_development"), ("K7020", "property_management"), ("K7030", "other"), ("K7090", "other"),
        ("L7111", "leasing_and_business"), ("L7211", "leasing_and_business"), ("M7310", "other"), ("N7610", "other"),
        ("O8010", "other"), ("Q8511", "other"), ("R8810", "other"),
        ("G5310", None), ("J6610", None), ("K7040", None), ("K70", None), ("P8310", None), ("Q8411", None),
        ("S9110", None), ("T9700", None), ("A33", None), ("C", None), ("3311", None), ("Z9999", None), ("", None),
    ],
)  # fmt: skip
def test_an_industry_code_falls_in_its_row(code: str, row: str | None) -> None:
    assert TABLE.row_of(code) == (BY_ID[row] if row else -1)


def test_an_unknown_metric_leaves_the_class_open_unless_the_other_decides() -> None:
    small = size_of(TABLE, "C3311", employees=25)
    assert (small.size_class, small.low, small.high) == (None, "micro", "small")
    assert small.missing == ("revenue",)
    assert small.decided_by == ("employees",)
    micro = size_of(TABLE, "C3311", employees=19)
    assert (micro.size_class, micro.missing, micro.decided_by) == ("micro", ("revenue",), ("employees",))
    nothing = size_of(TABLE, "C3311")
    assert (nothing.size_class, nothing.low, nothing.high, nothing.decided_by) == (None, "micro", "large", ())
    assert size_of(TABLE, "M7310", employees=100).size_class == "medium"


def test_one_firm_with_the_deciding_metric() -> None:
    answer = size_of(TABLE, "C3311", employees=300, revenue_yuan="19999999.99", assets_yuan=Decimal("1"))
    assert (answer.size_class, answer.row.id, answer.decided_by) == ("small", "industry", ("revenue",))
    both = size_of(TABLE, "C3311", employees=300, revenue_yuan=20_000_000)
    assert (both.size_class, both.decided_by) == ("medium", ("employees", "revenue"))
    assert "213号" in both.source


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"industry": "X1234"}, "unknown_industry"),
        ({"industry": "A3311"}, "unknown_industry"),
        ({"industry": "C33\n"}, "unknown_industry"),
        ({"industry": "G5310"}, "industry_not_covered"),
        ({"industry": "J66"}, "industry_not_covered"),
        ({"industry": "K70"}, "industry_too_coarse"),
        ({"industry": "C33", "employees": -1}, "bad_employees"),
        ({"industry": "C33", "employees": True}, "bad_employees"),
        ({"industry": "C33", "employees": 10**30}, "bad_employees"),
        ({"industry": "C33", "revenue_yuan": "-5"}, "bad_amount"),
        ({"industry": "C33", "revenue_yuan": "nan"}, "bad_amount"),
        ({"industry": "C33", "revenue_yuan": Decimal("NaN")}, "bad_amount"),
        ({"industry": "C33", "revenue_yuan": Decimal("1e30")}, "bad_amount"),
        ({"industry": "C33", "assets_yuan": "1.005"}, "bad_amount"),
    ],
)
def test_bad_input_is_refused_with_its_reason(arguments: dict[str, object], code: str) -> None:
    with pytest.raises(RefusedInput) as refusal:
        size_of(TABLE, **arguments)  # type: ignore[arg-type]
    assert refusal.value.code == code
    assert refusal.value.fix


amounts = st.one_of(st.none(), st.integers(0, 3 * 10**9), st.sampled_from([10**6, 3 * 10**6, 2 * 10**7, 4 * 10**8]))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A01", "C3311", "E47", "F51", "G59", "K701", "K702", "L72", "R88", "J66", "??"]),
            st.one_of(st.none(), st.integers(0, 2500)),
            amounts,
            amounts,
        ),
        max_size=12,
    )
)
def test_many_firms_at_once_agree_with_a_plain_reading_of_the_rule(
    firms: list[tuple[str, int | None, int | None, int | None]],
) -> None:
    rows = np.array([TABLE.row_of(code) for code, *_ in firms], np.int16)
    columns = [
        np.array([UNKNOWN_INT64 if f[i] is None else f[i] * (1 if i == 1 else 100) for f in firms], np.int64)  # type: ignore[operator]
        for i in (1, 2, 3)
    ]
    bounds = classify(TABLE, rows, *columns)
    for place, (code, employees, revenue, assets) in enumerate(firms):
        if rows[place] < 0:
            assert bounds.size[place] == bounds.low[place] == bounds.high[place] == -1
            continue
        values = {"employees": employees, "revenue": revenue, "assets": assets}
        printed = PRINTED[TABLE.rows[rows[place]].id]

        def plain(fill: int, values: dict[str, int | None] = values, printed: dict = printed) -> int:
            for level in (2, 1, 0):
                if all(
                    (fill if values[m] is None else values[m]) >= minima[level] * (1 if m == "employees" else 10_000)
                    for m, minima in printed.items()
                ):
                    return level + 1
            return 0

        low, high = plain(0), plain(10**18)
        assert (bounds.low[place], bounds.high[place]) == (low, high)
        assert bounds.size[place] == (low if low == high else -1)
        answer = size_of(TABLE, code, employees, revenue, assets)
        assert answer.size_class == (SIZE_CLASSES[low] if low == high else None)


def test_a_table_with_a_fault_is_refused_at_its_line() -> None:
    for damage, field in (("repeat", "codes"), ("order", "employees"), ("lost", "rows")):
        document = read_yaml(SEED / "sizes.yaml")
        if damage == "repeat":
            document["rows"][4]["codes"].append("51")
        elif damage == "order":
            document["rows"][1]["employees"]["medium"] = 5000
        else:
            document["rows"].pop(9)
        with pytest.raises(DataFileError) as fault:
            parse_sizes(document, INDUSTRIES)
        assert fault.value.field == field
        assert fault.value.line > 0
