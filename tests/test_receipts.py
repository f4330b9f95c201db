"""Receipts: the same bytes again after new data, new rules and a new day; every tampering is named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update

from models.tables import FactSet, Receipt, Snapshot, UsageEvent
from service.access.auth import Role
from service.access.disclosure import Viewer
from service.answers.kept import KeptAnswers
from service.books.receipts import facts_text, has_receipt, keep_rule_set, read_facts, rules_folder
from service.books.rule_set import RuleSet, read_rule_set
from service.books.rulebook import objection_rules, offers, rules_digest
from service.books.seedbook import SEED, rule_set
from service.cases.marks import Mark
from service.office import Office
from service.snapshot.office_stages import office_stages
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.build_snapshot import build_snapshot
from service.usecases.count_usage import Usage, count_usage, usage_by_scheme
from service.usecases.ingest_batch import ingest_batch
from service.usecases.list_options import encoded_options, list_options
from service.usecases.replay_receipt import replay_receipt
from service.web.encode import encode
from tests.postgres import environ_of
from tests.receipt_office import NEED, NOW, asked, damage, damageable
from tests.shell import Shell, a_city

ROOT = Path(__file__).parent.parent


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


def test_new_data_new_rules_and_a_new_day_change_no_byte_of_an_old_answer(
    city: Shell, snapshot: OpenSnapshot, tmp_path: Path
) -> None:
    uscc = snapshot.firm_at(2)
    path = f"/v1/firms/{uscc}/options"
    told = city.http.get(path, params=NEED, headers=city.asks("office")).content
    receipt = json.loads(told)["receipt_id"]

    delivery = tmp_path / "ratings.csv"
    delivery.write_text(f"uscc,year,grade,rated_on\n{uscc},2023,D,2024-11-01\n")
    ingest_batch(city.office, "tax_credit_rating", delivery, received_at=datetime(2024, 11, 20, tzinfo=UTC))
    build_snapshot(city.office, date(2024, 11, 30), datetime(2024, 12, 3, tzinfo=UTC), stages=office_stages())
    assert replayed_bytes(city.office, receipt) == told

    shutil.copytree(SEED, tmp_path / "seed", ignore=shutil.ignore_patterns("__pycache__"))
    rule = tmp_path / "seed" / "schemes" / "shenyang" / "sy-first-loan-subsidy-2024.yaml"
    rule.write_text(rule.read_text(encoding="utf-8").replace('cap: "0.02"', 'cap: "0.01"'), encoding="utf-8")
    product = tmp_path / "seed" / "products" / "first-loan.yaml"
    product.unlink()
    product.with_name("first-loan.cases.yaml").unlink()

    shown = told_by(tmp_path, city.office.home, "replay", receipt, "--json")
    assert shown == encode(json.loads(told), indent=True) + b"\n"
    today = json.loads(told_by(tmp_path, city.office.home, "options", uscc, "--amount-yuan", "3000000", "--json"))
    assert today["snapshot_id"] != json.loads(told)["snapshot_id"]
    assert today["as_of"] == "2024-11-30"
    assert len(today["options"]) == len(json.loads(told)["options"]) - 1, "the rules really are other ones"
    table = told_by(tmp_path, city.office.home, "replay", receipt).decode()
    assert "sy-first-loan-subsidy-2024.yaml" in table
    assert "2 rule files have changed since" in table


def told_by(folder: Path, home: Path, *arguments: str) -> bytes:
    """What the command says when the `seed` in ``folder`` is the installed one."""
    environ = {**environ_of(home), "PYTHONPATH": str(ROOT), "RONGQIAO_HOME": str(home), "LANG": "en_GB.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments], cwd=folder, env=environ, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def replayed_bytes(office: Office, receipt: str) -> bytes:
    replayed = replay_receipt(office, receipt)
    assert replayed.broken is None, replayed.broken
    return encode(replayed.answer)


def test_every_firm_and_viewer_is_answered_the_same_again(city: Shell, snapshot: OpenSnapshot) -> None:
    for row in range(0, snapshot.firms, 15):
        for viewer in (Role.FIRM, Role.OFFICE):
            answer = asked(city, snapshot, row, viewer)
            assert replayed_bytes(city.office, answer["receipt_id"]) == encode(answer)


def test_the_same_question_has_one_receipt_and_another_viewer_another(city: Shell, snapshot: OpenSnapshot) -> None:
    first, again = asked(city, snapshot, 4), asked(city, snapshot, 4)
    assert first == again
    assert asked(city, snapshot, 4, Role.FIRM)["receipt_id"] != first["receipt_id"]
    with city.office.read() as session:
        kept = session.get(Receipt, first["receipt_id"])
        assert kept is not None
        sets = session.scalar(select(func.count()).where(FactSet.sha256 == kept.facts_sha256))
    assert sets == 1, "two receipts rest on one set of facts"
    assert kept.rules_digest == rules_digest()
    assert kept.as_of == snapshot.as_of


def test_the_rule_set_is_kept_whole_and_read_only(city: Shell, snapshot: OpenSnapshot) -> None:
    asked(city, snapshot)
    folder = rules_folder(city.office.home, rules_digest())
    assert read_rule_set(folder).files == rule_set().files
    assert not any(path.stat().st_mode & 0o222 for path in folder.rglob("*") if path.is_file())
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert keep_rule_set(city.office, rule_set()) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert not list(city.office.work.glob("rules-*"))


def test_of_two_that_keep_the_same_rules_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office.open(tmp_path)
    files = RuleSet({"a.yaml": b"a: 1\n", "b/c.yaml": b"c: 1\n"})
    folder = keep_rule_set(office, files)
    before, looked, exists = folder.stat().st_ino, [], Path.exists

    def late(path: Path) -> bool:
        looked.append(path)
        return False if looked.count(folder) == 1 else exists(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "exists", late)
        assert keep_rule_set(office, files) == folder
    assert looked.count(folder) == 2, "before writing, and when the rename found the other's folder"
    assert folder.stat().st_ino == before
    assert not list(office.work.iterdir())
    assert read_rule_set(folder).digest == files.digest
    office.close()


@pytest.mark.parametrize(
    "part",
    ["question", "answer_sha256", "as_of", "facts", "no facts", "rule", "rule gone", "rule added", "no rules"],
)
def test_what_was_tampered_with_is_named_and_nothing_is_answered(copied: tuple[Office, str], part: str) -> None:
    office, receipt = copied
    assert replay_receipt(office, receipt).broken is None
    expected = damage(office, part, receipt)
    replayed = replay_receipt(office, receipt)
    assert replayed.broken is not None
    assert replayed.broken.part == expected
    assert replayed.answer is None


def test_a_changed_snapshot_is_named_and_a_missing_one_is_not_needed(copied: tuple[Office, str]) -> None:
    office, receipt = copied
    before = encode(replay_receipt(office, receipt).answer)
    with office.read() as session:
        row = session.get(Receipt, receipt)
        assert row is not None
        others = session.scalars(select(Snapshot).where(Snapshot.id != row.snapshot_id)).all()
    folder = office.snapshots / row.snapshot_id
    other = office.snapshots / others[0].id
    shutil.copy(other / "manifest.json", folder / "manifest.json")
    changed = replay_receipt(office, receipt)
    assert changed.broken is not None
    assert changed.broken.part == "snapshot"
    assert encode(changed.answer) == before, "the kept facts still answer"
    shutil.rmtree(folder)
    gone = replay_receipt(office, receipt)
    assert gone.broken is None
    assert "no longer here" in gone.checks[-1].said
    assert encode(gone.answer) == before


def test_a_snapshot_with_other_values_names_the_first_fact(copied: tuple[Office, str]) -> None:
    office, receipt = copied
    with office.read() as session:
        row = session.get(Receipt, receipt)
        assert row is not None
    column = office.snapshots / row.snapshot_id / "derived" / "live.npy"
    body = bytearray(column.read_bytes())
    body[-60:] = bytes(1 - byte for byte in body[-60:])
    column.chmod(0o644)
    column.write_bytes(bytes(body))
    broken = replay_receipt(office, receipt).broken
    assert broken is not None
    assert broken.part == "snapshot/live"


def test_another_version_that_answers_otherwise_is_told_apart_from_tampering(
    copied: tuple[Office, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, receipt = copied
    monkeypatch.setattr("service.answers.options.Status", ["eligible"])
    monkeypatch.setattr("service.usecases.replay_receipt.product_version", lambda: "9.9")
    monkeypatch.setattr(
        "service.usecases.replay_receipt.options_answer", lambda asked, rules: {"uscc": asked.uscc, "options": []}
    )
    broken = replay_receipt(office, receipt).broken
    assert broken is not None
    assert broken.part == "answer"
    assert "9.9" in broken.said


def test_a_receipt_of_before_is_said_to_be_one(copied: tuple[Office, str]) -> None:
    office, receipt = copied
    with office.write() as session:
        session.execute(update(Receipt).where(Receipt.id == receipt).values(as_of=None, facts_sha256=""))
    broken = replay_receipt(office, receipt).broken
    assert broken is not None
    assert (broken.part, "before" in broken.said) == ("receipt", True)


SCALARS = st.one_of(
    st.decimals(-(10**12), 10**12, places=2),
    st.integers(-(10**15), 10**15),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.booleans(),
    st.text(max_size=20).filter(lambda text: text.isprintable()),
)


@given(st.dictionaries(st.text("abcdef_", min_size=1), SCALARS, max_size=8))
@settings(max_examples=80, deadline=None)
def test_facts_come_back_as_they_were(facts: dict[str, Any]) -> None:
    text = facts_text(facts)
    back = read_facts(text)
    assert back == facts
    assert {name: type(value) for name, value in back.items()} == {n: type(v) for n, v in facts.items()}
    assert facts_text(dict(reversed(facts.items()))) == text


# usage


def test_each_answer_counts_its_matches_once(city: Shell, snapshot: OpenSnapshot) -> None:
    answer = asked(city, snapshot, 11)
    matched = [o["id"] for o in answer["options"] if o["status"] == "eligible" and o["id"] in offers().schemes]
    day = date(2024, 11, 5)
    before = usage_by_scheme(city.office, day, day)
    assert asked(city, snapshot, 11) == answer
    assert usage_by_scheme(city.office, day, day) == before
    other = list_options(
        city.office, snapshot, snapshot.firm_at(11), {**NEED, "term_months": 11}, Viewer(Role.OFFICE), NOW
    )
    after = usage_by_scheme(city.office, day, day)
    assert matched
    for scheme in {o["id"] for o in other["options"] if o["status"] == "eligible" and o["id"] in offers().schemes}:
        assert after[scheme]["matched"] == before.get(scheme, {}).get("matched", 0) + 1


def test_usage_is_counted_by_scheme_day_and_kind_and_names_nobody(tmp_path: Path) -> None:
    office = Office.open(tmp_path)
    for day, kind, scheme in (
        (date(2024, 11, 1), Usage.SEEN, "a"),
        (date(2024, 11, 2), Usage.SEEN, "a"),
        (date(2024, 11, 2), Usage.APPLIED, "a"),
        (date(2024, 11, 3), Usage.PAID, "b"),
    ):
        count_usage(office, day, kind, scheme)
    none = {kind.value: 0 for kind in Usage}
    assert usage_by_scheme(office, date(2024, 11, 1), date(2024, 11, 2)) == {"a": {**none, "seen": 2, "applied": 1}}
    assert usage_by_scheme(office, date(2024, 11, 3), date(2024, 11, 3)) == {"b": {**none, "paid": 1}}
    assert usage_by_scheme(office, date(2024, 12, 1), date(2024, 12, 3)) == {}
    assert {column.name for column in UsageEvent.__table__.columns} == {"seq", "day", "scheme", "kind", "count"}
    office.close()


def test_an_answer_that_is_kept_is_the_answer_and_goes_with_what_it_rests_on(
    city: Shell, snapshot: OpenSnapshot, copied: tuple[Office, str]
) -> None:
    office, _ = copied
    kept, firm, viewer = KeptAnswers(), snapshot.firm_at(7), Viewer(Role.OFFICE)
    first, again = (encoded_options(kept, office, snapshot, firm, NEED, viewer, NOW) for _ in range(2))
    assert first == again == encode(list_options(office, snapshot, firm, NEED, viewer, NOW))
    own = encoded_options(kept, office, snapshot, firm, NEED, Viewer(Role.FIRM), NOW)
    assert own == encode(list_options(office, snapshot, firm, NEED, Viewer(Role.FIRM), NOW)) != first
    stage, reason = next(iter(objection_rules().procedure.stages)), next(iter(objection_rules().reasons))
    mark = Mark("o-1", "firm_name", "r-1", stage, reason, NOW, "Not ours.")
    marked = encoded_options(kept, office, snapshot, firm, NEED, viewer, NOW, (mark,))
    assert orjson.loads(marked)["contested"], "an objection that stands is told, whatever was kept before it"
    receipt = orjson.loads(first)["receipt_id"]
    with office.write() as session:
        session.execute(delete(Receipt).where(Receipt.id == receipt))
    assert encoded_options(kept, office, snapshot, firm, NEED, viewer, NOW) == first
    assert has_receipt(office, receipt), "no answer names a receipt that is not there"
