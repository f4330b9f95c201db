"""The files of an export: CSV for spreadsheets, XLSX, Parquet. Every row of every file says for whom it was made."""

from __future__ import annotations

import csv
import hashlib
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import orjson
import pyarrow as pa
import pyarrow.parquet as parquet

#: The last column of every file.
MARK = "exported"
Cell = str | int | float | bool | None
Row = Mapping[str, Cell]

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
#: What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: No character of XML 1.0.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def flat(answer: Mapping[str, Any], before: str = "") -> dict[str, Cell]:
    """One answer as one row: members of members become ``outer.inner``, lists their JSON."""
    row: dict[str, Cell] = {}
    for name, value in answer.items():
        if isinstance(value, Mapping) and value:
            row |= flat(value, f"{before}{name}.")
        elif isinstance(value, (Mapping, list)):
            row[before + name] = orjson.dumps(value).decode() if value else None
        else:
            row[before + name] = value
    return row


def write_files(folder: Path, name: str, rows: Sequence[Row], mark: str) -> dict[str, dict[str, Any]]:
    """Write ``name`` in every form into ``folder``; by file the rows, bytes and SHA-256 in hex."""
    columns = [*dict.fromkeys(column for row in rows for column in row if column != MARK), MARK]
    marked = [{**row, MARK: mark} for row in rows]
    made = {}
    for ending, write in (("csv", _csv), ("xlsx", _xlsx), ("parquet", _parquet)):
        path = folder / f"{name}.{ending}"
        write(path, columns, marked)
        made[path.name] = {"rows": len(rows), "bytes": path.stat().st_size, "sha256": _digest(path)}
    return made


def guarded(cell: Cell) -> str:
    """A cell of CSV that no spreadsheet runs: text that would begin a formula begins with an apostrophe."""
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return str(cell).lower() if isinstance(cell, bool) else str(cell)
    return f"'{cell}" if cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell) else cell


def _csv(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    # With a byte order mark, since spreadsheets take UTF-8 without one for the local code page.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([guarded(column) for column in columns])
        writer.writerows([guarded(row.get(column)) for column in columns] for row in rows)


def _parquet(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    arrays = {column: _array([row.get(column) for row in rows]) for column in columns}
    parquet.write_table(pa.table(arrays), path, compression="zstd")


def _array(cells: Sequence[Cell]) -> Any:
    """A column of one type: flags, whole numbers or numbers where every cell is one, else text."""
    known = {type(cell) for cell in cells if cell is not None}
    for types, kind in (({bool}, pa.bool_()), ({int}, pa.int64()), ({int, float}, pa.float64())):
        if known and known <= types:
            return pa.array(cells, kind)
    return pa.array([None if cell is None else str(cell) for cell in cells], pa.string())


_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{type}" Target="{target}"/>'
    "</Relationships>"
)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_WORKBOOK = (
    f'<workbook xmlns="{_MAIN}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="export" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def _xlsx(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """The smallest workbook of ECMA-376: one sheet, texts in place. A text in a cell is never a formula there."""
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _RELATIONS.format(type="officeDocument", target="xl/workbook.xml"),
        "xl/workbook.xml": _WORKBOOK,
        "xl/_rels/workbook.xml.rels": _RELATIONS.format(type="worksheet", target="worksheets/sheet1.xml"),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, _HEAD + text)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            sheet.write(_xlsx_row(columns))
            for row in rows:
                sheet.write(_xlsx_row([row.get(column) for column in columns]))
            sheet.write(b"</sheetData></worksheet>")


def _xlsx_row(cells: Sequence[Cell]) -> bytes:
    return f"<row>{''.join(map(_xlsx_cell, cells))}</row>".encode()


def _xlsx_cell(cell: Cell) -> str:
    if cell is None:
        return "<c/>"
    if isinstance(cell, bool):
        return f'<c t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, (int, float)):
        return f"<c><v>{cell!r}</v></c>"
    text = escape(_NO_XML.sub("\ufffd", cell)[:32_767])
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
