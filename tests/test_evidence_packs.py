"""Evidence packs: signed by the office, checked part by part with its public keys alone; any change is named."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from service.access.auth import Role
from service.books.evidence import PARTS, first_fault
from service.books.rulebook import rules_digest
from service.books.seedbook import rule_set
from service.office import Office
from service.registry.keys import PublicKey, public_keys, read_jwks, rotate_key
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.evidence_pack import evidence_pack
from service.web.encode import encode
from tests.receipt_office import NEED, NOW, asked, damage, damageable
from tests.shell import Shell, a_city, is_problem


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_city(tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="module")
def snapshot(city: Shell) -> OpenSnapshot:
    found: OpenSnapshot = city.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    return found


@pytest.fixture
def copied(city: Shell, snapshot: OpenSnapshot, tmp_path: Path) -> Iterator[tuple[Office, str]]:
    with damageable(city, snapshot, tmp_path) as office_and_receipt:
        yield office_and_receipt


def keys_of(office: Office) -> Mapping[str, PublicKey]:
    with office.read() as session:
        return public_keys(session)


@pytest.fixture(scope="module")
def pack(city: Shell, snapshot: OpenSnapshot) -> dict[str, Any]:
    receipt = asked(city, snapshot, viewer=Role.OFFICE)["receipt_id"]
    made: dict[str, Any] = json.loads(encode(evidence_pack(city.office, receipt, Role.FIRM, NOW)))
    return made


def test_a_pack_holds_everything_and_every_part_matches(city: Shell, pack: dict[str, Any]) -> None:
    key = keys_of(city.office)
    assert first_fault(pack, key) == ""
    assert set(pack["hashes"]) == set(PARTS)
    assert pack["rules"]["digest"] == rules_digest()
    assert {file["path"] for file in pack["rules"]["files"]} == set(rule_set().files)
    assert any(source["cite"].startswith("000:83") for source in pack["sources"])
    assert pack["steps"]
    assert pack["signature"]["method"] == "Ed25519"


def test_a_pack_is_checked_with_the_public_keys_alone_and_after_a_rotation(
    city: Shell, pack: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.cli import run

    published = city.http.get("/.well-known/jwks.json")
    assert {each["alg"] for each in published.json()["keys"]} == {"EdDSA"}
    assert set(published.json()["keys"][0]) == {"kty", "crv", "x", "kid", "use", "alg"}, "and nothing private"
    keys, file = tmp_path / "keys.json", tmp_path / "pack.json"
    keys.write_bytes(published.content)
    file.write_bytes(encode(pack))
    monkeypatch.setenv("RONGQIAO_HOME", str(tmp_path / "no office"))
    assert run(["evidence", str(file), "--keys", str(keys)]) == 0
    assert not (tmp_path / "no office").exists()
    rotate_key(city.office, NOW)
    after = city.http.get("/.well-known/jwks.json").json()
    assert len(after["keys"]) == len(published.json()["keys"]) + 1
    assert first_fault(pack, read_jwks(after)) == ""
    swapped = {"keys": [{**each, "x": after["keys"][place - 1]["x"]} for place, each in enumerate(after["keys"])]}
    keys.write_bytes(encode(swapped))
    assert run(["evidence", str(file), "--keys", str(keys)]) == 2, "an id is its key's own digest"


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (("receipt", "snapshot_id"), "receipt"),
        (("inputs", "facts", "size_class"), "inputs"),
        (("rules", "files", 3, "text"), "rules"),
        (("answer", "options", 0, "status"), "answer"),
        (("sources", 0, "cite"), "sources"),
        (("steps", 0, "of"), "steps"),
        (("signature", "value"), "signature"),
        (("signature", "key_id"), "signature/key"),
        (("format",), "format"),
    ],
)
def test_the_first_thing_that_does_not_match_is_named(
    city: Shell, pack: dict[str, Any], path: tuple[Any, ...], named: str
) -> None:
    changed = copy.deepcopy(pack)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = "other"
    assert first_fault(changed, keys_of(city.office)) == named


def rehashed(pack: dict[str, Any], part: str) -> dict[str, Any]:
    """The pack as a forger without the key would mend it: the hash of the changed part fits again."""
    from service.books.evidence import canonical
    from service.books.receipts import digest

    pack["hashes"][part] = digest(canonical(pack[part]))
    return pack


def test_mending_the_hashes_does_not_help(city: Shell, pack: dict[str, Any]) -> None:
    key = keys_of(city.office)
    changed = copy.deepcopy(pack)
    changed["inputs"]["facts"]["size_class"] = "large"
    assert first_fault(rehashed(changed, "inputs"), key) == "inputs/facts"
    changed = copy.deepcopy(pack)
    file = changed["rules"]["files"][5]
    file["text"] += "# more\n"
    assert first_fault(rehashed(changed, "rules"), key) == f"rules/{file['path']}"
    changed = copy.deepcopy(pack)
    changed["rules"]["files"].pop()
    assert first_fault(rehashed(changed, "rules"), key) == "rules/digest"
    changed = copy.deepcopy(pack)
    changed["answer"]["options"].pop()
    assert first_fault(rehashed(changed, "answer"), key) == "answer"
    changed = copy.deepcopy(pack)
    changed["receipt"]["answer_sha256"] = "0" * 64
    assert first_fault(rehashed(changed, "receipt"), key) == "receipt/id"
    changed = copy.deepcopy(pack)
    changed["receipt"]["answered_at"] = "2020-01-01T00:00:00Z"
    assert first_fault(rehashed(changed, "receipt"), key) == "signature", "only the key seals the moment"


@pytest.mark.parametrize("value", [None, [], {}, {"format": "rongqiao-evidence/1"}, "text", 7])
def test_what_is_no_pack_is_said_to_be_none(city: Shell, value: Any) -> None:
    assert first_fault(value, keys_of(city.office)) == "format"


def test_another_office_did_not_sign_it(pack: dict[str, Any], tmp_path: Path) -> None:
    other = Office.open(tmp_path)
    rotate_key(other, NOW)
    assert first_fault(pack, keys_of(other)) == "signature/key"
    assert first_fault(pack, {}) == "signature/key"


def test_staff_get_personal_values_masked_and_nothing_that_was_told_to_the_firm(
    city: Shell, snapshot: OpenSnapshot, pack: dict[str, Any]
) -> None:
    receipt = asked(city, snapshot)["receipt_id"]
    masked = evidence_pack(city.office, receipt, Role.OFFICE, NOW)
    hidden = {name for name, value in masked["inputs"]["facts"].items() if value == {"masked": True}}
    assert hidden
    assert not any(value == {"masked": True} for value in pack["inputs"]["facts"].values())
    assert first_fault(json.loads(encode(masked)), keys_of(city.office)) == ""
    told = asked(city, snapshot, viewer=Role.FIRM)["receipt_id"]
    answer = city.http.get(f"/v1/receipts/{told}/evidence", headers=city.asks("office"))
    is_problem(answer, 403, "given_to_the_firm")


def test_a_firm_sees_its_own_receipts_and_nobody_elses(city: Shell, snapshot: OpenSnapshot) -> None:
    from service.api.shapes_receipts import EvidenceShape, ReceiptShape

    uscc = snapshot.firm_at(2)
    receipt = asked(city, snapshot, viewer=Role.FIRM)["receipt_id"]
    for path, shape in ((f"/v1/receipts/{receipt}", ReceiptShape), (f"/v1/receipts/{receipt}/evidence", EvidenceShape)):
        own = city.http.get(path, headers=city.asks("firm", uscc))
        assert own.status_code == 200
        shape.model_validate_json(own.content)
        is_problem(city.http.get(path, headers=city.asks("firm", snapshot.firm_at(3))), 404, "unknown_receipt")
    is_problem(city.http.get("/v1/receipts/r_none", headers=city.asks("office")), 404, "unknown_receipt")
    read = city.http.get(f"/v1/receipts/{receipt}", headers=city.asks("auditor"))
    question = read.json()["question"]
    assert (question["need"], question["viewer"]) == (NEED, "firm")
    assert [model["id"] for model in question["models"]["evaluation"]], "the receipt names the model of the score"
    assert "facts" not in read.json()
    is_problem(city.http.get(f"/v1/receipts/{receipt}/evidence", headers=city.asks("auditor")), 403, "forbidden")


def test_an_unsound_receipt_gives_no_pack(copied: tuple[Office, str]) -> None:
    from models.errors import RefusedInput

    office, receipt = copied
    damage(office, "rule", receipt)
    with pytest.raises(RefusedInput) as refused:
        evidence_pack(office, receipt, Role.OFFICE, NOW)
    assert (refused.value.code, refused.value.status) == ("not_replayable", 409)
    assert "sy-first-loan-subsidy-2024.yaml" in refused.value.field


def test_the_command_names_what_is_not_as_it_was(
    copied: tuple[Office, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from service.cli import run

    office, receipt = copied
    monkeypatch.setenv("RONGQIAO_HOME", str(office.home))
    file = tmp_path / "pack.json"
    assert run(["replay", receipt, "--evidence", str(file)]) == 0
    assert run(["replay", receipt, "--evidence", str(file)]) == 2, "a pack is not overwritten"
    assert run(["evidence", str(file)]) == 0
    assert run(["evidence", str(file), "--json"]) == 0
    file.write_bytes(file.read_bytes().replace(b'"size_class":"', b'"size_class":"x', 1))
    capfd.readouterr()
    assert run(["evidence", str(file), "--json"]) == 2
    assert json.loads(capfd.readouterr().err)["field"] == "inputs"
    assert run(["evidence", str(tmp_path / "none.json"), "--json"]) == 2
    assert run(["replay", "r_none", "--json"]) == 2
    capfd.readouterr()
    damage(office, "rule", receipt)
    assert run(["replay", receipt, "--json"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert json.loads(err)["field"] == "rules/schemes/shenyang/sy-first-loan-subsidy-2024.yaml"
