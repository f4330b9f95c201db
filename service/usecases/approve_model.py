"""Approves a registered model: the second of two signatures."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from models.errors import RefusedInput
from scoring.gates import GateResult, evaluate_gates
from service.access.auth import Role
from service.books.rulebook import gates
from service.office import Office
from service.registry.events import EventKind, add_event
from service.registry.keys import signer_of
from service.registry.store import LoadedModel, check_person, check_reason, load, load_active, row_of


def approve_model(office: Office, model_id: str, by: str, reason: str, now: datetime) -> None:
    """Approve a model for use, as another person than the one who registered it.

    ``RefusedInput``: 403 for anybody but an approver and for the registrar; 409 for files that are not what was
    registered and for a failed gate, which nothing overrides.
    """
    said = check_reason(reason)
    with office.read() as session:
        check_person(session, "by", by, (Role.APPROVER,))
        row = row_of(session, model_id)
    if row.registered_by == by:
        raise RefusedInput(
            "same_person", "by", by, "Who registered a model may not approve it.", "Ask another approver.", status=403
        )
    model, signer = load(office, model_id), signer_of(office)
    passed = check_gates(office, model)
    detail = {"manifest_sha256": row.manifest_sha256, "gates": [gate_answer(each) for each in passed]}
    with office.write() as session:
        add_event(session, signer, model_id, EventKind.APPROVED, by, now, said, detail)


def check_gates(office: Office, model: LoadedModel) -> tuple[GateResult, ...]:
    """Every gate over the model's card; ``RefusedInput`` (409) naming each one that fails."""
    results = gate_results(office, model)
    failed = [each for each in results if not each.passed]
    if failed:
        told = "; ".join(f"{each.gate.id}: {each.value} against {each.gate.relation} {each.bound}" for each in failed)
        raise RefusedInput(
            "gate_failed", failed[0].gate.number, model.id, f"The model does not pass {len(failed)} gate(s): {told}.",
            "Train a better model; gates and limits stand in seed/models/gates.yaml.", status=409,
        )  # fmt: skip
    return results


def gate_results(office: Office, model: LoadedModel) -> tuple[GateResult, ...]:
    """Every gate over the model's card. It is compared with the model in force where that one can be trusted."""
    try:
        champion = load_active(office, model.name)
    except RefusedInput:
        champion = None
    other = champion if champion is not None and champion.id != model.id else None
    return evaluate_gates(gates(), model.card, None if other is None else other.card)


def gate_answer(result: GateResult) -> dict[str, Any]:
    """A gate's outcome as it is kept and answered."""
    return {
        "id": result.gate.id,
        "zh": result.gate.zh,
        "en": result.gate.en,
        "number": result.gate.number,
        "relation": result.gate.relation.value,
        "limit": result.gate.limit,
        "bound": result.bound,
        "value": result.value,
        "passed": result.passed,
    }
