"""Small models made by hand for tests of the registry: no training, every figure known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from models.tables import Client
from scoring.scorecard.bins import CategoryBins, NumberBins
from scoring.scorecard.card import Calibration, Line, Scale, Scorecard, Training
from service.access.auth import Role
from service.office import Office
from service.registry.bundle import ModelBundle, catalogue_version
from service.registry.keys import rotate_key
from service.registry.store import register
from service.usecases.activate_model import activate_model
from service.usecases.approve_model import approve_model

NAME = "pd-enterprise"
NOW = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)
#: Numbers of the other gates that pass.
WATCHED = {"max_csi": 0.1, "calibration_slope": 1.1, "parity_ratio": 0.9}
ITEMS = ("firm_age_months", "sales_12m", "size_class")


def a_scorecard(base: int = 500_000) -> Scorecard:
    """Older and larger is better; unknown costs points."""
    age = Line("firm_age_months", NumberBins((24.0, 60.0)), -1, (-9_000, -20_000, 0, 15_000), (0.1, 0.2, 0.3, 0.4),
               (0.05, 0.08, 0.04, 0.02))  # fmt: skip
    sales = Line("sales_12m", NumberBins((1_000_000.0,)), -1, (-7_500, -10_000, 12_345), (0.2, 0.4, 0.4),
                 (0.06, 0.05, 0.02))  # fmt: skip
    size = Line("size_class", CategoryBins((("micro",), ("small", "medium", "large"))), 0, (-1_000, 0, -3_000, 4_000),
                (0.1, 0.0, 0.5, 0.4), (0.05, None, 0.06, 0.02))  # fmt: skip
    return Scorecard((age, sales, size), (), base, Scale(), Calibration(), Training(1000, 40, 0.04, 0.04))


def a_bundle(base: int = 500_000, auc: float = 0.75, psi: float = 0.05, **changes: Any) -> ModelBundle:
    """A bundle whose card passes the gates unless told otherwise."""
    card = {
        "model": {"plan_version": str(base)},
        "synthetic": False,
        "gates": {"auc_out_of_time": auc, "psi_out_of_time": psi, **WATCHED},
    }
    made = {
        "name": NAME,
        "scorecard": a_scorecard(base).to_json(),
        "challenger": None,
        "card": card,
        "catalogue_version": catalogue_version(ITEMS),
    }
    return ModelBundle(**{**made, **changes})


def staffed(office: Office) -> Office:
    """The office with a signing key, two analysts and two approvers, one of whom has left."""
    with office.write() as session:
        for name, role, left in (
            ("ana", Role.OFFICE, None),
            ("ben", Role.OFFICE, None),
            ("chen", Role.APPROVER, None),
            ("dong", Role.APPROVER, None),
            ("gone", Role.APPROVER, NOW),
            ("bank", Role.BANK, None),
        ):
            session.merge(Client(id=name, secret_sha256="", role=role.value, disabled_at=left))
    rotate_key(office, NOW)
    return office


def in_force(office: Office, bundle: ModelBundle) -> str:
    """Register, approve and activate the bundle; its id."""
    register(office, bundle, "ana", "first figures", NOW)
    approve_model(office, bundle.id, "chen", "reviewed", NOW)
    activate_model(office, bundle.id, "ben", "go", NOW)
    return bundle.id
