"""Puts the demo city's own model in force as any model comes into force: two persons, gates, signatures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from models.errors import RefusedInput
from service.books.rulebook import pd_scale
from service.office import Office
from service.registry.keys import KEY_FILE, rotate_key
from service.registry.store import active_id
from service.usecases.activate_model import activate_model
from service.usecases.approve_model import approve_model
from service.usecases.create_demo_clients import ANALYST, APPROVER
from service.usecases.register_model import register_model

#: Refusals that leave a demo without a probability rather than stop it: whoever tries out another catalogue or stricter
#: gates still sees the rest.
_GOES_ON = ("other_catalogue", "gate_failed")


@dataclass(frozen=True)
class DemoModel:
    """``id`` of the model in force, ``None`` where it may not be used here; ``fault`` says why."""

    id: str | None
    fault: str | None


def start_demo_model(office: Office, folder: Path, now: datetime) -> DemoModel:
    """Register the model in ``folder`` by the demo's analyst, approve it by its approver, put it in force.

    A model of this name that is in force stays. The demo clients must exist. A run that was stopped halfway is taken up
    again. ``RefusedInput`` for a folder that holds no model.
    """
    active = active_id(office, pd_scale().model)
    if active is not None:
        return DemoModel(active, None)
    if not (office.home / KEY_FILE).exists():
        rotate_key(office, now)
    try:
        model = register_model(office, folder, ANALYST, "Trained on another invented city; for this demo only.").id
        approve_model(office, model, APPROVER, "Synthetic: shows how a model comes into force, proves nothing.", now)
        activate_model(office, model, ANALYST, "The demo city's model.", now)
    except RefusedInput as refused:
        if refused.code not in _GOES_ON:
            raise
        return DemoModel(None, str(refused))
    return DemoModel(model, None)
