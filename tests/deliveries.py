"""Deliveries for the ingest tests: invented codes and rows, as files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from models.uscc import check_character

RECEIVED = datetime(2024, 10, 31, 4, 0, tzinfo=UTC)
#: An event feed with publicity, closed world, key without the observed day.
PENALTY = "administrative_penalty"
PENALTY_HEADER = ("uscc", "document_no", "decided_on", "authority", "severity", "criminal", "amount_yuan")


def code(number: int) -> str:
    """The code of invented firm ``number``."""
    first = f"91210100{number:09d}"
    return first + check_character(first)


def penalty(number: int, **changes: str) -> dict[str, str]:
    """One good row of the penalty feed."""
    row = {
        "uscc": code(number % 50),
        "document_no": f"沈罚〔2024〕{number}号",
        "decided_on": f"2024-{1 + number % 9:02d}-{1 + number % 28:02d}",
        "authority": "示范执法局",
        "severity": ("minor", "general", "serious")[number % 3],
        "criminal": "否",
        "amount_yuan": f"{number * 100 + 50}.{number % 100:02d}",
    }
    return row | changes


def csv_text(rows: Iterable[dict[str, str]], header: Sequence[str] = PENALTY_HEADER) -> str:
    """The rows as CSV; cells of columns outside ``header`` are left out."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, header, extrasaction="ignore", restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write(path: Path, rows: Iterable[dict[str, str]], header: Sequence[str] = PENALTY_HEADER) -> Path:
    """A CSV file of the rows."""
    path.write_text(csv_text(rows, header), encoding="utf-8")
    return path
