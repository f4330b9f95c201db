"""Pages of short lists that fit in memory. Screens over firms have cursors of their own (`matching.cursors`)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from starlette.responses import Response

from models.errors import RefusedInput
from service.web.encode import answered

Entry = TypeVar("Entry")


def page_of(
    entries: Sequence[Entry], keys: Sequence[str], cursor: str, limit: int
) -> tuple[Sequence[Entry], str | None]:
    """The entries after the one the cursor names, at most ``limit``, and the cursor of the next page.

    ``keys`` are the entries' ids in the same order. ``RefusedInput`` for a cursor that names none of them.
    """
    start = 0
    if cursor:
        last = read(cursor)
        if last not in keys:
            raise bad_cursor(cursor)
        start = keys.index(last) + 1
    end = start + limit
    return entries[start:end], write(keys[end - 1]) if end < len(entries) else None


def page_answer(found: Sequence[Mapping[str, Any]], cursor: str, limit: int, key: str = "id") -> Response:
    """One page of a list of answers, each of which is named by its ``key``."""
    items, after = page_of(found, [str(each[key]) for each in found], cursor, limit)
    return answered(paged(items, after))


def paged(items: Sequence[Any], next_cursor: str | None, **more: Any) -> dict[str, Any]:
    """The page as it is answered."""
    return {"items": items, "next_cursor": next_cursor, **more}


def before_of(cursor: str) -> int | None:
    """The entry number a cursor of a journal holds; ``None`` for the first page."""
    if not cursor:
        return None
    key = read(cursor)
    if not (key.isascii() and key.isdecimal() and len(key) < 19):
        raise bad_cursor(cursor)
    return int(key)


def journal_page(entries: Sequence[Any], limit: int) -> dict[str, Any]:
    """A page of numbered entries, newest first, asked for with one more than ``limit`` to see whether more follow."""
    page = entries[:limit]
    return paged(page, write(str(page[-1]["seq"])) if len(entries) > limit else None)


def write(key: str) -> str:
    """A key as an opaque cursor."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def read(cursor: str) -> str:
    """The key of a cursor; ``RefusedInput`` for a text that is none."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("utf-8")
    except ValueError:
        raise bad_cursor(cursor) from None


def bad_cursor(cursor: str) -> RefusedInput:
    """The refusal of a cursor that belongs to another list, or to none."""
    return RefusedInput(
        "bad_cursor",
        "cursor",
        cursor,
        "A cursor is used as it was given, for the same list.",
        "Ask for the first page.",
    )
