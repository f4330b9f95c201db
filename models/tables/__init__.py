"""Mapped tables, one file per aggregate. Importing ``models`` never imports this package."""

from models.tables.audit import AuditEntry, AuditHead
from models.tables.base import Base
from models.tables.batch import Batch
from models.tables.client import Client, Token
from models.tables.client_key import ClientKey, UsedAssertion
from models.tables.consent import Consent, ConsentText, LenderTerms
from models.tables.cost_list import CostListCharge, CostListConfirmation, CostListFile, CostListVersion
from models.tables.model import ActiveModel, ModelEvent, ModelRow, SigningKey
from models.tables.objection import CorrectionNotice, Objection, ObjectionStep
from models.tables.person import Person, SignIn
from models.tables.receipt import FactSet, Receipt
from models.tables.repair import PublicityLift, Repair, RepairStep
from models.tables.review import ReviewCase
from models.tables.snapshot import Snapshot
from models.tables.usage import UsageEvent

__all__ = [
    "ActiveModel",
    "AuditEntry",
    "AuditHead",
    "Base",
    "Batch",
    "Client",
    "ClientKey",
    "Consent",
    "ConsentText",
    "CorrectionNotice",
    "CostListCharge",
    "CostListConfirmation",
    "CostListFile",
    "CostListVersion",
    "FactSet",
    "LenderTerms",
    "ModelEvent",
    "ModelRow",
    "Objection",
    "ObjectionStep",
    "Person",
    "PublicityLift",
    "Receipt",
    "Repair",
    "RepairStep",
    "ReviewCase",
    "SignIn",
    "SigningKey",
    "Snapshot",
    "Token",
    "UsageEvent",
    "UsedAssertion",
]
