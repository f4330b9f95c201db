"""Versions of a product: listed, read, and compared."""

from __future__ import annotations

from datetime import date
from typing import Any

from service.access.auth import Caller
from service.answers.product_versions import changes_between, version_answer, version_line
from service.market.product_rows import unknown_version, version_row, versions_of
from service.market.published import rules_of
from service.office import Office


def list_versions(office: Office, caller: Caller, product_id: str, today: date) -> list[dict[str, Any]]:
    """Every version of a product of the caller's house, newest first; staff read those of every house.

    A product of the files that nobody changed has none.
    """
    with office.read() as session:
        versions = versions_of(session, product_id)
    offered = rules_of(office, today).offers.products.get(product_id)
    house = versions[0].lender if versions else offered.lender.id if offered else None
    if house is None or (caller.is_lender and house != caller.tenant):
        raise unknown_version(product_id, None)
    return [version_line(row, versions, today) for row in reversed(versions)]


def read_version(office: Office, caller: Caller, product_id: str, version: int, today: date) -> dict[str, Any]:
    """One version with its document and cases."""
    with office.read() as session:
        row = version_row(session, caller, product_id, version)
        return version_answer(row, versions_of(session, product_id), today)


def compare_versions(office: Office, caller: Caller, product_id: str, version: int, against: int) -> dict[str, Any]:
    """What differs between the documents of two versions, by place."""
    with office.read() as session:
        new = version_row(session, caller, product_id, version)
        old = version_row(session, caller, product_id, against)
        changes = changes_between(old.document, new.document)
    return {"product": product_id, "version": version, "against": against, "changes": changes}
