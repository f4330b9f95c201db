"""Cost lists of loans, as bank and firm confirmed them. Rows are added, never changed, but for the current version."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class CostListFile(Base):
    """One list of a ``lender`` and a firm under the lender's own ``reference``; ``version`` is the current one.

    ``id`` is a digest of the three, so that drafting it again finds it.
    """

    __tablename__ = "cost_list"
    __table_args__ = (Index(None, "uscc", "lender"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    uscc: Mapped[str] = mapped_column(String(18))
    lender: Mapped[str] = mapped_column(String(64))
    reference: Mapped[str] = mapped_column(String(80))
    version: Mapped[int]


class CostListVersion(Base):
    """What one version says: canonical JSON and its SHA-256. ``drafted_by`` is the client; ``terminal``: the office."""

    __tablename__ = "cost_list_version"

    list_id: Mapped[str] = mapped_column(ForeignKey("cost_list.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content_sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[str] = mapped_column(Text)
    drafted_at: Mapped[datetime] = mapped_column(UtcTime)
    drafted_by: Mapped[str] = mapped_column(String(64))


class CostListConfirmation(Base):
    """One side's word on one version: the person, the moment, and the SHA-256 of what the person saw."""

    __tablename__ = "cost_list_confirmation"
    __table_args__ = (
        ForeignKeyConstraint(
            ["list_id", "version"],
            ["cost_list_version.list_id", "cost_list_version.version"],
        ),
    )

    list_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    side: Mapped[str] = mapped_column(String(8), primary_key=True)
    person: Mapped[str] = mapped_column(String(80))
    content_sha256: Mapped[str] = mapped_column(String(64))
    confirmed_at: Mapped[datetime] = mapped_column(UtcTime)
    entered_by: Mapped[str] = mapped_column(String(64))


class CostListCharge(Base):
    """Money that moved, told by one side. ``item`` is of the list, or empty: undisclosed, with name and charger.

    ``reference`` (a voucher number) tells apart two equal movements of one day; without it the second is the first
    told again.
    """

    __tablename__ = "cost_list_charge"
    __table_args__ = (UniqueConstraint("list_id", "item", "name", "charged_by", "charged_on", "fen", "reference"),)

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    list_id: Mapped[str] = mapped_column(ForeignKey("cost_list.id"))
    item: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(80))
    charged_by: Mapped[str] = mapped_column(String(40))
    charger: Mapped[str] = mapped_column(String(80))
    charged_on: Mapped[date]
    fen: Mapped[int] = mapped_column(BigInteger)
    reference: Mapped[str] = mapped_column(String(80))
    told_by: Mapped[str] = mapped_column(String(8))
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)
    entered_by: Mapped[str] = mapped_column(String(64))
