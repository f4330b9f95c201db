"""What is asked of the id and the tenant of whoever may ask, systems and people alike."""

from __future__ import annotations

import re

from models.errors import RefusedInput
from service.access.auth import TENANT_RULE, TENANTS, Role

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,63}", re.ASCII)


def check_id(code: str, field: str, asked: str) -> None:
    """Refuse, under ``code``, an id that could not stand in a path or a log as it is."""
    if not _ID.fullmatch(asked):
        raise RefusedInput(code, field, asked, "An id has 2 to 64 letters, digits, dots, dashes.", "Choose another id.")


def check_tenant(code: str, role: Role, tenant: str) -> None:
    """Refuse, under ``code``, a tenant for staff, and anybody else without one."""
    if bool(tenant) != (role in TENANTS):
        raise RefusedInput(code, "tenant", tenant, TENANT_RULE, "Leave it out for staff, name it for the others.")
