"""Bad input over HTTP: a problem 4xx that names field, value, rule and fix; never a 5xx, never half a batch."""

from __future__ import annotations

import contextlib
import gzip
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from models.errors import RefusedInput
from models.tables import Batch
from service.web.strict_json import MAX_DEPTH, parse_strict
from tests.shell import Shell, a_code, a_shell, is_problem

EVALUATE = "/v1/schemes/sy-first-loan-subsidy-2024/evaluate"
DELIVER = "/v1/feeds/tax_credit_rating/batches"
HEADER = "uscc,year,grade,rated_on\n"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_shell(tmp_path_factory.mktemp("bad"), max_batch_bytes=2_000_000)


def ask(shell: Shell, body: bytes, kind: str = "application/json") -> Any:
    return shell.http.post(EVALUATE, content=body, headers={**shell.asks("office"), "Content-Type": kind})


def deliver(shell: Shell, body: Any, **query: str) -> Any:
    return shell.http.post(DELIVER, content=body, params=query, headers=shell.asks("agency", "tax"))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        (b'{"facts": {"loan_amount_yuan": NaN}}', 400, "bad_json"),
        (b'{"facts": {"loan_amount_yuan": -Infinity}}', 400, "bad_json"),
        (b'{"facts": {"loan_amount_yuan": 1e400}}', 400, "bad_json"),
        (b'{"facts": {"loan_amount_yuan": ' + b"9" * 5000 + b"}}", 400, "bad_json"),
        (b'{"facts": {}, "facts": {}}', 400, "bad_json"),
        (b'{"facts": {"a": 1, "a": 2}}', 400, "bad_json"),
        (b"[" * 100_000, 400, "bad_json"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, 400, "bad_json"),
        ('{"facts": {"district": "沈阳"}}'.encode("gb18030"), 400, "bad_json"),
        (b"\xef\xbb\xbf{}", 400, "bad_json"),
        (b"[]", 422, "invalid_request"),
        (b"null", 422, "invalid_request"),
        (b'{"facts": []}', 422, "invalid_request"),
        (b'{"facts": {}, "verdict": "met"}', 422, "invalid_request"),
        (b'{"facts": {}, "as_of": "2024-02-30"}', 422, "bad_date"),
        (b'{"facts": {}, "as_of": 1700000000}', 422, "bad_date"),
        (b'{"facts": {"no_such_fact": 1}}', 422, "unknown_fact"),
        (b'{"facts": {"loan_amount_yuan": 3000000.5}}', 422, ""),
        (b'{"facts": {"loan_amount_yuan": "1e6"}}', 422, ""),
        (b'{"facts": {"size_class": "tiny"}}', 422, ""),
        (b'{"facts": {"loan_first": "yes"}}', 422, ""),
        ('{"facts": {"loan_amount_yuan": "１２３"}}'.encode(), 422, ""),
    ],
)
def test_a_json_body_means_one_thing_or_is_refused(shell: Shell, body: bytes, status: int, code: str) -> None:
    started = time.perf_counter()
    problem = is_problem(ask(shell, body), status, code)
    assert problem["rule"]
    assert problem["fix"]
    assert time.perf_counter() - started < 1


def test_ten_megabytes_of_json_are_refused_by_their_declared_length(shell: Shell) -> None:
    is_problem(ask(shell, b'{"facts": {"a": "' + b"x" * 10_000_000 + b'"}}'), 413, "body_too_large")


def test_ten_megabytes_without_a_declared_length_are_refused_before_they_are_all_read(shell: Shell) -> None:
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            taken += 10_000
            yield b"x" * 10_000

    is_problem(ask(shell, chunks()), 413, "body_too_large")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", "application/json5"])
def test_another_content_type_is_refused(shell: Shell, kind: str) -> None:
    is_problem(ask(shell, b"{}", kind), 415, "unsupported_media_type")


#: Any text but NUL and half characters, which no text of ours may hold.
_TEXT = st.characters(exclude_categories=("Cs",), exclude_characters="\0")


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(_TEXT),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(_TEXT, max_size=5), inner, max_size=3),
        max_leaves=20,
    )
)
def test_honest_json_is_read_as_it_is(value: Any) -> None:
    import json

    assert parse_strict(json.dumps(value).encode()) == value


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_no_bytes_make_the_parser_fail_otherwise(body: bytes) -> None:
    with contextlib.suppress(RefusedInput):
        parse_strict(body)


def test_nesting_is_allowed_up_to_the_limit() -> None:
    assert parse_strict(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(RefusedInput):
        parse_strict(b"[" * (MAX_DEPTH + 1) + b"1" + b"]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/feeds?limit=0", 422, "invalid_request"),
        ("/v1/feeds?limit=5.5", 422, "invalid_request"),
        ("/v1/feeds?limit=1&limit=2", 400, "repeated_parameter"),
        ("/v1/feeds?cursor=abc", 422, "bad_cursor"),
        ("/v1/feeds?cursor=%C3%BF%C3%BF", 422, "bad_cursor"),
        ("/v1/feeds?cursor=" + "a" * 5000, 422, "invalid_request"),
        ("/v1/parameters/lpr_1y?on=31.10.2024", 422, "bad_date"),
        ("/v1/parameters/lpr_1y?on=1900-01-01", 422, "before_first_value"),
        ("/v1/parameters/no_such", 404, "not_found"),
        ("/v1/batches/no_such", 404, "not_found"),
        ("/v1/no/such/route", 404, "not_found"),
        ("/v1/catalogue/", 404, "not_found"),
        ("/v1/oauth/token", 405, "method_not_allowed"),
    ],
)
def test_bad_questions_are_problems(shell: Shell, path: str, status: int, code: str) -> None:
    is_problem(shell.http.get(path, headers=shell.asks("office")), status, code)


def test_a_fault_of_ours_answers_without_detail_and_with_a_request_id(tmp_path: Path) -> None:
    shell = a_shell(tmp_path)
    headers = shell.asks("office")

    def broken() -> None:
        raise RuntimeError("a secret detail")

    shell.http.app.state.desk.now = broken  # type: ignore[attr-defined]
    answer = shell.http.get("/v1/feeds", headers={**headers, "X-Request-Id": "abc-12345678"})
    problem = is_problem(answer, 500, "internal_error")
    assert problem["request_id"] == "abc-12345678"
    assert "secret detail" not in answer.text


def test_a_request_id_that_could_break_a_log_line_is_replaced(shell: Shell) -> None:
    answer = shell.http.get("/healthz", headers={"X-Request-Id": "a b\tc{}"})
    assert answer.headers["x-request-id"].isalnum()


def rows(*lines: str) -> bytes:
    return (HEADER + "".join(f"{line}\n" for line in lines)).encode()


def batches(shell: Shell) -> int:
    with shell.office.read() as session:
        return session.scalar(select(func.count()).select_from(Batch)) or 0


def workbook_with_formula() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADER.strip().split(","))
    sheet.append([a_code(1), "=2000+23", "A", "2024-04-20"])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("empty.csv", b""),
        ("header_only.csv", HEADER.encode()),
        ("shifted.csv", rows(f"2023,{a_code(1)},2024-04-20,A", f"2023,{a_code(2)},2024-04-20,B")),
        ("unknown_column.csv", b"uscc,year,grade,rated_on,verdict\n" + a_code(1).encode() + b",2023,A,2024-04-20,x\n"),
        ("missing_column.csv", b"uscc,year\n" + a_code(1).encode() + b",2023\n"),
        ("wrong_code.csv", rows("91210100MA0000000X,2023,A,2024-04-20")),
        ("nothing_of_this_kind.bin", b"\x00\x01\x02\x03" * 100),
        ("broken.csv.gz", gzip.compress(rows(f"{a_code(1)},2023,A,2024-04-20"), mtime=0)[:-9]),
        ("formula.xlsx", workbook_with_formula()),
        ("not_a_workbook.xlsx", b"PK\x03\x04 broken"),
    ],
)
def test_a_bad_delivery_is_refused_whole(shell: Shell, name: str, body: bytes) -> None:
    with shell.office.read() as session:
        landed = session.scalar(select(func.sum(Batch.rows_landed))) or 0
    answer = deliver(shell, body, filename=name)
    problem = is_problem(answer, answer.status_code)
    assert 400 <= answer.status_code < 500, answer.text
    assert problem["rule"]
    assert problem["fix"]
    with shell.office.read() as session:
        assert (session.scalar(select(func.sum(Batch.rows_landed))) or 0) == landed


def test_gb18030_called_utf8_is_refused_and_says_so(shell: Shell) -> None:
    body = (
        "统一社会信用代码,评价年度,信用级别,评定日期\n".encode("gb18030") + a_code(9).encode() + b",2023,A,2024-04-20\n"
    )
    problem = is_problem(deliver(shell, body, filename="g.csv", encoding="utf-8"), 422)
    assert "UTF-8" in problem["rule"] + problem["fix"]


def test_a_delivery_above_the_limit_is_refused_and_leaves_no_file(shell: Shell) -> None:
    before = batches(shell)
    is_problem(deliver(shell, b"x" * 2_000_001), 413, "body_too_large")
    assert batches(shell) == before
    assert not list(shell.office.work.glob("upload-*"))


def test_two_rows_with_one_key_land_neither_twice_nor_silently(shell: Shell) -> None:
    row = f"{a_code(77)},2023,A,2024-04-20"
    other = f"{a_code(77)},2023,B,2024-04-20"
    answer = deliver(shell, rows(row, other), filename="twice.csv")
    problem = is_problem(answer, 422)
    assert problem["field"] == "rows"


@pytest.mark.parametrize("bad", ["../../etc/passwd", "a\x00b.csv", "=cmd.csv", "ü.csv", "x" * 200])
def test_a_file_name_is_only_a_name(shell: Shell, bad: str, tmp_path: Path) -> None:
    row = f"{a_code(abs(hash(bad)) % 1_000_000)},2022,A,2023-04-20"
    answer = deliver(shell, rows(row), filename=bad)
    assert answer.status_code < 500
    assert not list(shell.office.work.glob("upload-*"))
