"""Readers: the same rows come out of every format and packing; a file that is not one is refused with its place."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import RefusedInput
from scoring.intake import Reason, match_header
from service.books.seedbook import feeds
from service.files import Limits, Reading, open_rows
from service.files.csv_rows import read_rows
from service.records.templates import FORMATS, template
from tests.deliveries import PENALTY_HEADER, csv_text, penalty

ROWS = [penalty(number) for number in range(5)]
TEXT = csv_text(ROWS)
Spoils = list[tuple[int, Reason]]


def contents(reading: Reading) -> tuple[list[dict[str, str]], list[int], Spoils]:
    """Rows as text without empty cells, their numbers, and what was spoiled."""
    rows, numbers, spoiled = [], [], []
    for chunk in reading.chunks:
        columns = {name: column.to_pylist() for name, column in chunk.columns.items()}
        for place, number in enumerate(chunk.rows.tolist()):
            cells = {name: column[place] for name, column in columns.items()}
            rows.append({name: cell for name, cell in cells.items() if cell not in (None, "")})
            numbers.append(number)
        spoiled += [(one.row, one.reason) for one in chunk.spoiled]
    return rows, numbers, spoiled


def put(folder: Path, data: bytes, name: str = "delivery") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def opened(folder: Path, data: bytes, encoding: str | None = None, limits: Limits | None = None) -> Reading:
    return open_rows(put(folder, data), folder / "work", encoding, limits)


def refusal(folder: Path, data: bytes, encoding: str | None = None, limits: Limits | None = None) -> RefusedInput:
    with pytest.raises(RefusedInput) as refused:
        contents(opened(folder, data, encoding, limits))
    return refused.value


def workbook(rows: list[list[Any]], **cells: Any) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for place, value in cells.items():
        book.active[place] = value
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def zipped(**members: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return sink.getvalue()


def zst(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packed:
        packed.write(data)
    return sink.getvalue().to_pybytes()


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zst,
    "zip": lambda data: zipped(member=data),
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_packed_or_not_is_the_same(tmp_path: Path, packing: str) -> None:
    reading = opened(tmp_path, PACKINGS[packing](TEXT.encode()))
    assert (reading.format, reading.encoding, reading.header) == ("csv", "utf-8", PENALTY_HEADER)
    assert contents(reading) == (ROWS, [2, 3, 4, 5, 6], [])


def test_large_files_are_unpacked_to_disk(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    small_memory = Limits(memory_bytes=100)
    assert contents(opened(tmp_path, gzip.compress(TEXT.encode(), mtime=0), limits=small_memory))[0] == ROWS
    assert contents(opened(tmp_path, TEXT.encode("gb18030"), limits=small_memory))[0] == ROWS
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize(
    ("data", "declared", "found"),
    [
        (TEXT.encode(), None, "utf-8"),
        (TEXT.encode("utf-8-sig"), None, "utf-8"),
        (TEXT.encode("utf-8-sig"), "UTF-8", "utf-8"),
        (TEXT.encode("gb18030"), None, "gb18030"),
        (TEXT.encode("gb18030"), "GBK", "gb18030"),
    ],
)
def test_encodings(tmp_path: Path, data: bytes, declared: str | None, found: str) -> None:
    reading = opened(tmp_path, data, declared)
    assert reading.encoding == found
    assert contents(reading)[0] == ROWS


def test_gb18030_called_utf8_is_refused_with_byte_and_line(tmp_path: Path) -> None:
    data = TEXT.encode("gb18030")
    first = next(place for place, byte in enumerate(data) if byte > 127)
    refused = refusal(tmp_path, data, "utf-8")
    assert refused.code == "bad_encoding"
    assert f"Byte {first} " in refused.rule
    assert "line 2" in refused.rule
    assert "GB18030" in refused.fix


def test_utf8_with_a_broken_byte_is_not_taken_for_gb18030(tmp_path: Path) -> None:
    # Two bytes cut out of one character in the last row: still decodable as GB18030, as nonsense.
    data = TEXT.encode().replace("沈罚〔2024〕4号".encode(), "沈罚〔2024〕4".encode() + b"\xe5\x8f")
    refused = refusal(tmp_path, data)
    assert refused.code == "bad_encoding"
    assert "line 6" in refused.rule


def test_neither_encoding(tmp_path: Path) -> None:
    assert refusal(tmp_path, b"uscc,month\n\xff\xff,1\n").code == "bad_encoding"
    assert refusal(tmp_path, TEXT.encode("utf-16")).code == "bad_encoding"
    assert refusal(tmp_path, TEXT.encode(), "latin-1").code == "unknown_encoding"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text('统一社会ab1,"é€😀', max_size=6), min_size=1, max_size=5), st.sampled_from(["utf-8", "gb18030"])
)
def test_declared_encoding_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str], encoding: str
) -> None:
    rows = [{"uscc": "x", "document_no": cell} for cell in cells]
    data = csv_text(rows, ("uscc", "document_no")).encode(encoding)
    rows_back = contents(opened(tmp_path_factory.mktemp("text"), data, encoding))[0]
    assert [row.get("document_no", "") for row in rows_back] == cells


def test_rows_of_another_width_are_set_apart_by_number(tmp_path: Path) -> None:
    lines = ["a,b,c", "1,2,3", "4,5", "", "6,7,8,9", '"x\ny",2,3', "7,8,9", "1,2"]
    _, numbers, spoiled = contents(opened(tmp_path, "\n".join(lines).encode()))
    assert numbers == [2, 4, 6, 7]  # row 4 is blank; the cell with a line break is one row
    assert spoiled == [(3, Reason.TOO_FEW_CELLS), (5, Reason.TOO_MANY_CELLS), (8, Reason.TOO_FEW_CELLS)]


def test_numbers_hold_over_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.files.csv_rows._BLOCK", 64)
    body = "".join("1,2\n" if number % 7 == 0 else f"{number},2,3\n" for number in range(2, 300)).encode()
    chunks = list(read_rows(memoryview(body), ["a", "b", "c"], "x"))
    assert len(chunks) > 5
    good = {
        int(row): cell for chunk in chunks for row, cell in zip(chunk.rows, chunk.columns["a"].to_pylist(), strict=True)
    }
    assert good == {number: str(number) for number in range(2, 300) if number % 7}
    assert [one.row for chunk in chunks for one in chunk.spoiled] == [
        number for number in range(2, 300) if number % 7 == 0
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_only_rows_of_another_width(tmp_path: Path, newline: str) -> None:
    rows, _, spoiled = contents(opened(tmp_path, newline.join(["a,b,c", "1,2", "1,2", ""]).encode()))
    assert rows == []
    assert spoiled == [(2, Reason.TOO_FEW_CELLS), (3, Reason.TOO_FEW_CELLS)]


def test_a_quotation_mark_never_closed_is_refused(tmp_path: Path) -> None:
    lines = ["a,b", *(f"{number},x" for number in range(50))]
    lines[10] = '9,"x'
    assert refusal(tmp_path, "\n".join(lines).encode()).code == "open_quote"
    lines[40] = '39,"x'
    assert refusal(tmp_path, "\n".join(lines).encode()).code == "open_quote"


def test_header_only(tmp_path: Path) -> None:
    for data in (b"uscc,month", b"uscc,month\n", b"\xef\xbb\xbfuscc,month\r\n\r\n"):
        reading = opened(tmp_path, data)
        assert reading.header == ("uscc", "month")
        assert contents(reading)[0] == []


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (b"", "empty_file"),
        (gzip.compress(b"", mtime=0), "empty_file"),
        (b"\n\nuscc,month\n", "bad_header"),
        (b'"uscc,month\n', "bad_header"),
        (b'[{"uscc": "x"}]', "json_array"),
        (gzip.compress(gzip.compress(b"uscc\n", mtime=0), mtime=0), "packed_twice"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-20], "damaged_archive"),
        (lzma.compress(TEXT.encode())[:-20], "damaged_archive"),
        (zst(TEXT.encode() * 50)[:-20], "damaged_archive"),
        (b"PK\x03\x04 and nothing", "damaged_archive"),
        (zipped(a=b"x", b=b"y"), "archive_members"),
        (zipped(), "archive_members"),
        (b"PAR1 not really PAR1", "damaged_parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old_workbook"),
    ],
)
def test_what_is_no_delivery_is_refused(tmp_path: Path, data: bytes, slug: str) -> None:
    assert refusal(tmp_path, data).code == slug


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="cannot be opened"):
        open_rows(tmp_path / "none", tmp_path)


@pytest.mark.parametrize("packing", [name for name in PACKINGS if name != "plain"])
def test_bombs_are_refused_by_ratio_and_by_size(tmp_path: Path, packing: str) -> None:
    data = PACKINGS[packing](b"0" * 3_000_000)
    assert refusal(tmp_path, data, limits=Limits(ratio=20, ratio_from_bytes=1 << 20)).code == "too_large"
    assert refusal(tmp_path, data, limits=Limits(unpacked_bytes=1 << 21)).code == "too_large"


def test_too_many_rows(tmp_path: Path) -> None:
    assert refusal(tmp_path, TEXT.encode(), limits=Limits(rows=3)).status == 413


def test_ndjson_keeps_digits_and_sets_apart_what_is_no_object(tmp_path: Path) -> None:
    lines = [
        '{"uscc": "x", "amount_yuan": 1234567890123.10, "criminal": true, "authority": null}',
        "",
        '{"uscc": "y", "amount_yuan": NaN, "revision": 2}',
        '{"uscc": "y"',
        '["list"]',
        '{"uscc": "a", "uscc": "b"}',
        '{"uscc": ["nested"], "amount_yuan": 1}',
        '{"uscc": "\\ud800"}',
        "[" * 100_000,
    ]
    reading = opened(tmp_path, "\n".join(lines).encode())
    rows, numbers, spoiled = contents(reading)
    assert reading.format == "ndjson"
    assert rows[0] == {"uscc": "x", "amount_yuan": "1234567890123.10", "criminal": "true"}
    assert rows[1] == {"uscc": "y", "amount_yuan": "NaN", "revision": "2"}
    assert rows[2] == {"uscc": "\ufffd"}
    assert numbers == [1, 3, 8]
    assert sorted(spoiled) == [
        (4, Reason.NOT_JSON),
        (5, Reason.NOT_JSON),
        (6, Reason.REPEATED_FIELD),
        (7, Reason.NOT_ONE_VALUE),
        (9, Reason.NOT_JSON),
    ]


def test_parquet_keeps_types(tmp_path: Path) -> None:
    table = pa.table({"uscc": ["x"], "month": pa.array([date(2024, 1, 1)]), "paid_yuan": pa.array([1.5])})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    reading = opened(tmp_path, gzip.compress(sink.getvalue(), mtime=0))
    (chunk,) = list(reading.chunks)
    assert (reading.format, reading.rows_expected, chunk.rows.tolist()) == ("parquet", 1, [1])
    assert [column.type for column in chunk.columns.values()] == [pa.string(), pa.date32(), pa.float64()]
    assert refusal(tmp_path, sink.getvalue()[:-30] + b"\0" * 26 + b"PAR1").code == "damaged_parquet"


def test_parquet_text_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"uscc": pa.array(["中文中文"])}), sink, compression="none", use_dictionary=False)
    assert refusal(tmp_path, sink.getvalue().replace("中文中文".encode(), b"\xff" * 12)).code == "damaged_parquet"


def test_a_repeated_parquet_column_is_refused(tmp_path: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], ["uscc", "uscc"]), sink)
    with pytest.raises(RefusedInput) as refused:
        match_header(feeds()["tax_filing"], opened(tmp_path, sink.getvalue()).header)
    assert refused.value.code == "repeated_column"


def test_xlsx_cells_become_what_a_person_would_type(tmp_path: Path) -> None:
    day = datetime(2024, 5, 1)
    data = workbook(
        [
            ["uscc", "document_no", "decided_on", "amount_yuan", "criminal", None],
            ["x", "0012", day, 1234.5, True],
            [None, None, None, None, None],
            ["y", 12, "2024-05-01", 100, False],
            ["z", 12345678901234567890, day, 1, True],
            ["w", "a", day, 1, True, "beyond"],
        ]
    )
    reading = opened(tmp_path, data)
    rows, numbers, spoiled = contents(reading)
    assert (reading.format, len(reading.header)) == ("xlsx", 5)
    assert rows[0] == dict(zip(reading.header, ["x", "0012", "2024-05-01", "1234.5", "true"], strict=True))
    assert rows[2] == dict(zip(reading.header, ["y", "12", "2024-05-01", "100", "false"], strict=True))
    assert numbers == [2, 3, 4]
    assert spoiled == [(5, Reason.DIGITS_LOST), (6, Reason.TOO_MANY_CELLS)]


@pytest.mark.parametrize(
    ("cells", "slug", "place"),
    [({"B3": "=1+1"}, "formula", "Sheet!B3"), ({"C2": "#N/A"}, "error_cell", "Sheet!C2")],
)
def test_xlsx_cells_that_are_computed_or_wrong_are_refused(
    tmp_path: Path, cells: dict[str, str], slug: str, place: str
) -> None:
    refused = refusal(tmp_path, workbook([["a", "b", "c"], ["1", "2", "3"]], **cells))
    assert (refused.code, refused.value) == (slug, place)


def test_a_formula_mark_inside_text_is_no_formula(tmp_path: Path) -> None:
    assert contents(opened(tmp_path, workbook([["a"], ["<f>1+1</f>"]])))[0] == [{"a": "<f>1+1</f>"}]


def changed_sheet(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            content = old.read(member)
            new.writestr(member, change(content) if "worksheets" in member.filename else content)
    return sink.getvalue()


def test_hostile_workbooks_are_refused(tmp_path: Path) -> None:
    book = workbook([["a", "b"], ["1", "2"]])
    entities = b'<!DOCTYPE w [<!ENTITY a "aaaa">]>'
    with_type = changed_sheet(book, lambda xml: xml.replace(b"<worksheet", entities + b"<worksheet", 1))
    assert refusal(tmp_path, with_type).code == "damaged_workbook"
    corner = changed_sheet(book, lambda xml: xml.replace(b'r="B2"', b'r="XFD1048576"'))
    assert refusal(tmp_path, corner).code == "too_large"
    utf16 = changed_sheet(book, lambda xml: xml.decode().encode("utf-16"))
    assert refusal(tmp_path, utf16).code == "damaged_workbook"
    assert refusal(tmp_path, book, limits=Limits(workbook_bytes=1000)).code == "too_large"
    cut = changed_sheet(book, lambda xml: xml[:-40])
    assert refusal(tmp_path, cut).code == "damaged_workbook"


def test_two_sheets_with_data_are_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.create_sheet("empty")
    sink = io.BytesIO()
    book.save(sink)
    assert opened(tmp_path, sink.getvalue()).header == ("a",)
    book.create_sheet("second").append(["b"])
    sink = io.BytesIO()
    book.save(sink)
    refused = refusal(tmp_path, sink.getvalue())
    assert (refused.code, refused.value) == ("several_sheets", "Sheet, second")


@pytest.mark.parametrize("labels", ["id", "zh"])
@pytest.mark.parametrize("format_", FORMATS)
def test_templates_are_empty_deliveries(tmp_path: Path, format_: str, labels: str) -> None:
    for feed in (feeds()["administrative_penalty"], feeds()["vat_invoice"]):
        reading = opened(tmp_path, template(feed, format_, labels))
        assert reading.format == format_
        rows = [row for row in contents(reading)[0] if row]
        assert rows == []
        if format_ != "ndjson":
            assert match_header(feed, reading.header) == feed.file_columns


def test_every_feed_has_templates_spreadsheets_open() -> None:
    for feed in feeds().values():
        assert template(feed).startswith(b"\xef\xbb\xbfuscc,")
        book = openpyxl.load_workbook(io.BytesIO(template(feed, "xlsx", "zh")))
        assert [cell.value for cell in book.active[1]] == [column.zh for column in feed.file_columns]
    with pytest.raises(RefusedInput):
        template(feed, "docx")
    with pytest.raises(RefusedInput):
        template(feed, "csv", "fr")
