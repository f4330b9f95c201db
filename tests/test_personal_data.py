"""Information about persons: what is exported, what is deleted and what stays, how long it is kept, what is masked."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import func, select

from models.errors import DataFileError
from models.tables import (
    AuditEntry,
    Base,
    Batch,
    Consent,
    Erasure,
    FactSet,
    KeptAnswer,
    Receipt,
    RetentionRun,
    SignIn,
    Snapshot,
    Token,
    UsedAssertion,
)  # fmt: skip
from service.access.auth import MAY, Role
from service.api.guard import FirmGuard
from service.api.shapes_personal import ErasureAnswer, PersonalDataAnswer, RetentionRunShape
from service.app import guard_of
from service.books.rulebook import lenders
from service.books.seedbook import catalogue, feeds, rule_set
from service.personal import held
from service.personal.about import is_sole_proprietor
from service.personal.records import REPLACED, sole_proprietors
from service.personal.rules import parse_retention_rules, retention_rules
from service.records import lake
from service.records.firm_records import firm_records
from service.usecases.ingest_batch import ingest_batch
from service.usecases.retention import run_retention
from tests.shell import Shell, a_city, a_code, a_shell, is_problem

BANK = next(lender.id for lender in lenders().values() if lender.kind == "bank")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_city(tmp_path_factory.mktemp("personal"))


def consent(shell: Shell, firm: str, **changes: Any) -> str:
    now = shell.clock.moment
    row = {
        "id": f"c_{firm[-5:]}_{len(changes)}_{changes.get('lender', '')}"[:40], "firm": firm, "lender": BANK,
        "purpose": "pre_loan", "dimensions": ["basic"], "personal": True, "valid_from": now.date(),
        "valid_until": now.date() + timedelta(days=30), "text_sha256": "0" * 64, "given_by": "somebody",
        "given_at": now, **changes,
    }  # fmt: skip
    with shell.office.write() as session:
        session.merge(Consent(**row))
    return str(row["id"])


def sole(shell: Shell, place: int = 0) -> str:
    return sole_proprietors(shell.office)[place]


def a_company(shell: Shell, place: int = 0) -> str:
    snapshot = shell.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    persons = set(sole_proprietors(shell.office))
    return [code for row in range(snapshot.firms) if (code := snapshot.firm_at(row)) not in persons][place]


def ask(shell: Shell, firm: str, **query: str) -> Any:
    return shell.http.get(f"/v1/firms/{firm}/personal-data", params=query, headers=shell.asks("firm", firm))


# ── who is a person ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_sole_proprietor_is_who_its_newest_registration_says(city: Shell) -> None:
    persons = set(sole_proprietors(city.office))
    assert persons
    assert is_sole_proprietor(city.office, sole(city)) is True
    assert is_sole_proprietor(city.office, a_company(city)) is False
    assert is_sole_proprietor(city.office, a_code(9_999_999)) is None


# ── 查阅、复制 ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_sole_proprietor_gets_every_record_and_a_company_those_about_persons(city: Shell) -> None:
    person, company = sole(city), a_company(city)
    told = {firm: PersonalDataAnswer.model_validate_json(ask(city, firm).content) for firm in (person, company)}
    by_feed = {
        firm: {each.id for each in answer.sections if each.id.startswith("record/")} for firm, answer in told.items()
    }
    everything = {f"record/{feed.id}" for feed in feeds().values() if firm_records(city.office, feed, person)}
    assert by_feed[person] == everything
    assert "record/business_registration" in everything
    assert by_feed[company] <= {f"record/{feed.id}" for feed in feeds().values() if feed.personal}
    assert "record/registered_person" in by_feed[company]
    assert (told[person].sole_proprietor, told[company].sole_proprietor) == (True, False)
    assert {each.id for each in told[person].stays} >= {"journal", "consents"}


def test_the_export_holds_the_rows_of_the_office_too_and_no_secret(city: Shell) -> None:
    firm = sole(city, 1)
    consent(city, firm)
    assert city.http.get(f"/v1/firms/{firm}/options", headers=city.asks("office")).status_code == 200
    answer = ask(city, firm)
    sections = {each["id"]: each["items"] for each in answer.json()["sections"]}
    assert {"table/consent", "table/audit_entry", "table/receipt", "table/fact_set", "table/client"} <= set(sections)
    assert [each["lender"] for each in sections["table/consent"]] == [BANK]
    assert {each["action"] for each in sections["table/audit_entry"]} >= {"read_options", "read_personal_data"}
    assert all(name not in answer.text for name in ("secret_sha256", "password_hash", "second_factor", "entry_hash"))
    assert ask(city, sole(city, 2)).text.count(firm) == 0, "somebody else's export holds nothing of this firm"


def test_as_a_table_it_says_the_same_and_opens_safely(city: Shell) -> None:
    firm = sole(city)
    answer = ask(city, firm, format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row["section"] for row in rows} == {each["id"] for each in ask(city, firm).json()["sections"]}
    assert any(row["field"] == "content.name" and row["value"] for row in rows)
    assert not [row for row in rows if row["value"][:1] in "=@+"]


@pytest.mark.parametrize(("lang", "words"), [("zh", "保存期限"), ("en", "How long what is kept")])
def test_as_a_page_it_is_for_people(city: Shell, lang: str, words: str) -> None:
    answer = ask(city, sole(city), format="html", lang=lang)
    assert answer.headers["content-type"].startswith("text/html")
    assert words in answer.text
    assert "<script" not in answer.text
    is_problem(ask(city, sole(city), format="xml"), 422, "bad_format")


def test_only_who_it_is_about_gets_it(city: Shell) -> None:
    firm, other = sole(city), sole(city, 3)
    path = f"/v1/firms/{firm}/personal-data"
    is_problem(city.http.get(path, headers=city.asks("firm", other)), 404, "unknown_firm")
    is_problem(city.http.post(f"{path}/erasure", headers=city.asks("firm", other)), 404, "unknown_firm")
    for role in set(Role) - {Role.FIRM}:
        headers = city.asks(role, BANK if role in (Role.BANK, Role.GUARANTOR) else "tax" if role is Role.AGENCY else "")
        is_problem(city.http.get(path, headers=headers), 403)
        is_problem(city.http.post(f"{path}/erasure", headers=headers), 403)


def test_every_table_that_names_a_firm_is_exported_or_says_why_not() -> None:
    """New tables are in the export by themselves; a name for the firm the export does not know would hide one."""
    known = set(held.NAMES_FIRM) | {"firm_id", "code"}
    for table in Base.metadata.sorted_tables:
        assert not [column.name for column in table.c if "uscc" in column.name and column.name not in known], table.name
    assert set(held.NOT_HELD) | set(held.WITHHELD) <= set(Base.metadata.tables) | {"job"}
    assert all(held.NOT_HELD.values())
    for table, columns in held.WITHHELD.items():
        assert columns <= {column.name for column in Base.metadata.tables[table].c}


# ── 删除 ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_who_asks_for_deletion_gets_it_except_what_stays_with_its_reason(city: Shell, tmp_path: Path) -> None:
    firm = sole(city, 4)
    headers = city.asks("firm", firm)
    ids = [consent(city, firm, lender=f"bank-{number}", personal=bool(number)) for number in range(2)]
    assert city.http.get(f"/v1/firms/{firm}/options", headers=headers).status_code == 200
    said = next(feed for feed in feeds().values() if feed.share == "self_reported")
    before = {feed.id: len(firm_records(city.office, feed, firm)) for feed in feeds().values()}
    answer = city.http.post(f"/v1/firms/{firm}/personal-data/erasure", headers=headers)
    told = ErasureAnswer.model_validate_json(answer.content)
    assert told.removed["consents"] == 2, "of a person every consent, also one that covers the firm alone"
    assert told.removed["facts"] == 1
    assert told.removed["self_reported"] == before[said.id]
    assert {each.id for each in told.stays} >= {"journal", "agency_records"}
    with city.office.read() as session:
        assert all(session.get_one(Consent, each).revoked_at == city.clock.moment for each in ids)
        own = session.scalars(select(Receipt.facts_sha256).where(Receipt.subject == firm)).all()
        assert own
        assert session.scalar(select(func.count()).select_from(FactSet).where(FactSet.sha256.in_(own))) == 0
        actions = session.scalars(select(AuditEntry.action).where(AuditEntry.firm == firm)).all()
        assert session.scalars(select(Erasure).where(Erasure.firm == firm)).one().report["removed"] == told.removed
    assert actions.count("revoke_consent") == 2
    assert "erase_personal_data" in actions
    assert not firm_records(city.office, said, firm)
    after = {feed.id: len(firm_records(city.office, feed, firm)) for feed in feeds().values() if feed.share == "public"}
    assert after.items() <= before.items(), "what agencies delivered stays"
    city.clock.forward(seconds=1)
    again = city.http.post(f"/v1/firms/{firm}/personal-data/erasure", headers=headers).json()["removed"]
    assert again == {"self_reported": 0, "outlived": 0, "consents": 0, "facts": 0, "kept_answers": 0}


def test_a_company_keeps_its_own_consents_and_withdraws_those_about_persons(city: Shell) -> None:
    firm = a_company(city, 1)
    own = consent(city, firm, lender="bank-x", personal=False)
    about_persons = consent(city, firm, lender="bank-y", personal=True)
    headers = city.asks("firm", firm)
    told = city.http.post(f"/v1/firms/{firm}/personal-data/erasure", headers=headers).json()
    assert told["removed"]["consents"] == 1
    with city.office.read() as session:
        assert session.get_one(Consent, own).revoked_at is None
        assert session.get_one(Consent, about_persons).revoked_at is not None


# ── 保存期限 ──────────────────────────────────────────────────────────────────────────────────────────────────────────
PERSON, COMPANY = a_code(1), a_code(2)


@pytest.fixture
def office_of_two(tmp_path: Path) -> Shell:
    """An office that knows one sole proprietor and one company, and nothing else."""
    shell = a_shell(tmp_path / "office")
    header = "uscc,recorded_on,name,entity_type,ownership,established_on,status,district,industry_code"
    rest = "private,2015-01-01,active,210102,F5211"
    kinds = ((PERSON, "sole_proprietor"), (COMPANY, "company"))
    rows = [f"{firm},2015-01-01,某店（虚构）,{kind},{rest}" for firm, kind in kinds]
    deliver(shell, tmp_path, "business_registration", header, *rows)
    return shell


def deliver(shell: Shell, folder: Path, feed: str, header: str, *rows: str) -> None:
    file = folder / f"{feed}-{len(rows)}.csv"
    file.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    report = ingest_batch(shell.office, feed, file, received_at=shell.clock.moment)
    assert report.rows_landed == len(rows), report


def lake_text(shell: Shell) -> str:
    return "\n".join(str(pq.read_table(path).to_pylist()) for path in sorted(shell.office.lake.glob("*/*.parquet")))


def test_adverse_records_of_persons_go_after_five_years_and_those_of_companies_stay(
    office_of_two: Shell, tmp_path: Path
) -> None:
    person, company = PERSON, COMPANY
    feed = feeds()["administrative_penalty"]
    header = "uscc,document_no,decided_on,authority,severity,amount_yuan"

    def row(firm: str, document: str, day: str) -> str:
        return f"{firm},{document},{day},某局（虚构）,general,1000"

    recent = (office_of_two.clock.moment.date() - timedelta(days=30)).isoformat()
    rows = [
        row(person, "OLD-PERSON", "2019-11-04"), row(person, "NEW-PERSON", recent),
        row(company, "OLD-COMPANY", "2019-11-04"),
    ]  # fmt: skip
    deliver(office_of_two, tmp_path, feed.id, header, *rows)
    assert all(name in lake_text(office_of_two) for name in ("OLD-PERSON", "NEW-PERSON", "OLD-COMPANY"))

    now = office_of_two.clock.moment
    dry = run_retention(office_of_two.office, now, "test", dry_run=True)
    assert counts(dry)["personal_records"] == 1
    assert "OLD-PERSON" in lake_text(office_of_two)
    done = run_retention(office_of_two.office, now + timedelta(seconds=1), "test")
    assert counts(done)["personal_records"] == 1
    text = lake_text(office_of_two)
    assert "OLD-PERSON" not in text
    assert "NEW-PERSON" in text
    assert "OLD-COMPANY" in text
    assert [each.content["document_no"] for each in firm_records(office_of_two.office, feed, company)] == [
        "OLD-COMPANY"
    ]
    with office_of_two.office.read() as session:
        replaced = session.scalars(select(Batch).where(Batch.status == REPLACED)).one()
        assert session.scalar(select(AuditEntry.detail).where(AuditEntry.action == "remove_records"))
    assert not lake.record_path(office_of_two.office.lake, feed.id, replaced.id).exists()
    file = tmp_path / "again.csv"
    file.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    again = ingest_batch(office_of_two.office, feed.id, file, received_at=now + timedelta(days=1))
    assert again.status == "unchanged", "the file that brought it does not bring it back"
    assert counts(run_retention(office_of_two.office, now + timedelta(days=1), "test"))["personal_records"] == 0


def counts(run: dict[str, Any]) -> dict[str, int]:
    return {rule["id"]: rule["removed"] for rule in run["rules"]}


def test_what_has_ended_goes_and_what_has_not_stays(office_of_two: Shell, tmp_path: Path) -> None:
    office, now = office_of_two.office, office_of_two.clock.moment
    firm = COMPANY
    office_of_two.asks("office")
    ended = consent(office_of_two, firm, lender="old", valid_until=date(2019, 1, 1))
    living = consent(office_of_two, firm, lender="new", personal=False)
    moment = {"made_at": now, "fingerprint": "f"}
    with office.write() as session:
        session.add(KeptAnswer(asker="a", key_sha256="1", expires_at=now, **moment))
        session.add(KeptAnswer(asker="a", key_sha256="2", expires_at=now + timedelta(seconds=1), **moment))
        session.add(FactSet(sha256="f", body="{}"))
        session.add(
            Receipt(
                id="r", kind="options", subject=firm, snapshot_id="s", rules_digest="d", question={}, answer_sha256="a",
                answered_at=now, facts_sha256="f",
            )
        )  # fmt: skip
        session.add(UsedAssertion(client_id="office", jti_sha256="j", expires_at=now))
    bad = tmp_path / "bad.csv"
    bad.write_text(
        "uscc,year,grade,rated_on\n" + f"{firm},2023,A,2024-11-01\n" * 30 + "身份证210,2023,A,2024-11-01\n",
        encoding="utf-8",
    )
    batch = ingest_batch(office, "tax_credit_rating", bad, received_at=now).batch_id
    assert "210" in lake.rejects_path(office.lake, batch).read_text(encoding="utf-8")

    first = counts(run_retention(office, now, "test"))
    assert (first["kept_answers"], first["assertions"], first["consent_details"]) == (1, 1, 1)
    assert (first["quarantine"], first["receipt_facts"], first["tokens"]) == (0, 0, 0)
    with office.read() as session:
        assert (session.get_one(Consent, ended).dimensions, session.get_one(Consent, ended).given_by) == ([], "")
        assert session.get_one(Consent, living).given_by == "somebody"
    second = counts(run_retention(office, now + timedelta(days=91), "test"))
    assert second["quarantine"] == 1
    assert second["tokens"] >= 1
    assert second["kept_answers"] == 1
    assert "210" not in lake.rejects_path(office.lake, batch).read_text(encoding="utf-8")
    third = counts(run_retention(office, now + timedelta(days=6 * 366), "test"))
    assert third["receipt_facts"] == 1
    assert third["consent_details"] == 1
    again = counts(run_retention(office, now + timedelta(days=6 * 366, seconds=1), "test"))
    assert not any(again.values()), "a second run finds nothing"
    with office.read() as session:
        assert session.scalar(select(func.count()).select_from(Receipt)), "receipts stay"
        assert not session.scalar(select(func.count()).select_from(FactSet))
        for table in (Token, SignIn, KeptAnswer, UsedAssertion):
            assert not session.scalar(select(func.count()).select_from(table))
        runs = session.scalars(select(RetentionRun)).all()
        told = session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "run_retention")).all()
    assert len(runs) == len(told) == 4
    assert all(run.rules_sha256 == retention_rules().sha256 for run in runs)


def test_of_a_day_built_again_and_again_the_first_and_the_newest_stay(office_of_two: Shell) -> None:
    office, now = office_of_two.office, office_of_two.clock.moment
    as_of = date(2024, 9, 30)
    with office.write() as session:
        for number in range(4):
            session.add(
                Snapshot(
                    id=f"again{number}", as_of=as_of, known_by=now, built_at=now + timedelta(hours=number), firms=1,
                    manifest_sha256="0" * 64,
                )
            )  # fmt: skip
    for number in range(4):
        (office.snapshots / f"again{number}").mkdir()
    (office.snapshots / "of no build").mkdir()
    assert counts(run_retention(office, now + timedelta(days=29), "test"))["rebuilt_snapshots"] == 0
    assert counts(run_retention(office, now + timedelta(days=31), "test"))["rebuilt_snapshots"] == 2
    with office.read() as session:
        of_day = session.scalars(select(Snapshot.id).where(Snapshot.as_of == as_of).order_by(Snapshot.seq)).all()
    assert of_day == ["again0", "again3"]
    assert {path.name for path in office.snapshots.iterdir()} == set(of_day)


def test_runs_are_listed_for_staff_and_auditor(office_of_two: Shell) -> None:
    run_retention(office_of_two.office, office_of_two.clock.moment, "test", dry_run=True)
    for role in ("office", "auditor"):
        (item,) = office_of_two.http.get("/v1/retention-runs", headers=office_of_two.asks(role)).json()["items"]
        assert RetentionRunShape.model_validate_json(json.dumps(item)).dry_run
    is_problem(office_of_two.http.get("/v1/retention-runs", headers=office_of_two.asks("bank", BANK)), 403)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda d: d["rules"].pop(), "rules"),
        (lambda d: d["rules"][0].update(keep={"weeks": 1}), "keep"),
        (lambda d: d["rules"][0].update(keep={"days": -1}), "keep"),
        (lambda d: d["rules"][0].update(keep={"days": True}), "keep"),
        (lambda d: d["rules"][1].update(cite=""), "cite"),
        (lambda d: d["rules"][1].update(confirmed="yes"), "confirmed"),
        (lambda d: d["kept"][0].pop("why_zh"), "why_zh"),
        (lambda d: d.pop("kept"), "kept"),
        (lambda d: d.pop("backups"), "zh"),
    ],
)
def test_a_rule_file_that_says_too_little_is_refused(change: Any, field: str) -> None:
    document = rule_set().document("retention.yaml")
    change(document)
    with pytest.raises(DataFileError) as refused:
        parse_retention_rules(document)
    assert refused.value.field == field


def test_five_years_are_counted_in_calendar_years() -> None:
    rule = retention_rules().rules["personal_records"]
    assert rule.over(datetime(2024, 2, 29, 12, tzinfo=UTC)) == datetime(2019, 2, 28, 12, tzinfo=UTC)
    assert rule.over(datetime(2024, 11, 5, tzinfo=UTC)) == datetime(2019, 11, 5, tzinfo=UTC)


# ── masking ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def persons(shell: Shell) -> set[str]:
    """Names and ids of every officer and shareholder who is a person, as the agency delivered them."""
    found: set[str] = set()
    for feed in (feeds()["registered_person"], feeds()["shareholder"]):
        for path in (shell.office.lake / feed.id).glob("*.parquet"):
            for row in pq.read_table(path).to_pylist():
                if row.get("holder_kind", "person") == "person":
                    found |= {
                        row[name]
                        for name in ("person_ref", "person_name", "holder_ref", "holder_name")
                        if row.get(name)
                    }
    return {each for each in found if len(each) > 1}


def paths(shell: Shell, firm: str) -> Iterator[tuple[APIRoute, str]]:
    """Every GET route with ids of things that are there."""
    with shell.office.read() as session:
        known = {
            "uscc": firm, "feed_id": "registered_person", "product_id": "contract-loan", "parameter_id": "lpr_1y",
            "scheme_id": "sy-first-loan-subsidy-2024",
            "receipt_id": session.scalars(select(Receipt.id).where(Receipt.subject == firm)).first() or "none",
            "batch_id": session.scalars(select(Batch.id).where(Batch.feed == "registered_person")).first() or "none",
        }  # fmt: skip
    for route in shell.http.app.routes:  # type: ignore[attr-defined]
        if isinstance(route, APIRoute) and "GET" in route.methods and guard_of(route):
            yield route, re.sub(r"\{(\w+)\}", lambda found: str(known.get(found[1], "none")), route.path)


def test_no_answer_tells_staff_or_lenders_who_the_persons_behind_a_firm_are(city: Shell) -> None:
    firm, names = a_company(city, 2), persons(city)
    assert len(names) > 50
    everything = sorted({item.dimension for item in catalogue().items.values()})
    consent(city, firm, dimensions=everything, personal=False)
    assert city.http.get(f"/v1/firms/{firm}/options", headers=city.asks("office")).status_code == 200
    callers = {role: city.asks(role) for role in (Role.OFFICE, Role.APPROVER, Role.AUDITOR)}
    callers[Role.BANK] = city.asks("bank", BANK)
    answered = 0
    for route, path in paths(city, firm):
        guard = guard_of(route)
        assert guard is not None
        for role, headers in callers.items():
            answer = city.http.get(path, headers=headers)
            told = sorted(name for name in names if name in answer.text)
            assert not told, f"{role} {path} tells {told[:3]}"
            answered += answer.status_code == 200 and (role in MAY[guard.action])
    assert answered > 40
    own = city.http.get(f"/v1/firms/{firm}/profile", headers=city.asks("firm", firm))
    assert any(name in own.text for name in names), "the firm itself is told, so the test could have seen them"
    assert isinstance(guard_of(next(r for r, p in paths(city, firm) if p.endswith("/profile"))), FirmGuard)
