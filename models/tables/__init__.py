"""Mapped tables, one file per aggregate. Importing ``models`` never imports this package."""

from models.tables.application import Application, ApplicationStep, LoanEntry
from models.tables.audit import AuditEntry, AuditHead
from models.tables.base import Base
from models.tables.batch import Batch
from models.tables.borrower_alert import BorrowerAlert, WatchedBorrower
from models.tables.campaign import Campaign, CampaignOutcome, CampaignReceipt, CampaignRow, CampaignVersion
from models.tables.change import Change, ChangeHead
from models.tables.client import Client, Token
from models.tables.client_key import ClientKey, UsedAssertion
from models.tables.consent import Consent, ConsentText, LenderTerms
from models.tables.contact import Contact, ContactPreference
from models.tables.cost_list import CostListCharge, CostListConfirmation, CostListFile, CostListVersion
from models.tables.export import Export
from models.tables.idempotency import KeptAnswer
from models.tables.job import Job
from models.tables.model import ActiveModel, ModelEvent, ModelRow, SigningKey
from models.tables.need import Need, NeedMatch
from models.tables.objection import CorrectionNotice, Objection, ObjectionStep
from models.tables.person import Person, SignIn
from models.tables.person_consent import PersonConsent
from models.tables.product import ProductVersion
from models.tables.receipt import FactSet, Receipt
from models.tables.repair import PublicityLift, Repair, RepairStep
from models.tables.retention import Erasure, RetentionRun
from models.tables.review import ReviewCase
from models.tables.screen import AskedScreen, SavedScreen, ScreenAlert
from models.tables.snapshot import Snapshot
from models.tables.ticket import Ticket, TicketStep
from models.tables.usage import UsageEvent
from models.tables.webhook import WebhookDelivery, WebhookEndpoint

__all__ = [
    "ActiveModel",
    "Application",
    "ApplicationStep",
    "AskedScreen",
    "AuditEntry",
    "AuditHead",
    "Base",
    "Batch",
    "BorrowerAlert",
    "Campaign",
    "CampaignOutcome",
    "CampaignReceipt",
    "CampaignRow",
    "CampaignVersion",
    "Change",
    "ChangeHead",
    "Client",
    "ClientKey",
    "Consent",
    "ConsentText",
    "Contact",
    "ContactPreference",
    "CorrectionNotice",
    "CostListCharge",
    "CostListConfirmation",
    "CostListFile",
    "CostListVersion",
    "Erasure",
    "Export",
    "FactSet",
    "Job",
    "KeptAnswer",
    "LenderTerms",
    "LoanEntry",
    "ModelEvent",
    "ModelRow",
    "Need",
    "NeedMatch",
    "Objection",
    "ObjectionStep",
    "Person",
    "PersonConsent",
    "ProductVersion",
    "PublicityLift",
    "Receipt",
    "Repair",
    "RepairStep",
    "RetentionRun",
    "ReviewCase",
    "SavedScreen",
    "ScreenAlert",
    "SignIn",
    "SigningKey",
    "Snapshot",
    "Ticket",
    "TicketStep",
    "Token",
    "UsageEvent",
    "UsedAssertion",
    "WatchedBorrower",
    "WebhookDelivery",
    "WebhookEndpoint",
]
