"""Reads the demo city's files back and checks a row against its feed, apart from the product's own intake."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow.parquet as pq

from models.uscc import check_uscc
from scoring.feeds import Column, ColumnType, Feed
from seed.city import Delivery
from seed.city.parameters import declared_feeds

FEEDS = declared_feeds()


def read_back(delivery: Delivery) -> Iterator[dict[str, Any]]:
    """Rows as text by column id, empty cells left out."""
    feed = FEEDS[delivery.feed]
    if delivery.format == "parquet":
        for row in pq.read_table(delivery.path).to_pylist():
            yield {name: _text(value) for name, value in row.items() if value is not None}
        return
    content = delivery.path.read_bytes()
    text = (gzip.decompress(content) if delivery.compression == "gz" else content).decode(delivery.encoding)
    if delivery.format == "ndjson":
        for line in text.splitlines():
            yield {name: _text(value) for name, value in json.loads(line).items() if value is not None}
        return
    ids = {column.zh: column.id for column in feed.file_columns} | {
        column.id: column.id for column in feed.file_columns
    }
    for cells in csv.DictReader(io.StringIO(text)):
        yield {ids[name]: value for name, value in cells.items() if value}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def faults(feed: Feed, row: dict[str, Any]) -> list[str]:
    """Columns of a row that break the feed's declaration; written apart from the product's own intake."""
    broken = [name for name in row if name not in feed.by_id]
    for column in feed.file_columns:
        value = row.get(column.id)
        if value is None:
            if column.required:
                broken.append(column.id)
        elif not _fits(column, value):
            broken.append(column.id)
    return broken


def _fits(column: Column, value: str) -> bool:
    if column.id == "uscc":
        return check_uscc(value).valid
    try:
        match column.type:
            case ColumnType.CODE:
                return value in column.values
            case ColumnType.FLAG:
                return value in ("true", "false")
            case ColumnType.DATE:
                return str(date.fromisoformat(value)) == value
            case ColumnType.MONTH:
                return len(value) == 7 and bool(date.fromisoformat(f"{value}-01"))
            case ColumnType.TEXT:
                long = column.max_length and len(value) > column.max_length
                return not long and (not column.pattern or re.fullmatch(column.pattern, value) is not None)
        number = Decimal(value)
    except (ValueError, InvalidOperation):
        return False
    if column.type is ColumnType.MONEY and number != round(number, 2):
        return False
    if column.type is ColumnType.INTEGER and number != int(number):
        return False
    low = column.min is None or number >= Decimal(str(column.min))
    return low and (column.max is None or number <= Decimal(str(column.max)))
