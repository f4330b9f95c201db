"""The API as a whole: pages, the document, headers, health, metrics. What each route answers is in test_api_answers."""

from __future__ import annotations

import re

import pytest

from models.tables import Client
from service.usecases.create_demo_clients import create_demo_clients
from tests.shell import Shell, a_code, a_shell


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_shell(tmp_path_factory.mktemp("routes"))


def test_without_a_snapshot_the_office_is_alive_but_not_ready(shell: Shell) -> None:
    assert shell.http.get("/healthz").json() == {"status": "ok"}
    ready = shell.http.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"] == {"open": True, "database": True, "snapshot": False, "disk": True}
    assert shell.http.get("/version").json()["snapshot_id"] is None
    answer = shell.http.get(f"/v1/firms/{a_code(1)}", headers=shell.asks("office"))
    assert answer.status_code == 503
    assert "build" in answer.json()["fix"]
    assert "rongqiao demo" in shell.http.get("/?lang=en").text


def test_metrics_count_requests_by_route(shell: Shell) -> None:
    shell.http.get("/healthz")
    lines = shell.http.get("/metrics", headers=shell.asks("auditor")).text
    assert re.search(r'rongqiao_requests_total\{method="GET",route="/healthz",status="200"\} [1-9]', lines)
    assert "/v1/firms/{uscc}" in lines or "firms/9" not in lines, "a code never becomes a label"


def test_only_a_demo_home_says_that_its_data_are_synthetic(tmp_path_factory: pytest.TempPathFactory) -> None:
    shell = a_shell(tmp_path_factory.mktemp("demo"))
    assert "Synthetic" not in shell.http.get("/?lang=en").text
    assert shell.http.get("/version").json()["demo"] is False
    path = create_demo_clients(shell.office, [a_code(1), a_code(2)])
    page = shell.http.get("/?lang=en").text
    assert "Synthetic data" in page
    assert a_code(1) in page
    assert shell.http.get("/version").json()["demo"] is True
    assert path.read_bytes() not in page.encode()
    with shell.office.read() as session:
        kept = {client.id: client.secret_sha256 for client in session.query(Client)}
    assert len(kept) == 9
    before = path.read_bytes()
    assert create_demo_clients(shell.office, [a_code(1), a_code(2)]).read_bytes() == before


def test_every_example_of_the_first_page_works_against_the_api(shell: Shell) -> None:
    page = shell.http.get("/?lang=en").text
    paths = {re.sub(r"https?://[^/]+", "", url) for url in re.findall(r"http://127[^ '\"<]+/v1/[\w/]+", page)}
    known = shell.http.get("/openapi.json").json()["paths"]
    assert paths
    assert paths <= set(known)


def test_pages_and_documents_are_public_in_both_languages(shell: Shell) -> None:
    for path, words in (("/", ("融桥", "Rongqiao")), ("/docs", ("接口", "Routes"))):
        assert words[0] in shell.http.get(f"{path}?lang=zh").text
        assert words[1] in shell.http.get(path, headers={"Accept-Language": "en-GB,zh;q=0.5"}).text


def test_the_api_page_has_every_route_with_a_curl_example_and_no_script(shell: Shell) -> None:
    html = shell.http.get("/docs?lang=en").text
    document = shell.http.get("/openapi.json").json()
    for path in document["paths"]:
        assert path in html
    assert html.count("curl -s") == sum(len(operations) for operations in document["paths"].values())
    assert "<script" not in html
    assert "http://" not in html.replace("http://127.0.0.1:8000", "").replace("http://www.w3.org", "")


def test_the_document_names_roles_summary_and_answer_of_every_operation(shell: Shell) -> None:
    document = shell.http.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    ids = set()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["description"], path
            ids.add(operation["operationId"])
            answers = operation["responses"]
            assert any(status.startswith("2") and answers[status].get("content") for status in answers), path
            if path.startswith("/v1") and path != "/v1/oauth/token":
                assert operation["x-roles"], path
                assert operation["security"] == [{"clients": []}]
    assert len(ids) == sum(len(operations) for operations in document["paths"].values())


def test_every_answer_carries_the_security_headers(shell: Shell) -> None:
    for path in ("/", "/docs", "/static/app.css", "/v1/feeds", "/nowhere"):
        headers = shell.http.get(path).headers
        assert "script-src" not in headers["content-security-policy"]
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"]
