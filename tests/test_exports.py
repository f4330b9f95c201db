"""Exports: the API's own answers as files, for whoever asked, as long as what they rest on stands."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.tables import Application, Client, Export, Need
from service.books.rulebook import lenders, offers
from service.books.seedbook import catalogue
from service.integration import exporting
from service.integration.export_files import MARK, flat, guarded, write_files
from service.integration.export_rows import ExportTerms, export_terms
from service.jobs.shipped import KINDS
from service.jobs.worker import Worker
from tests.shell import Shell, a_city, is_problem

BANKS = [lender.id for lender in lenders().values() if lender.kind == "bank"]
BANK, OTHER = BANKS[:2]
DIMENSIONS = sorted({item.dimension for item in catalogue().items.values()})
CONDITIONS = {"fact": "size_class", "op": "in", "value": ["micro", "small", "medium"]}
NAME = '=HYPERLINK("https://x.example")'


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = a_city(tmp_path_factory.mktemp("exports"), firms=60)
    snapshot = shell.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    for number in range(3):
        sent(shell, f"a_{number}", snapshot.firm_at(number), BANK)
    return shell


def sent(shell: Shell, name: str, firm: str, bank: str) -> None:
    now = shell.clock.moment
    today = now.date()
    until = today + timedelta(60)
    product = next(each for each in offers().products.values() if each.lender.id == bank).id
    said = {"term": 12, "term_unit": "month", "term_months": 12, "use": "working_capital", "security": "none_stated"}
    with shell.office.write() as session:
        session.add(
            Need(
                id=f"nd_{name}", firm=firm, low_fen=10_000_000, high_fen=90_000_000, **said, valid_until=until,
                state="open", open_key=f"{name}|x", content_sha256="", snapshot_id="", as_of=today, size_class="",
                section="", grade="", stated_by="f", stated_at=now,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            Application(
                id=name, need_id=f"nd_{name}", firm=firm, lender=bank, product=product, round=1, ask_fen=50_000_000,
                eligible=True, offered_at=now, reason="", silent=False, rate="", fees=[], reference="",
                stage="recommended", stage_since=today, clock_since=today, clock_due=today + timedelta(30), version=1,
                open_key=f"nd_{name}|{bank}",
            )
        )  # fmt: skip


def asked(city: Shell, kind: str, role: str = "bank", tenant: str = BANK, **parameters: Any) -> dict[str, Any]:
    body = {"kind": kind, "parameters": parameters}
    answer = city.http.post("/v1/exports", json=body, headers=city.asks(role, tenant))
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


def made(city: Shell, kind: str, role: str = "bank", tenant: str = BANK, **parameters: Any) -> dict[str, Any]:
    """An export whose job has been done."""
    export_id = asked(city, kind, role, tenant, **parameters)["id"]
    Worker(city.office, kinds={"export": KINDS["export"]}, now=city.clock).drain()
    found: dict[str, Any] = city.http.get(f"/v1/exports/{export_id}", headers=city.asks(role, tenant)).json()
    return found


def fetched(city: Shell, export: dict[str, Any], name: str, role: str = "bank", tenant: str = BANK) -> Any:
    path = f"/v1/exports/{export['id']}/files/{name}"
    return city.http.get(path, headers=city.asks(role, tenant))


def read_csv(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def consent(city: Shell, firm: str) -> str:
    today = city.clock.moment.date()
    days = {"valid_from": f"{today}", "valid_until": f"{today + timedelta(30)}"}
    body = {"lender": BANK, "purpose": "pre_loan", "dimensions": DIMENSIONS, "personal": False, **days}
    headers = city.asks("firm", firm)
    text = city.http.post(f"/v1/firms/{firm}/consents/text", json=body, headers=headers).json()
    given = city.http.post(
        f"/v1/firms/{firm}/consents", json=body | {"text_sha256": text["text_sha256"]}, headers=headers
    )
    assert given.status_code == 201, given.text
    return str(given.json()["id"])


# ── what a file holds ────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("role", "tenant"), [("bank", BANK), ("bank", OTHER), ("office", "")])
@pytest.mark.parametrize("kind", ["applications", "prospects"])
def test_a_file_holds_what_the_answers_hold_and_nothing_else(city: Shell, kind: str, role: str, tenant: str) -> None:
    headers = city.asks(role, tenant)
    if kind == "applications":
        answers = city.http.get("/v1/applications?limit=500", headers=headers).json()["items"]
        export = made(city, kind, role, tenant)
    else:
        body = {"conditions": CONDITIONS, "limit": 500}
        answers = city.http.post("/v1/prospects/search", json=body, headers=headers).json()["items"]
        export = made(city, kind, role, tenant, conditions=CONDITIONS)
    assert export["state"] == "ready", export
    rows = read_csv(fetched(city, export, f"{kind}.csv", role, tenant).content)
    expected = [{name: guarded(cell) for name, cell in flat(each).items() if cell is not None} for each in answers]
    shown = [{name: cell for name, cell in row.items() if cell and name != MARK} for row in rows]
    assert shown == [{name: cell for name, cell in row.items() if cell} for row in expected]
    assert export["manifest"]["files"][f"{kind}.csv"]["rows"] == len(answers)


def test_a_lender_without_consent_finds_no_identity_in_any_file(city: Shell) -> None:
    snapshot = city.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    codes = [snapshot.firm_at(row) for row in range(snapshot.firms)]
    for kind, parameters in (("applications", {}), ("prospects", {"conditions": CONDITIONS})):
        export = made(city, kind, tenant=BANK, **parameters)
        for name in export["manifest"]["files"]:
            content = fetched(city, export, name).content
            if name.endswith("xlsx"):
                sheet = openpyxl.load_workbook(io.BytesIO(content)).active
                content = str([[cell.value for cell in row] for row in sheet.iter_rows()]).encode()
            assert not [code for code in codes if code.encode() in content], name


def test_the_manifest_counts_and_every_row_says_for_whom(city: Shell) -> None:
    export = made(city, "applications")
    assert set(export["manifest"]["files"]) == {"applications.csv", "applications.xlsx", "applications.parquet"}
    for name, said in export["manifest"]["files"].items():
        answer = fetched(city, export, name)
        assert (len(answer.content), hashlib.sha256(answer.content).hexdigest()) == (said["bytes"], said["sha256"])
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["cache-control"] == "no-store"
    mark = f"{export['id']} {BANK} bank-{BANK} 2024-11-05T02:00:00+00:00 pre_loan"
    assert export["manifest"]["mark"] == mark
    table = parquet.read_table(io.BytesIO(fetched(city, export, "applications.parquet").content))
    sheet = openpyxl.load_workbook(io.BytesIO(fetched(city, export, "applications.xlsx").content)).active
    assert sheet is not None
    names, *rows = sheet.iter_rows(values_only=True)
    assert table.column_names == list(names) == list(read_csv(fetched(city, export, "applications.csv").content)[0])
    assert {row[-1] for row in rows} == set(table[MARK].to_pylist()) == {mark}
    assert [row[names.index("id")] for row in rows] == table["id"].to_pylist()
    folder = city.office.home / "exports" / export["id"]
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8")) == export["manifest"]


# ── whose it is, and until when ──────────────────────────────────────────────────────────────────────────────────────
def test_it_is_for_whoever_asked(city: Shell) -> None:
    export = made(city, "applications")
    for role, tenant in (("bank", OTHER), ("office", "")):
        is_problem(fetched(city, export, "applications.csv", role, tenant), 404)
        is_problem(city.http.get(f"/v1/exports/{export['id']}", headers=city.asks(role, tenant)), 404)
    is_problem(city.http.get(f"/v1/exports/{export['id']}", headers=city.asks("firm", "x")), 403)


def test_when_a_consent_ends_the_files_that_rest_on_it_go(city: Shell) -> None:
    snapshot = city.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    firm = snapshot.firm_at(0)
    before = made(city, "applications")
    given = consent(city, firm)
    named = made(city, "applications")
    (row,) = [each for each in read_csv(fetched(city, named, "applications.csv").content) if each["uscc"]]
    assert (row["uscc"], row["consent_id"]) == (firm, given)
    revoked = city.http.post(f"/v1/consents/{given}/revocation", headers=city.asks("firm", firm))
    assert revoked.status_code == 200
    is_problem(fetched(city, named, "applications.csv"), 410, "export_gone")
    assert not (city.office.home / "exports" / named["id"]).exists()
    assert fetched(city, before, "applications.csv").status_code == 200, "it named nobody"


def test_consent_is_asked_when_the_file_is_made_not_when_it_was_ordered(city: Shell) -> None:
    snapshot = city.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    firm = snapshot.firm_at(1)
    given = consent(city, firm)
    export = asked(city, "applications")
    city.http.post(f"/v1/consents/{given}/revocation", headers=city.asks("firm", firm))
    Worker(city.office, kinds={"export": KINDS["export"]}, now=city.clock).drain()
    assert firm.encode() not in fetched(city, export, "applications.csv").content


def test_not_ready_then_ready_then_expired(city: Shell) -> None:
    export = asked(city, "applications")
    assert (export["state"], export["manifest"]) == ("waiting", None)
    is_problem(fetched(city, export, "applications.csv"), 409, "not_ready")
    Worker(city.office, kinds={"export": KINDS["export"]}, now=city.clock).drain()
    is_problem(fetched(city, export, "../rongqiao.db"), 404)
    is_problem(fetched(city, export, "manifest.json"), 404)
    assert fetched(city, export, "applications.csv").status_code == 200
    began = city.clock.moment
    city.clock.forward(days=export_terms().days_kept)
    city.tokens.clear()
    made(city, "applications")
    assert not (city.office.home / "exports" / export["id"]).exists(), "the next export sweeps"
    is_problem(fetched(city, export, "applications.csv"), 410, "export_gone")
    city.clock.moment = began
    city.tokens.clear()


def test_a_system_that_was_disabled_meanwhile_gets_nothing(city: Shell) -> None:
    export = asked(city, "applications", tenant=OTHER)
    with city.office.write() as session:
        session.get_one(Client, f"bank-{OTHER}").disabled_at = city.clock.moment
    Worker(city.office, kinds={"export": KINDS["export"]}, now=city.clock).drain()
    with city.office.write() as session:
        session.get_one(Client, f"bank-{OTHER}").disabled_at = None
        assert session.get_one(Export, export["id"]).state == "waiting"
    found = city.http.get(f"/v1/exports/{export['id']}", headers=city.asks("bank", OTHER)).json()
    assert (found["state"], "not in use" in found["error"]) == ("failed", True)


def test_an_attempt_that_was_cut_off_leaves_nothing_and_the_next_one_makes_it(
    city: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = asked(city, "applications")
    work = Worker(city.office, kinds={"export": KINDS["export"]}, now=city.clock)
    with monkeypatch.context() as patched:
        patched.setattr(exporting, "record", _cut_off)
        work.drain()
    assert (
        not (city.office.home / "exports" / export["id"]).exists()
        or fetched(city, export, "applications.csv").status_code == 409
    )
    city.clock.forward(seconds=30)
    work.drain()
    assert fetched(city, export, "applications.csv").status_code == 200
    assert not list(city.office.work.glob("export-*"))


def _cut_off(*said: object) -> None:
    raise OSError


# ── bad input ────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "firms"}, "kind"),
        ({"kind": "applications", "parameters": {"uscc": "x"}}, "parameters.uscc"),
        ({"kind": "prospects"}, "parameters.conditions"),
        ({"kind": "prospects", "parameters": {"conditions": []}}, "parameters.conditions"),
        ({"kind": "campaign", "parameters": {"campaign_id": "c", "version": True}}, "parameters.version"),
        ({"kind": "campaign", "parameters": {"campaign_id": 7}}, "parameters.campaign_id"),
    ],
)
def test_an_unknown_list_or_parameter_is_refused(city: Shell, body: dict[str, Any], field: str) -> None:
    problem = is_problem(city.http.post("/v1/exports", json=body, headers=city.asks("bank", BANK)), 422)
    assert problem["field"] == field


def test_a_lender_says_what_for(city: Shell) -> None:
    headers = {name: value for name, value in city.asks("bank", BANK).items() if name != "X-Purpose"}
    is_problem(city.http.post("/v1/exports", json={"kind": "applications"}, headers=headers), 400, "purpose_missing")


def test_what_the_list_refuses_fails_the_export_with_its_words(city: Shell) -> None:
    conditions = {"fact": "no_such_fact", "op": "is", "value": 1}
    found = made(city, "prospects", conditions=conditions)
    assert (found["state"], found["manifest"], bool(found["error"])) == ("failed", None, True)
    gone = made(city, "campaign", campaign_id="nowhere")
    assert gone["state"] == "failed"


def test_too_many_rows_are_refused(city: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.integration.export_rows.export_terms", lambda: ExportTerms(7, 2))
    found = made(city, "applications")
    assert (found["state"], "at most" in found["error"]) == ("failed", True)


# ── the files alone ──────────────────────────────────────────────────────────────────────────────────────────────────
cells = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12) | st.sampled_from(
    ["=1+1", "+86", "-5.00", "@cmd", "＝1", "\t=1", "a\nb", '"', "'", "\x00", "\ufeff"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.fixed_dictionaries({"a": cells, "b": cells}), max_size=5))
def test_every_form_says_the_same_and_no_cell_is_a_formula(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("files")
    write_files(folder, "x", rows, "mark")
    with (folder / "x.csv").open(encoding="utf-8-sig", newline="") as file:
        said = [[row.get("a"), row.get("b")] for row in csv.DictReader(file)]
    assert said == [[guarded(row["a"]), guarded(row["b"])] for row in rows]
    for cell in (cell for row in said for cell in row if cell):
        assert cell[0] not in "=@\t\r\n＝＠＋－"
        assert cell[0] not in "+-" or cell[1:].replace(".", "", 1).isdigit()
    table = parquet.read_table(folder / "x.parquet").to_pylist()
    for row, kept in zip(rows, table, strict=True):
        assert [cell is None for cell in row.values()] == [kept[name] is None for name in row]
    sheet = openpyxl.load_workbook(folder / "x.xlsx").active
    assert sheet is not None
    assert sheet.max_row == len(rows) + 1
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_a_list_without_rows_is_a_file_with_a_header(tmp_path: Path) -> None:
    made = write_files(tmp_path, "x", [], "mark")
    assert {name: each["rows"] for name, each in made.items()} == {"x.csv": 0, "x.xlsx": 0, "x.parquet": 0}
    assert (tmp_path / "x.csv").read_bytes() == b"\xef\xbb\xbfexported\r\n"


def test_a_text_that_is_a_formula_is_guarded_and_a_negative_amount_is_not() -> None:
    assert guarded(NAME) == f"'{NAME}"
    assert [guarded(each) for each in ("-5.00", "-5", "+1", "-2+3", -5, 1.5, True, None)] == [
        "-5.00", "-5", "+1", "'-2+3", "-5", "1.5", "true", "",
    ]  # fmt: skip


def test_members_and_lists_become_columns() -> None:
    answer = {"id": "a", "lender": {"id": "b", "zh": "c"}, "fees": [{"fen": 1}], "none": [], "card": {}, "n": None}
    assert flat(answer) == {
        "id": "a", "lender.id": "b", "lender.zh": "c", "fees": '[{"fen":1}]', "none": None, "card": None, "n": None,
    }  # fmt: skip
