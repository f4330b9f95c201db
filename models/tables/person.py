"""People who sign in, and the sessions they hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class Person(Base):
    """One person with a role and a tenant, signing in here (password and second factor) or with the city's provider.

    ``powers`` are what staff of a firm may do for it: ``view``, ``apply``, ``consent``. ``second_factor`` is the TOTP
    secret, encrypted with the office's key; ``last_step`` the newest time step used, so that no code works twice.
    ``issuer`` and ``subject`` are set for people of a provider, who have no password here.
    """

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(16))
    tenant: Mapped[str] = mapped_column(String(64), default="")
    powers: Mapped[list[Any]] = mapped_column(JSON, default=list)
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    second_factor: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    last_step: Mapped[int] = mapped_column(default=0)
    issuer: Mapped[str | None] = mapped_column(String(200), default=None)
    subject: Mapped[str | None] = mapped_column(String(200), default=None)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcTime, default=None)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)


class SignIn(Base):
    """A session: kept as hashes, ended by signing out, by idleness, by its absolute end, or with the person."""

    __tablename__ = "sign_in"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    csrf_sha256: Mapped[str] = mapped_column(String(64))
    began_at: Mapped[datetime] = mapped_column(UtcTime)
    seen_at: Mapped[datetime] = mapped_column(UtcTime)
