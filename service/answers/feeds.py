"""Feeds and batches as answers."""

from __future__ import annotations

from typing import Any

from models.tables import Batch
from scoring.feeds import Feed


def feed_answer(feed: Feed) -> dict[str, Any]:
    """A feed as declared: what a delivered file may hold."""
    return {
        "id": feed.id,
        "zh": feed.zh,
        "en": feed.en,
        "agency": feed.agency,
        "share": feed.share.value,
        "period": feed.period,
        "refresh_months": feed.refresh_months,
        "absence": "none" if feed.absent_means_none else "unknown",
        "key": list(feed.key),
        "observed": feed.observed,
        "personal": feed.personal,
        "columns": [
            {
                "id": column.id,
                "type": column.type.value,
                "zh": column.zh,
                "en": column.en,
                "unit": column.unit,
                "required": column.required,
                "values": list(column.values),
            }
            for column in feed.file_columns
        ],
    }


def batch_answer(batch: Batch) -> dict[str, Any]:
    """A delivered batch and what became of its rows."""
    return {
        "id": batch.id,
        "feed": batch.feed,
        "status": batch.status,
        "received_at": batch.received_at,
        "file_name": batch.file_name,
        "file_sha256": batch.file_sha256,
        "rows_read": batch.rows_read,
        "rows_landed": batch.rows_landed,
        "rows_unchanged": batch.rows_unchanged,
        "rows_rejected": batch.rows_rejected,
        "observed_min": batch.observed_min,
        "observed_max": batch.observed_max,
        "covers_to": batch.covers_to,
        "reasons": batch.reasons,
    }
