"""Ingest: a delivery lands whole or not at all, repeats change nothing, corrections are marked, refusals readable."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from models.errors import NotFound, RefusedInput
from models.tables import Batch
from scoring.intake import lake_schema
from service.books.seedbook import feeds
from service.office import Office
from service.records import lake, landed
from service.records.delivery import Progress
from service.usecases.ingest_batch import BatchReport, ingest_batch
from service.usecases.read_rejects import read_rejects
from tests.deliveries import PENALTY, PENALTY_HEADER, RECEIVED, code, csv_text, penalty, write

Rows = list[dict[str, str]]
HEADER = (*PENALTY_HEADER, "revision", "withdrawn_on")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office.open(tmp_path / "home")
    yield office
    office.close()


@pytest.fixture(params=["memory", "duckdb"])
def lookup(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test with either way of looking up what landed before."""
    if request.param == "duckdb":
        monkeypatch.setattr(landed, "_ROWS_IN_MEMORY", 0)


def deliver(office: Office, rows: Rows, name: str = "delivery.csv", feed: str = PENALTY, **options: Any) -> BatchReport:
    header = tuple(dict.fromkeys(column for row in rows for column in row)) or HEADER
    path = write(office.work / name, rows, header)
    return ingest_batch(office, feed, path, **{"received_at": RECEIVED, **options})


def batches(office: Office) -> list[Batch]:
    with office.read() as session:
        found = list(session.scalars(select(Batch).order_by(Batch.seq)))
        session.expunge_all()
    return found


def files(office: Office) -> list[str]:
    return sorted(str(path.relative_to(office.lake)) for path in office.lake.rglob("*") if path.is_file())


def records(office: Office, feed: str = PENALTY) -> list[dict[str, Any]]:
    with office.read() as session:
        paths = [lake.record_path(office.lake, feed, batch.id) for batch in lake.landed_batches(session, feed)]
    return [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]


def rejects(office: Office, report: BatchReport) -> list[dict[str, str]]:
    text = b"".join(read_rejects(office, report.batch_id)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_delivery_lands(office: Office) -> None:
    rows = [penalty(number) for number in range(30)]
    report = deliver(office, rows)
    assert (report.status, report.rows_read, report.rows_landed, report.rows_rejected) == ("landed", 30, 30, 0)
    assert report.observed_min == date(2024, 1, 1)
    assert report.covers_to == report.observed_max == max(date.fromisoformat(row["decided_on"]) for row in rows)
    (batch,) = batches(office)
    path = lake.record_path(office.lake, PENALTY, batch.id)
    assert files(office) == [batch.path] == [str(path.relative_to(office.lake))]
    table = pq.ParquetFile(path).read()
    assert table.schema.equals(lake_schema(feeds()[PENALTY]))
    assert table.column("uscc").to_pylist() == sorted(row["uscc"] for row in rows)
    assert set(table.column("received_at").to_pylist()) == {RECEIVED}
    assert table.column("observed_on") == table.column("decided_on")
    assert not any(table.column("contested").to_pylist())


def test_the_same_file_again_changes_nothing(office: Office) -> None:
    first = deliver(office, [penalty(1)])
    before = files(office)
    again = deliver(office, [penalty(1)], name="other name.csv", received_at=RECEIVED + timedelta(days=1))
    assert (again.status, again.batch_id, again.rows_unchanged) == ("unchanged", first.batch_id, 1)
    assert files(office) == before
    assert len(batches(office)) == 1


@pytest.mark.usefixtures("lookup")
def test_the_same_rows_in_another_order_and_format_change_nothing(office: Office) -> None:
    rows = [penalty(number) for number in range(20)]
    deliver(office, rows)
    before = files(office)
    assert deliver(office, rows[::-1]).status == "unchanged"
    assert deliver(office, rows[3:7] + rows[3:5]).rows_unchanged == 6
    table = pa.table({name: [row[name] for row in rows] for name in reversed(PENALTY_HEADER)})
    path = office.work / "rows.parquet"
    pq.write_table(table, path)
    report = ingest_batch(office, PENALTY, path, received_at=RECEIVED)
    assert (report.status, report.batch_id, report.rows_unchanged) == ("unchanged", "", 20)
    assert files(office) == before


@pytest.mark.usefixtures("lookup")
def test_only_new_rows_land_and_corrections_are_contested(office: Office) -> None:
    deliver(office, [penalty(1), penalty(2), penalty(3)])
    corrected = penalty(2, amount_yuan="1")
    report = deliver(office, [penalty(1), corrected, penalty(4)])
    assert (report.rows_landed, report.rows_unchanged, report.contested) == (2, 1, 1)
    newest = {row["document_no"]: row["contested"] for row in records(office)[3:]}
    assert newest == {corrected["document_no"]: True, penalty(4)["document_no"]: False}
    # Both the old and the corrected record stay readable.
    assert sorted(row["amount_fen"] for row in records(office) if row["document_no"] == corrected["document_no"]) == [
        100,
        25002,
    ]
    assert deliver(office, [corrected]).status == "unchanged"


@pytest.mark.usefixtures("lookup")
def test_revisions_and_withdrawals(office: Office) -> None:
    plain = penalty(1) | {"revision": "", "withdrawn_on": ""}
    report = deliver(office, [plain, plain | {"revision": "2", "withdrawn_on": "2024-06-01"}, penalty(2)])
    assert (report.rows_landed, report.contested) == (3, 2)
    report = deliver(office, [plain | {"revision": "3"}])
    assert (report.rows_landed, report.contested) == (1, 1)
    assert [(row["revision"], row["withdrawn_on"]) for row in records(office) if row["contested"]] != []


@pytest.mark.usefixtures("lookup")
def test_lookup_where_the_day_is_part_of_the_key(office: Office) -> None:
    def filing(month: str, paid: str) -> dict[str, str]:
        return {"uscc": code(1), "month": month, "tax_kind": "vat", "late": "0", "paid_yuan": paid}

    for month in ("2024-01", "2024-02", "2024-03"):
        assert deliver(office, [filing(month, "5")], feed="tax_filing").status == "landed"
    report = deliver(
        office, [filing("2024-02", "5"), filing("2024-03", "6"), filing("2024-04", "5")], feed="tax_filing"
    )
    assert (report.rows_landed, report.rows_unchanged, report.contested) == (2, 1, 1)


def test_bad_rows_are_quarantined_and_the_others_land(office: Office) -> None:
    rows = [penalty(number) for number in range(40)]
    rows[10]["uscc"] = "9121010000000001"
    report = deliver(office, rows)
    assert (report.status, report.rows_landed, report.rows_rejected) == ("landed", 39, 1)
    assert report.reasons == {"uscc_length": 1}
    (line,) = rejects(office, report)
    assert (line["row"], line["column"], line["value"]) == ("12", "uscc", "9121010000000001")
    assert "18" in line["reason_zh"]
    assert "18" in line["reason_en"]


def test_too_many_bad_rows_refuse_the_batch(office: Office) -> None:
    rows = [penalty(number) for number in range(18)] + [penalty(18, severity="x"), penalty(19, decided_on="x")]
    report = deliver(office, rows)
    assert (report.status, report.rows_landed, report.rows_rejected) == ("refused", 0, 2)
    assert records(office) == []
    assert [line["row"] for line in rejects(office, report)] == ["20", "21"]
    # The same file may be tried again with more patience, then lands.
    patient = deliver(office, rows, max_bad_share=0.1)
    assert (patient.status, patient.rows_landed) == ("landed", 18)
    assert patient.batch_id != report.batch_id
    assert [batch.status for batch in batches(office)] == ["refused", "landed"]


def test_rows_rejected_before_are_looked_at_again(office: Office) -> None:
    rows = [penalty(number) for number in range(30)] + [penalty(30, decided_on="2024-11-05")]
    assert deliver(office, rows).reasons == {"observed_after_receipt": 1}
    again = deliver(office, rows)
    assert (again.status, again.rows_rejected, len(batches(office))) == ("unchanged", 1, 1)
    later = deliver(office, rows, received_at=RECEIVED + timedelta(days=10))
    assert (later.status, later.rows_landed, later.rows_unchanged) == ("landed", 1, 30)


def test_known_rows_with_a_bad_one_leave_only_quarantine(office: Office) -> None:
    rows = [penalty(number) for number in range(30)]
    deliver(office, rows)
    report = deliver(office, [*rows, penalty(31, severity="x")])
    assert (report.status, report.rows_unchanged, report.rows_rejected) == ("unchanged", 30, 1)
    assert len(rejects(office, report)) == 1
    assert len(records(office)) == 30


def test_two_rows_with_one_key_are_both_rejected(office: Office) -> None:
    rows = [penalty(number) for number in range(10)] + [penalty(3, amount_yuan="1")]
    report = deliver(office, rows, max_bad_share=0.2)
    assert (report.rows_landed, report.rows_rejected, report.reasons) == (9, 2, {"ambiguous": 2})
    assert [(line["row"], line["value"]) for line in rejects(office, report)] == [
        ("5", f"{code(3)} / 沈罚〔2024〕3号"),
        ("12", f"{code(3)} / 沈罚〔2024〕3号"),
    ]


def test_the_day_is_a_day_in_china(office: Office) -> None:
    # 1 November, half past midnight in China, is still 31 October in UTC.
    report = deliver(
        office, [penalty(1, decided_on="2024-11-01")], received_at=datetime(2024, 10, 31, 16, 30, tzinfo=UTC)
    )
    assert report.status == "landed"
    with pytest.raises(ValueError, match="time zone"):
        deliver(office, [penalty(2)], received_at=datetime(2024, 11, 1))


def test_nothing_happened_until(office: Office) -> None:
    with pytest.raises(RefusedInput) as refused:
        deliver(office, [])
    assert refused.value.code == "no_rows"
    for month in (9, 10):
        report = deliver(office, [], covers_to=date(2024, month, 30))
        assert (report.status, report.rows_landed, report.covers_to) == ("landed", 0, date(2024, month, 30))
    assert deliver(office, [], covers_to=date(2024, 10, 15)).status == "unchanged"
    assert records(office) == []
    assert len(batches(office)) == 2


def test_an_open_world_feed_cannot_say_nothing(office: Office) -> None:
    path = office.work / "x.csv"
    path.write_text("uscc,month,tax_kind,late,paid_yuan\n")
    with pytest.raises(RefusedInput, match="unknown"):
        ingest_batch(office, "tax_filing", path, received_at=RECEIVED, covers_to=date(2024, 9, 30))


def test_known_rows_with_a_later_day_of_completeness_land_it(office: Office) -> None:
    deliver(office, [penalty(1)])
    report = deliver(office, [penalty(1)], covers_to=date(2024, 9, 30))
    assert (report.status, report.rows_landed, report.rows_unchanged) == ("landed", 0, 1)
    assert report.covers_to == date(2024, 9, 30)


@pytest.mark.parametrize(
    ("options", "slug"),
    [
        ({"covers_to": date(2024, 11, 1)}, "covers_future"),
        ({"max_bad_share": 1.5}, "bad_share"),
        ({"max_bad_share": float("nan")}, "bad_share"),
        ({"encoding": "latin-1"}, "unknown_encoding"),
        ({"feed": "weather"}, "unknown_feed"),
    ],
)
def test_wrong_arguments(office: Office, options: dict[str, Any], slug: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        deliver(office, [penalty(1)], **options)
    assert refused.value.code == slug
    assert batches(office) == []


@pytest.mark.parametrize("header", [(*PENALTY_HEADER, "colour"), PENALTY_HEADER[1:], (*PENALTY_HEADER, "处罚机关")])
def test_a_wrong_header_leaves_no_trace(office: Office, header: tuple[str, ...]) -> None:
    path = office.work / "x.csv"
    path.write_text(csv_text([penalty(1)], header))
    with pytest.raises(RefusedInput):
        ingest_batch(office, PENALTY, path, received_at=RECEIVED)
    assert (files(office), batches(office)) == ([], [])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_chinese_headers_and_encodings_land_the_same(office: Office, encoding: str) -> None:
    rows = [penalty(number) for number in range(3)]
    deliver(office, rows)
    feed = feeds()[PENALTY]
    translated = [{feed.column(name).zh: cell for name, cell in row.items()} for row in rows]
    path = office.work / "zh.csv"
    path.write_bytes(csv_text(translated, tuple(translated[0])).encode(encoding))
    assert ingest_batch(office, PENALTY, path, received_at=RECEIVED).status == "unchanged"


def test_ndjson_whose_later_lines_lack_a_column(office: Office) -> None:
    path = office.work / "x.ndjson"
    whole = {"uscc": code(1), "decided_on": "2024-01-01", "severity": "minor"}
    rows = [whole | {"document_no": str(number)} for number in range(3)]
    path.write_text("\n".join(json.dumps(row) for row in [*rows, {"uscc": code(1), "document_no": "9"}]))
    report = ingest_batch(office, PENALTY, path, received_at=RECEIVED, max_bad_share=0.5)
    assert (report.rows_landed, report.reasons) == (3, {"missing": 2})
    path.write_text(json.dumps({"uscc": code(1)}))
    with pytest.raises(RefusedInput, match="requires"):
        ingest_batch(office, PENALTY, path, received_at=RECEIVED)


def test_ndjson_without_one_object_is_a_batch_of_bad_rows(office: Office) -> None:
    path = office.work / "x.ndjson"
    path.write_text('{"uscc"\n{"uscc"\n')
    report = ingest_batch(office, PENALTY, path, received_at=RECEIVED)
    assert (report.status, report.reasons) == ("refused", {"not_json": 2})


def test_progress_counts_rows(office: Office) -> None:
    seen: list[Progress] = []
    deliver(office, [penalty(number) for number in range(20)], progress=seen.append)
    assert (seen[-1].rows_done, seen[-1].rows_total) == (20, 20)


def test_downloads_are_harmless_in_a_spreadsheet(office: Office) -> None:
    rows = [
        penalty(1, severity='=HYPERLINK("http://x")'),
        penalty(2, severity="@x"),
        penalty(3, amount_yuan="-5"),
        penalty(4, document_no="a\x07\u202e"),
        penalty(5, severity="y" * 500),
    ]
    report = deliver(office, rows)
    values = [line["value"] for line in rejects(office, report)]
    assert values == ['\'=HYPERLINK("http://x")', "'@x", "-5", "a\\u0007\\u202e", "y" * 200 + "…"]


def test_rejects_of_good_and_unknown_batches(office: Office) -> None:
    report = deliver(office, [penalty(1)])
    assert rejects(office, report) == []
    with pytest.raises(NotFound):
        read_rejects(office, "../../etc/passwd")


def test_a_long_quarantine_says_what_it_leaves_out(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.records.quarantine.MOST_LISTED", 3)
    report = deliver(office, [penalty(number, severity="x") for number in range(10)])
    lines = rejects(office, report)
    assert (len(lines), lines[-1]["reason"], lines[-1]["reason_en"]) == (4, "more_not_listed", "7 more are not listed")
    assert report.reasons == {"unknown_code": 10}


def test_another_office_gives_the_same_batches(office: Office, tmp_path: Path) -> None:
    twin = Office.open(tmp_path / "twin")
    rows = [penalty(number) for number in range(10)]
    first, second = deliver(office, rows), deliver(twin, rows)
    assert first == second
    paths = [lake.record_path(one.lake, PENALTY, first.batch_id) for one in (office, twin)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    third = Office.open(tmp_path / "third")
    deliver(third, rows[::-1])
    assert records(third) == records(office)
    assert batches(third)[0].content_digest == batches(office)[0].content_digest
    twin.close()
    third.close()


def test_a_delivery_that_was_overtaken_is_compared_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    import service.usecases.ingest_batch as module

    compare, overtaken = module.known, []

    def overtake(*arguments: Any) -> Any:
        found = compare(*arguments)
        if not overtaken:
            overtaken.append(True)
            assert deliver(office, [penalty(1), penalty(2)], name="fast.csv").rows_landed == 2
        return found

    monkeypatch.setattr(module, "known", overtake)
    report = deliver(office, [penalty(1), penalty(2, amount_yuan="1"), penalty(3)])
    assert (report.rows_landed, report.rows_unchanged, report.contested) == (2, 1, 1)
    assert len({row["record_id"] for row in records(office)}) == len(records(office)) == 4


def test_what_a_killed_process_left_is_swept(office: Office) -> None:
    report = deliver(office, [penalty(1)])
    before = files(office)
    folder = office.lake / PENALTY
    (folder / "0123.parquet").write_bytes(b"PAR1")
    (folder / ".0123.parquet.ab.draft").write_bytes(b"PAR1")
    (office.lake / "_rejects").mkdir()
    (office.lake / "_rejects" / "0123.csv").write_bytes(b"row")
    with lake.draft(folder / "being-written.parquet") as being_written:
        assert lake.sweep(office) == 3
        being_written.finish()
        being_written.publish()
    assert files(office) == sorted([*before, f"{PENALTY}/being-written.parquet"])
    assert records(office)[0]["record_id"]
    assert report.batch_id in before[0]


def test_a_lake_that_belongs_to_another_database_is_left_alone(office: Office) -> None:
    folder = office.lake / PENALTY
    folder.mkdir()
    for number in range(101):
        (folder / f"{number}.parquet").write_bytes(b"PAR1")
    assert lake.sweep(office) == 0
    assert len(files(office)) == 101


def test_memory_forgets_batches_the_office_lost(office: Office) -> None:
    deliver(office, [penalty(1)])
    deliver(office, [penalty(2)])
    assert deliver(office, [penalty(2), penalty(1)]).status == "unchanged"
    # As after a restore from a backup taken before the second delivery.
    with office.write() as session:
        session.delete(session.scalars(select(Batch).order_by(Batch.seq.desc())).first())
    assert deliver(office, [penalty(2), penalty(1)]).rows_landed == 1
