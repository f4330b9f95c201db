"""The change feed: for each tenant, in order and without a gap, which of its objects changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class Change(Base):
    """One change of one object, told to one ``tenant``; ``number`` counts its changes from 1.

    ``id`` names the change whoever tells it: a webhook of it that is sent twice carries it twice. Rows are added only.
    """

    __tablename__ = "change"

    tenant: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(UtcTime)


class ChangeHead(Base):
    """The number of a tenant's last change. Whoever adds one holds this row until its transaction ends."""

    __tablename__ = "change_head"

    tenant: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int]
