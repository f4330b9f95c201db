"""`rongqiao real`: the pipeline on invented invoices of the published form, and on the real ones where they are."""

from __future__ import annotations

import csv
import json
import lzma
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from pandas import DataFrame

from models.dates import add_months, month_end
from models.errors import RefusedInput
from service.adapters import cumcm2020c as adapter
from service.labels import Labels
from service.office import Office, opened
from service.real.credit import bands_like, with_lower_sales
from service.real.report import RealReport, as_data
from service.real.strategy_tables import strategy_sections
from service.real.tables import sections
from service.snapshot.snapshots import OpenSnapshot, open_snapshot
from service.usecases.run_real import last_common_month_end, run_real
from service.web.encode import encode
from tests.real_folder import DATA, Row, needs_data, write_folder

MAIN = date(2018, 11, 30)
#: Beside the main day, for the invented firms.
DAYS = (date(2018, 6, 30),)
PAGE = Path(__file__).parents[1] / "docs" / "real-data.md"
#: Invented firms: months invoiced, monthly sales in yuan, customers. E1-E3 default, E4-E6 do not, E124 has no flag.
FIRMS = {
    "E1": (23, 900, 1), "E2": (30, 1_100, 2), "E3": (34, 40_000, 6),
    "E4": (36, 50_000, 8), "E5": (36, 70_000, 9), "E6": (35, 1_000, 7), "E124": (36, 10_000, 4),
}  # fmt: skip
RECORDS = [
    ("E1", "D", "是"),
    ("E2", "D", "是"),
    ("E3", "C", "是"),
    ("E4", "A", "否"),
    ("E5", "B", "否"),
    ("E6", "B", "否"),
]


def invented(folder: Path, until: date = date(2020, 2, 21), turned: bool = False) -> Path:
    """Invoices of ``FIRMS`` from January 2017, none after ``until``; ``turned`` swaps every default flag."""
    rows: dict[str, list[Row]] = {"a1_input": [], "a1_output": [], "a2_input": [], "a2_output": []}
    for firm, (months, sales, customers) in FIRMS.items():
        part = "a2" if len(firm) > 3 else "a1"
        for month in range(months):
            day = add_months(date(2017, 1, 10), month)
            if day <= until:
                number, other = f"{int(firm[1:]):03d}{month:05d}", f"B{month % customers:05d}"
                written = f"{day.year}/{day.month}/{day.day}"
                rows[f"{part}_output"].append((firm, number, written, other, f"{sales}.00", "0.00", "有效发票"))
                rows[f"{part}_input"].append((firm, number, written, "A00001", "10.50", "0.50", " 作废发票"))
    flip = {"是": "否", "否": "是"}
    return write_folder(folder, rows, [(f, r, flip[bad] if turned else bad) for f, r, bad in RECORDS])


@dataclass(frozen=True)
class Done:
    """A finished run and the office it left."""

    office: Office
    data: Path
    report: RealReport

    def snapshot(self, day: date) -> OpenSnapshot:
        return open_snapshot(self.office, next(each.snapshot_id for each in self.report.days if each.as_of == day))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    folder = tmp_path_factory.mktemp("made")
    data = invented(folder / "data")
    with opened(folder / "home") as office:
        yield Done(office, data, run_real(office, data, other_days=DAYS))


def test_the_main_day_is_the_last_month_end_before_a_flagged_firm_ends(made: Done) -> None:
    # E1 invoices for 23 months, last in November 2018.
    assert made.report.main == date(2018, 10, 31)
    day = made.report.main_day
    assert (day.later_bad, day.later_good) == (3, 3)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (["2018-12-03", "2020-02-21"], "2018-11-30"),
        (["2018-12-31"], "2018-11-30"),
        (["2019-01-01"], "2018-12-31"),
        (["2020-03-01", "2020-04-01"], "2020-02-29"),
    ],
)
def test_last_common_month_end(last: list[str], expected: str) -> None:
    assert last_common_month_end([date.fromisoformat(day) for day in last]) == date.fromisoformat(expected)


def test_figures_by_hand(made: Done) -> None:
    figures = {one.figure: one for one in made.report.main_day.figures}
    # Monthly sales of bad firms 900, 1100, 40000; of good ones 50000, 70000, 1000: bad is lower in 7 of 9 pairs.
    assert figures["sales_12m"].risk_when == "low"
    assert figures["sales_12m"].found is not None
    assert figures["sales_12m"].found.auc.value == pytest.approx(7 / 9)
    # Nobody paused before the main day, so the streak says nothing.
    assert figures["invoicing_months"].found is not None
    assert figures["invoicing_months"].found.auc.value == 0.5
    assert figures["sales_growth"].known == 6


def test_only_items_of_invoices_are_known(made: Done) -> None:
    known = {item.item: item.firms for item in made.report.known_items if item.firms}
    assert len(made.report.known_items) == 139
    assert set(known) == {
        "sales_12m", "sales_24m", "sales_last_month", "customers_12m", "top5_customer_share", "invoicing_months",
        "void_red_share",
    }  # fmt: skip
    assert set(known.values()) == {7}


def test_unknown_facts_never_make_a_firm_eligible_or_graded(made: Done) -> None:
    assert made.report.scores.grades["none"] == made.report.scores.scored == 7
    assert all(rule.met + rule.unknown + rule.unmet == 7 for rule in made.report.rules)
    # Every product asks whether the firm is live, which nobody told.
    assert all(rule.met == 0 for rule in made.report.rules)
    assert "live" in {fact.fact for fact in made.report.open_facts}


def test_a_second_run_changes_nothing_and_measures_the_same(made: Done) -> None:
    again = run_real(made.office, made.data, other_days=DAYS)
    assert again.days == made.report.days
    assert again.scores == made.report.scores
    assert {file.status for file in again.files} == {"unchanged"}
    assert again.rows == 0
    assert not (made.office.work / "real").exists()


def test_the_default_flag_reaches_no_column(made: Done, tmp_path: Path) -> None:
    data = invented(tmp_path / "data", turned=True)
    with opened(tmp_path / "home") as office:
        turned = Done(office, data, run_real(office, data, other_days=DAYS))
        assert_same_columns(made.snapshot(made.report.main), turned.snapshot(made.report.main))
        score, before = turned.report.main_day.score.found, made.report.main_day.score.found
        assert score is not None
        assert before is not None
        assert score.auc.value == pytest.approx(1 - before.auc.value)


def test_later_invoices_do_not_reach_an_earlier_day(made: Done, tmp_path: Path) -> None:
    data = invented(tmp_path / "data", until=date(2018, 8, 31))
    with opened(tmp_path / "home") as office:
        shorter = Done(office, data, run_real(office, data, other_days=DAYS))
        assert_same_columns(made.snapshot(DAYS[0]), shorter.snapshot(DAYS[0]))


def assert_same_columns(one: OpenSnapshot, other: OpenSnapshot) -> None:
    assert one.uscc.tolist() == other.uscc.tolist()
    assert one.columns.values.keys() == other.columns.values.keys()
    for name, column in one.columns.values.items():
        np.testing.assert_array_equal(column, other.columns.values[name], err_msg=name)


def test_a_home_with_other_records_is_refused(made: Done, tmp_path: Path) -> None:
    from service.clock import utc_now
    from service.usecases.ingest_batch import ingest_batch

    with opened(tmp_path / "home") as office:
        file = tmp_path / "notice.csv"
        firm = adapter.placeholder_uscc("E7")
        file.write_text(f"uscc,notice_no,announced_on,amount_yuan\n{firm},N1,2020-01-01,1.00\n", encoding="utf-8")
        ingest_batch(office, "tax_arrears_notice", file, received_at=utc_now())
        with pytest.raises(RefusedInput, match=r"notice\.csv") as refused:
            run_real(office, made.data)
    assert refused.value.code == "home_in_use"


def test_absent_data_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as office, pytest.raises(RefusedInput, match="RONGQIAO_DATA"):
        run_real(office, tmp_path / "nowhere")
    assert not list((tmp_path / "home" / "lake").rglob("*.parquet"))


def test_progress_is_told_by_stage(made: Done) -> None:
    told: list[tuple[str, int, int]] = []
    run_real(
        made.office, made.data, other_days=DAYS, progress=lambda stage, done, total: told.append((stage, done, total))
    )
    names = list(dict.fromkeys(stage for stage, _, _ in told))
    assert names == [stage.name for stage in made.report.stages]
    assert all(done <= total or not total for _, done, total in told)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_tables_are_whole_in_both_languages(made: Done, language: str) -> None:
    tables = list(sections(made.report, Labels(language, {})))
    assert len(tables) == 8
    for table in tables:
        assert table.title
        assert table.rows
        assert all(len(row) == len(table.headers) for row in table.rows)
        assert all(place < len(table.headers) for place in table.numbers)


def test_data_form_is_json_without_nan(made: Done) -> None:
    answer = json.loads(encode(as_data(made.report)))
    assert answer["as_of"] == "2018-10-31"
    assert answer["fitted_on_labels"] is False
    assert answer["report"]["firms_defaulted"] == 3
    assert answer["report"]["days"][0]["score"]["figure"] == "score"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    with opened(tmp_path_factory.mktemp("real")) as office:
        yield Done(office, DATA, run_real(office, DATA))


@needs_data
def test_all_invoices_land_and_none_is_lost(real: Done) -> None:
    report = real.report
    assert (report.firms, report.firms_with_record, report.firms_defaulted) == (425, 123, 27)
    assert sum(file.read for file in report.files) == 1_099_441
    for file in report.files:
        assert file.read == file.before_start + file.landed + file.unchanged + file.rejected
    assert sum(file.unchanged for file in report.files) == 11_631
    assert sum(file.rejected for file in report.files) == 0


@needs_data
def test_the_page_says_what_is_measured(real: Done) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert real.report.main == MAIN
    for separation in (real.report.main_day.score, *real.report.main_day.figures, real.report.rating):
        assert separation.found is not None
        row = next(line for line in page.splitlines() if line.startswith(f"| {separation.figure} |"))
        assert str(separation.found.auc) in row
        assert str(separation.found.ks) in row
    for day in real.report.days:
        assert day.score.found is not None
        assert f"| {day.as_of} |" in page
        assert str(day.score.found.auc) in page


@dataclass
class Plain:
    """A firm's output invoices by key (number, day, customer) → (fen, void), read with nothing but the csv module."""

    output: dict[tuple[str, date, str], tuple[int, bool]] = field(default_factory=dict)
    months: set[int] = field(default_factory=set)


@needs_data
def test_profiles_equal_sums_made_straight_from_the_published_files(real: Done) -> None:
    """A second, slow reading of the published files that shares no code with the adapter, the lake or the compiler."""
    snapshot = real.snapshot(MAIN)
    year, month = add_months(MAIN, -12), add_months(MAIN, -1)
    checked = 0
    for name, plain in read_plainly().items():
        row = snapshot.row_of(adapter.placeholder_uscc(name))
        if snapshot.value("sales_12m", row) is None:
            continue  # silent for longer than the item stays valid
        recent = {key: said for key, said in plain.output.items() if year < key[1] <= MAIN}
        valid = {key: fen for key, (fen, void) in recent.items() if not void}
        assert snapshot.columns.values["sales_12m"][row] == sum(valid.values())
        assert snapshot.columns.values["sales_last_month"][row] == sum(f for k, f in valid.items() if k[1] > month)
        assert snapshot.columns.values["customers_12m"][row] == len({customer for _, _, customer in valid})
        assert snapshot.columns.values["invoicing_months"][row] == streak(plain, MAIN)
        if recent:
            struck = sum(void or fen < 0 for fen, void in recent.values())
            assert snapshot.value("void_red_share", row) == pytest.approx(struck / len(recent))
        checked += 1
    assert checked == 424


def read_plainly() -> dict[str, Plain]:
    firms: dict[str, Plain] = defaultdict(Plain)
    for name in ("a1_output_invoices_123firms", "a2_output_invoices_302firms"):
        with lzma.open(DATA / adapter.FOLDER / f"{name}.csv.xz", "rt", encoding="utf-8") as text:
            rows = csv.reader(text)
            next(rows)
            for firm, number, written, customer, amount, _, _, status in rows:
                year, month, day = written.split("/")
                if year < "2017":
                    continue
                issued = date(int(year), int(month), int(day))
                key, void = (number, issued, customer), status.strip() == "作废发票"
                _, was_void = firms[firm].output.get(key, (0, False))
                firms[firm].output[key] = (round(float(amount) * 100), void or was_void)
                if not void and issued <= MAIN:
                    firms[firm].months.add(issued.year * 12 + issued.month)
    return firms


def streak(plain: Plain, end: date) -> int:
    """Months with a valid output invoice, counted back from ``end`` until one is missing."""
    count = 0
    while end.year * 12 + end.month in plain.months:
        count += 1
        end = month_end(end.replace(day=1) - timedelta(days=1))
    return count


@needs_data
def test_the_lending_problem_is_solved_within_its_limits(real: Done) -> None:
    report = real.report.strategy
    assert report is not None
    best = report.best
    assert best.plan.amount.sum() <= 100_000_000
    granted = best.plan.amount[best.plan.offered]
    assert ((granted >= 100_000) & (granted <= 1_000_000)).all()
    assert ((best.plan.rate[best.plan.offered] >= 0.04) & (best.plan.rate[best.plan.offered] <= 0.15)).all()
    assert best.valued.profit <= best.bound * (1 + 1e-9)
    assert best.gap < 1e-4
    assert sum(row.firms for row in report.grades) == 302
    assert {row.grade: row.offered for row in report.grades}["D"] == 0
    assert sum(report.reasons.values()) == 302
    for row in (*report.budgets, *report.rated, *report.unrated):
        assert row.profit >= max(row.equal_split, row.rating_order) - 1.0
        assert row.granted <= row.budget
    profits = [row.profit for row in report.budgets]
    assert profits == sorted(profits)
    assert all(change.regret >= -1.0 for change in report.changes)
    assert report.shock.pd_after >= report.shock.pd_before
    assert report.shock.old_plan <= report.shock.best.profit + 1.0


@needs_data
def test_the_page_tells_the_answer_of_the_lending_problem(real: Done) -> None:
    report = real.report.strategy
    assert report is not None
    page = PAGE.read_text(encoding="utf-8")
    # A learned model: other processors may differ in the last digits, so the page is held to two figures.
    assert f"Expected profit **{report.best.valued.profit / 1e6:.2f} million yuan**" in page
    assert f"{report.best.valued.firms} firms at 1 million each" in page
    for change in report.changes:
        assert f"| {change.best:,.0f} | {change.base_plan:,.0f} | {change.regret:,.0f} |" in page


@needs_data
@pytest.mark.parametrize("language", ["zh", "en"])
def test_tables_of_the_lending_problem_are_whole(real: Done, language: str) -> None:
    assert real.report.strategy is not None
    tables = list(strategy_sections(real.report.strategy, Labels(language, {})))
    assert len(tables) == 7
    for table in tables:
        assert table.title
        assert table.rows
        assert all(len(row) == len(table.headers) for row in table.rows)


def test_grades_have_the_shares_of_the_ratings() -> None:
    ratings = ["A", "B", "D", "C", "B", "A"]
    bands = bands_like(np.array([0.1, 0.3, 0.9, 0.5, 0.2, 0.05]), ratings)
    assert bands.grades(np.array([0.05, 0.1, 0.2, 0.3, 0.5, 0.9, np.nan])) == ("A", "A", "B", "B", "C", "D", "")
    assert (bands.agrees, bands.within_one) == (1.0, 1.0)


def test_a_fall_of_sales_reaches_every_item_made_of_them() -> None:
    items = DataFrame(
        {"sales_12m": [100.0, np.nan], "sales_24m": [180.0, 50.0], "sales_last_month": [10.0, 0.0],
         "sales_growth": [0.25, np.nan], "customers_12m": [3.0, 0.0]}
    )  # fmt: skip
    lower = with_lower_sales(items, np.array([0.2, 0.2]))
    assert lower.iloc[0].tolist() == pytest.approx([80.0, 160.0, 8.0, 0.0, 3.0])
    assert lower.iloc[1, 1] == 50.0


def test_without_the_churn_table_there_is_no_strategy(made: Done) -> None:
    assert made.report.strategy is None
