"""Mapped tables, one file per aggregate. Importing ``models`` never imports this package."""

from models.tables.base import Base
from models.tables.batch import Batch
from models.tables.client import Client, Token
from models.tables.cost_list import CostListCharge, CostListConfirmation, CostListFile, CostListVersion
from models.tables.model import ActiveModel, ModelEvent, ModelRow, SigningKey
from models.tables.receipt import FactSet, Receipt
from models.tables.review import ReviewCase
from models.tables.snapshot import Snapshot
from models.tables.usage import UsageEvent

__all__ = [
    "ActiveModel",
    "Base",
    "Batch",
    "Client",
    "CostListCharge",
    "CostListConfirmation",
    "CostListFile",
    "CostListVersion",
    "FactSet",
    "ModelEvent",
    "ModelRow",
    "Receipt",
    "ReviewCase",
    "SigningKey",
    "Snapshot",
    "Token",
    "UsageEvent",
]
