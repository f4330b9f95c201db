"""How often schemes are seen and used. Rows are added, never changed; none says who."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base


class UsageEvent(Base):
    """``kind`` (seen, self_tested, matched, applied, paid) happened ``count`` times to ``scheme`` on ``day``."""

    __tablename__ = "usage_event"
    __table_args__ = (Index(None, "day", "scheme"),)

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    day: Mapped[date]
    scheme: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(16))
    count: Mapped[int] = mapped_column(default=1)
