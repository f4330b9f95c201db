"""Whose consent to be evaluated as a person stands now."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from models.dates import days
from models.tables import PersonConsent
from service.office import Office


def standing_consents(office: Office) -> Mapping[str, int]:
    """Firms (by code) whose leader's consent stands, with the day it was signed (int32)."""
    query = select(PersonConsent.firm, PersonConsent.given_on).where(PersonConsent.open_key.is_not(None))
    with office.read() as session:
        return {firm: days(given_on) for firm, given_on in session.execute(query)}


def consent_stands(office: Office, uscc: str) -> bool:
    """Whether what was computed of the person who leads this firm may be used."""
    with office.read() as session:
        return session.scalar(select(PersonConsent.id).where(PersonConsent.open_key == uscc)) is not None
