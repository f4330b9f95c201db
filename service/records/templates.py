"""Empty files an agency can start from, one per feed and format."""

from __future__ import annotations

import io
import zipfile
from xml.sax.saxutils import escape

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import RefusedInput
from scoring.feeds import Column, ColumnType, Feed

FORMATS = ("csv", "ndjson", "parquet", "xlsx")

_PARQUET = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.DECIMAL: pa.float64(),
    ColumnType.MONEY: pa.decimal128(15, 2),
    ColumnType.DATE: pa.date32(),
    ColumnType.MONTH: pa.string(),
    ColumnType.FLAG: pa.bool_(),
}

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
#: The parts of a workbook that do not depend on the feed. Style 1 is the text format: no cell loses leading zeros.
_WORKBOOK_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_SHEET_TYPE}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SHEET_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf xfId="0"/><xf numFmtId="49" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}


def template(feed: Feed, format: str = "csv", labels: str = "id") -> bytes:
    """An empty file of ``feed``: only a header (CSV with byte order mark, XLSX with text cells), or one line of nulls
    to fill in (NDJSON), or no rows (Parquet).

    ``labels`` is ``id`` for column ids or ``zh`` for Chinese labels; both are accepted back. Raises ``RefusedInput``
    for another format or label.
    """
    if format not in FORMATS:
        raise RefusedInput("unknown_format", "format", format, "No such format.", f"One of {', '.join(FORMATS)}.")
    if labels not in ("id", "zh"):
        raise RefusedInput("unknown_labels", "labels", labels, "Columns are named by id or in Chinese.", "id or zh.")
    names = [column.zh if labels == "zh" else column.id for column in feed.file_columns]
    match format:
        case "csv":
            return ("\ufeff" + ",".join(names) + "\r\n").encode()
        case "ndjson":
            return orjson.dumps(dict.fromkeys(names), option=orjson.OPT_APPEND_NEWLINE)
        case "parquet":
            return _parquet(feed.file_columns, names)
    return _xlsx(feed, names)


def _parquet(columns: tuple[Column, ...], names: list[str]) -> bytes:
    types = [_PARQUET.get(column.type, pa.string()) for column in columns]
    sink = io.BytesIO()
    pq.write_table(pa.schema(zip(names, types, strict=True)).empty_table(), sink)
    return sink.getvalue()


def _xlsx(feed: Feed, names: list[str]) -> bytes:
    cells = "".join(f'<c t="inlineStr" s="1"><is><t>{escape(name)}</t></is></c>' for name in names)
    parts = {
        **_WORKBOOK_PARTS,
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        f'<sheets><sheet name="{escape(feed.id)}" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}">'
        f'<cols><col min="1" max="{len(names)}" width="22" style="1"/></cols>'
        f"<sheetData><row>{cells}</row></sheetData></worksheet>",
    }
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            # A fixed time, so that the same feed gives the same bytes.
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), _XML + text)
    return sink.getvalue()
