"""Dated parameters: the right value on the right day, and honesty about what has not been confirmed."""

from __future__ import annotations

import csv
import os
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from matching.parameters import ParameterBook, ParameterRef, parse_parameters, parse_reference
from models.errors import DataFileError, NotFound, RefusedInput
from models.kinds import Kind
from models.marked import MarkedDict
from service.books.documents import read_yaml
from service.books.seedbook import SEED


@pytest.fixture(scope="module")
def book() -> ParameterBook:
    return parse_parameters(read_yaml(path, SEED) for path in sorted((SEED / "parameters").glob("*.yaml")))


@pytest.mark.parametrize(
    ("day", "value", "since"),
    [
        ("2019-08-20", "0.0425", "2019-08-20"),
        ("2019-09-19", "0.0425", "2019-08-20"),
        ("2019-09-20", "0.0420", "2019-09-20"),
        ("2024-07-21", "0.0345", "2023-08-21"),
        ("2024-07-22", "0.0335", "2024-07-22"),
        ("2024-10-20", "0.0335", "2024-07-22"),
        ("2024-10-21", "0.0310", "2024-10-21"),
        ("2026-01-20", "0.0300", "2025-05-20"),
    ],
)
def test_the_one_year_rate_changes_on_its_publication_days(book: ParameterBook, day: str, value: str, since: str):
    answer = book.on("lpr_1y", date.fromisoformat(day))
    assert (answer.value, answer.in_force_from) == (Decimal(value), date.fromisoformat(since))
    assert answer.confirmed
    assert answer.note == ""


def test_publications_seen_in_one_copy_only_are_not_called_confirmed(book: ParameterBook):
    one_copy = book.on("lpr_1y", date(2025, 11, 20))
    assert (one_copy.value, one_copy.confirmed, one_copy.note) == (Decimal("0.0300"), False, "One source only.")
    assert book.on("lpr_1y", date(2025, 9, 22)).confirmed
    assert not book.on("lpr_5y", date(2025, 8, 20)).confirmed


@pytest.mark.parametrize("later", [1, 40, 4000])
def test_a_day_beyond_the_last_confirmation_answers_the_last_confirmed_value_and_says_so(
    book: ParameterBook, later: int
):
    parameter = book["lpr_1y"]
    answer = book.on("lpr_1y", parameter.last_confirmed + timedelta(days=later))
    assert (answer.value, answer.confirmed) == (Decimal("0.0300"), False)
    assert "2026-01-20" in answer.note
    assert "2026-08-20" in answer.note


def test_a_day_before_the_first_value_is_refused(book: ParameterBook):
    with pytest.raises(RefusedInput, match="no value before 2019-08-20"):
        book.on("lpr_1y", date(2019, 8, 19))


def test_an_unknown_parameter_is_not_found(book: ParameterBook):
    with pytest.raises(NotFound, match="lpr_1y"):
        book.on("lpr_2y", date(2024, 1, 1))


def test_our_history_equals_the_reference_table(book: ParameterBook):
    folder = os.environ.get("RONGQIAO_DATA")
    path = Path(folder or ".") / "cn_reference" / "lpr_monthly.csv"
    if not folder or not path.exists():
        pytest.skip("RONGQIAO_DATA with cn_reference/lpr_monthly.csv is not set: our LPR history is not compared")
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert len(rows) == 85
    for row in rows:
        day = date.fromisoformat(row["publish_date"])
        for name, column in (("lpr_1y", "lpr_1y"), ("lpr_5y", "lpr_5y_plus")):
            answer = book.on(name, day)
            assert answer.value == Decimal(row[column]) / 100, (name, day)
            if row["cross_checked_second_copy"] == "1":
                assert answer.confirmed, (name, day)
    # Three later publications have a second source for the one-year rate.
    unchecked = [date.fromisoformat(row["publish_date"]) for row in rows if row["cross_checked_second_copy"] == "0"]
    confirmed = [day for day in unchecked if book.on("lpr_1y", day).confirmed]
    assert confirmed == [date(2025, 8, 20), date(2025, 9, 22), date(2026, 1, 20)]
    assert not any(book.on("lpr_5y", day).confirmed for day in unchecked)


def test_a_reference_computes_exactly():
    reference = parse_reference({"param": "lpr_1y", "times": "0.70", "plus": "0.001", "at_most": "0.02"})
    assert reference.of(Decimal("0.0345")) == Decimal("0.02")
    assert reference.of(Decimal("0.01")) == Decimal("0.0080")
    assert ParameterRef("x", at_least=Decimal(3)).of(Decimal(1)) == 3


@pytest.mark.parametrize(
    "raw",
    [
        {"param": "lpr_1y", "factor": 2},
        {"param": 3},
        {"param": "lpr_1y", "times": 0.7},
        {"param": "lpr_1y", "times": "NaN"},
        {"param": "lpr_1y", "times": True},
        {"param": "lpr_1y", "at_least": 2, "at_most": 1},
    ],
)
def test_a_bad_reference_is_refused(raw: dict[str, object]):
    with pytest.raises(RefusedInput):
        parse_reference(raw)


def test_a_parameter_fits_facts_of_its_unit_only(book: ParameterBook):
    book.fits("lpr_1y", Kind.RATIO)
    with pytest.raises(RefusedInput, match="fraction"):
        book.fits("lpr_1y", Kind.MONEY)
    with pytest.raises(NotFound):
        book.fits("lpr_9y", Kind.RATIO)


GOOD = """
- id: cap
  zh: 上限
  en: Cap
  unit: yuan
  source: a decree
  last_confirmed: 2024-06-30
  values:
    - {from: 2024-01-01, value: 100}
    - {from: 2024-03-01, value: 200.50, confirmed: false}
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("unit: yuan", "unit: furlong", 5),
        ("  source: a decree\n", "", 2),
        ("2024-03-01", "2023-03-01", 10),
        ("2024-03-01", "'2024-13-01'", 10),
        ("2024-03-01", "2024-09-01", 10),
        ("value: 100", "value: 1e3", 9),
        ("value: 100", "value: .nan", 9),
        ("value: 100}", "value: 100, confirmed: false}", 8),
        ("confirmed: false}", "confirmed: maybe}", 10),
        ("confirmed: false}", "until: 2025-01-01}", 10),
        ("last_confirmed: 2024-06-30", "last_confirmed: 2024-06-30\n  seen_until: 2024-05-31", 8),
    ],
)
def test_a_wrong_parameter_file_is_refused_at_its_line(tmp_path: Path, old: str, new: str, line: int):
    path = tmp_path / "cap.yaml"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(DataFileError) as refused:
        parse_parameters([read_yaml(path, tmp_path)])
    assert (refused.value.file, refused.value.line) == ("cap.yaml", line)


def test_the_file_of_the_refusals_is_itself_good(tmp_path: Path):
    path = tmp_path / "cap.yaml"
    path.write_text(GOOD, encoding="utf-8")
    book = parse_parameters([read_yaml(path, tmp_path)])
    assert book.on("cap", date(2024, 3, 1)).value == Decimal("200.50")
    assert book.on("cap", date(2024, 7, 1)).value == 100, "the last confirmed value, not the unconfirmed one"
    with pytest.raises(DataFileError, match="used once"):
        parse_parameters([read_yaml(path, tmp_path), [MarkedDict(read_yaml(path, tmp_path)[0])]])
