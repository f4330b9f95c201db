"""Who may ask what. Pure: roles, actions, the table between them, and the hashing of secrets and tokens."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum

from models.errors import NotFound, RefusedInput


class Role(StrEnum):
    BANK = "bank"
    GUARANTOR = "guarantor"
    FIRM = "firm"
    OFFICE = "office"
    APPROVER = "approver"
    AGENCY = "agency"
    AUDITOR = "auditor"


class Action(StrEnum):
    READ_CATALOGUE = "read_catalogue"
    READ_FEEDS = "read_feeds"
    DELIVER_BATCH = "deliver_batch"
    READ_BATCH = "read_batch"
    READ_FIRM = "read_firm"
    READ_OPTIONS = "read_options"
    READ_PRODUCTS = "read_products"
    FIND_PROSPECTS = "find_prospects"
    READ_SCHEMES = "read_schemes"
    READ_MONITORING = "read_monitoring"
    READ_WATCH_LIST = "read_watch_list"
    READ_METRICS = "read_metrics"
    READ_RECEIPT = "read_receipt"
    READ_EVIDENCE = "read_evidence"
    READ_MODELS = "read_models"
    APPROVE_MODEL = "approve_model"
    REVIEW = "review"
    DRAFT_COST_LIST = "draft_cost_list"
    READ_COST_LIST = "read_cost_list"
    CONFIRM_COST_LIST = "confirm_cost_list"
    RECORD_CHARGES = "record_charges"


_EVERYONE = frozenset(Role)
_LENDERS = frozenset({Role.BANK, Role.GUARANTOR})
_STAFF = frozenset({Role.OFFICE, Role.APPROVER})

#: The whole policy. A role that is not listed for an action is refused it (403).
MAY: dict[Action, frozenset[Role]] = {
    Action.READ_CATALOGUE: _EVERYONE,
    Action.READ_FEEDS: _EVERYONE,
    Action.DELIVER_BATCH: frozenset({Role.AGENCY, Role.OFFICE}),
    Action.READ_BATCH: _STAFF | {Role.AGENCY, Role.AUDITOR},
    # A lender may ask, and is told "no such firm" until the firm has consented: 403 would confirm that it exists.
    Action.READ_FIRM: _STAFF | _LENDERS | {Role.FIRM},
    Action.READ_OPTIONS: _STAFF | _LENDERS | {Role.FIRM},
    Action.READ_PRODUCTS: _EVERYONE,
    Action.FIND_PROSPECTS: _STAFF | _LENDERS,
    Action.READ_SCHEMES: _EVERYONE,
    Action.READ_MONITORING: _STAFF | {Role.AUDITOR},
    # The watch list names firms, which auditors are not told.
    Action.READ_WATCH_LIST: _STAFF,
    Action.READ_METRICS: _STAFF | {Role.AUDITOR},
    # A receipt names a question and digests; the pack beside it holds the firm's facts.
    Action.READ_RECEIPT: _STAFF | {Role.FIRM, Role.AUDITOR},
    Action.READ_EVIDENCE: _STAFF | {Role.FIRM},
    Action.READ_MODELS: _STAFF | {Role.AUDITOR},
    Action.APPROVE_MODEL: frozenset({Role.APPROVER}),
    Action.REVIEW: _STAFF,
    # Bank and firm fill in a cost list together; the office looks on.
    Action.DRAFT_COST_LIST: frozenset({Role.BANK}),
    Action.READ_COST_LIST: _STAFF | {Role.BANK, Role.FIRM},
    Action.CONFIRM_COST_LIST: frozenset({Role.BANK, Role.FIRM}),
    Action.RECORD_CHARGES: frozenset({Role.BANK, Role.FIRM}),
}


@dataclass(frozen=True)
class Caller:
    """An authenticated client. ``tenant`` is whom it stands for: lender id, uscc or agency id; empty for staff."""

    client_id: str
    role: Role
    tenant: str = ""

    @property
    def is_lender(self) -> bool:
        return self.role in _LENDERS

    @property
    def is_staff(self) -> bool:
        return self.role in _STAFF


def check_may(caller: Caller, action: Action) -> None:
    """Raise the 403 refusal unless the caller's role may do ``action``."""
    if caller.role not in MAY[action]:
        raise RefusedInput(
            "forbidden",
            "role",
            caller.role.value,
            f"This role may not {action.value.replace('_', ' ')}.",
            f"Roles that may: {', '.join(sorted(MAY[action]))}.",
            status=403,
        )


def check_firm(caller: Caller, uscc: str) -> None:
    """Raise 404 unless the caller may know this firm: itself, or staff. Lenders need a consent, which none has yet."""
    if not (caller.is_staff or (caller.role is Role.FIRM and caller.tenant == uscc)):
        raise unknown_firm(uscc)


def check_agency(caller: Caller, agency: str, field: str, value: str) -> None:
    """Raise 404 when an agency asks about another agency's feed or batch."""
    if caller.role is Role.AGENCY and caller.tenant != agency:
        raise NotFound(field, value, "There is no such thing for you.", "Ask for what your agency delivers.")


def check_lender(caller: Caller, lender: str, field: str, value: str) -> None:
    """Raise 404 when a lender asks about another lender's object."""
    if caller.is_lender and caller.tenant != lender:
        raise NotFound(field, value, "There is no such thing for you.", "Ask for what your own house offers.")


def unknown_firm(uscc: str) -> NotFound:
    """The one answer for a firm that is not there and a firm the caller may not know."""
    return NotFound("uscc", uscc, "No firm with this code is known to you.", "Check the code.", "unknown_firm")


def not_authenticated(reason: str) -> RefusedInput:
    """The 401 refusal."""
    return RefusedInput(
        "not_authenticated", "Authorization", None, reason, "Get a token: POST /v1/oauth/token.", status=401
    )


def new_secret() -> str:
    """A random secret or token of 256 bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """SHA-256 in hex. Enough here: what is hashed is 256 random bits, never a word a person chose."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(secret: str, kept_hash: str) -> bool:
    """Whether ``secret`` is the one whose hash was kept; takes the same time either way."""
    return hmac.compare_digest(hashed(secret), kept_hash)
