"""The office's own keys change while it works: nobody is shut out, what was sealed opens, old keys go when told to."""

from __future__ import annotations

import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyotp
import pytest
from cryptography.fernet import InvalidToken

from models.errors import RefusedInput
from models.tables import AuditEntry, Person
from service.access.auth import Role
from service.access.key_ring import office_keys, old_keys, turn_key
from service.access.opaque import PROSPECT_KEY, office_key, opened_prospect, sealed_prospect
from service.access.second_factor import unsealed
from service.integration.signing import KEY_FILE as WEBHOOK_KEY
from service.integration.signing import headers_of, secrets_of, signature
from service.learning.training_export import KEY_FILE as TRAINING_KEY
from service.office import Office
from service.usecases import rotate_keys
from service.usecases.manage_people import add_person
from service.usecases.rotate_keys import NAMES, list_keys, retire_old, rotate
from service.usecases.sign_in import SECOND_FACTOR_KEY, person_of, sign_in
from tests.shell import a_code

NOW = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)
WORDS = "correct horse battery staple"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office.open(tmp_path)


def people(office: Office, count: int) -> dict[str, str]:
    return {f"p{n}": add_person(office, f"p{n}", "P", Role.OFFICE, "", (), WORDS, NOW).secret for n in range(count)}


def enter(office: Office, person: str, secret: str, seconds: int = 0) -> str:
    moment = datetime.fromtimestamp(NOW.timestamp() + seconds, UTC)
    return sign_in(office, person, WORDS, pyotp.TOTP(secret).at(moment), moment, "r").token


def line(office: Office, name: str) -> dict[str, Any]:
    return next(each for each in list_keys(office) if each["name"] == name)


def told(office: Office) -> list[tuple[str, str]]:
    with office.read() as session:
        rows = session.query(AuditEntry).filter(AuditEntry.action.like("%_office_key")).order_by(AuditEntry.seq)
        return [(row.action, row.object_id) for row in rows]


def test_before_anything_is_used_there_are_names_and_no_keys(office: Office) -> None:
    assert [each["name"] for each in list_keys(office)] == list(NAMES)
    assert all(each["id"] is None and each["old"] == [] for each in list_keys(office))


@pytest.mark.parametrize("name", NAMES)
def test_each_key_is_changed_and_the_change_is_told(office: Office, name: str) -> None:
    first, second = rotate(office, name, NOW), rotate(office, name, NOW)
    assert first["id"] != second["id"]
    assert second == line(office, name)
    assert len(second["old"]) == (0 if name == "training" else 1 if name == "signing" else 2)
    assert told(office) == ([] if name == "signing" else [("rotate_office_key", name)] * 2)
    for path in office.home.glob("*.key*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


@pytest.mark.parametrize("name", ["", "evidence", "second-factor.key", "../x"])
def test_a_key_that_is_none_is_refused(office: Office, name: str) -> None:
    for change in (rotate, retire_old):
        with pytest.raises(RefusedInput) as refused:
            change(office, name, NOW)
        assert refused.value.field == "name"


def test_a_signing_key_is_not_removed(office: Office) -> None:
    with pytest.raises(RefusedInput):
        retire_old(office, "signing", NOW)


def test_second_factors_are_sealed_anew_and_the_old_key_opens_none(office: Office) -> None:
    secrets = people(office, 3)
    before = office_key(office.home, SECOND_FACTOR_KEY)
    rotate(office, "second-factor", NOW)
    after = office_key(office.home, SECOND_FACTOR_KEY)
    assert office_keys(office.home, SECOND_FACTOR_KEY) == (after, before)
    with office.read() as session:
        for person, secret in secrets.items():
            kept = session.get_one(Person, person).second_factor
            assert unsealed(kept, [after]) == secret
            with pytest.raises(InvalidToken):
                unsealed(kept, [before])
    assert retire_old(office, "second-factor", NOW)["old"] == []
    assert office_keys(office.home, SECOND_FACTOR_KEY) == (after,)
    for person, secret in secrets.items():
        enter(office, person, secret)


@pytest.mark.parametrize("where", ["turn", "seal", "commit"])
def test_a_rotation_cut_off_anywhere_shuts_nobody_out(
    office: Office, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    secrets = people(office, 2)

    class CutOff(Exception):
        pass

    def cut(*_: object, **__: object) -> None:
        raise CutOff

    with monkeypatch.context() as patch:
        if where == "turn":

            def half(home: Path, name: str, *, keep: bool) -> None:
                turn_key(home, name, keep=keep)
                cut()

            patch.setattr(rotate_keys, "turn_key", half)
        else:
            patch.setattr(rotate_keys, "_seal_anew" if where == "seal" else "record", cut)
        with pytest.raises(CutOff):
            rotate(office, "second-factor", NOW)
    for person, secret in secrets.items():
        enter(office, person, secret)
    retire_old(office, "second-factor", NOW)
    for person, secret in secrets.items():
        enter(office, person, secret, seconds=60)


def test_under_load_nobody_is_signed_out_or_kept_out(office: Office) -> None:
    secrets, entered, failed = people(office, 12), [], []
    held = enter(office, "p0", secrets.pop("p0"))

    def sign_all(part: list[tuple[str, str]]) -> None:
        for person, secret in part:
            try:
                entered.append(enter(office, person, secret))
            except Exception as problem:
                failed.append((person, problem))

    waiting = list(secrets.items())
    threads = [threading.Thread(target=sign_all, args=(waiting[start::3],)) for start in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        rotate(office, "second-factor", NOW)
        assert person_of(office, held, NOW)[0].client_id == "p0"
    retire_old(office, "second-factor", NOW)
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(entered) == len(waiting)
    for token in (held, *entered):
        person_of(office, token, NOW)


def test_an_id_of_a_prospect_opens_until_its_key_is_retired(office: Office) -> None:
    code = a_code(1)

    def opened(text: str) -> list[tuple[bytes, str]]:
        found = (opened_prospect(key, "bank", text) for key in office_keys(office.home, PROSPECT_KEY))
        return [each for each in found if each]

    before = sealed_prospect(office_key(office.home), "bank", b"12345678", code)
    rotate(office, "prospect", NOW)
    after = sealed_prospect(office_key(office.home), "bank", b"12345678", code)
    assert after != before
    assert opened(before) == opened(after) == [(b"12345678", code)]
    retire_old(office, "prospect", NOW)
    assert opened(before) == []
    assert opened(after) == [(b"12345678", code)]


def test_a_receiver_with_the_secret_of_before_still_verifies_until_it_is_retired(office: Office) -> None:
    def secrets() -> tuple[str, ...]:
        return secrets_of(office_keys(office.home, WEBHOOK_KEY), "e1", 1, None, NOW)

    (before,) = secrets()
    rotate(office, "webhook", NOW)
    current, old = secrets()
    assert (old, current != before) == (before, True)
    sent = headers_of(secrets(), "w1", 1, b"{}")["webhook-signature"].split()
    assert signature(before, "w1", 1, b"{}") in sent
    retire_old(office, "webhook", NOW)
    assert secrets() == (current,)


def test_names_in_training_files_change_and_no_way_back_is_kept(office: Office) -> None:
    before = office_key(office.home, TRAINING_KEY)
    rotate(office, "training", NOW)
    assert office_keys(office.home, TRAINING_KEY) != (before,)
    assert old_keys(office.home, TRAINING_KEY) == []
