"""The adapter of the real invoices: on a hand-made folder of the same form, and on the real files where they are."""

from __future__ import annotations

import lzma
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from stdnum.cn import uscc as oracle

from models.errors import RefusedInput
from models.uscc import check_uscc
from scoring.feeds import ColumnType
from service.adapters import cumcm2020c as adapter
from service.books import seedbook
from tests.real_folder import DATA, needs_data, write_folder

#: firm, number, day, other party, amount, tax, status — one line per thing the adapter must get right.
ROWS = {
    "a1_input": [
        ("E1", "5076239", "2017/8/9", "A00844", "8170.94", "1389.06", "有效发票"),
        ("E1", "5076239", "2017/8/9", "A00844", "8170.94", "1389.06", "有效发票"),
        ("E2", "43", "2018/11/11", "A03160", "-211.21", "-33.79", "有效发票"),
    ],
    "a1_output": [
        ("E1", "11459356", "2016/12/31", "B03711", "9401.71", "1598.29", "有效发票"),
        ("E1", "11459357", "2017/1/1", "B03711", "0.0", "0.0", " 作废发票"),
        ("E2", "11459358", "someday", "B03711", "10.0", "0.0", "失控发票"),
    ],
    "a2_input": [
        ("E124", "25396353", "2019/12/12", "C06618", "436.89", "13.11", "作废发票"),
        ("E124", "25396353", "2019/12/12", "C06618", "436.89", "13.11", "有效发票"),
    ],
    "a2_output": [("E425", "99999999", "2020/2/21", "D41551", "9999999.99", "1.0", "有效发票")],
}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A data folder with the published form and invented content."""
    return write_folder(tmp_path / "data", ROWS, [("E1", "A", "否"), ("E2", "D", "是")])


def delivered(data: Path, out: Path) -> dict[str, list[dict[str, str]]]:
    out.mkdir(exist_ok=True)
    files = [adapter.deliver(data, published, out) for published in adapter.PUBLISHED]
    return {file.source.split("_invoices")[0]: pq.read_table(file.path).to_pylist() for file in files}


def test_each_row_becomes_a_row_of_the_feed(made: Path, tmp_path: Path) -> None:
    rows = delivered(made, tmp_path / "out")
    assert rows["a1_input"][2] == {
        "uscc": adapter.placeholder_uscc("E2"),
        "direction": "input",
        "invoice_no": "00000043",
        "issued_on": "2018-11-11",
        "counterparty": "A03160",
        "amount_yuan": "-211.21",
        "tax_yuan": "-33.79",
        "status": "valid",
        "revision": "1",
    }
    assert rows["a2_output"][0]["direction"] == "output"


def test_a_repeated_row_is_left_to_the_ingest(made: Path, tmp_path: Path) -> None:
    first, second, _ = delivered(made, tmp_path / "out")["a1_input"]
    assert first == second


def test_leading_blank_of_a_status_is_trimmed_and_counted(made: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    file = adapter.deliver(made, adapter.PUBLISHED[1], tmp_path / "out")
    assert (file.read, file.before_start, file.written, file.trimmed) == (3, 1, 2, 1)
    assert pq.read_table(file.path).column("status")[0].as_py() == "void"


def test_what_cannot_be_read_reaches_the_ingest_as_published(made: Path, tmp_path: Path) -> None:
    odd = delivered(made, tmp_path / "out")["a1_output"][1]
    assert (odd["issued_on"], odd["status"]) == ("someday", "失控发票")


def test_void_is_the_later_state_whatever_the_order_of_rows(made: Path, tmp_path: Path) -> None:
    rows = delivered(made, tmp_path / "out")["a2_input"]
    assert {row["status"]: row["revision"] for row in rows} == {"void": "2", "valid": "1"}


def test_files_have_columns_of_the_declared_feed_only(made: Path, tmp_path: Path) -> None:
    feed = seedbook.feeds()[adapter.FEED]
    declared = [column.id for column in feed.file_columns]
    required = {column.id for column in feed.file_columns if column.required}
    for rows in delivered(made, tmp_path / "out").values():
        assert set(rows[0]) <= set(declared)
        assert required <= set(rows[0])
    assert set(adapter.STATUSES.values()) == set(feed.column("status").values)
    assert {published.direction for published in adapter.PUBLISHED} == set(feed.column("direction").values)


def test_credit_records_are_read_and_never_delivered(made: Path, tmp_path: Path) -> None:
    records = adapter.credit_records(made)
    assert [(record.firm, record.rating, record.defaulted) for record in records] == [
        ("E1", "A", False),
        ("E2", "D", True),
    ]
    names = {column for rows in delivered(made, tmp_path / "out").values() for row in rows for column in row}
    assert not names & {"rating", "defaulted", "信誉评级", "是否违约"}


def test_placeholder_codes_are_well_formed_distinct_and_nobodys() -> None:
    codes = [adapter.placeholder_uscc(f"E{number}") for number in range(1, 426)]
    assert len(set(codes)) == 425
    assert all(check_uscc(code).valid and oracle.is_valid(code) for code in codes)
    # Place 1 is the registration authority (1-9, A, N, Y are assigned), places 3-8 the division.
    assert all(code.startswith("00000000") for code in codes)
    assert adapter.placeholder_uscc("E1") == "00000000CUM000015J"


@pytest.mark.parametrize("name", ["", "E", "E0", "F1", "E100000", "E-1", "E１", "e1"])
def test_other_names_get_no_code(name: str) -> None:
    with pytest.raises(ValueError, match="no firm of this data set"):
        adapter.placeholder_uscc(name)


def test_absent_folder_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput) as refused:
        adapter.source_folder(tmp_path)
    assert refused.value.code == "data_absent"
    assert "RONGQIAO_DATA" in str(refused.value)
    assert adapter.FOLDER in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"not xz", lzma.compress("企业代号,发票号码\nE1,1\n".encode())])
def test_another_file_under_the_name_is_refused(made: Path, tmp_path: Path, content: bytes) -> None:
    (made / adapter.FOLDER / "a1_input_invoices_123firms.csv.xz").write_bytes(content)
    with pytest.raises(RefusedInput, match="a1_input"):
        adapter.deliver(made, adapter.PUBLISHED[0], tmp_path)


@needs_data
def test_the_real_files_fit_the_feed(tmp_path: Path) -> None:
    """Counts of `docs/real-data.md`; every value passes the declared type, list and key."""
    files = [adapter.deliver(DATA, published, tmp_path) for published in adapter.PUBLISHED]
    assert sum(file.read for file in files) == 1_099_441
    assert sum(file.before_start for file in files) == 6_764
    assert sum(file.trimmed for file in files) == 95
    assert sum(file.voided_later for file in files) == 5
    feed = seedbook.feeds()[adapter.FEED]
    money = [column.id for column in feed.columns if column.type is ColumnType.MONEY]
    firms: set[str] = set()
    for file in files:
        table = pq.read_table(file.path)
        firms |= set(table["uscc"].unique().to_pylist())
        for name in ("status", "direction"):
            assert set(table[name].unique().to_pylist()) <= set(feed.column(name).values)
        for name in money:
            assert pattern_holds(table, name, r"^-?\d{1,14}(\.\d{1,2})?$")
        assert pattern_holds(table, "issued_on", r"^20(1[789]|20)-\d\d-\d\d$")
        assert pattern_holds(table, "invoice_no", r"^\d{8}$")
    assert len(firms) == 425
    assert firms >= {record.uscc for record in adapter.credit_records(DATA)}


@needs_data
def test_the_real_credit_records() -> None:
    records = adapter.credit_records(DATA)
    assert Counter(record.defaulted for record in records) == {False: 96, True: 27}
    assert Counter(record.rating for record in records) == {"A": 27, "B": 38, "C": 34, "D": 24}


def pattern_holds(table: pa.Table, name: str, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(table[name], pattern)).as_py())
