"""XLSX to columns of text. Cells computed by a formula, error cells and second sheets are refused: what a person sees
must be what lands."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, cast
from xml.parsers import expat

import numpy as np
import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from models.errors import RefusedInput
from scoring.intake import Chunk, Reason, Spoiled
from service.files.limits import Limits, too_large

_ROWS = 50_000
#: Whole numbers of more digits than this do not survive a spreadsheet.
_DIGITS = 15
_SUSPECT = re.compile(rb"<(?:\w+:)?f[\s>/]|\bt\s*=\s*[\"']e[\"']|<!DOCTYPE|<!ENTITY")
_CELL = re.compile(rb"\br=[\"']([A-Z]{1,3})(\d{1,7})[\"']")
_FORMULA_FIX = "Paste as values in the spreadsheet, then save."


def read_sheet(data: memoryview, name: str, limits: Limits) -> list[list[Any]]:
    """All rows of the one sheet with data. Raises ``RefusedInput`` as the module says, and for damage and bombs."""
    try:
        with zipfile.ZipFile(cast(Any, pa.BufferReader(pa.py_buffer(data)))) as archive:
            _look_through(archive, name, limits)
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = [book.get_sheet_by_index(place) for place in range(len(book.sheet_names))]
        filled = [sheet for sheet in sheets if sheet.height]
        if len(filled) > 1:
            names = ", ".join(sheet.name for sheet in filled)
            raise RefusedInput(
                "several_sheets", "sheet", names, "A delivery is one sheet; several hold data.", "Keep one."
            )
        return filled[0].to_python(skip_empty_area=False) if filled else []
    except (zipfile.BadZipFile, CalamineError, OSError, EOFError, NotImplementedError, expat.ExpatError) as problem:
        rule = f"The workbook is damaged: {str(problem)[:200]}."
        raise RefusedInput("damaged_workbook", "file", name, rule, "Save it again as .xlsx.") from None


def read_rows(rows: Sequence[Sequence[Any]]) -> tuple[list[str], Iterator[Chunk]]:
    """The header (row 1) and chunks of the rows under it."""
    header = [str(cell).strip() for cell in rows[0]] if rows else []
    while header and not header[-1]:
        header.pop()
    return header, _chunks(rows, header)


def _chunks(rows: Sequence[Sequence[Any]], header: list[str]) -> Iterator[Chunk]:
    for start in range(1, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        spoiled: list[Spoiled] = []
        bad: set[int] = set()
        columns: list[list[str]] = [[] for _ in header]
        for number, row in enumerate(part, start=start + 1):
            if any(cell != "" for cell in row[len(header) :]):
                bad.add(number)
                spoiled.append(Spoiled(number, Reason.TOO_MANY_CELLS, str(row[len(header)])))
            for place, column in enumerate(columns):
                text = _text(row[place])
                if text is None:
                    bad.add(number)
                    spoiled.append(Spoiled(number, Reason.DIGITS_LOST, str(row[place]), header[place]))
                column.append(text or "")
        numbers = np.arange(start + 1, start + 1 + len(part), dtype=np.int64)
        whole = pa.array(~np.isin(numbers, list(bad)))
        made = {name: pa.array(column).filter(whole) for name, column in zip(header, columns, strict=True)}
        yield Chunk(made, numbers[whole.to_numpy(zero_copy_only=False)], tuple(spoiled))


def _text(cell: Any) -> str | None:
    """A cell as the text a person would type; ``None`` for a number too long for a spreadsheet to keep."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if abs(cell) >= 10**_DIGITS:
            return None
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _look_through(archive: zipfile.ZipFile, name: str, limits: Limits) -> None:
    """Read every member once: for its true size, and each sheet for formulas, error cells and document types."""
    total = 0
    for member in archive.infolist():
        if member.flag_bits & 1:
            raise RefusedInput("encrypted", "file", name, "The workbook is encrypted.", "Save it without a password.")
        is_sheet = member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml")
        suspect, rest = False, b""
        widths: set[bytes] = set()
        deepest = 0
        with archive.open(member) as file:
            while block := file.read(1 << 20):
                total += len(block)
                if total > limits.workbook_bytes:
                    raise too_large(name, f"The workbook unpacks to more than {limits.workbook_bytes:,} bytes.")
                if is_sheet and not suspect:
                    if b"\0" in block:
                        raise RefusedInput("damaged_workbook", "file", name, "A sheet is no UTF-8.", "Save it again.")
                    suspect = _SUSPECT.search(rest + block) is not None
                if is_sheet:
                    cells = _CELL.findall(rest + block)
                    widths.update(column for column, _ in cells)
                    deepest = max(deepest, *(int(row) for _, row in cells)) if cells else deepest
                    rest = block[-64:]
        if suspect:
            _refuse_cell(archive, member)
        # A reader lays the sheet out as a full rectangle, so one cell in the far corner is as large as a million.
        if deepest * max(map(_column_number, widths), default=0) > limits.workbook_cells:
            raise too_large(name, f"A sheet spans more than {limits.workbook_cells:,} cells.")


def _column_number(letters: bytes) -> int:
    """1 for A, 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _refuse_cell(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Find the first cell with a formula or an error, and refuse it by sheet and cell."""
    cell = ""

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal cell
        local = tag.rpartition(":")[2]
        if local == "c":
            cell = attributes.get("r", "?")
            if attributes.get("t") == "e":
                raise _refused("error_cell", "The cell shows an error.", "Mend or empty it.")
        elif local == "f":
            raise _refused("formula", "The cell is computed by a formula.", _FORMULA_FIX)

    def _refused(code: str, rule: str, fix: str) -> RefusedInput:
        return RefusedInput(code, "cell", f"{_sheet_name(archive, member.filename)}!{cell}", rule, fix)

    parser = _parser(start)
    with archive.open(member) as file:
        while block := file.read(1 << 20):
            parser.Parse(block, False)
    parser.Parse(b"", True)


def _parser(start: Any) -> Any:
    """An XML parser that takes no document type, so no entity can grow or reach out."""
    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(*_: object) -> None:
    raise RefusedInput("damaged_workbook", "file", "DOCTYPE", "A sheet declares a document type.", "Save it again.")


def _sheet_name(archive: zipfile.ZipFile, part: str) -> str:
    """The name a person knows a sheet's part by; the part's own name if the workbook does not say."""
    targets: dict[str, str] = {}
    names: dict[str, str] = {}

    def relation(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "").rpartition("/")[2]

    def sheet(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "sheet":
            ids = [value for key, value in attributes.items() if key.rpartition(":")[2] == "id"]
            names.update({targets.get(id_, ""): attributes.get("name", "") for id_ in ids})

    for path, handler in (("xl/_rels/workbook.xml.rels", relation), ("xl/workbook.xml", sheet)):
        if path in archive.namelist():
            _parser(handler).Parse(archive.read(path), True)
    file = part.rpartition("/")[2]
    return names.get(file) or file
