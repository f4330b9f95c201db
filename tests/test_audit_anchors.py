"""Anchors: signed ends of the journal, kept beside it and elsewhere, against which a cut tail shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from models.errors import DataFileError, RefusedInput
from service.audit.journal import record
from service.cli import run
from service.office import Office
from service.registry.keys import KEY_FILE, rotate_key
from service.usecases.read_audit import ANCHORS, anchor, audit_state
from tests.test_audit import NOON, an_event, tampered, written


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office.open(tmp_path)
    rotate_key(office, NOON)
    return office


def test_a_cut_and_rewritten_tail_shows_against_the_anchor(office: Office) -> None:
    written(office, 6)
    anchor(office, NOON)
    before = audit_state(office)
    assert (before["whole"], before["anchors"], before["entries"]) == (True, 1, 7)
    with office.read() as session:
        four = session.execute(text("select entry_hash from audit_entry where seq = 4")).scalar_one()
    tampered(
        office,
        "delete from audit_entry where seq > 4",
        f"update audit_head set seq = 4, entry_hash = '{four}'",
    )
    cut = audit_state(office)
    assert (cut["whole"], cut["first_bad_entry"]) == (False, 5)
    with office.write() as session:
        record(session, *(an_event(number + 50) for number in range(5)))
    assert audit_state(office)["first_bad_entry"] == 7


def test_anchors_of_a_retired_key_still_hold(office: Office) -> None:
    written(office, 2)
    anchor(office, NOON)
    rotate_key(office, NOON)
    written(office, 2)
    anchor(office, NOON)
    assert audit_state(office)["anchors"] == 2


@pytest.mark.parametrize("change", ["seq", "entry_hash", "signature", "key_id", "line"])
def test_a_forged_anchor_is_named_by_its_line(office: Office, change: str) -> None:
    written(office, 2)
    anchor(office, NOON)
    anchor(office, NOON)
    path = office.home / ANCHORS
    lines = path.read_text().splitlines()
    said = json.loads(lines[1])
    said[change] = 1 if change == "seq" else "0" * 16
    lines[1] = "nonsense" if change == "line" else json.dumps(said)
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataFileError) as refused:
        audit_state(office)
    assert refused.value.line == 2


def test_the_first_anchor_makes_the_key_and_a_lost_key_is_not_replaced_in_silence(tmp_path: Path) -> None:
    office = Office.open(tmp_path)
    anchor(office, NOON)
    assert audit_state(office)["anchors"] == 1
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(RefusedInput, match="signing key"):
        anchor(office, NOON)


def test_the_command_names_the_first_bad_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    office = Office.open(tmp_path)
    written(office, 3)
    monkeypatch.setenv("RONGQIAO_HOME", str(tmp_path))
    assert run(["audit", "verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["whole"] is True
    tampered(office, "update audit_entry set firm = '' where seq = 2")
    assert run(["audit", "verify"]) == 2
    assert "value: 2" in capsys.readouterr().err
    office.close()
