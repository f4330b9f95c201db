"""The refused rows of a batch, a page at a time."""

from __future__ import annotations

import csv
from itertools import islice

from models.tables import Batch
from service.office import Office
from service.records import lake


def list_rejects(office: Office, batch: Batch, after: int, limit: int) -> tuple[list[dict[str, object]], int | None]:
    """At most ``limit`` rejects behind the first ``after``, and how many to skip for the next page (``None``: end).

    Each is a row number of the delivered file, column, value as delivered, reason code, and the reason in words.
    """
    if not batch.rows_rejected:
        return [], None
    with lake.rejects_path(office.lake, batch.id).open(encoding="utf-8", newline="") as stored:
        found = list(islice(csv.DictReader(stored), after, after + limit + 1))
    rows: list[dict[str, object]] = [
        {**row, "row": int(row["row"]) if row["row"].isdigit() else None} for row in found[:limit]
    ]
    return rows, after + limit if len(found) > limit else None
