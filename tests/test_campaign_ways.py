"""Campaigns beside the requests: as jobs that are never half done, as files a lender may read, and at the terminal."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import openpyxl
import pyarrow.parquet as parquet
import pytest
from sqlalchemy import func, select

from models.tables import Campaign, CampaignRow, CampaignVersion, Job
from service.books.rulebook import offers
from service.cli.program import REFUSED, run_program
from service.integration.export_files import MARK, flat, guarded
from service.jobs.shipped import KINDS
from service.jobs.worker import Worker
from tests.shell import Shell, a_city, is_problem

FORMULA = '=HYPERLINK("https://x.example")'

SPEC = """
quarter: 2025-01-01
name: first quarter
products:
  - {id: score-based-loan, firms: 5, yuan: "20000000"}
  - {id: micro-short-loan, firms: 5}
fair:
  - {by: size_class, least: "0.05"}
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_city(tmp_path_factory.mktemp("campaign-files"), firms=50)


def products(city: Shell) -> list[str]:
    snapshot = city.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    met = dict(
        zip(snapshot.rule_ids, (sum(int(byte).bit_count() for byte in bits) for bits in snapshot.met), strict=True)
    )
    return sorted((rule for rule in met if offers().products[rule].terms), key=lambda rule: -met[rule])[:4]


def draw_up(city: Shell, name: str, firms: int = 6) -> Any:
    said = [{"id": one, "firms": firms} for one in products(city)]
    body = {"quarter": "2025-01-01", "name": name, "products": said}
    return city.http.post("/v1/campaigns", json=body, headers=city.asks("office"))


def work(city: Shell, kind: str) -> int:
    return Worker(city.office, kinds={kind: KINDS[kind]}, now=city.clock).drain()


def counts(city: Shell, name: str) -> tuple[int, int, int]:
    """Campaigns of the name, their versions, their rows."""
    mine = select(Campaign.id).where(Campaign.name == name)
    with city.office.read() as session:
        return (
            len(session.scalars(mine).all()),
            session.scalar(select(func.count()).where(CampaignVersion.campaign_id.in_(mine))) or 0,
            session.scalar(select(func.count()).where(CampaignRow.campaign_id.in_(mine))) or 0,
        )


# ── large ones ───────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.usecases.ask_campaign.pairs_at_once", lambda: 0)


@pytest.mark.usefixtures("large")
def test_a_large_campaign_is_a_job_and_a_double_click_one_campaign(city: Shell) -> None:
    first, second = draw_up(city, "large"), draw_up(city, "large")
    assert (first.status_code, second.status_code) == (202, 202), first.text
    assert first.headers["location"] == f"/v1/jobs/{first.json()['id']}"
    assert first.json()["id"] == second.json()["id"]
    assert counts(city, "large") == (0, 0, 0)
    assert work(city, "campaign") == 1
    job = city.http.get(first.headers["location"], headers=city.asks("office")).json()
    assert (job["state"], job["result"]["version"], job["result"]["changed"]) == ("done", 1, True)
    office = city.asks("office")
    shown = city.http.get(f"/v1/campaigns/{job['result']['campaign_id']}", headers=office).json()
    assert shown["drawn_up_by"] == "office"
    assert counts(city, "large") == (1, 1, shown["rows"])
    # Asked for again later, it is drawn up again, and says the same.
    later = draw_up(city, "large")
    assert later.json()["id"] != job["id"]
    assert work(city, "campaign") == 1
    again = city.http.get(later.headers["location"], headers=office).json()["result"]
    assert again == {**job["result"], "changed": False}
    # Whoever drew it up does not publish it, by a job or not.
    path = f"/v1/campaigns/{shown['id']}/publication"
    is_problem(city.http.post(path, json={"version": 1}, headers=office), 403)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("where", ["_store", "record"])
def test_an_attempt_that_is_cut_off_leaves_no_half_campaign(
    city: Shell, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    name = f"cut off at {where}"
    asked = draw_up(city, name)

    def cut_off(*said: object) -> None:
        raise OSError("the machine went away")

    with monkeypatch.context() as broken:
        broken.setattr(f"service.usecases.draw_up_campaign.{where}", cut_off)
        assert work(city, "campaign") == 1
    assert counts(city, name) == (0, 0, 0)
    city.clock.forward(minutes=1)
    assert work(city, "campaign") == 1
    job = city.http.get(asked.headers["location"], headers=city.asks("office")).json()
    assert (job["state"], job["attempts"]) == ("done", 2)
    assert counts(city, name)[:2] == (1, 1)


@pytest.mark.usefixtures("large")
def test_an_attempt_whose_end_was_not_noted_is_made_again_and_writes_nothing_twice(
    city: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = draw_up(city, "not noted")

    def silent(*said: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("service.jobs.worker.finish", silent)
        with pytest.raises(KeyboardInterrupt):
            work(city, "campaign")
    before = counts(city, "not noted")
    assert before[:2] == (1, 1)
    city.clock.forward(minutes=5)
    assert work(city, "campaign") == 1
    job = city.http.get(asked.headers["location"], headers=city.asks("office")).json()
    assert (job["state"], job["result"]["changed"]) == ("done", False)
    assert counts(city, "not noted") == before


@pytest.mark.usefixtures("large")
def test_what_is_refused_is_refused_before_a_job_or_ends_it_with_its_words(city: Shell) -> None:
    wrong = {"quarter": "2025-01-01", "name": "wrong", "products": [{"id": "no-such-product"}]}
    assert city.http.post("/v1/campaigns", json=wrong, headers=city.asks("office")).status_code == 404
    with city.office.read() as session:
        assert "wrong" not in [job.arguments.get("spec", {}).get("name") for job in session.scalars(select(Job))]


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture(scope="module")
def published(city: Shell) -> dict[str, Any]:
    """A published campaign, a lender of it, and one of its rows whose firm opened itself under a formula for a name."""
    made: dict[str, Any] = draw_up(city, "for files").json()
    done = city.http.post(f"/v1/campaigns/{made['id']}/publication", json={"version": 1}, headers=city.asks("approver"))
    assert done.status_code == 200, done.text
    rows = city.http.get(f"/v1/campaigns/{made['id']}/rows?limit=500", headers=city.asks("office")).json()["items"]
    open_row = rows[0]
    with city.office.write() as session:
        row = session.get_one(CampaignRow, (made["id"], 1, open_row["row"]))
        row.firm_name = FORMULA
    word = {"at_a_time": 2, "per_quarter": 2, "valid_until": "2025-03-31"}
    firm = open_row["uscc"]
    assert city.http.post(f"/v1/firms/{firm}/contact", json=word, headers=city.asks("firm", firm)).status_code == 201
    return {"id": made["id"], "lender": open_row["lender"], "open": firm, "rows": rows}


def exported(city: Shell, campaign: str, role: str, tenant: str = "") -> tuple[dict[str, Any], dict[str, bytes]]:
    """The export once it is made, and its files."""
    headers = city.asks(role, tenant)
    body = {"kind": "campaign", "parameters": {"campaign_id": campaign}}
    asked = city.http.post("/v1/exports", json=body, headers=headers)
    assert asked.status_code == 202, asked.text
    work(city, "export")
    path = f"/v1/exports/{asked.json()['id']}"
    made = city.http.get(path, headers=headers).json()
    assert made["state"] == "ready", made
    files = made["manifest"]["files"]
    return made, {name: city.http.get(f"{path}/files/{name}", headers=headers).content for name in files}


def lines(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_lenders_file_holds_its_rows_and_names_open_firms_alone(city: Shell, published: dict[str, Any]) -> None:
    bank = published["lender"]
    made, files = exported(city, published["id"], "bank", bank)
    rows = lines(files["campaign.csv"])
    mine = [row for row in published["rows"] if row["lender"] == bank]
    assert [row["row"] for row in rows] == [row["row"] for row in mine]
    assert {row["lender"] for row in rows} == {bank}
    assert {each["rows"] for each in made["manifest"]["files"].values()} == {len(mine)}
    assert {row["uscc"] for row in rows} - {""} == {published["open"]}
    closed = [row for row in published["rows"] if row["uscc"] != published["open"]]
    everything = b"".join(files.values()).decode("utf-8", "ignore")
    table = parquet.read_table(io.BytesIO(files["campaign.parquet"])).to_pylist()
    sheet = openpyxl.load_workbook(io.BytesIO(files["campaign.xlsx"])).active
    assert sheet is not None
    for said in (everything, json.dumps(table, default=str), str([[each.value for each in line] for line in sheet])):
        assert not [row["uscc"] for row in closed if row["uscc"] in said or (row["name"] and row["name"] in said)]


def test_the_three_forms_say_the_same_and_a_name_that_is_a_formula_is_text(
    city: Shell, published: dict[str, Any]
) -> None:
    bank = published["lender"]
    _, files = exported(city, published["id"], "bank", bank)
    rows = lines(files["campaign.csv"])
    answers = city.http.get(f"/v1/campaigns/{published['id']}/rows?limit=500", headers=city.asks("bank", bank)).json()[
        "items"
    ]
    assert list(rows[0]) == [*flat(answers[0]), MARK]
    assert [{name: cell for name, cell in row.items() if name != MARK} for row in rows] == [
        {name: guarded(cell) for name, cell in flat(each).items()} for each in answers
    ]
    assert f"'{FORMULA}" in {row["name"] for row in rows}
    table = parquet.read_table(io.BytesIO(files["campaign.parquet"])).to_pylist()
    assert [row["row"] for row in table] == [row["row"] for row in rows]
    assert FORMULA in {row["name"] for row in table}
    sheet = openpyxl.load_workbook(io.BytesIO(files["campaign.xlsx"])).active
    assert sheet is not None
    assert (sheet.max_row, [cell.value for cell in sheet[1]]) == (len(rows) + 1, list(rows[0]))
    assert not [cell for line in sheet.iter_rows() for cell in line if cell.data_type == "f"]


def test_the_offices_file_holds_every_row_and_an_outsider_gets_none(city: Shell, published: dict[str, Any]) -> None:
    made, files = exported(city, published["id"], "office")
    rows = lines(files["campaign.csv"])
    assert [row["uscc"] for row in rows] == [row["uscc"] for row in published["rows"]]
    assert made["manifest"]["files"]["campaign.csv"]["rows"] == len(rows)
    assert {row[MARK] for row in rows} == {made["manifest"]["mark"]}
    body = {"kind": "campaign", "parameters": {"campaign_id": published["id"]}}
    asked = city.http.post("/v1/exports", json=body, headers=city.asks("bank", "stranger"))
    work(city, "export")
    path = f"/v1/exports/{asked.json()['id']}"
    assert city.http.get(path, headers=city.asks("bank", "stranger")).json()["state"] == "failed"


def test_when_the_firm_closes_itself_the_files_that_name_it_go(city: Shell, published: dict[str, Any]) -> None:
    bank, firm = published["lender"], published["open"]
    made, _ = exported(city, published["id"], "bank", bank)
    headers = city.asks("firm", firm)
    assert city.http.delete(f"/v1/firms/{firm}/contact", headers=headers).status_code in (200, 204)
    gone = city.http.get(f"/v1/exports/{made['id']}/files/campaign.csv", headers=city.asks("bank", bank))
    is_problem(gone, 410, "export_gone")


# ── at the terminal ──────────────────────────────────────────────────────────────────────────────────────────────────
def said_at_the_terminal(
    city: Shell, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any, *words: str
) -> tuple[int, Any]:
    """The exit code, and what was printed as JSON."""
    monkeypatch.setenv("RONGQIAO_HOME", str(city.office.home))
    code = run_program(["campaign", *words, "--json"])
    said = capfdbinary.readouterr()
    return code, json.loads(said.err if code else said.out)


def test_from_the_draft_to_the_report(
    city: Shell, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = city.office.home / "campaign.yaml"
    file.write_text(SPEC, encoding="utf-8")

    def ask(*words: str) -> tuple[int, Any]:
        return said_at_the_terminal(city, monkeypatch, capfdbinary, *words)

    code, made = ask("draft", str(file))
    assert (code, made["version"]) == (0, 1)
    assert ask("draft", str(file))[1]["version"] == 1
    assert run_program(["campaign", "show", made["id"]]) == 0
    assert made["id"] in capfdbinary.readouterr().out.decode()
    _, shown = ask("show", made["id"])
    row = shown["items"][0]
    _, early = ask("outcome", made["id"], row["row"], "contacted", "--lender", row["lender"])
    assert early["code"] == "not_found", "nothing is published yet"
    assert ask("publish", made["id"], "--version", "1", "--by", shown["drawn_up_by"])[0] == REFUSED
    code, done = ask("publish", made["id"], "--version", "1", "--by", "somebody else")
    assert (code, done["published_by"]) == (0, "somebody else")
    told = ask("outcome", made["id"], row["row"], "approved", "--lender", row["lender"], "--approved-yuan", "1000.50")
    assert told[1]["approved_yuan"] == "1000.50"
    code, report = ask("report", made["id"])
    assert (code, report["all"]["approved_yuan"], report["all"]["rows"]) == (0, "1000.50", made["rows"])
    assert run_program(["campaign", "report", made["id"]]) == 0


def test_what_is_refused(
    city: Shell, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    wrong = city.office.home / "wrong.yaml"
    for text in ("- a list", "quarter: 2025-01-01\nname: x\nproducts: []\n", "quarter: 2025-01-01\ncolour: red\n"):
        wrong.write_text(text, encoding="utf-8")
        code, problem = said_at_the_terminal(city, monkeypatch, capfdbinary, "draft", str(wrong))
        assert (code, problem["code"]) == (REFUSED, "bad_campaign")
    assert said_at_the_terminal(city, monkeypatch, capfdbinary, "show", "k_none")[0] == REFUSED
