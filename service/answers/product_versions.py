"""Versions of products as answers, and what differs between two of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from models.tables import ProductVersion
from service.market.published import in_force


def version_line(row: ProductVersion, versions: Sequence[ProductVersion], today: date) -> dict[str, Any]:
    """A version without its content. ``offered``: it is the one in force today."""
    activated = [each for each in versions if each.activated_at is not None]
    chosen = in_force(activated, today)
    begun = row.effective_from is not None and row.effective_from <= today
    return {
        "product": row.product_id,
        "version": row.version,
        "lender": row.lender,
        "state": row.state,
        "offered": begun and chosen is not None and chosen.version == row.version,
        "revision": row.revision,
        "content_sha256": row.content_sha256,
        "author": row.author,
        "drafted_at": row.drafted_at,
        "submitted_by": row.submitted_by or None,
        "submitted_at": row.submitted_at,
        "activated_by": row.activated_by or None,
        "activated_at": row.activated_at,
        "effective_from": row.effective_from,
        "retired_by": row.retired_by or None,
        "retired_on": row.retired_on,
    }


def version_answer(
    row: ProductVersion, versions: Sequence[ProductVersion], today: date, untried: Sequence[str] = ()
) -> dict[str, Any]:
    """A version with its content. ``untried``: what no case tries, where that was looked at."""
    return {
        **version_line(row, versions, today),
        "document": row.document,
        "cases": row.cases,
        "untried": list(untried),
    }


def changes_between(old: Any, new: Any) -> list[dict[str, Any]]:
    """Places (``/rate/typical``) whose value differs, with both values; ``null`` where there was or is none."""
    before, after = dict(_places(old)), dict(_places(new))
    return [
        {"place": place, "before": before.get(place), "after": after.get(place)}
        for place in sorted({*before, *after})
        if before.get(place) != after.get(place)
    ]


def _places(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _places(part, f"{path}/{name}")
    elif isinstance(value, list) and value:
        for number, part in enumerate(value):
            yield from _places(part, f"{path}/{number}")
    else:
        yield path, value
