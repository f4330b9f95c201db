"""Intake: decides, without I/O, which delivered rows are records and why the others are not."""

from scoring.intake.chunk import Chunk, Spoiled
from scoring.intake.faults import Faults, Reason, in_words
from scoring.intake.header import match_header
from scoring.intake.identity import Settled, key_lines, lake_order, settle
from scoring.intake.rows import CheckedRows, check_rows
from scoring.intake.storage import lake_schema

__all__ = [
    "CheckedRows",
    "Chunk",
    "Faults",
    "Reason",
    "Settled",
    "Spoiled",
    "check_rows",
    "in_words",
    "key_lines",
    "lake_order",
    "lake_schema",
    "match_header",
    "settle",
]
