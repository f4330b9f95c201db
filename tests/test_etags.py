"""``ETag``: a client that has the answer is not sent it again, and one that saw something else changes nothing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from service.books.documents import read_yaml
from service.books.rulebook import offers
from service.books.seedbook import SEED
from service.web.encode import encode
from service.web.etags import etag
from tests.cost_list_calls import BANK, FIRM, drafted
from tests.shell import Shell, a_shell, is_problem


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_shell(tmp_path_factory.mktemp("etags"))


def read(shell: Shell, made: dict[str, Any], **headers: str) -> Any:
    return shell.http.get(f"/v1/cost-lists/{made['id']}", headers=shell.asks("bank", BANK) | headers)


def confirm(shell: Shell, made: dict[str, Any], name: str = "李某（虚构）", **headers: str) -> Any:
    body = {"name": name, "content_sha256": made["content_sha256"]}
    path = f"/v1/cost-lists/{made['id']}/confirmations"
    return shell.http.post(path, json=body, headers=shell.asks("bank", BANK) | headers)


def test_what_a_client_has_is_not_sent_again(shell: Shell) -> None:
    made = drafted(shell, reference="tag")
    first = read(shell, made)
    tag = first.headers["etag"]
    assert tag == etag(first.content)
    again = read(shell, made, **{"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert read(shell, made, **{"If-None-Match": '"other"'}).content == first.content
    assert confirm(shell, made).status_code == 201
    changed = read(shell, made, **{"If-None-Match": tag})
    assert (changed.status_code, changed.headers["etag"] != tag) == (200, True)


def test_who_saw_something_else_changes_nothing(shell: Shell) -> None:
    made = drafted(shell, reference="stale")
    seen = read(shell, made).headers["etag"]
    drafted(shell, reference="stale", annual_rate="0.04")
    refused = confirm(shell, made, **{"If-Match": seen})
    is_problem(refused, 412, "changed_meanwhile")
    now = read(shell, made)
    assert now.json()["confirmations"] == []
    fresh = confirm(shell, now.json(), **{"If-Match": now.headers["etag"]})
    assert fresh.status_code == 201
    assert confirm(shell, now.json(), **{"If-Match": "*"}).status_code == 200


def test_a_stale_request_under_a_key_is_refused_and_its_key_is_free(shell: Shell) -> None:
    made = drafted(shell, reference="keyed")
    key = {"Idempotency-Key": "one-word"}
    is_problem(confirm(shell, made, **key, **{"If-Match": '"other"'}), 412)
    assert confirm(shell, made, **key, **{"If-Match": read(shell, made).headers["etag"]}).status_code == 201
    assert confirm(shell, made, **key).headers["idempotent-replayed"] == "true"


def test_of_two_that_saw_the_same_one_goes_through(shell: Shell) -> None:
    """Bank and firm confirm at once, each on condition that nothing has happened since it looked."""
    made = drafted(shell, reference="race")
    start = threading.Barrier(2)
    tags = {role: shell.http.get(f"/v1/cost-lists/{made['id']}", headers=shell.asks(role, tenant)).headers["etag"]
            for role, tenant in (("bank", BANK), ("firm", FIRM))}  # fmt: skip

    def send(role: str, tenant: str) -> int:
        body = {"name": "某人（虚构）", "content_sha256": made["content_sha256"]}
        headers = shell.asks(role, tenant) | {"If-Match": tags[role]}
        start.wait()
        path = f"/v1/cost-lists/{made['id']}/confirmations"
        return shell.http.post(path, json=body, headers=headers).status_code

    with ThreadPoolExecutor(2) as threads:
        sent = [threads.submit(send, role, tenant) for role, tenant in (("bank", BANK), ("firm", FIRM))]
        assert sorted(each.result() for each in sent) == [201, 412]
    assert len(read(shell, made).json()["confirmations"]) == 1


def test_a_consent_is_revoked_as_it_was_seen(shell: Shell) -> None:
    firm = shell.asks("firm", FIRM)
    wanted = {"lender": BANK, "purpose": "pre_loan", "dimensions": ["law_abiding"], "valid_from": "2024-11-05",
              "valid_until": "2024-12-05"}  # fmt: skip
    path = f"/v1/firms/{FIRM}/consents"
    text = shell.http.post(f"{path}/text", json=wanted, headers=firm).json()["text_sha256"]
    given = shell.http.post(path, json=wanted | {"text_sha256": text}, headers=firm).json()
    one, end = f"/v1/consents/{given['id']}", f"/v1/consents/{given['id']}/revocation"
    seen = shell.http.get(one, headers=firm)
    assert seen.json() == given
    assert shell.http.get(one, headers=shell.asks("bank", BANK)).content == seen.content
    is_problem(shell.http.get(one, headers=shell.asks("bank", "another-bank")), 404)
    assert shell.http.get(one, headers=firm | {"If-None-Match": seen.headers["etag"]}).status_code == 304
    is_problem(shell.http.post(end, headers=firm | {"If-Match": '"other"'}), 412, "changed_meanwhile")
    assert shell.http.get(one, headers=firm).json()["state"] == "in_force"
    assert shell.http.post(end, headers=firm | {"If-Match": seen.headers["etag"]}).json()["state"] == "revoked"
    is_problem(shell.http.post(end, headers=firm | {"If-Match": seen.headers["etag"]}), 412)
    assert shell.http.post(end, headers=firm).status_code == 200, "without the header as ever"


def test_a_version_of_a_product_moves_on_as_it_was_seen(shell: Shell) -> None:
    own = next(product for product in offers().products.values() if product.lender.id == BANK)
    document = orjson.loads(encode(read_yaml(SEED / "products" / f"{own.id}.yaml"))) | {"id": "tagged-loan"}
    bank, path = shell.asks("bank", BANK), "/v1/products/tagged-loan/versions/1"
    made = shell.http.post("/v1/products", json={"document": document}, headers=bank)
    assert made.status_code == 201, made.text
    seen = shell.http.get(path, headers=bank).headers["etag"]
    assert shell.http.get(path, headers=bank | {"If-None-Match": seen}).status_code == 304
    change = {"document": document | {"note": "changed"}, "revision": made.json()["revision"]}
    is_problem(shell.http.put(path, json=change, headers=bank | {"If-Match": '"other"'}), 412, "changed_meanwhile")
    assert shell.http.put(path, json=change, headers=bank | {"If-Match": seen}).status_code == 200
    is_problem(shell.http.post(f"{path}/submission", headers=bank | {"If-Match": seen}), 412)
    assert shell.http.get(path, headers=bank).json()["state"] == "draft"
    now = shell.http.get(path, headers=bank).headers["etag"]
    assert shell.http.post(f"{path}/submission", headers=bank | {"If-Match": now}).json()["state"] == "submitted"
    for step, body in (("activation", {"effective_from": "2024-11-05"}), ("retirement", {"on": "2024-11-05"})):
        is_problem(shell.http.post(f"{path}/{step}", json=body, headers=bank | {"If-Match": now}), 412)


def test_the_document_says_where_it_counts(shell: Shell) -> None:
    paths = shell.http.get("/openapi.json").json()["paths"]
    version = "/v1/products/{product_id}/versions/{version}"
    for path in ("/v1/objections/{objection_id}/steps", "/v1/repairs/{repair_id}/steps",
                 "/v1/cost-lists/{list_id}/confirmations", "/v1/consents/{consent_id}/revocation",
                 "/v1/firms/{uscc}/needs/{need_id}", version, f"{version}/submission", f"{version}/activation",
                 f"{version}/retirement"):  # fmt: skip
        operation = next(paths[path][method] for method in ("post", "put", "delete") if method in paths[path])
        assert "412" in operation["responses"], path
        assert {"If-Match", "Idempotency-Key"} <= {each["name"] for each in operation["parameters"]}
