"""Products by banks: drafted, previewed, activated by a second person, offered without a build, retired, replayed."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.tables import Client, ProductVersion
from service.access.auth import hashed
from service.answers.product_versions import changes_between
from service.books.documents import read_yaml
from service.books.rule_set import read_rule_set
from service.books.rulebook import Rules, offers, rules
from service.books.seedbook import SEED
from service.market.published import in_force, rules_of
from service.usecases.replay_receipt import replay_receipt
from service.web.encode import encode
from tests.shell import Shell, a_city, is_problem

BASE = "contract-loan"
BANK = offers().products[BASE].lender.id
OTHER = next(product.lender.id for product in offers().products.values() if product.lender.id != BANK)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_city(tmp_path_factory.mktemp("products"))


def document(product_id: str, **changed: Any) -> dict[str, Any]:
    """The seed's product under another id, as a bank would send it."""
    made: dict[str, Any] = orjson.loads(encode(read_yaml(SEED / "products" / f"{BASE}.yaml")))
    return copy.deepcopy(made) | {"id": product_id} | changed


def with_condition(product_id: str, *conditions: dict[str, Any]) -> dict[str, Any]:
    made = document(product_id)
    made["conditions"]["all"] += [{"cite": "product terms c9", **each} for each in conditions]
    return made


def second(city: Shell, tenant: str = BANK) -> dict[str, str]:
    """Another system of the same house."""
    name = f"second-{tenant}"
    with city.office.write() as session:
        session.merge(Client(id=name, secret_sha256=hashed("s"), role="bank", tenant=tenant))
    form = {"grant_type": "client_credentials", "client_id": name, "client_secret": "s"}
    token = city.http.post("/v1/oauth/token", data=form).json()["access_token"]
    return {"Authorization": f"Bearer {token}", "X-Purpose": "pre_loan"}


def post(city: Shell, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    asked = {} if body is None else {"json": body}
    return city.http.post(f"/v1/products{path}", headers=headers or city.asks("bank", BANK), **asked)


def published(city: Shell, product_id: str, written: dict[str, Any] | None = None, day: str = "2024-11-05") -> int:
    """Draft, submit and activate; the version."""
    answer = post(city, "", {"document": written or document(product_id)})
    assert answer.status_code == 201, answer.text
    version: int = answer.json()["version"]
    path = f"/{product_id}/versions/{version}"
    assert post(city, f"{path}/submission").json()["state"] == "submitted"
    active = post(city, f"{path}/activation", {"effective_from": day}, second(city))
    assert active.status_code == 200, active.text
    return version


def shelf(city: Shell) -> dict[str, Any]:
    answer = city.http.get("/v1/products?limit=500", headers=city.asks("office")).json()
    return {each["id"]: each for each in answer["items"]}


def test_a_draft_is_offered_to_nobody_until_a_second_person_activates_it(city: Shell) -> None:
    first = post(city, "", {"document": document("own-loan")})
    assert first.status_code == 201
    assert (first.json()["state"], first.json()["version"], first.json()["offered"]) == ("draft", 1, False)
    assert post(city, "", {"document": document("own-loan")}).json()["version"] == 1, "a double click is one draft"
    path = "/own-loan/versions/1"
    is_problem(post(city, f"{path}/activation", {"effective_from": "2024-11-05"}, second(city)), 409, "wrong_state")
    assert "own-loan" not in shelf(city)
    assert post(city, f"{path}/submission").json()["state"] == "submitted"
    assert post(city, f"{path}/submission").json()["state"] == "submitted"
    is_problem(post(city, f"{path}/activation", {"effective_from": "2024-11-05"}), 403, "four_eyes")
    assert "own-loan" not in shelf(city)
    active = post(city, f"{path}/activation", {"effective_from": "2024-11-05"}, second(city)).json()
    assert (active["state"], active["offered"]) == ("active", True)
    assert active["author"] != active["activated_by"]
    assert shelf(city)["own-loan"]["valid_from"] == "2024-11-05"
    is_problem(post(city, f"{path}/activation", {"effective_from": "2024-11-05"}, second(city)), 409, "wrong_state")
    entries = city.http.get("/v1/audit?limit=500", headers=city.asks("auditor")).json()["items"]
    did = [e["detail"]["did"] for e in reversed(entries) if e["detail"].get("product") == "own-loan"]
    assert did == ["drafted", "submitted", "activated"]


def test_a_published_product_is_in_options_prospects_and_the_receipt_without_a_build(city: Shell) -> None:
    snapshot = city.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    uscc = snapshot.firm_at(1)
    ask = {"path": f"/v1/firms/{uscc}/options", "headers": city.asks("office")}
    before = city.http.get(ask["path"], headers=ask["headers"]).json()
    published(city, "fresh-loan")
    after = city.http.get(ask["path"], headers=ask["headers"]).json()
    assert {each["id"] for each in after["options"]} - {each["id"] for each in before["options"]} == {"fresh-loan"}
    assert after["snapshot_id"] == before["snapshot_id"]
    assert after["receipt_id"] != before["receipt_id"]
    for receipt in (before["receipt_id"], after["receipt_id"]):
        replayed = replay_receipt(city.office, receipt)
        assert replayed.broken is None, replayed.checks
        assert replayed.answer is not None
        assert ("fresh-loan" in str(replayed.answer)) is (receipt == after["receipt_id"])
    assert "products/fresh-loan.yaml" in replay_receipt(city.office, before["receipt_id"]).rules_changed_since
    found = city.http.get("/v1/products/fresh-loan/prospects", headers=city.asks("office")).json()
    same = city.http.get(f"/v1/products/{BASE}/prospects", headers=city.asks("office")).json()
    assert (found["total"], [each["uscc"] for each in found["items"]]) == (
        same["total"],
        [each["uscc"] for each in same["items"]],
    )


def test_the_digest_covers_the_product_and_equals_that_of_its_files(city: Shell, tmp_path: Path) -> None:
    published(city, "digest-loan")
    made = rules_of(city.office, date(2024, 11, 5))
    assert made.files.digest != rules().files.digest
    for name, body in made.files.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body)
    kept = Rules(read_rule_set(tmp_path))
    assert kept.files.digest == made.files.digest
    assert dict(kept.offers.products) == dict(made.offers.products)
    assert rules_of(city.office, date(2024, 11, 5)) is made


def test_a_new_version_takes_over_on_its_day_and_retirement_ends_the_product(city: Shell) -> None:
    published(city, "dated-loan")
    dearer = document("dated-loan", zh="改名贷", en="Renamed loan")
    assert published(city, "dated-loan", dearer, "2024-11-20") == 2

    def name(day: date) -> str | None:
        product = rules_of(city.office, day).offers.products.get("dated-loan")
        return product.name.en if product else None

    old = name(date(2024, 11, 19))
    assert old == name(date(2024, 11, 5)) != "Renamed loan"
    assert name(date(2024, 11, 20)) == "Renamed loan"
    lines = city.http.get("/v1/products/dated-loan/versions", headers=city.asks("bank", BANK)).json()["items"]
    assert [(each["version"], each["offered"]) for each in lines] == [(2, False), (1, True)]
    changes = city.http.get("/v1/products/dated-loan/versions/2/diff?against=1", headers=city.asks("bank", BANK))
    assert [each["place"] for each in changes.json()["changes"]] == ["/en", "/zh"]
    gone = post(city, "/dated-loan/versions/2/retirement", {"on": "2024-12-01"})
    assert gone.json()["state"] == "retired"
    assert post(city, "/dated-loan/versions/2/retirement", {"on": "2024-12-01"}).json() == gone.json()
    assert [name(date(2024, 11, 30)), name(date(2024, 12, 1))] == ["Renamed loan", None]
    is_problem(post(city, "/dated-loan/versions/1/retirement", {"on": "2024-11-01"}), 422, "bad_day")


def test_a_version_of_a_product_of_the_files_replaces_it(city: Shell) -> None:
    published(city, BASE, document(BASE, en="Ours now"))
    product = rules_of(city.office, date(2024, 11, 5)).offers.products[BASE]
    assert product.name.en == "Ours now"
    assert rules().offers.products[BASE].name.en != "Ours now"


def test_a_draft_changes_by_revision_and_a_submitted_one_not_at_all(city: Shell) -> None:
    post(city, "", {"document": document("edited-loan")})
    path, headers = "/v1/products/edited-loan/versions/1", city.asks("bank", BANK)
    body = {"document": document("edited-loan", en="Edited"), "revision": 1}
    changed = city.http.put(path, json=body, headers=second(city))
    assert (changed.status_code, changed.json()["revision"]) == (200, 2)
    is_problem(city.http.put(path, json=body | {"document": document("edited-loan")}, headers=headers), 409)
    post(city, "/edited-loan/versions/1/submission")
    is_problem(city.http.put(path, json=body | {"revision": 2}, headers=headers), 409, "wrong_state")
    activation = {"effective_from": "2024-11-05"}
    is_problem(post(city, "/edited-loan/versions/1/activation", activation, second(city)), 403, "four_eyes")
    assert post(city, "/edited-loan/versions/1/activation", activation).status_code == 200, "the author is the last one"


def bad_documents() -> list[Any]:
    twice = with_condition("bad-loan", {"fact": "live", "op": "is", "value": False})
    return [
        pytest.param(
            document("bad-loan", lender={**document("x")["lender"], "id": OTHER}), "not_your_house", id="house"
        ),
        pytest.param(document("bad-loan", kind="scheme"), "bad_product", id="kind"),
        pytest.param(document("Bad Loan"), "bad_product", id="id"),
        pytest.param(with_condition("bad-loan", {"fact": "no_item", "op": "is", "value": 1}), "bad_product", id="item"),
        pytest.param(with_condition("bad-loan", {"fact": "live", "op": "near", "value": 1}), "bad_product", id="op"),
        pytest.param(twice, "bad_product", id="contradiction"),
        pytest.param(document("bad-loan", surprise=1), "bad_product", id="part"),
        pytest.param(document("bad-loan", valid={"from": "2024-13-01"}), "bad_product", id="day"),
        pytest.param({}, "bad_product", id="empty"),
        pytest.param(document("bad-loan", note="\x97"), "bad_product", id="control"),
        pytest.param(document("bad-loan", deposit=2**64), "bad_product", id="large"),
        pytest.param(document("bad-loan", conditions={"all": [{"fact": "live"}] * 10_000}), "bad_product", id="10000"),
    ]


@pytest.mark.parametrize(("written", "code"), bad_documents())
def test_a_bad_product_is_refused_with_its_place(city: Shell, written: dict[str, Any], code: str) -> None:
    answer = post(city, "", {"document": written})
    problem = is_problem(answer, 403 if code == "not_your_house" else 422, code)
    assert problem["fix"]
    assert "bad-loan" not in shelf(city)


def test_cases_must_hold_and_what_they_leave_untried_is_told(city: Shell) -> None:
    cases = orjson.loads(encode(read_yaml(SEED / "products" / f"{BASE}.cases.yaml"))) | {"rule": "cased-loan"}
    good = post(city, "", {"document": document("cased-loan"), "cases": cases})
    assert good.json()["untried"] == []
    fewer = cases | {"cases": cases["cases"][:1]}
    assert post(city, "", {"document": document("cased-loan"), "cases": fewer}).json()["untried"]
    wrong = copy.deepcopy(cases)
    wrong["cases"][0]["expect"] = "unmet"
    is_problem(post(city, "", {"document": document("cased-loan"), "cases": wrong}), 422, "bad_cases")


def test_another_house_neither_takes_the_id_nor_sees_or_touches_the_versions(city: Shell) -> None:
    published(city, "kept-loan")
    other = city.asks("bank", OTHER)
    theirs = document("kept-loan", lender=lender_part(OTHER))
    is_problem(post(city, "", {"document": theirs}, other), 409, "id_taken")
    for path in ("/kept-loan/versions", "/kept-loan/versions/1", "/kept-loan/versions/1/diff?against=1"):
        is_problem(city.http.get(f"/v1/products{path}", headers=other), 404, "unknown_product")
    for path, body in (
        ("submission", None),
        ("activation", {"effective_from": "2024-11-05"}),
        ("retirement", {"on": "2024-11-05"}),
    ):
        is_problem(post(city, f"/kept-loan/versions/1/{path}", body, other), 404, "unknown_product")
    is_problem(post(city, "/kept-loan/preview", {}, other), 404)
    for role, tenant in (("firm", "x"), ("auditor", ""), ("agency", "tax")):
        is_problem(post(city, "", {"document": document("x")}, city.asks(role, tenant)), 403, "forbidden")
    assert city.http.get("/v1/products/kept-loan/versions", headers=city.asks("office")).status_code == 200


def lender_part(lender: str) -> dict[str, str]:
    found = next(product.lender for product in offers().products.values() if product.lender.id == lender)
    return {"id": found.id, "zh": found.name.zh, "en": found.name.en, "kind": found.kind}


def test_a_preview_counts_what_the_product_would_find(city: Shell) -> None:
    narrower = with_condition(BASE, {"fact": "firm_age_months", "op": "ge", "value": 60})
    staff = city.http.post(
        f"/v1/products/{BASE}/preview", json={"document": narrower}, headers=city.asks("office")
    ).json()
    found = city.http.get(f"/v1/products/{BASE}/prospects", headers=city.asks("office")).json()
    assert staff["hits_now"] == found["total"]
    assert staff["hits"] <= staff["hits_now"]
    assert staff["waterfall"][-1]["left"] == staff["hits"]
    assert staff["with_guarantee"]
    assert all(each["hits"] <= staff["hits"] for each in staff["with_guarantee"])
    bank = post(city, f"/{BASE}/preview", {"document": narrower}).json()
    assert bank["approximate"] is True
    assert post(city, f"/{BASE}/preview", {}).json()["hits"] == post(city, f"/{BASE}/preview", {}).json()["hits_now"]
    without = {name: value for name, value in city.asks("bank", BANK).items() if name != "X-Purpose"}
    is_problem(post(city, f"/{BASE}/preview", {}, without), 400, "purpose_missing")
    is_problem(post(city, f"/{BASE}/preview", {"document": narrower, "version": 1}), 422, "two_products")
    is_problem(post(city, f"/{BASE}/preview", {"version": 99}), 404)
    is_problem(post(city, "/another-loan/preview", {"document": narrower}), 422, "other_product")


def version(number: int, begins: date | None, ends: date | None = None) -> ProductVersion:
    return ProductVersion(version=number, effective_from=begins, retired_on=ends)


@pytest.mark.parametrize(
    ("versions", "day", "expected"),
    [
        ([version(1, date(2024, 1, 1))], 5, 1),
        ([version(1, date(2024, 1, 1)), version(2, date(2024, 1, 6))], 5, 1),
        ([version(1, date(2024, 1, 1)), version(2, date(2024, 1, 5))], 5, 2),
        ([version(1, date(2024, 1, 9))], 5, 1),
        ([version(1, date(2024, 1, 1), date(2024, 1, 5))], 5, None),
        ([version(1, date(2024, 1, 1)), version(2, date(2024, 1, 3), date(2024, 1, 4))], 5, None),
        ([version(1, date(2024, 1, 3), date(2024, 1, 4)), version(2, date(2024, 1, 3))], 5, 2),
        ([version(1, None)], 5, None),
        ([], 5, None),
    ],
    ids=map(str, range(9)),
)
def test_the_version_in_force(versions: list[ProductVersion], day: int, expected: int | None) -> None:
    found = in_force(versions, date(2024, 1, day))
    assert (found.version if found else None) == expected


def test_changes_name_the_place_and_both_values() -> None:
    old, new = {"a": [1, {"b": 2}], "c": 3, "d": []}, {"a": [1, {"b": 5}, 6], "d": []}
    assert changes_between(old, new) == [
        {"place": "/a/1/b", "before": 2, "after": 5},
        {"place": "/a/2", "before": None, "after": 6},
        {"place": "/c", "before": 3, "after": None},
    ]
