"""Why a row was refused: a stable slug for machines, a sentence in Chinese and English for the person who mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from scoring.feeds import Column, ColumnType


class Reason(StrEnum):
    MISSING = "missing"
    USCC_LENGTH = "uscc_length"
    USCC_CHARACTER = "uscc_character"
    USCC_CHECK = "uscc_check_character"
    BAD_DATE = "bad_date"
    BAD_MONTH = "bad_month"
    BAD_NUMBER = "bad_number"
    NOT_FINITE = "not_finite"
    BAD_AMOUNT = "bad_amount"
    TOO_MANY_DECIMALS = "too_many_decimals"
    AMOUNT_LIMIT = "amount_limit"
    BAD_FLAG = "bad_flag"
    UNKNOWN_CODE = "unknown_code"
    BELOW_MIN = "below_min"
    ABOVE_MAX = "above_max"
    TOO_LONG = "too_long"
    PATTERN = "pattern"
    SURROUNDING_SPACE = "surrounding_space"
    CONTROL_CHARACTER = "control_character"
    DIGITS_LOST = "digits_lost"
    AFTER_RECEIPT = "observed_after_receipt"
    ENDS_BEFORE_START = "ends_before_start"
    WITHDRAWN_BEFORE_START = "withdrawn_before_start"
    TOO_FEW_CELLS = "too_few_cells"
    TOO_MANY_CELLS = "too_many_cells"
    NOT_JSON = "not_json"
    REPEATED_FIELD = "repeated_field"
    NOT_ONE_VALUE = "not_one_value"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True)
class Faults:
    """The rows (by number) in which one column breaks one rule, each with the value found."""

    column: str
    reason: Reason
    rows: NDArray[np.int64]
    values: tuple[str, ...]


_WORDS: dict[Reason, tuple[str, str]] = {
    Reason.MISSING: ("必填项为空", "must not be empty"),
    Reason.USCC_LENGTH: ("统一社会信用代码应为18位半角字符", "a code has 18 characters, half-width"),
    Reason.USCC_CHARACTER: (
        "代码含有不允许的字符（只能是数字和除I、O、Z、S、V以外的大写字母）",
        "only 0-9 and A-Z without I, O, Z, S, V occur in a code",
    ),
    Reason.USCC_CHECK: ("代码校验位不正确", "the 18th character is not the check character of the first 17"),
    Reason.BAD_DATE: ("日期应为YYYY-MM-DD且真实存在", "a date is YYYY-MM-DD and must exist"),
    Reason.BAD_MONTH: ("月份应为YYYY-MM", "a month is YYYY-MM"),
    Reason.BAD_NUMBER: ("不是规范的数字", "not a plain number (no separators, no unit)"),
    Reason.NOT_FINITE: ("不接受NaN或无穷大", "NaN and infinity are not numbers here"),
    Reason.BAD_AMOUNT: ("金额应为以元计的数字，如1234.50", "an amount is yuan such as 1234.50"),
    Reason.TOO_MANY_DECIMALS: ("金额最多两位小数", "an amount has at most two decimals"),
    Reason.AMOUNT_LIMIT: ("金额超过上限10万亿元，请检查单位", "no amount exceeds 10 trillion yuan; check the unit"),
    Reason.BAD_FLAG: ("应为 true/false、1/0 或 是/否", "write true or false, 1 or 0, 是 or 否"),
    Reason.UNKNOWN_CODE: ("不在允许值之内：{values}", "one of {values}"),
    Reason.BELOW_MIN: ("小于下限{min}", "below the least value {min}"),
    Reason.ABOVE_MAX: ("大于上限{max}", "above the largest value {max}"),
    Reason.TOO_LONG: ("超过{length}个字符", "longer than {length} characters"),
    Reason.PATTERN: ("格式应符合 {pattern}", "must have the form {pattern}"),
    Reason.SURROUNDING_SPACE: ("前后有空格", "has white space before or after it"),
    Reason.CONTROL_CHARACTER: ("含控制字符、不可见字符或乱码", "has control, invisible or replacement characters"),
    Reason.DIGITS_LOST: (
        "超过15位的数字已丢失精度，请以文本格式保存",
        "a number of over 15 digits lost some; save it as text",
    ),
    Reason.AFTER_RECEIPT: ("晚于接收日期", "lies after the day of receipt"),
    Reason.ENDS_BEFORE_START: ("早于记录开始日期", "lies before the record begins"),
    Reason.WITHDRAWN_BEFORE_START: ("撤回日期早于记录日期", "withdrawn before it was observed"),
    Reason.TOO_FEW_CELLS: ("列数少于表头", "the row has fewer cells than the header"),
    Reason.TOO_MANY_CELLS: ("列数多于表头", "the row has more cells than the header"),
    Reason.NOT_JSON: ("该行不是一个JSON对象", "the line is not one JSON object"),
    Reason.REPEATED_FIELD: ("同一字段出现两次", "a field stands twice"),
    Reason.NOT_ONE_VALUE: ("应为单个值，不能是列表或对象", "a field holds one value, not a list or object"),
    Reason.AMBIGUOUS: (
        "同一主键、同一修订号在文件中有不同内容",
        "the file has this key and revision with different contents",
    ),
}


def in_words(reason: Reason, column: Column | None = None) -> tuple[str, str]:
    """The reason in Chinese and English, with the limits of the column it concerns."""
    zh, en = _WORDS[reason]
    if column is None:
        return zh, en
    limits = {
        "values": ", ".join(column.values),
        "min": _plain(column.min),
        "max": _plain(column.max),
        "length": str(longest(column)),
        "pattern": column.pattern,
    }
    return zh.format(**limits), en.format(**limits)


#: A text column that declares no length holds at most this many characters.
LONGEST_TEXT = 4000


def longest(column: Column) -> int:
    """Most characters a text column may hold."""
    return column.max_length or LONGEST_TEXT if column.type is ColumnType.TEXT else 0


def _plain(bound: float | None) -> str:
    return "" if bound is None else f"{bound:.15g}"
