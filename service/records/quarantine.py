"""The quarantine: refused rows as CSV with row number, column, value and reason."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from scoring.feeds import Feed
from scoring.intake import Faults, Reason, in_words

HEADER = ("row", "column", "value", "reason", "reason_zh", "reason_en")
#: Faults listed at most; the counts in the report go on.
MOST_LISTED = 200_000
_LONGEST_VALUE = 200
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?\d[\d.,]*\Z", re.ASCII)


def write_rejects(file: BinaryIO, feed: Feed, faults: Iterable[Faults]) -> None:
    """Write faults in order of rows; beyond ``MOST_LISTED`` a last line says how many more there are."""
    lines = sorted(
        (int(row), fault.column, fault.reason, value)
        for fault in faults
        for row, value in zip(fault.rows, fault.values, strict=True)
    )
    text = io.TextIOWrapper(file, "utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    words: dict[tuple[str, Reason], tuple[str, str]] = {}
    for row, column, reason, value in lines[:MOST_LISTED]:
        if (column, reason) not in words:
            words[column, reason] = in_words(reason, feed.by_id.get(column))
        writer.writerow((row, column, visible(value), reason.value, *words[column, reason]))
    if len(lines) > MOST_LISTED:
        more = len(lines) - MOST_LISTED
        writer.writerow(("", "", "", "more_not_listed", f"另有{more}条未列出", f"{more} more are not listed"))
    text.flush()
    text.detach()


def visible(value: str) -> str:
    """The value cut to 200 characters, with characters nobody sees written as escapes."""
    shown = _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", value[: _LONGEST_VALUE + 1])
    return shown if len(value) <= _LONGEST_VALUE else shown[:_LONGEST_VALUE] + "…"


def guarded(lines: Iterable[str]) -> Iterator[bytes]:
    """A stored quarantine as a download: with byte order mark, and no cell a spreadsheet would run as a formula."""
    yield b"\xef\xbb\xbf"
    for row in csv.reader(lines):
        out = io.StringIO(newline="")
        csv.writer(out).writerow([_harmless(cell) for cell in row])
        yield out.getvalue().encode()


def _harmless(cell: str) -> str:
    risky = cell[:1] in ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
    return f"'{cell}" if risky and not _NUMBER.match(cell) else cell
