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
    OPEN_HOME = "open_home"
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
    GIVE_CONSENT = "give_consent"
    REVOKE_CONSENT = "revoke_consent"
    READ_CONSENTS = "read_consents"
    READ_ACCESS_LOG = "read_access_log"
    RECORD_PERSON_CONSENT = "record_person_consent"
    WITHDRAW_PERSON_CONSENT = "withdraw_person_consent"
    READ_PERSON_CONSENTS = "read_person_consents"
    READ_AUDIT = "read_audit"
    READ_MODELS = "read_models"
    APPROVE_MODEL = "approve_model"
    REVIEW = "review"
    DRAFT_COST_LIST = "draft_cost_list"
    READ_COST_LIST = "read_cost_list"
    CONFIRM_COST_LIST = "confirm_cost_list"
    RECORD_CHARGES = "record_charges"
    FILE_OBJECTION = "file_objection"
    READ_OBJECTIONS = "read_objections"
    STEP_OBJECTION = "step_objection"
    READ_RECORDS = "read_records"
    READ_REPAIR = "read_repair"
    REQUEST_REPAIR = "request_repair"
    STEP_REPAIR = "step_repair"
    LIFT_PUBLICITY = "lift_publicity"
    READ_NOTICES = "read_notices"
    RECEIVE_NOTICE = "receive_notice"
    OPEN_TO_CONTACT = "open_to_contact"
    CLOSE_CONTACT = "close_contact"
    READ_CONTACT = "read_contact"
    CONTACT_FIRM = "contact_firm"
    READ_PROSPECT = "read_prospect"
    SAVE_SCREEN = "save_screen"
    READ_SCREENS = "read_screens"
    DRAFT_PRODUCT = "draft_product"
    ACTIVATE_PRODUCT = "activate_product"
    READ_PRODUCT_VERSIONS = "read_product_versions"
    START_JOB = "start_job"
    READ_JOB = "read_job"
    CANCEL_JOB = "cancel_job"
    STATE_NEED = "state_need"
    READ_NEEDS = "read_needs"
    READ_APPLICATIONS = "read_applications"
    STEP_APPLICATION = "step_application"
    READ_CERTIFICATE = "read_certificate"
    READ_TICKETS = "read_tickets"
    STEP_TICKET = "step_ticket"
    READ_PERSONAL_DATA = "read_personal_data"
    ERASE_PERSONAL_DATA = "erase_personal_data"
    READ_RETENTION = "read_retention"
    DRAW_UP_CAMPAIGN = "draw_up_campaign"
    PUBLISH_CAMPAIGN = "publish_campaign"
    READ_CAMPAIGN = "read_campaign"
    RECEIVE_CAMPAIGN = "receive_campaign"
    TELL_CAMPAIGN_OUTCOME = "tell_campaign_outcome"
    READ_CHANGES = "read_changes"
    MANAGE_WEBHOOKS = "manage_webhooks"
    READ_WEBHOOKS = "read_webhooks"
    ASK_EXPORT = "ask_export"
    READ_EXPORT = "read_export"
    READ_BORROWER_ALERTS = "read_borrower_alerts"
    STEP_BORROWER_ALERT = "step_borrower_alert"
    READ_GUARANTEES = "read_guarantees"


_EVERYONE = frozenset(Role)
_LENDERS = frozenset({Role.BANK, Role.GUARANTOR})
_STAFF = frozenset({Role.OFFICE, Role.APPROVER})
#: Roles that stand for somebody: a lender, a firm, an agency.
TENANTS = _LENDERS | {Role.FIRM, Role.AGENCY}
TENANT_RULE = "Banks, guarantors, firms and agencies stand for a tenant (lender id, code, agency id); staff for none."

#: The whole policy. A role that is not listed for an action is refused it (403).
MAY: dict[Action, frozenset[Role]] = {
    Action.OPEN_HOME: _EVERYONE,
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
    # Only the firm gives and takes back; nobody does it for the firm.
    Action.GIVE_CONSENT: frozenset({Role.FIRM}),
    Action.REVOKE_CONSENT: frozenset({Role.FIRM}),
    Action.READ_CONSENTS: _LENDERS | {Role.FIRM},
    Action.READ_ACCESS_LOG: frozenset({Role.FIRM}),
    # A person signs on paper; withdrawing must be as easy as giving, so the firm's own staff may do it too.
    Action.RECORD_PERSON_CONSENT: _STAFF,
    Action.WITHDRAW_PERSON_CONSENT: _STAFF | {Role.FIRM},
    Action.READ_PERSON_CONSENTS: _STAFF | {Role.FIRM},
    Action.READ_AUDIT: frozenset({Role.AUDITOR}),
    Action.READ_MODELS: _STAFF | {Role.AUDITOR},
    Action.APPROVE_MODEL: frozenset({Role.APPROVER}),
    Action.REVIEW: _STAFF,
    # Bank and firm fill in a cost list together; the office looks on.
    Action.DRAFT_COST_LIST: frozenset({Role.BANK}),
    Action.READ_COST_LIST: _STAFF | {Role.BANK, Role.FIRM},
    Action.CONFIRM_COST_LIST: frozenset({Role.BANK, Role.FIRM}),
    Action.RECORD_CHARGES: frozenset({Role.BANK, Role.FIRM}),
    # A case is seen by the firm it is about, the agency whose record it is, and staff; whose it is, is decided in SQL.
    Action.FILE_OBJECTION: frozenset({Role.FIRM}),
    Action.READ_OBJECTIONS: _STAFF | {Role.FIRM, Role.AGENCY},
    Action.STEP_OBJECTION: _STAFF | {Role.FIRM, Role.AGENCY},
    # Records hold what items mask for staff; the firm sees its own.
    Action.READ_RECORDS: frozenset({Role.FIRM}),
    Action.READ_REPAIR: _STAFF | {Role.FIRM, Role.AGENCY},
    Action.REQUEST_REPAIR: frozenset({Role.FIRM}),
    Action.STEP_REPAIR: _STAFF | {Role.FIRM, Role.AGENCY},
    Action.LIFT_PUBLICITY: frozenset({Role.APPROVER}),
    Action.READ_NOTICES: _STAFF | _LENDERS,
    Action.RECEIVE_NOTICE: _LENDERS,
    # As with consents: only the firm opens itself to contact, and only it closes itself again.
    Action.OPEN_TO_CONTACT: frozenset({Role.FIRM}),
    Action.CLOSE_CONTACT: frozenset({Role.FIRM}),
    Action.READ_CONTACT: frozenset({Role.FIRM}),
    Action.CONTACT_FIRM: _LENDERS,
    Action.READ_PROSPECT: _LENDERS,
    Action.SAVE_SCREEN: _LENDERS,
    Action.READ_SCREENS: _LENDERS,
    # A lender publishes its own products: one person writes, another activates.
    Action.DRAFT_PRODUCT: _LENDERS,
    Action.ACTIVATE_PRODUCT: _LENDERS,
    Action.READ_PRODUCT_VERSIONS: _STAFF | _LENDERS,
    Action.START_JOB: _STAFF,
    # Whom a job is for sees it; whose it is, is decided in SQL.
    Action.READ_JOB: _STAFF | _LENDERS,
    Action.CANCEL_JOB: _STAFF,
    # A need is stated by the firm alone; whose an application or a ticket is, is decided in SQL.
    Action.STATE_NEED: frozenset({Role.FIRM}),
    Action.READ_NEEDS: _STAFF | {Role.FIRM},
    Action.READ_APPLICATIONS: _STAFF | _LENDERS | {Role.FIRM},
    Action.STEP_APPLICATION: _LENDERS | {Role.FIRM},
    Action.READ_CERTIFICATE: _STAFF | _LENDERS | {Role.FIRM},
    Action.READ_TICKETS: _STAFF | {Role.FIRM},
    Action.STEP_TICKET: _STAFF | {Role.FIRM},
    # 查阅、复制、删除: by who it is about. For requests on paper the office has the command line.
    Action.READ_PERSONAL_DATA: frozenset({Role.FIRM}),
    Action.ERASE_PERSONAL_DATA: frozenset({Role.FIRM}),
    Action.READ_RETENTION: _STAFF | {Role.AUDITOR},
    # The office draws a list up, another person publishes it; a lender sees its own rows of what is published.
    Action.DRAW_UP_CAMPAIGN: frozenset({Role.OFFICE}),
    Action.PUBLISH_CAMPAIGN: frozenset({Role.APPROVER}),
    Action.READ_CAMPAIGN: _STAFF | _LENDERS,
    Action.RECEIVE_CAMPAIGN: _LENDERS,
    Action.TELL_CAMPAIGN_OUTCOME: _LENDERS,
    # Whose change it is, is decided in SQL: everybody reads the feed of its own house or firm.
    Action.READ_CHANGES: _LENDERS | {Role.FIRM},
    Action.MANAGE_WEBHOOKS: _LENDERS,
    Action.READ_WEBHOOKS: _LENDERS,
    # What is exported needs its own action too; the files are for whoever asked.
    Action.ASK_EXPORT: _STAFF | _LENDERS,
    Action.READ_EXPORT: _STAFF | _LENDERS,
    # Told to the lender the firm consented to; the office sees counts, the firm what was told of it in its log.
    Action.READ_BORROWER_ALERTS: _LENDERS,
    Action.STEP_BORROWER_ALERT: _LENDERS,
    # Of two firms: a lender needs the consent of both.
    Action.READ_GUARANTEES: _STAFF | _LENDERS,
}


@dataclass(frozen=True)
class Caller:
    """An authenticated client or person. ``tenant`` is whom it stands for: lender id, uscc, agency id; empty for staff.

    ``person`` is set when somebody signed in rather than a system; ``powers`` are what a firm's person may do for it
    (a firm's own system may do all).
    """

    client_id: str
    role: Role
    tenant: str = ""
    person: str = ""
    powers: frozenset[str] = frozenset()

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
    check_power(caller, action)


#: What a firm's person needs besides the role; everything a firm may do that is not listed needs ``view``.
NEEDS_POWER: dict[Action, str] = {
    Action.GIVE_CONSENT: "consent",
    Action.REVOKE_CONSENT: "consent",
    Action.WITHDRAW_PERSON_CONSENT: "consent",
    Action.READ_PERSON_CONSENTS: "consent",
    Action.READ_PERSONAL_DATA: "consent",
    Action.ERASE_PERSONAL_DATA: "consent",
    Action.OPEN_TO_CONTACT: "consent",
    Action.CLOSE_CONTACT: "consent",
    Action.FILE_OBJECTION: "apply",
    Action.STATE_NEED: "apply",
    Action.STEP_APPLICATION: "apply",
    Action.STEP_TICKET: "apply",
    Action.REQUEST_REPAIR: "apply",
    Action.CONFIRM_COST_LIST: "apply",
    Action.RECORD_CHARGES: "apply",
}
#: Open to a firm's person with any power, or none: not about the firm's own data (home: what powers allow).
NO_POWER = frozenset(
    {Action.OPEN_HOME, Action.READ_CATALOGUE, Action.READ_FEEDS, Action.READ_PRODUCTS, Action.READ_SCHEMES}
)


def check_power(caller: Caller, action: Action) -> None:
    """Raise the 403 refusal unless a firm's person holds the power the action needs. A firm's own system holds all."""
    if caller.role is not Role.FIRM or not caller.person or action in NO_POWER:
        return
    needed = NEEDS_POWER.get(action, "view")
    if needed not in caller.powers:
        raise RefusedInput(
            "forbidden",
            "powers",
            sorted(caller.powers),
            f"This needs the power to {needed} for the firm.",
            "Ask the firm to have it given to you.",
            status=403,
        )


def check_own_firm(caller: Caller, uscc: str) -> None:
    """Raise 404 unless the caller stands for this very firm."""
    if caller.role is not Role.FIRM or caller.tenant != uscc:
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
