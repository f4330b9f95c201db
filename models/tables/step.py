"""What the steps of all cases have in common: objections, repairs, applications, tickets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import UtcTime


class CaseStep:
    """Columns of one step of a case, numbered from 1 within it. Rows are only added.

    A table of steps adds the case it is of. ``actor`` is the person or system that took the step, ``party`` whom it
    was taken for; ``content_sha256`` names what was said with it.
    """

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True, sort_order=-2)
    number: Mapped[int]
    step: Mapped[str] = mapped_column(String(20))
    from_stage: Mapped[str] = mapped_column(String(20))
    to_stage: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UtcTime)
    actor: Mapped[str] = mapped_column(String(64))
    party: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    content_sha256: Mapped[str] = mapped_column(String(64))
