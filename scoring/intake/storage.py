"""How a record of a feed lies in the lake."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from scoring.feeds import ColumnType, Feed

STORED_TYPES: dict[ColumnType, Any] = {
    ColumnType.TEXT: pa.string(),
    ColumnType.CODE: pa.string(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.DECIMAL: pa.float64(),
    ColumnType.MONEY: pa.int64(),
    ColumnType.DATE: pa.date32(),
    ColumnType.MONTH: pa.date32(),
    ColumnType.FLAG: pa.bool_(),
}


def content_schema(feed: Feed) -> Any:
    """The ``pyarrow.Schema`` of what a row says: natural key, content and the columns every feed has."""
    return pa.schema(
        [
            ("uscc", pa.string()),
            *((column.stored, STORED_TYPES[column.type]) for column in feed.columns),
            ("revision", pa.int32()),
            ("withdrawn_on", pa.date32()),
            ("public_until", pa.date32()),
        ]
    )


def lake_schema(feed: Feed) -> Any:
    """The ``pyarrow.Schema`` of the feed's Parquet files."""
    fields = list(content_schema(feed))
    fields += [
        pa.field("observed_on", pa.date32()),
        pa.field("received_at", pa.timestamp("us", tz="UTC")),
        pa.field("record_id", pa.string()),
        pa.field("contested", pa.bool_()),
    ]
    return pa.schema(fields)
