"""What the API answers over a small demo city: shapes, sums, tenants, anonymity, paging, new snapshots."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from service.access.auth import MAY, Role
from service.app import guard_of
from service.books.rulebook import market_terms, offers, rules
from service.clock import utc_now
from service.snapshot.office_stages import office_stages
from service.snapshot.snapshots import OpenSnapshot, open_snapshot
from service.usecases.build_snapshot import build_snapshot
from service.usecases.replay_receipt import replay_receipt
from tests.shell import Shell, a_city, a_code, is_problem

SCREEN = {"all": [{"fact": "size_class", "op": "in", "value": ["micro", "small"]}]}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_city(tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="module")
def snapshot(city: Shell) -> OpenSnapshot:
    shelf = city.http.app.state.desk.shelf  # type: ignore[attr-defined]
    found: OpenSnapshot = shelf.current()
    return found


#: What a path may name here; and paths that need more than that.
FOUND = {"uscc", "feed_id", "product_id", "parameter_id", "scheme_id"}
ASKED_FOR = {"/v1/monitoring/model", "/v1/firms/{uscc}/person-consents/text"}


def get(shell: Shell, path: str, role: str = "office", tenant: str = "", status: int = 200, **query: Any) -> Any:
    answer = shell.http.get(path, params=query, headers=shell.asks(role, tenant))
    assert answer.status_code == status, answer.text
    return answer.json()


def build(shell: Shell, day: date) -> None:
    build_snapshot(shell.office, day, utc_now(), stages=office_stages())


def search(shell: Shell, body: dict[str, Any], role: str = "office", tenant: str = "") -> Any:
    return shell.http.post("/v1/prospects/search", json=body, headers=shell.asks(role, tenant))


def test_the_latest_day_answers_whichever_was_built_last(city: Shell) -> None:
    build(city, date(2024, 8, 31))
    assert open_snapshot(city.office).as_of == date(2024, 8, 31)
    assert get(city, "/version")["as_of"] == "2024-10-31"


def test_every_json_answer_has_its_documented_shape(city: Shell, snapshot: OpenSnapshot) -> None:
    uscc, filled = snapshot.firm_at(3), 0
    for route in city.http.app.routes:  # type: ignore[attr-defined]
        # One batch, receipt, model, list or case: its own tests hold it to its shape.
        named = set(re.findall(r"{(\w+)}", route.path))
        if not isinstance(route, APIRoute) or "GET" not in route.methods or named - FOUND or route.path in ASKED_FOR:
            continue
        shape = route.responses.get(200, {}).get("model")
        if shape is None:
            continue
        path = route.path.replace("{uscc}", uscc).replace("{product_id}", next(iter(offers().products)))
        path = path.replace("{parameter_id}", "lpr_1y").replace("{scheme_id}", "sy-first-loan-subsidy-2024")
        path = path.replace("/records", "/records?item=penalty_general")
        assert issubclass(shape, BaseModel)
        guard = guard_of(route)
        by_firm = guard is not None and Role.OFFICE not in MAY[guard.action] and Role.FIRM in MAY[guard.action]
        role, tenant = ("firm", uscc) if by_firm else ("office", "")
        if guard is not None and MAY[guard.action] == {Role.AUDITOR}:
            role = "auditor"
        if guard is not None and MAY[guard.action] == {Role.BANK, Role.GUARANTOR}:
            role, tenant = "bank", "bank-a"
        purpose = {"X-Purpose": "post_loan"} if path.startswith("/v1/borrowers") else {}
        shape.model_validate_json(city.http.get(path, headers=city.asks(role, tenant) | purpose).content)
        filled += 1
    assert filled >= 17
    for path, body in (
        ("/v1/prospects/search", {"conditions": SCREEN}),
        ("/v1/schemes/sy-first-loan-subsidy-2024/evaluate", {"facts": {"size_class": "small"}}),
    ):
        route = next(r for r in city.http.app.routes if getattr(r, "path", "").endswith(path[-8:]))  # type: ignore[attr-defined]
        answer = city.http.post(path, json=body, headers=city.asks("office"))
        route.responses[200]["model"].model_validate_json(answer.content)


def test_the_profile_lists_139_items_and_counts_what_is_unknown(city: Shell, snapshot: OpenSnapshot) -> None:
    profile = get(city, f"/v1/firms/{snapshot.firm_at(0)}/profile", "firm", snapshot.firm_at(0))
    assert len(profile["items"]) == 139
    assert profile["known"] + profile["unknown"] == 139
    assert profile["unknown"] > 0
    for item in profile["items"]:
        assert (item["value"] is not None) == item["known"]
        assert not item["masked"], "a firm sees itself whole"
        if item["type"] == "money" and item["known"]:
            assert re.fullmatch(r"-?\d+\.\d\d", item["value"])


def test_staff_see_that_a_personal_item_is_there_but_not_its_value(city: Shell, snapshot: OpenSnapshot) -> None:
    profile = get(city, f"/v1/firms/{snapshot.firm_at(0)}/profile")
    personal = [item for item in profile["items"] if item["personal"]]
    assert any(item["known"] for item in personal)
    assert all(item["value"] is None and item["masked"] for item in personal)


def test_score_lines_sum_to_the_score_exactly(city: Shell, snapshot: OpenSnapshot) -> None:
    for row in range(0, snapshot.firms, 7):
        score = get(city, f"/v1/firms/{snapshot.firm_at(row)}/score")
        if score["score"] is None:
            assert score["state"] != "scored"
            continue
        total = sum(Decimal(line["points"]) for line in score["lines"])
        assert total == Decimal(str(score["score"])), snapshot.firm_at(row)
        assert score["low"] <= score["score"] <= score["high"]
        assert score["frozen"]["quarter"] == "2024-09-30"


def test_options_are_ordered_and_priced_and_the_receipt_stays(city: Shell, snapshot: OpenSnapshot) -> None:
    uscc = snapshot.firm_at(2)
    path, need = (
        f"/v1/firms/{uscc}/options",
        {"amount_yuan": "3000000", "term_months": 12, "purpose": "working_capital"},
    )
    answer = get(city, path, "firm", uscc, **need)
    order = ["eligible", "unknown", "near_miss", "ineligible", "not_yet", "expired"]
    places = [order.index(option["status"]) for option in answer["options"]]
    assert places == sorted(places)
    assert sum(answer["counts"].values()) == len(answer["options"])
    assert {option["id"] for option in answer["options"]} == {
        *rules().local_offers.products,
        *rules().local_offers.schemes,
    }
    assert answer["need"] == {"amount_yuan": "3000000.00", "term_months": 12, "purpose": "working_capital"}
    for option in answer["options"]:
        if option["cost"]:
            cost = {name: Decimal(value) for name, value in option["cost"].items() if name.endswith("_yuan")}
            paid = cost["interest_yuan"] + cost["guarantee_fee_yuan"] + cost["other_fees_yuan"] - cost["subsidy_yuan"]
            assert cost["total_yuan"] == paid
    again = get(city, path, "firm", uscc, **need)
    assert again == answer
    assert get(city, path, "firm", uscc, **{**need, "term_months": 24})["receipt_id"] != answer["receipt_id"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"amount_yuan": "-5"}, "bad_amount"),
        ({"amount_yuan": "0"}, "bad_amount"),
        ({"amount_yuan": "NaN"}, ""),
        ({"amount_yuan": "1e6"}, ""),
        ({"amount_yuan": "３０００"}, ""),
        ({"amount_yuan": "99999999999999999"}, ""),
        ({"term_months": "0"}, "bad_term"),
        ({"term_months": "twelve"}, "invalid_request"),
        ({"purpose": "gambling"}, ""),
        ({"as_of": "2024-10-32"}, "bad_date"),
    ],
)
def test_a_bad_need_is_refused_with_its_field(
    city: Shell, snapshot: OpenSnapshot, query: dict[str, str], code: str
) -> None:
    path = f"/v1/firms/{snapshot.firm_at(0)}/options"
    answer = city.http.get(path, params=query, headers=city.asks("office"))
    assert is_problem(answer, 422, code)["field"] == next(iter(query))


def test_a_day_without_snapshot_says_how_to_build_it(city: Shell, snapshot: OpenSnapshot) -> None:
    answer = city.http.get(
        f"/v1/firms/{snapshot.firm_at(0)}", params={"as_of": "2020-01-01"}, headers=city.asks("office")
    )
    assert "build --as-of 2020-01-01" in is_problem(answer, 404, "no_snapshot_of_day")["fix"]
    assert get(city, f"/v1/firms/{snapshot.firm_at(0)}", as_of="2024-09-30")["as_of"] == "2024-09-30"


@pytest.mark.parametrize("code", ["91210100MA0000000X", "x", "９１210100MA0000001G", "91210100ma0000001g", "1" * 18])
def test_a_wrong_code_is_refused_and_an_unknown_one_is_not_found(city: Shell, code: str) -> None:
    is_problem(city.http.get(f"/v1/firms/{code}", headers=city.asks("office")), 422, "bad_uscc")
    is_problem(city.http.get(f"/v1/firms/{a_code(4242)}", headers=city.asks("office")), 404, "unknown_firm")


@pytest.mark.parametrize("tail", ["", "/profile", "/score", "/options"])
def test_another_tenants_firm_does_not_exist(city: Shell, snapshot: OpenSnapshot, tail: str) -> None:
    mine, other = snapshot.firm_at(0), snapshot.firm_at(1)
    assert city.http.get(f"/v1/firms/{mine}{tail}", headers=city.asks("firm", mine)).status_code == 200
    for role, tenant in (("firm", mine), ("bank", "yunshan-bank"), ("guarantor", "g")):
        headers = city.asks(role, tenant)
        refused = city.http.get(f"/v1/firms/{other}{tail}", headers=headers)
        absent = city.http.get(f"/v1/firms/{a_code(4242)}{tail}", headers=headers)
        told = [is_problem(answer, 404, "unknown_firm") for answer in (refused, absent)]
        assert told[0]["detail"] == told[1]["detail"], "a refusal must not confirm that the firm exists"


def test_a_lender_never_learns_who_a_firm_is(city: Shell, snapshot: OpenSnapshot) -> None:
    secrets = {snapshot.firm_at(row) for row in range(snapshot.firms)}
    secrets |= {str(snapshot.value("firm_name", row)) for row in range(snapshot.firms)} - {"None"}
    lender = next(product.lender.id for product in offers().products.values() if product.lender.kind == "bank")
    seen = [search(city, {"conditions": SCREEN, "limit": 500}, "bank", lender).text]
    for product in offers().products.values():
        path = f"/v1/products/{product.id}/prospects?limit=500"
        answer = city.http.get(path, headers=city.asks("bank", lender))
        assert answer.status_code == (200 if product.lender.id == lender else 404)
        seen.append(answer.text)
    for text in seen:
        assert not [secret for secret in secrets if secret in text]
        for card in json.loads(text).get("items", []):
            assert set(card) == {
                *("prospect_id", "size_class", "district", "industry_section", "age_band", "left_out"),
                *("grade", "score_band", "sort_band", "open_to_contact"),
            }


def test_prospect_ids_stay_for_one_lender_and_differ_between_two(city: Shell) -> None:
    first, again, other = (
        [card["prospect_id"] for card in search(city, {"conditions": SCREEN}, "bank", lender).json()["items"]]
        for lender in ("bank-a", "bank-a", "bank-b")
    )
    assert first == again
    assert not set(first) & set(other)


def test_a_small_group_is_withheld_from_a_lender_but_not_from_staff(city: Shell, snapshot: OpenSnapshot) -> None:
    capital = int(snapshot.value("registered_capital", 0))  # type: ignore[arg-type]
    founded = str(snapshot.value("established_on", 0))
    public = [
        {"fact": "registered_capital", "op": "is", "value": capital},
        {"fact": "established_on", "op": "is", "value": founded},
    ]
    probe = {"conditions": {"all": [*public, {"fact": "sales_12m", "op": "ge", "value": 0}]}}
    withheld = search(city, probe, "bank", "bank-a").json()
    assert withheld["withheld_below"] == market_terms().release.smallest_group
    assert withheld["total"] is None
    assert not withheld["items"]
    assert not withheld["waterfall"]
    nobody = {"conditions": {"all": [*public, {"fact": "sales_12m", "op": "lt", "value": 0}]}}
    told = search(city, nobody, "bank", "bank-a").json()
    assert {name: told[name] for name in ("total", "items", "waterfall", "undecided")} == {
        name: withheld[name] for name in ("total", "items", "waterfall", "undecided")
    }, "holding or not holding must look the same"
    assert search(city, probe).json()["total"] is not None
    assert search(city, {"conditions": {"all": public}}, "bank", "bank-a").json()["total"] >= 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"conditions": {"all": [{"fact": "no_such_item", "op": "is", "value": 1}]}}, "unknown_fact"),
        ({"conditions": {"all": [{"fact": "sales_12m", "op": "is", "value": "many"}]}}, ""),
        ({"conditions": {"all": [{"fact": "size_class", "op": "in", "value": ["tiny"]}]}}, ""),
        ({"conditions": {"all": [{"fact": "firm_name", "op": "is", "value": "x"}]}}, ""),
        ({"conditions": {"all": [{"fact": "loan_amount_yuan", "op": "ge", "value": 1}]}}, "not_about_firms"),
        ({"conditions": {"some": []}}, ""),
        ({"conditions": {}}, ""),
        ({"conditions": SCREEN, "sort": "no_such_item"}, "unknown_fact"),
        ({"conditions": SCREEN, "limit": 0}, "invalid_request"),
        ({"conditions": SCREEN, "limit": 501}, "invalid_request"),
        ({"conditions": SCREEN, "limit": "5"}, "invalid_request"),
        ({"conditions": SCREEN, "cursor": "abc"}, "bad_cursor"),
        ({"conditions": SCREEN, "cursor": "abc.def"}, "bad_cursor"),
        ({"conditions": SCREEN, "score": 1000}, "invalid_request"),
    ],
)
def test_a_bad_screen_is_refused(city: Shell, body: dict[str, Any], code: str) -> None:
    is_problem(search(city, body), 422, code)


def test_pages_of_a_screen_hold_every_firm_once_and_survive_a_new_snapshot(city: Shell, snapshot: OpenSnapshot) -> None:
    seen: list[str] = []
    body: dict[str, Any] = {"conditions": SCREEN, "limit": 7, "sort": "-registered_capital"}
    answer = search(city, body).json()
    total = answer["total"]
    built = False
    while True:
        seen += [card["uscc"] for card in answer["items"]]
        if not answer["next_cursor"]:
            break
        if not built:
            build(city, date(2024, 11, 4))
            built = True
        answer = search(city, {**body, "cursor": answer["next_cursor"]}).json()
        assert answer["snapshot_id"] == snapshot.id
    assert len(seen) == len(set(seen)) == total
    assert get(city, "/version")["as_of"] == "2024-11-04", "the new snapshot is in use without a restart"
    changed = {**body, "conditions": {"all": []}, "cursor": "x"}
    is_problem(search(city, changed), 422, "bad_cursor")


def test_the_waterfall_ends_at_the_total(city: Shell) -> None:
    for product_id in list(offers().products)[:6]:
        answer = get(city, f"/v1/products/{product_id}/prospects")
        if answer["waterfall"]:
            assert answer["waterfall"][-1]["left"] == answer["total"]
        lefts = [answer["among"], *(step["left"] for step in answer["waterfall"])]
        assert lefts == sorted(lefts, reverse=True)


def test_monitoring_counts_every_firm(city: Shell) -> None:
    overview = get(city, "/v1/monitoring/overview")
    assert sum(overview["states"].values()) == overview["firms"]
    grades = get(city, "/v1/monitoring/grades")
    assert sum(each["firms"] for each in grades["grades"]) + grades["not_graded"] == overview["firms"]
    for view in ("by_size", "by_district", "by_section"):
        assert sum(group["firms"] for group in grades[view]) == overview["firms"]
    coverage = get(city, "/v1/monitoring/coverage")
    assert sum(len(agency["items"]) for agency in coverage["agencies"]) == 139
    assert get(city, "/v1/monitoring/matches")["matches"]


def test_a_delivery_lands_once_and_its_rejects_can_be_read(city: Shell) -> None:
    agency = city.asks("agency", "tax")
    good = "".join(f"{a_code(number)},2023,A,2024-04-20\n" for number in range(40))
    body = f"uscc,year,grade,rated_on\n{good}not-a-code,2023,A,2024-04-20\n"
    url = "/v1/feeds/tax_credit_rating/batches?filename=ratings.csv"
    landed = city.http.post(url, content=body.encode(), headers=agency)
    assert landed.status_code == 201, landed.text
    report = landed.json()
    assert (report["rows_read"], report["rows_landed"], report["rows_rejected"]) == (41, 40, 1)
    assert landed.headers["location"] == f"/v1/batches/{report['batch_id']}"
    batch = city.http.get(landed.headers["location"], headers=agency).json()
    assert batch["file_name"] == "ratings.csv"
    rejects = city.http.get(f"{landed.headers['location']}/rejects", headers=agency).json()
    assert [(r["row"], r["column"], r["value"]) for r in rejects["items"]] == [(41, "uscc", "not-a-code")] or rejects[
        "items"
    ][0]["value"] == "not-a-code"
    as_file = city.http.get(f"{landed.headers['location']}/rejects?format=csv", headers=agency)
    assert as_file.headers["content-type"].startswith("text/csv")
    assert b"not-a-code" in as_file.content
    again = city.http.post(url, content=body.encode(), headers=agency)
    assert again.status_code == 200
    assert again.json()["rows_landed"] == 0
    is_problem(city.http.get(landed.headers["location"], headers=city.asks("agency", "court")), 404)


def test_what_the_firm_had_before_is_part_of_the_question_and_of_its_receipt(
    city: Shell, snapshot: OpenSnapshot
) -> None:
    path, lines = f"/v1/firms/{snapshot.firm_at(2)}/options", "sy-insurer-award-2024=never,sy-building-awards-2024="
    told = city.http.get(path, params={"enjoyed": f"{lines}2024-05-31:100000"}, headers=city.asks("office")).json()
    assert told["need"] == {"enjoyed": f"{lines}2024-05-31:100000".split(",")}
    again = replay_receipt(city.office, told["receipt_id"])
    assert again.broken is None
    assert again.answer is not None
    silent = city.http.get(path, headers=city.asks("office")).json()
    assert "enjoyed" not in silent["need"]
    assert silent["receipt_id"] != told["receipt_id"]
    for wrong in ("sy-nothing=2024-01-01", f"{lines}2099-01-01", "sy-insurer-award-2024=x", ""):
        problem = is_problem(city.http.get(path, params={"enjoyed": wrong}, headers=city.asks("office")), 422)
        assert problem["field"] == "enjoyed"
