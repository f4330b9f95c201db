"""One page of the caller's own change feed."""

from __future__ import annotations

from typing import Any

from models.errors import RefusedInput
from service.access.auth import Caller
from service.answers.change import change_answer
from service.integration.changes import changes_after, first_number, last_number
from service.office import Office


def read_changes(
    office: Office, caller: Caller, after: int | None, limit: int
) -> tuple[list[dict[str, Any]], int, bool]:
    """Changes of the caller's house after number ``after``, oldest first; the number to go on from; whether more wait.

    ``None``: from the oldest change that is kept. ``RefusedInput`` for a number beyond the end (409), as after the
    office was restored from a backup: what the caller mirrors is then not what is here. And for one before what is
    kept (410): changes it never saw are gone.
    """
    with office.read() as session:
        last = last_number(session, caller.tenant)
        first = first_number(session, caller.tenant)
        after = first - 1 if after is None else after
        if after + 1 < first:
            raise RefusedInput(
                "cursor_expired",
                "cursor",
                None,
                f"Changes are kept for a time; the oldest of yours is number {first}.",
                "Read everything you mirror again, then begin without a cursor.",
                status=410,
            )
        if after > last:
            raise RefusedInput(
                "cursor_beyond_end",
                "cursor",
                None,
                "Your feed has not come this far.",
                "Read everything you mirror again, then begin without a cursor.",
                status=409,
            )
        rows = changes_after(session, caller.tenant, after, limit)
        through = rows[-1].number if rows else after
        return [{"id": row.id, "number": row.number, **change_answer(row)} for row in rows], through, through < last
