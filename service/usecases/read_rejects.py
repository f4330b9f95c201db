"""Hand out the quarantine of one batch."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from models.errors import NotFound
from models.tables import Batch
from service.office import Office
from service.records import lake
from service.records.quarantine import HEADER, guarded


def read_rejects(office: Office, batch_id: str) -> Iterator[bytes]:
    """The refused rows of a batch as UTF-8 CSV with byte order mark, in pieces, safe to open in a spreadsheet.

    Columns: row, column, value, reason, reason_zh, reason_en. A batch without refused rows gives the header alone.
    Raises ``NotFound`` for an unknown batch.
    """
    with office.read() as session:
        rejected = session.scalar(select(Batch.rows_rejected).where(Batch.id == batch_id))
    if rejected is None:
        raise NotFound("batch", batch_id, "There is no such batch.", "List them with `rongqiao batches`.")
    if not rejected:
        return guarded([",".join(HEADER)])
    return _pieces(office, batch_id)


def _pieces(office: Office, batch_id: str) -> Iterator[bytes]:
    with lake.rejects_path(office.lake, batch_id).open(encoding="utf-8", newline="") as stored:
        yield from guarded(stored)
