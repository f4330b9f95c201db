"""The registry of models: two people, gates, one in force, a way back, and nothing loaded that was changed."""

from __future__ import annotations

import ast
import json
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select, update

from models.errors import NotFound, RefusedInput
from models.tables import ActiveModel, ModelEvent, ModelRow, SigningKey
from service.answers.models import model_answer, models_answer
from service.office import Office
from service.registry import files as model_files
from service.registry.bundle import ModelBundle, catalogue_version, read_bundle
from service.registry.events import EventKind
from service.registry.files import FORMAT, folder_of
from service.registry.keys import KEY_FILE, PublicKey, public_keys, rotate_key, signer_of
from service.registry.shelf import ModelShelf
from service.registry.store import active_id, load, load_active, register, serving
from service.usecases.activate_model import activate_model
from service.usecases.approve_model import approve_model
from service.usecases.register_model import register_model
from service.usecases.rollback_model import retire_model, rollback_model
from tests.made_models import NAME, NOW, WATCHED, a_bundle, a_scorecard, in_force, staffed
from tests.postgres import copy_office

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with two models that were in force one after the other, and one that was only registered."""
    home = tmp_path_factory.mktemp("registry") / "home"
    office = staffed(Office.open(home))
    in_force(office, a_bundle(500_000))
    in_force(office, a_bundle(510_000))
    register(office, a_bundle(520_000), "ana", "third", NOW)
    office.close()
    return home


@pytest.fixture
def office(filled: Path, tmp_path: Path) -> Iterator[Office]:
    """A copy of it, to be damaged."""
    copy_office(filled, tmp_path / "home")
    office = Office.open(tmp_path / "home")
    yield office
    office.close()


PASSING = {"auc_out_of_time": 0.75, "psi_out_of_time": 0.05, **WATCHED}
FIRST, SECOND, THIRD = (a_bundle(base).id for base in (500_000, 510_000, 520_000))


def refused(code: str, status: int) -> pytest.RaisesExc[RefusedInput]:
    return pytest.RaisesExc(RefusedInput, check=lambda error: (error.code, error.status) == (code, status))


def overwrite(path: Path, body: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(body)


def test_the_one_in_force_is_loaded_as_it_was_trained(office: Office) -> None:
    model = load_active(office, NAME)
    assert model is not None
    assert (model.id, model.version) == (SECOND, "510000")
    assert model.scorecard == a_scorecard(510_000)
    assert [each["status"] for each in models_answer(office)["items"] if each["id"] == SECOND] == ["active"]
    with office.read() as session:
        assert len(session.scalars(select(ActiveModel).where(ActiveModel.name == NAME)).all()) == 1
    assert load_active(office, "another") is None


def test_files_are_read_only_and_the_key_is_its_owners(office: Office) -> None:
    folder = folder_of(office, FIRST)
    assert {path.name for path in folder.iterdir()} == {
        "scorecard.json", "card.json", "card.md", "manifest.json", "signature.json"
    }  # fmt: skip
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o444 for path in folder.iterdir())
    assert stat.S_IMODE((office.home / KEY_FILE).stat().st_mode) == 0o600
    assert "# pd-enterprise" in (folder / "card.md").read_text()


def test_every_step_says_who_when_and_why(office: Office) -> None:
    history = model_answer(office, FIRST)["history"]
    assert [(step["kind"], step["by"], step["why"]) for step in history] == [
        ("registered", "ana", "first figures"), ("documented", "ana", ""), ("approved", "chen", "reviewed"),
        ("activated", "ben", "go"),
    ]  # fmt: skip
    assert all(step["at"] == NOW for step in history)


def test_the_same_bundle_again_is_the_same_model_and_other_files_beside_it_are_refused(office: Office) -> None:
    assert register(office, a_bundle(500_000), "ben").registered_by == "ana"
    with refused("model_exists", 409):
        register(office, a_bundle(500_000, auc=0.99), "ben")


def test_who_registered_a_model_may_not_approve_it(office: Office) -> None:
    register(office, a_bundle(530_000), "chen", "mine", NOW)
    with refused("same_person", 403):
        approve_model(office, a_bundle(530_000).id, "chen", "also mine", NOW)
    approve_model(office, a_bundle(530_000).id, "dong", "checked", NOW)


@pytest.mark.parametrize("person", ["ana", "gone", "bank", "nobody", ""])
def test_only_an_approver_in_office_approves(office: Office, person: str) -> None:
    with refused("person_may_not", 403):
        approve_model(office, THIRD, person, "why not", NOW)


def test_nobody_else_registers_activates_or_rolls_back(office: Office) -> None:
    for person in ("bank", "gone", "nobody"):
        with refused("person_may_not", 403):
            register(office, a_bundle(540_000), person)
        with refused("person_may_not", 403):
            activate_model(office, FIRST, person, "x", NOW)
        with refused("person_may_not", 403):
            rollback_model(office, NAME, person, "x", NOW)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2001])
def test_a_step_without_a_reason_is_refused(office: Office, reason: str) -> None:
    with refused("no_reason", 422):
        approve_model(office, THIRD, "chen", reason, NOW)


def test_a_model_nobody_approved_is_not_activated(office: Office) -> None:
    with refused("not_approved", 409):
        activate_model(office, THIRD, "ben", "hurry", NOW)
    assert active_id(office, NAME) == SECOND


@pytest.mark.parametrize(
    ("card", "gate"),
    [
        ({"gates": {"auc_out_of_time": 0.55, "psi_out_of_time": 0.05}}, "auc_out_of_time"),
        ({"gates": {"auc_out_of_time": 0.73, "psi_out_of_time": 0.05}}, "auc_against_champion"),
        ({"gates": {"auc_out_of_time": 0.75, "psi_out_of_time": 0.26}}, "psi_out_of_time"),
        ({"gates": {"auc_out_of_time": 0.75}}, "psi_out_of_time"),
        ({}, "auc_out_of_time"),
        ({"gates": {**PASSING, "max_csi": 0.51}}, "max_csi"),
        ({"gates": {**PASSING, "calibration_slope": 0.4}}, "calibration_slope_least"),
        ({"gates": {**PASSING, "calibration_slope": 2.5}}, "calibration_slope_most"),
        ({"gates": {**PASSING, "calibration_slope": None}}, "calibration_slope_most"),
        ({"gates": {**PASSING, "parity_ratio": 0.59}}, "parity_ratio"),
        ({"gates": {**PASSING, "parity_ratio": None}}, "parity_ratio"),
    ],
)
def test_a_failed_gate_blocks_approval(office: Office, card: dict[str, object], gate: str) -> None:
    bundle = a_bundle(550_000, card=card)
    register(office, bundle, "ana", "", NOW)
    with pytest.raises(RefusedInput, match=gate) as told:
        approve_model(office, bundle.id, "chen", "please", NOW)
    assert (told.value.code, told.value.status) == ("gate_failed", 409)
    failed = {each["id"] for each in model_answer(office, bundle.id)["gates"] if not each["passed"]}
    assert gate in failed


def test_a_gate_that_fails_since_the_champion_changed_blocks_activation(office: Office) -> None:
    weak, strong = a_bundle(560_000, auc=0.745), a_bundle(570_000, auc=0.9)
    register(office, weak, "ana", "", NOW)
    approve_model(office, weak.id, "chen", "good enough today", NOW)
    in_force(office, strong)
    with refused("gate_failed", 409):
        activate_model(office, weak.id, "ben", "still", NOW)
    assert active_id(office, NAME) == strong.id


def test_a_rollback_returns_to_the_last_good_model(office: Office) -> None:
    assert rollback_model(office, NAME, "ben", "complaints", NOW) == FIRST
    assert active_id(office, NAME) == FIRST
    assert model_answer(office, SECOND)["status"] == "rolled_back"
    assert model_answer(office, FIRST)["status"] == "active"
    with refused("not_approved", 409):  # what was withdrawn needs a new second signature
        activate_model(office, SECOND, "ben", "again", NOW)
    with refused("no_good_model", 409):
        rollback_model(office, NAME, "ben", "further", NOW)
    assert active_id(office, NAME) == FIRST


def test_a_rollback_passes_over_a_model_whose_files_were_changed_or_that_was_retired(office: Office) -> None:
    in_force(office, a_bundle(580_000))
    overwrite(folder_of(office, SECOND) / "scorecard.json", b"{}")
    assert rollback_model(office, NAME, "ben", "bad", NOW) == FIRST
    in_force(office, a_bundle(590_000))
    retire_model(office, FIRST, "ben", "old", NOW)
    with refused("no_good_model", 409):
        rollback_model(office, NAME, "ben", "bad", NOW)
    with refused("model_in_force", 409):
        retire_model(office, a_bundle(590_000).id, "ben", "old", NOW)


def test_what_is_not_there_is_not_found(office: Office) -> None:
    for step in (
        lambda: model_answer(office, "0" * 20),
        lambda: approve_model(office, "0" * 20, "chen", "x", NOW),
        lambda: activate_model(office, "0" * 20, "ben", "x", NOW),
        lambda: rollback_model(office, "another", "ben", "x", NOW),
    ):
        with pytest.raises(NotFound):
            step()
    with refused("already_active", 409):
        activate_model(office, SECOND, "ben", "x", NOW)


# What is loaded: every way to change a model is found before anything in it is parsed.


def flip_a_byte(office: Office) -> None:
    path = folder_of(office, SECOND) / "scorecard.json"
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    overwrite(path, bytes(body))


def change_the_card(office: Office) -> None:
    path = folder_of(office, SECOND) / "card.json"
    overwrite(path, path.read_bytes().replace(b"0.75", b"0.95"))


def swap_the_signature(office: Office) -> None:
    overwrite(folder_of(office, SECOND) / "signature.json", (folder_of(office, FIRST) / "signature.json").read_bytes())


def swap_the_folder(office: Office) -> None:
    shutil.rmtree(folder_of(office, SECOND))
    shutil.copytree(folder_of(office, FIRST), folder_of(office, SECOND))


def lose_a_file(office: Office) -> None:
    (folder_of(office, SECOND) / "scorecard.json").unlink()


def lose_the_signature(office: Office) -> None:
    overwrite(folder_of(office, SECOND) / "signature.json", b"[]")


def sign_with_a_strange_key(office: Office) -> None:
    path = folder_of(office, SECOND) / "signature.json"
    overwrite(path, orjson.dumps({**orjson.loads(path.read_bytes()), "key_id": "0" * 16}))


def name_another_algorithm(office: Office) -> None:
    path = folder_of(office, SECOND) / "signature.json"
    overwrite(path, orjson.dumps({**orjson.loads(path.read_bytes()), "algorithm": "SM2"}))


def mend_every_hash(office: Office) -> None:
    """A forger with the folder and the database, without the key."""
    folder = folder_of(office, SECOND)
    path = folder / "scorecard.json"
    overwrite(path, path.read_bytes().replace(b"510000", b"910000"))
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    body = path.read_bytes()
    manifest["files"]["scorecard.json"] = {"sha256": model_files.sha256(body).hexdigest(), "bytes": len(body)}
    overwrite(folder / "manifest.json", orjson.dumps(manifest))
    with office.write() as session:
        row = session.get_one(ModelRow, SECOND)
        row.manifest_sha256 = model_files.sha256((folder / "manifest.json").read_bytes()).hexdigest()


def forge_the_approval(office: Office) -> None:
    with office.write() as session:
        session.execute(
            update(ModelEvent).where(ModelEvent.model_id == SECOND, ModelEvent.kind == "approved").values(by="dong")
        )


def forget_the_approval(office: Office) -> None:
    with office.write() as session:
        for event in session.scalars(select(ModelEvent).where(ModelEvent.model_id == SECOND)):
            if event.kind == EventKind.APPROVED:
                session.delete(event)


DAMAGES = [
    flip_a_byte, change_the_card, swap_the_signature, swap_the_folder, lose_a_file, lose_the_signature,
    sign_with_a_strange_key, name_another_algorithm, mend_every_hash, forget_the_approval,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_changed_model_is_refused_and_the_last_good_one_serves(office: Office, damage: object) -> None:
    damage(office)  # type: ignore[operator]
    with pytest.raises(RefusedInput):
        load_active(office, NAME)
    found = serving(office, NAME)
    assert found.active_id == SECOND
    assert found.fault is not None
    assert found.model is not None
    assert found.model.id == FIRST


def test_a_forged_approval_stops_every_model_of_the_name(office: Office) -> None:
    forge_the_approval(office)
    found = serving(office, NAME)
    assert found.fault is not None
    assert found.fault.code == "changed_event"
    assert model_answer(office, SECOND)["fault"]


def test_nothing_of_a_changed_model_is_parsed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    flip_a_byte(office)

    def never(content: bytes) -> None:
        raise AssertionError("the artefact was parsed")

    monkeypatch.setattr("scoring.scorecard.card.Scorecard.from_json", never)
    with refused("changed_model", 409):
        load(office, SECOND)


def test_a_model_that_was_good_keeps_serving_from_memory(office: Office) -> None:
    shelf = ModelShelf(office, check_seconds=0)
    assert shelf.in_force(NAME).fault is None
    flip_a_byte(office)
    assert shelf.in_force(NAME).fault is not None
    assert shelf.by_id(SECOND).scorecard == a_scorecard(510_000)
    with pytest.raises(RefusedInput):
        ModelShelf(office).by_id(SECOND)


def test_another_format_is_refused_even_when_it_is_signed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "FORMAT", "rongqiao.model/0")
    register(office, a_bundle(600_000), "ana", "", NOW)
    monkeypatch.setattr(model_files, "FORMAT", FORMAT)
    with refused("model_format", 409):
        load(office, a_bundle(600_000).id)


def test_a_model_of_another_catalogue_is_refused(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with refused("other_catalogue", 409):
        register(office, a_bundle(610_000, catalogue_version="0" * 64), "ana")
    monkeypatch.setattr("service.registry.store.catalogue_version", lambda names: "1" * 64)
    with refused("other_catalogue", 409):
        load_active(office, NAME)
    assert serving(office, NAME).model is None


def test_the_catalogue_version_follows_what_the_facts_mean_and_nothing_else() -> None:
    one = catalogue_version(["sales_12m", "size_class"])
    assert one == catalogue_version(["size_class", "sales_12m", "sales_12m"])
    assert one != catalogue_version(["sales_12m"])
    assert catalogue_version(["penalty_general.y1"]) != catalogue_version(["penalty_general"])
    with pytest.raises(RefusedInput, match="no_such"):
        catalogue_version(["no_such"])


# Keys.


def test_what_a_retired_key_signed_stays_valid_and_the_new_key_signs_from_then_on(office: Office) -> None:
    old = signer_of(office).key_id
    new = rotate_key(office, NOW)
    assert signer_of(office).key_id == new != old
    assert load_active(office, NAME) is not None
    in_force(office, a_bundle(620_000))
    assert load_active(office, NAME) is not None
    with office.read() as session:
        keys = {key.id: key.retired_at for key in session.scalars(select(SigningKey))}
    assert keys == {old: NOW, new: None}


def test_a_key_that_others_can_read_or_that_is_none_signs_nothing(office: Office) -> None:
    path = office.home / KEY_FILE
    path.chmod(0o640)
    with refused("no_signing_key", 409):
        signer_of(office)
    path.chmod(0o600)
    path.write_bytes(b"no key")
    with refused("no_signing_key", 409):
        signer_of(office)
    path.unlink()
    with refused("no_signing_key", 409):
        register(office, a_bundle(630_000), "ana")
    assert load_active(office, NAME) is not None, "checking needs the public key only"


def test_a_signature_holds_for_its_message_key_and_algorithm_alone(office: Office) -> None:
    signer = signer_of(office)
    with office.read() as session:
        key = public_keys(session)[signer.key_id]
    made = signer.sign(b"message")
    assert key.verifies(b"message", made)
    assert not key.verifies(b"massage", made)
    assert not key.verifies(b"message", "zz")
    assert not key.verifies(b"message", "")
    assert not PublicKey("SM2", key.raw).verifies(b"message", made)


# Bundles as folders.


def test_a_bundle_survives_its_folder(tmp_path: Path, office: Office) -> None:
    bundle = a_bundle(640_000)
    bundle.write(tmp_path / "out")
    again = read_bundle(tmp_path / "out")
    assert (again.id, again.name, again.catalogue_version) == (bundle.id, bundle.name, bundle.catalogue_version)
    assert register_model(office, tmp_path / "out", "ana", "from a folder").id == bundle.id
    assert json.loads((folder_of(office, bundle.id) / "card.json").read_bytes())["gates"] == bundle.card["gates"]


@pytest.mark.parametrize(
    ("file", "body"),
    [
        ("card.json", b"{}"), ("card.json", b"[1]"), ("card.json", b"{"), ("card.json", b'{"name": "A B"}'),
        ("card.json", b'{"name": 1, "catalogue_version": "x"}'), ("scorecard.json", b""),
        ("scorecard.json", b"\x80\x04\x95"), ("scorecard.json", b'{"format": "rongqiao.scorecard/0"}'),
    ],
)  # fmt: skip
def test_a_folder_that_is_no_model_is_refused(tmp_path: Path, office: Office, file: str, body: bytes) -> None:
    a_bundle(650_000).write(tmp_path / "out")
    (tmp_path / "out" / file).write_bytes(body)
    with pytest.raises(RefusedInput):
        register_model(office, tmp_path / "out", "ana", "x")
    with pytest.raises(RefusedInput):
        read_bundle(tmp_path / "nowhere")
    assert {path.name for path in (office.home / "models").iterdir()} == {FIRST, SECOND, THIRD}


def test_a_name_is_a_slug() -> None:
    for name in ("", "a", "PD", "../x", "pd enterprise", "p" * 64):
        with pytest.raises(RefusedInput, match="name"):
            ModelBundle(name, b"", None, {}, "")


def test_no_module_that_serves_imports_pickle_or_anything_built_on_it() -> None:
    barred = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    for room in ("models", "matching", "scoring", "service"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                names: list[str] = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                assert barred.isdisjoint(name.split(".")[0] for name in names), path
