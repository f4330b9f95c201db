"""Which column of the feed each column of a delivered file is. Order does not matter; names must be known."""

from __future__ import annotations

from collections.abc import Sequence

from models.errors import RefusedInput
from scoring.feeds import Column, Feed, refuse_unknown_columns


def match_header(feed: Feed, header: Sequence[str], complete: bool = True) -> tuple[Column, ...]:
    """The feed's column for each name of ``header``, by column id or Chinese label.

    Raises ``RefusedInput`` for a name the feed does not have, a column that stands twice (even once by id and once by
    label), and, when ``complete``, a required column that is missing.
    """
    for place, name in enumerate(header, start=1):
        if not name:
            raise RefusedInput(
                "unnamed_column", "column", f"column {place}", "Every column has a name.", "Name it or remove it."
            )
    refuse_unknown_columns(feed, header)
    by_name = {column.zh: column for column in feed.file_columns} | {column.id: column for column in feed.file_columns}
    matched = tuple(by_name[name] for name in header)
    seen: set[str] = set()
    for name, column in zip(header, matched, strict=True):
        if column.id in seen:
            raise RefusedInput(
                "repeated_column", "column", name, f"Column {column.id} stands twice.", "Remove one of the two."
            )
        seen.add(column.id)
    missing = [
        f"{column.id} ({column.zh})" for column in feed.file_columns if column.required and column.id not in seen
    ]
    if complete and missing:
        raise RefusedInput(
            "missing_column",
            "column",
            ", ".join(missing),
            f"Feed {feed.id} requires these columns.",
            f"Start from its template: `rongqiao feeds {feed.id}`.",
        )
    return matched
