"""The registry of models: what was registered, with which keys, what happened to it, and which one is in force."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class ModelRow(Base):
    """One registered model; its files are immutable under ``<home>/models/<id>/``, the row makes them visible."""

    __tablename__ = "model"

    id: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(63), index=True)
    catalogue_version: Mapped[str] = mapped_column(String(64))
    manifest_sha256: Mapped[str] = mapped_column(String(64))
    registered_by: Mapped[str] = mapped_column(String(64))
    registered_at: Mapped[datetime] = mapped_column(UtcTime)


class ModelEvent(Base):
    """One step in the life of a model. Rows are added, never changed.

    ``kind``: registered, documented, approved, activated, rolled_back, retired. ``signature`` is the office key's over
    everything else in the row but ``seq``, so that an approval cannot be written into the database by hand.
    """

    __tablename__ = "model_event"
    __table_args__ = (Index(None, "model_id", "kind"),)

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    model_id: Mapped[str] = mapped_column(ForeignKey("model.id"))
    kind: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcTime)
    why: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    key_id: Mapped[str] = mapped_column(String(16))
    signature: Mapped[str] = mapped_column(String(256))


class ActiveModel(Base):
    """The one model of a name that is in force; the primary key keeps it one."""

    __tablename__ = "active_model"

    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    model_id: Mapped[str] = mapped_column(ForeignKey("model.id"))
    since: Mapped[datetime] = mapped_column(UtcTime)


class SigningKey(Base):
    """A public key of the office. Retired keys stay, to check what they signed."""

    __tablename__ = "signing_key"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(16))
    public_key: Mapped[str] = mapped_column(String(256))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)
