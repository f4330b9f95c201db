"""Shapes of receipts and evidence packs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from service.api.shapes import Shape


class ReceiptShape(Shape):
    id: str
    kind: str
    subject: str = Field(description="Code of the firm asked about")
    question: dict[str, Any] = Field(
        description="The need as the caller wrote it, the role that asked, and the models of the score"
    )
    as_of: date | None = Field(description="null: written before facts and rules were kept")
    snapshot_id: str
    rules_digest: str = Field(description="SHA-256 over every rule file")
    product_version: str
    facts_sha256: str = Field(description="SHA-256 of the firm's facts as canonical JSON")
    answer_sha256: str = Field(description="SHA-256 of the answer without its receipt_id")
    answered_at: datetime


class InputsShape(Shape):
    facts: dict[str, Any] = Field(description="Fact id to value; amounts and days are marked, masked ones say so")


class RuleFileShape(Shape):
    path: str
    sha256: str
    text: str


class RulesShape(Shape):
    digest: str
    files: list[RuleFileShape]


class SourceShape(Shape):
    cite: str
    options: list[str]


class CalculationShape(Shape):
    option: str
    of: str
    steps: list[dict[str, Any]]


class SignatureShape(Shape):
    method: str
    key_id: str
    value: str


class EvidenceShape(Shape):
    format: str
    receipt: ReceiptShape
    inputs: InputsShape
    rules: RulesShape
    answer: dict[str, Any]
    sources: list[SourceShape]
    steps: list[CalculationShape]
    hashes: dict[str, str]
    signature: SignatureShape
