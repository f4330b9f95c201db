"""Campaigns over HTTP: drawn up, published by another, received, outcomes to the yuan, and who may see whom."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from models.errors import RefusedInput
from service.access.auth import Caller, Role
from service.books.rulebook import offers
from service.market.campaign_spec import read_spec
from service.usecases.draw_up_campaign import draw_up_campaign
from service.usecases.publish_campaign import publish_campaign
from tests.shell import Shell, a_city, is_problem

NAME = {"quarter": "2025-01-01", "name": "first quarter"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_city(tmp_path_factory.mktemp("campaigns"), firms=120)


@pytest.fixture(scope="module")
def products(city: Shell) -> list[str]:
    """Products of more than one lender that many firms meet."""
    snapshot = city.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    met = {
        rule: sum(int(byte).bit_count() for byte in bits)
        for rule, bits in zip(snapshot.rule_ids, snapshot.met, strict=True)
        if offers().products[rule].terms is not None
    }
    return sorted(met, key=lambda rule: -met[rule])[:4]


def draw_up(city: Shell, products: list[str], firms: int = 6, role: str = "office", **more: Any) -> Any:
    body = {**NAME, "products": [{"id": one, "firms": firms} for one in products], **more.pop("changed", {}), **more}
    return city.http.post("/v1/campaigns", json=body, headers=city.asks(role))


def rows(city: Shell, campaign: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = city.http.get(f"/v1/campaigns/{campaign}/rows?limit=500", headers=headers).json()[
        "items"
    ]
    return found


@pytest.fixture(scope="module")
def published(city: Shell, products: list[str]) -> dict[str, Any]:
    """A published campaign and the lender of its first row."""
    made = draw_up(city, products, name="published", fair=[{"by": "district", "least": "0.01"}])
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    path = f"/v1/campaigns/{answer['id']}/publication"
    done = city.http.post(path, json={"version": 1}, headers=city.asks("approver"))
    assert done.status_code == 200, done.text
    listed = rows(city, answer["id"], city.asks("office"))
    return {**done.json(), "lender": listed[0]["lender"], "listed": listed}


def test_quotas_and_contact_caps_hold_and_the_report_says_how_good_the_list_is(
    city: Shell, products: list[str]
) -> None:
    made = draw_up(city, products, firms=5, contacts_each=2, pots=[
        {"id": "guarantee", "products": products[:2], "yuan": "2000000", "share": "0.8"}
    ])  # fmt: skip
    assert made.status_code == 201, made.text
    answer = made.json()
    listed = rows(city, answer["id"], city.asks("office"))
    assert answer["rows"] == len(listed) > 0
    assert max(Counter(row["product"] for row in listed).values()) <= 5
    assert max(Counter(row["uscc"] for row in listed).values()) <= 2
    guaranteed = sum(float(row["amount_yuan"]) for row in listed if row["product"] in products[:2])
    assert guaranteed * 0.8 <= 2_000_000
    summary = answer["summary"]
    assert summary["listed"] == len(listed)
    assert summary["bound"]["list"] <= summary["bound"]["best"] + 1e-6
    assert summary["bound"]["heaviest_share"] <= 1 + 1e-9
    assert isinstance(summary["blocking_pairs"], int)
    assert [one["id"] for one in summary["ranking"]["products"]] == products
    assert answer["ranking"] == summary["ranking"]
    for limit in summary["limits"]:
        assert limit["used"] <= limit["most"]


def test_without_pots_and_sums_no_pair_blocks(city: Shell, products: list[str]) -> None:
    assert draw_up(city, products, name="stable").json()["summary"]["blocking_pairs"] == 0


def test_the_same_again_is_the_same_version_and_a_change_is_a_new_one(city: Shell, products: list[str]) -> None:
    first = draw_up(city, products, name="versions")
    again = draw_up(city, products, name="versions")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["version"] == again.json()["version"] == 1
    other = draw_up(city, products, name="versions", firms=3)
    assert (other.json()["id"], other.json()["version"]) == (first.json()["id"], 2)
    old = city.http.get(f"/v1/campaigns/{first.json()['id']}?version=1", headers=city.asks("office")).json()
    assert old["content_sha256"] == first.json()["content_sha256"]


def test_who_drew_it_up_does_not_publish_it(city: Shell, products: list[str]) -> None:
    made = draw_up(city, products, name="two persons").json()
    path = f"/v1/campaigns/{made['id']}/publication"
    is_problem(city.http.post(path, json={"version": 1}, headers=city.asks("office")), 403, "forbidden")
    is_problem(city.http.post(path, json={"version": 2}, headers=city.asks("approver")), 409, "old_version")
    first = city.http.post(path, json={"version": 1}, headers=city.asks("approver"))
    city.clock.forward(minutes=1)
    again = city.http.post(path, json={"version": 1}, headers=city.asks("approver"))
    assert first.json()["published_at"] == again.json()["published_at"]


def test_one_person_in_two_roles_is_one_person(city: Shell, products: list[str]) -> None:
    spec = read_spec({**NAME, "name": "one person", "products": [{"id": products[0], "firms": 2}]})
    snapshot = city.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    now = city.clock.moment
    made = draw_up_campaign(city.office, snapshot, Caller("web", Role.OFFICE, person="ann"), spec, now, "r")
    with pytest.raises(RefusedInput) as refused:
        publish_campaign(city.office, Caller("web", Role.APPROVER, person="ann"), made.id, 1, now, "r")
    assert (refused.value.code, refused.value.status) == ("four_eyes", 403)
    assert publish_campaign(city.office, Caller("web", Role.APPROVER, person="bob"), made.id, 1, now, "r")


def test_a_request_written_back_reads_the_same() -> None:
    said = {
        **NAME, "products": [{"id": "p", "firms": 3, "yuan": "12.05"}], "lenders": [{"id": "l", "firms": 2}],
        "pots": [{"id": "g", "products": ["p"], "yuan": "100", "share": "0.25"}],
        "fair": [{"by": "district", "least": "0.2"}],
    }  # fmt: skip
    spec = read_spec(said)
    assert read_spec(spec.as_data()) == spec
    assert (spec.products[0].fen, spec.pots[0].fen) == (1205, 10000)


def test_a_lender_sees_its_own_rows_of_what_is_published(
    city: Shell, products: list[str], published: dict[str, Any]
) -> None:
    draft = draw_up(city, products, name="a draft").json()["id"]
    bank = city.asks("bank", published["lender"])
    is_problem(city.http.get(f"/v1/campaigns/{draft}", headers=bank), 404)
    is_problem(city.http.get(f"/v1/campaigns/{published['id']}", headers=city.asks("bank", "stranger")), 404)
    assert [one["id"] for one in city.http.get("/v1/campaigns", headers=bank).json()["items"]].count(
        published["id"]
    ) == 1
    seen = city.http.get(f"/v1/campaigns/{published['id']}", headers=bank).json()
    assert (seen["spec"], seen["summary"], seen["drawn_up_by"]) == (None, None, None)
    # How it was ranked is told of its own products, and nothing of the risk of any firm.
    for one in seen["ranking"]["products"]:
        assert offers().products[one["id"]].lender.id == published["lender"]
        assert set(one) == {"id", "rate", "margin", "loss_given_default"}
    mine = rows(city, published["id"], bank)
    assert {row["lender"] for row in mine} == {published["lender"]}
    assert len(mine) == seen["rows"] == sum(row["lender"] == published["lender"] for row in published["listed"])


def test_only_firms_that_opened_themselves_are_named(city: Shell, published: dict[str, Any]) -> None:
    bank = city.asks("bank", published["lender"])
    assert {row["uscc"] for row in rows(city, published["id"], bank)} == {None}
    row = next(row for row in published["listed"] if row["lender"] == published["lender"])
    word = {"at_a_time": 1, "per_quarter": 1, "valid_until": "2025-03-31"}
    firm = city.asks("firm", row["uscc"])
    assert city.http.post(f"/v1/firms/{row['uscc']}/contact", json=word, headers=firm).status_code == 201
    named = {one["row"]: one["uscc"] for one in rows(city, published["id"], bank) if one["uscc"]}
    assert set(named.values()) == {row["uscc"]}
    log = city.http.get(f"/v1/firms/{row['uscc']}/access-log", headers=firm).json()["items"]
    assert "read_campaign" in [entry["action"] for entry in log]
    city.http.delete(f"/v1/firms/{row['uscc']}/contact", headers=firm)
    assert {one["uscc"] for one in rows(city, published["id"], bank)} == {None}


def test_a_receipt_is_for_the_rows_as_they_were_read(city: Shell, published: dict[str, Any]) -> None:
    bank, path = city.asks("bank", published["lender"]), f"/v1/campaigns/{published['id']}"
    digest = city.http.get(path, headers=bank).json()["rows_sha256"]
    wrong = {"version": published["version"], "rows_sha256": "0" * 64}
    is_problem(city.http.post(f"{path}/receipt", json=wrong, headers=bank), 409, "other_rows")
    right = {"version": published["version"], "rows_sha256": digest}
    first = city.http.post(f"{path}/receipt", json=right, headers=bank).json()["receipts"]
    city.clock.forward(minutes=1)
    assert city.http.post(f"{path}/receipt", json=right, headers=bank).json()["receipts"] == first
    assert [one["lender"] for one in first] == [published["lender"]]
    office = city.http.get(path, headers=city.asks("office")).json()
    assert [one["rows_sha256"] for one in office["receipts"]] == [digest]


def test_outcomes_are_followed_to_the_yuan_and_stay_on_the_list(city: Shell, products: list[str]) -> None:
    made = draw_up(city, products, name="outcomes").json()
    city.http.post(f"/v1/campaigns/{made['id']}/publication", json={"version": 1}, headers=city.asks("approver"))
    mine = Counter(row["lender"] for row in rows(city, made["id"], city.asks("office"))).most_common(1)[0][0]
    bank = city.asks("bank", mine)
    first, second = rows(city, made["id"], bank)[:2]

    def tell(row: dict[str, Any], **said: Any) -> Any:
        return city.http.post(f"/v1/campaigns/{made['id']}/rows/{row['row']}/outcomes", json=said, headers=bank)

    assert tell(first, state="contacted").json()["state"] == "contacted"
    assert tell(first, state="contacted").status_code == 200
    is_problem(tell(first, state="drawn", drawn_yuan="1"), 409, "step_back")
    is_problem(tell(first, state="approved"), 422, "bad_outcome")
    assert tell(first, state="approved", approved_yuan="500000.01").json()["approved_yuan"] == "500000.01"
    is_problem(tell(first, state="in_process"), 409, "step_back")
    is_problem(tell(first, state="drawn", drawn_yuan="500000.02"), 422, "bad_outcome")
    assert tell(first, state="drawn", drawn_yuan="200000.00").json()["drawn_yuan"] == "200000.00"
    assert tell(first, state="drawn", drawn_yuan="500000.01").json()["approved_yuan"] == "500000.01"
    is_problem(tell(second, state="declined", reason="could_not_score"), 422, "bad_reason")
    is_problem(tell(second, state="declined"), 422, "bad_outcome")
    assert tell(second, state="declined", reason="sales_too_small").json()["reason"] == "sales_too_small"
    is_problem(tell({"row": "r_none"}, state="contacted"), 404, "unknown_row")

    report = city.http.get(f"/v1/campaigns/{made['id']}/report", headers=city.asks("office")).json()
    assert (report["all"]["approved_yuan"], report["all"]["drawn_yuan"]) == ("500000.01", "500000.01")
    assert report["all"]["declined_by"] == {"sales_too_small": 1}
    assert report["all"]["conversion"] == pytest.approx(1 / made["rows"])
    for cut in ("by_lender", "by_product", "by_district", "by_size_class"):
        assert sum(group["rows"] for group in report[cut]) == made["rows"]
        assert [group["drawn_yuan"] for group in report[cut] if group["drawn"]] == ["500000.01"]
    own = city.http.get(f"/v1/campaigns/{made['id']}/report", headers=bank).json()
    assert [group["group"] for group in own["by_lender"]] == [mine]

    is_problem(draw_up(city, products, firms=0, name="outcomes"), 409, "quota_below_granted")
    cut_short = [{"id": first["product"], "yuan": "500000.00"}]
    is_problem(draw_up(city, products, name="outcomes", changed={"products": cut_short}), 409, "quota_below_granted")
    enough = [{"id": first["product"], "firms": 1, "yuan": "500000.01"}]
    new = draw_up(city, products, name="outcomes", changed={"products": enough}).json()
    kept = rows(city, new["id"], city.asks("office"))
    assert [(row["row"], row["state"], row["drawn_yuan"]) for row in kept] == [(first["row"], "drawn", "500000.01")]


def test_a_contact_told_counts_against_the_firms_caps(city: Shell, products: list[str]) -> None:
    made = draw_up(city, products, name="caps").json()
    city.http.post(f"/v1/campaigns/{made['id']}/publication", json={"version": 1}, headers=city.asks("approver"))
    row = rows(city, made["id"], city.asks("office"))[0]
    firm, bank = city.asks("firm", row["uscc"]), city.asks("bank", row["lender"])
    word = {"at_a_time": 1, "per_quarter": 1, "valid_until": "2025-03-31"}
    city.http.post(f"/v1/firms/{row['uscc']}/contact", json=word, headers=firm)
    path = f"/v1/campaigns/{made['id']}/rows/{row['row']}/outcomes"
    assert city.http.post(path, json={"state": "contacted"}, headers=bank).status_code == 200
    said = city.http.get(f"/v1/firms/{row['uscc']}/contact", headers=firm).json()
    assert (said["places_left"], [one["lender"] for one in said["contacts"]]) == (0, [row["lender"]])


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"quarter": "2025-02-01"}, "quarter"),
        ({"quarter": "soon"}, "quarter"),
        ({"products": [{"id": "no-such-product"}]}, None),
        ({"products": [{"id": "score-based-loan"}, {"id": "score-based-loan"}]}, "products"),
        ({"lenders": [{"id": "nobody", "firms": 3}]}, "lenders"),
        ({"pots": [{"id": "g", "products": ["no-such-product"], "yuan": "5"}]}, "pots"),
        ({"fair": [{"by": "colour", "least": "0.1"}]}, "fair.by"),
        ({"fair": [{"by": "district", "least": "1.1"}]}, "fair.least"),
        ({"sales_share": "much"}, "sales_share"),
        ({"products": [{"id": "score-based-loan", "yuan": "-1"}]}, "yuan"),
    ],
)
def test_what_cannot_be_drawn_up(city: Shell, changed: dict[str, Any], field: str | None) -> None:
    body = {**NAME, "products": [{"id": "score-based-loan", "firms": 3}], **changed}
    response = city.http.post("/v1/campaigns", json=body, headers=city.asks("office"))
    assert response.status_code in (404, 422)
    if field:
        assert is_problem(response, 422)["field"] == field


def test_roles_that_may_not(city: Shell, products: list[str]) -> None:
    assert draw_up(city, products, role="approver").status_code == 403
    assert city.http.get("/v1/campaigns", headers=city.asks("auditor")).status_code == 403
