"""One column of a delivery to storage form: text is parsed, typed columns take a shorter way."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from models.errors import RefusedInput
from scoring.feeds import USCC, Column, ColumnType
from scoring.intake import days, numbers, words
from scoring.intake.arrays import Parsed, as_text

_ACCEPTED = {
    ColumnType.TEXT: "text",
    ColumnType.CODE: "text",
    ColumnType.INTEGER: "whole numbers or text",
    ColumnType.DECIMAL: "numbers or text",
    ColumnType.MONEY: "decimal(15,2), whole yuan, double or text",
    ColumnType.DATE: "dates or text",
    ColumnType.MONTH: "dates or text",
    ColumnType.FLAG: "booleans, 0/1 or text",
}


def read_column(column: Column, array: Any) -> Parsed:
    """The column's values in storage form with the rows that break its declaration.

    ``array`` is a ``pyarrow.Array`` as delivered. Raises ``RefusedInput`` for an Arrow type that cannot carry the
    column at all (a number where leading zeros matter, a float32 amount, a list).
    """
    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.cast(kind.value_type), kind.value_type
    if pa.types.is_null(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_text(column, as_text(array))
    return _from_typed(column, array)


def _from_text(column: Column, text: Any) -> Parsed:
    if column.id == USCC.id:
        return words.usccs(text)
    match column.type:
        case ColumnType.TEXT:
            return words.texts(text, column)
        case ColumnType.CODE:
            return words.codes(text, column)
        case ColumnType.INTEGER:
            return numbers.integers(text, column)
        case ColumnType.DECIMAL:
            return numbers.decimals(text, column)
        case ColumnType.MONEY:
            return numbers.money(text, column)
        case ColumnType.DATE:
            return days.dates(text)
        case ColumnType.MONTH:
            return days.months(text)
        case ColumnType.FLAG:
            return words.flags(text)


def _from_typed(column: Column, array: Any) -> Parsed:
    kind, types = array.type, pa.types
    number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    # A moment in a zone is another day elsewhere: only local timestamps can be dates.
    day = types.is_date(kind) or (types.is_timestamp(kind) and kind.tz is None)
    match column.type:
        case ColumnType.INTEGER if number and not types.is_decimal(kind):
            return numbers.typed_integers(array, column)
        case ColumnType.DECIMAL if number:
            return numbers.typed_decimals(array, column)
        case ColumnType.MONEY if number and kind not in (pa.float32(), pa.float16()):
            return numbers.typed_money(array, column)
        case ColumnType.DATE if day:
            return days.typed_dates(array)
        case ColumnType.MONTH if day:
            return days.typed_months(array)
        case ColumnType.FLAG if types.is_boolean(kind):
            return Parsed(array)
        case ColumnType.FLAG if types.is_integer(kind):
            return words.flags(array.cast(pa.string()))
    raise RefusedInput(
        "column_type",
        column.id,
        str(kind),
        f"This column holds {_ACCEPTED[column.type]}, not {kind}.",
        "Write it with that type.",
    )
