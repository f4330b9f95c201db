"""The model a demo city shows: shipped, synthetic, let in by two persons, refused everywhere else."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.errors import RefusedInput
from scoring.gates import evaluate_gates
from scoring.monitoring.drift import parse_reference
from scoring.pd_error import error_bands_of
from scoring.scorecard import Scorecard
from scoring.training.card import SYNTHETIC
from service.answers.models import model_answer
from service.books.rulebook import gates, pd_scale
from service.books.seedbook import catalogue
from service.learning.training_plans import training_plan
from service.office import Office
from service.registry.bundle import catalogue_version, read_bundle
from service.registry.store import load, register, serving
from service.settings import DEMO_CLIENTS_FILE
from service.usecases.create_demo_clients import ANALYST, APPROVER, create_demo_clients
from service.usecases.run_demo import DEMO_MODEL
from service.usecases.start_demo_model import start_demo_model
from tests.made_models import a_bundle, in_force, staffed

NOW = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)
REMAKE = "make it anew: python -m bench.demo_model"


@pytest.fixture
def demo(tmp_path: Path) -> Office:
    office = Office.open(tmp_path / "home")
    create_demo_clients(office, ())
    return office


def test_the_shipped_model_is_of_this_catalogue_and_plan() -> None:
    bundle = read_bundle(DEMO_MODEL)
    card = Scorecard.from_json(bundle.scorecard)
    assert bundle.catalogue_version == catalogue_version(card.items), REMAKE
    plan = training_plan("pd_12m")
    assert (bundle.name, bundle.card["model"]["plan_version"]) == (plan.name, plan.version), REMAKE
    assert bundle.card["model"]["catalogue"] == catalogue().version, REMAKE
    assert bundle.name == pd_scale().model
    assert set(card.items) <= set(plan.kinds)


def test_its_card_says_that_it_is_synthetic_and_quotes_no_result() -> None:
    card = json.loads((DEMO_MODEL / "card.json").read_bytes())
    assert card["synthetic"] is True
    assert card["out_of_time"] == card["said"] == card["gates"]["said"] == SYNTHETIC
    assert any("invented" in limit for limit in card["limits"])
    assert card["made_by"]["command"] == "python -m bench.demo_model"
    results = {"auc", "ks", "gini", "brier", "accuracy", "lift"}
    kept = {name: value for name, value in card.items() if name != "gates"}
    assert not results & set(json.dumps(kept).replace('"', " ").lower().split())


def test_the_gates_and_what_serving_reads_hold() -> None:
    card = read_bundle(DEMO_MODEL).card
    assert [result.gate.id for result in evaluate_gates(gates(), card, None) if not result.passed] == []
    assert error_bands_of(card) is not None
    assert parse_reference(card["reference"]).rows == card["data"]["fitted_rows"]


def test_two_different_persons_bring_it_in_and_a_second_run_changes_nothing(demo: Office) -> None:
    first = start_demo_model(demo, DEMO_MODEL, NOW)
    assert first.id == read_bundle(DEMO_MODEL).id
    answer = model_answer(demo, first.id)
    assert (answer["status"], answer["fault"]) == ("active", None)
    assert all(gate["passed"] for gate in answer["gates"])
    by = {step["kind"]: step["by"] for step in answer["history"]}
    assert (by["registered"], by["approved"]) == (ANALYST, APPROVER)
    assert start_demo_model(demo, DEMO_MODEL, NOW) == first
    assert model_answer(demo, first.id)["history"] == answer["history"]


def test_a_run_stopped_halfway_is_taken_up_again(demo: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*given: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("service.usecases.start_demo_model.activate_model", stopped)
        with pytest.raises(KeyboardInterrupt):
            start_demo_model(demo, DEMO_MODEL, NOW)
    model = start_demo_model(demo, DEMO_MODEL, NOW).id
    assert model is not None
    assert model_answer(demo, model)["status"] == "active"


def test_outside_a_demo_it_is_refused_when_registered_and_when_loaded(tmp_path: Path, demo: Office) -> None:
    office = staffed(Office.open(tmp_path / "real"))
    with pytest.raises(RefusedInput) as refused:
        register(office, read_bundle(DEMO_MODEL), "ana")
    assert (refused.value.code, refused.value.status, refused.value.field) == ("synthetic_model", 409, "synthetic")
    model = start_demo_model(demo, DEMO_MODEL, NOW).id
    assert model is not None
    # A demo's folder that becomes somebody's office: what makes it a demo is gone, and so is the model.
    (demo.home / DEMO_CLIENTS_FILE).unlink()
    with pytest.raises(RefusedInput) as refused:
        load(demo, model)
    assert refused.value.code == "synthetic_model"
    left = serving(demo, pd_scale().model)
    assert (left.model, left.fault and left.fault.code) == (None, "synthetic_model")


def test_a_model_of_the_offices_own_stays_in_force(demo: Office) -> None:
    own = in_force(staffed(demo), a_bundle())
    assert start_demo_model(demo, DEMO_MODEL, NOW).id == own


def test_another_catalogue_or_stricter_gates_leave_the_demo_without_a_probability(
    tmp_path: Path, demo: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    shutil.copytree(DEMO_MODEL, other)
    card = json.loads((other / "card.json").read_bytes())
    (other / "card.json").write_text(json.dumps({**card, "catalogue_version": "0" * 64}))
    made = start_demo_model(demo, other, NOW)
    assert made.id is None
    assert made.fault is not None
    assert "catalogue" in made.fault
    strict = tuple(replace(gate, limit=0.99) if gate.id == "auc_out_of_time" else gate for gate in gates())
    monkeypatch.setattr("service.usecases.approve_model.gates", lambda: strict)
    made = start_demo_model(demo, DEMO_MODEL, NOW)
    assert made.id is None
    assert made.fault is not None
    assert "gates.auc_out_of_time" in made.fault


@pytest.mark.parametrize("file", ["scorecard.json", "card.json"])
def test_a_folder_without_its_files_stops_the_demo(tmp_path: Path, demo: Office, file: str) -> None:
    other = tmp_path / "other"
    shutil.copytree(DEMO_MODEL, other)
    (other / file).unlink()
    with pytest.raises(RefusedInput) as refused:
        start_demo_model(demo, other, NOW)
    assert refused.value.field == file


def test_the_clients_that_sign_come_first_and_the_firms_join_them(demo: Office) -> None:
    path = demo.home / DEMO_CLIENTS_FILE
    assert len(json.loads(path.read_bytes())["clients"]) == 7
    create_demo_clients(demo, ["91210100MA0UXYT71A", "91210100MA0UXYT72A"])
    both = path.read_bytes()
    assert len(json.loads(both)["clients"]) == 9
    create_demo_clients(demo, ())
    assert path.read_bytes() == both
