"""How often, how long, how large: limits of the request layer, and the headers that tell of them."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Message

from service.app import create_app
from service.pages.render import FOLDER
from service.settings import Settings
from service.web.time_limits import TimeLimits
from tests.shell import SECRET, a_code, a_shell, is_problem

FORM = {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "wrong"}


def test_a_client_has_its_own_quota_and_is_told_where_it_stands(tmp_path: Path) -> None:
    shell = a_shell(tmp_path, requests_per_minute=3)
    first, second = shell.asks("bank", "a"), shell.asks("bank", "b")
    left = []
    for _ in range(3):
        answer = shell.http.get("/v1/feeds", headers=first)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"client";q=3;w=60'
        left.append(re.fullmatch(r'"client";r=(\d+);t=\d+', answer.headers["ratelimit"])[1])  # type: ignore[index]
    assert left == ["2", "1", "0"]
    refused = shell.http.get("/v1/feeds", headers=first)
    problem = is_problem(refused, 429, "too_many_requests")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["retry-after"] in problem["fix"]
    assert shell.http.get("/v1/feeds", headers=second).status_code == 200, "the other bank is not slowed down"
    assert "ratelimit" not in shell.http.get("/healthz").headers


def test_one_firm_is_read_less_often_than_the_api_and_the_refusal_does_not_name_it(tmp_path: Path) -> None:
    shell = a_shell(tmp_path, look_ups_per_minute=2)
    headers = shell.asks("bank", "a") | {"X-Purpose": "pre_loan"}
    for _ in range(2):
        is_problem(shell.http.get(f"/v1/firms/{a_code(1)}", headers=headers), 404)
    refused = shell.http.get(f"/v1/firms/{a_code(1)}/score", headers=headers)
    problem = is_problem(refused, 429)
    assert '"look-up"' in refused.headers["ratelimit-policy"]
    assert a_code(1) not in str({**problem, "instance": ""})
    is_problem(shell.http.get(f"/v1/firms/{a_code(2)}", headers=headers), 404)


def test_addresses_guess_neither_secrets_nor_passwords_for_long(tmp_path: Path) -> None:
    shell = a_shell(tmp_path, tokens_per_minute=2, sign_ins_per_minute=1)
    for _ in range(2):
        is_problem(shell.http.post("/v1/oauth/token", data=FORM), 401)
    refused = shell.http.post("/v1/oauth/token", data=FORM)
    assert is_problem(refused, 429)["error"] == "invalid_request"
    assert refused.headers["retry-after"]
    form = {"person": "li", "password": SECRET, "code": "123456"}
    assert shell.http.post("/sign-in?lang=en", data=form).status_code == 401
    is_problem(shell.http.post("/sign-in?lang=en", data=form), 429)
    assert shell.http.get("/sign-in").status_code == 200, "looking at the form is no attempt"


def test_who_is_refused_for_asking_too_often_writes_no_journal(tmp_path: Path) -> None:
    shell = a_shell(tmp_path, look_ups_per_minute=1)
    headers = shell.asks("office")
    for _ in range(5):
        shell.http.get(f"/v1/firms/{a_code(1)}", headers=headers)
    entries = shell.http.get("/v1/audit", headers=shell.asks("auditor")).json()["items"]
    assert [entry["action"] for entry in entries] == ["read_audit", "read_firm"]


def served(app: Callable[..., Awaitable[None]], messages: list[Message | None], **settings: float) -> list[Message]:
    """What an application under the time limits sends when its body arrives as ``messages``; ``None`` is silence."""
    sent: list[Message] = []

    async def receive() -> Message:
        message = messages.pop(0) if messages else None
        if message is None:
            await asyncio.sleep(30)
            raise AssertionError("nobody waits that long")
        return message

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/x", "headers": [], "query_string": b"", "request_id": "r-12345678"
    }  # fmt: skip
    asyncio.run(TimeLimits(app, Settings(**settings))(scope, receive, send))  # type: ignore[arg-type]
    return sent


async def reads_its_body(scope: Any, receive: Any, send: Any) -> None:
    try:
        body = await Request(scope, receive).body()
    except Exception as error:
        await PlainTextResponse(type(error).__name__ + " " + str(getattr(error, "status", "")))(scope, receive, send)
        return
    await PlainTextResponse(body)(scope, receive, send)


def test_a_body_that_stops_arriving_is_given_up() -> None:
    began = time.perf_counter()
    piece: Message = {"type": "http.request", "body": b"a", "more_body": True}
    sent = served(reads_its_body, [piece, None], body_seconds=0.1, answer_seconds=0.05)
    assert sent[1]["body"] == b"RefusedInput 408"
    assert time.perf_counter() - began < 3
    whole: Message = {"type": "http.request", "body": b"b", "more_body": False}
    assert served(reads_its_body, [piece, whole], body_seconds=5)[1]["body"] == b"ab"


def test_an_answer_that_does_not_begin_is_a_504_and_comes_once() -> None:
    late: list[bool] = []

    async def sleeps(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            late.append(True)
            await PlainTextResponse("too late")(scope, receive, send)

    sent = served(sleeps, [], answer_seconds=0.1)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 504
    assert b"no_answer_in_time" in sent[1]["body"]
    assert (b"retry-after", b"30") in sent[0]["headers"]


def test_a_failure_of_the_application_still_comes_through() -> None:
    async def fails(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("x")

    with pytest.raises(RuntimeError):
        served(fails, [])


def test_an_answer_that_has_begun_may_take_its_time() -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.3)
        await send({"type": "http.response.body", "body": b"end"})

    assert served(slow, [], answer_seconds=0.1)[-1]["body"] == b"end"


def test_https_is_demanded_where_the_office_is_reached_by_it(tmp_path: Path) -> None:
    shell = a_shell(tmp_path, public_url="https://credit.example.cn")
    for path in ("/", "/v1/feeds", "/nowhere"):
        assert shell.http.get(path).headers["strict-transport-security"].startswith("max-age=31536000")
    plain = TestClient(create_app(shell.office, Settings(home=tmp_path)))
    assert "strict-transport-security" not in plain.get("/").headers


def test_pages_have_nothing_that_the_content_policy_would_stop(tmp_path: Path) -> None:
    policy = a_shell(tmp_path).http.get("/").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "data:" not in policy
    for template in FOLDER.glob("templates/*.html"):
        # A page saved as a file carries its style with it; over HTTP that branch is never taken (asserted below).
        html = template.read_text(encoding="utf-8").replace("<style>{{ css | safe }}</style>", "")
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:|\|\s*safe", html), template.name
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", html), template.name
    http = a_shell(tmp_path / "pages").http
    for path in ("/", "/docs", "/sign-in"):
        assert "<style" not in http.get(path).text


@pytest.mark.parametrize("length", ["²", "9" * 5000, "1e3", "-1", " 5"])
def test_a_length_that_is_no_number_is_not_our_failure(tmp_path_factory: Any, length: str) -> None:
    shell = a_shell(tmp_path_factory.mktemp("length"))
    headers = shell.asks("office") | {"Content-Type": "application/json"}
    sent = {name: value.encode("latin-1") for name, value in {**headers, "Content-Length": length}.items()}
    answer = shell.http.post("/v1/schemes/sy-first-loan-subsidy-2024/evaluate", content=b'{"facts": {}}', headers=sent)
    assert answer.status_code < 500


def amounts(node: Any, name: str = "") -> list[tuple[str, Any]]:
    """Every schema of a document that is called an amount of money."""
    found = []
    if isinstance(node, dict):
        if re.search(r"(?:^|_)yuan$", name) and ("type" in node or "anyOf" in node):
            found.append((name, node))
        for key, inner in node.items():
            found += amounts(inner, key)
    elif isinstance(node, list):
        for inner in node:
            found += amounts(inner)
    return found


def test_no_amount_is_a_number_with_a_binary_point(tmp_path: Path) -> None:
    document = a_shell(tmp_path).http.get("/openapi.json").json()
    found = amounts(document["components"]["schemas"])
    assert len(found) > 5
    for name, schema in found:
        types = {schema.get("type"), *(each.get("type") for each in schema.get("anyOf", ()))} - {None}
        assert types <= {"string", "null", "array", "object"}, name
    asked = [
        (parameter["name"], parameter["schema"])
        for operations in document["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if parameter["name"].endswith("_yuan")
    ]
    assert asked
    assert all("number" not in str(schema) for _, schema in asked)
