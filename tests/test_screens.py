"""Searches and saved screens over HTTP: what staff and lenders are told, limits, contact, alerts, bad input."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from models.tables import AskedScreen, SavedScreen, ScreenAlert
from service.access.opaque import opened_prospect, sealed_prospect
from service.books.rulebook import market_terms
from service.clock import utc_now
from service.snapshot.office_stages import office_stages
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.alert_screens import alert_screens
from service.usecases.build_snapshot import build_snapshot
from tests.shell import Shell, a_city, a_code, is_problem

BANKS = [f"bank-{number}" for number in range(9)]
TERMS = market_terms().release
EVERYBODY = {"fact": "score", "op": "known"}
HALF = {"all": [{"fact": "size_class", "op": "in", "value": ["micro", "small"]}, EVERYBODY]}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_city(tmp_path_factory.mktemp("screens"), firms=260)


@pytest.fixture(scope="module")
def snapshot(city: Shell) -> OpenSnapshot:
    found: OpenSnapshot = city.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    return found


def search(city: Shell, conditions: dict[str, Any], tenant: str = "", **more: Any) -> Any:
    headers = city.asks("bank", tenant) if tenant else city.asks("office")
    return city.http.post("/v1/prospects/search", json={"conditions": conditions, **more}, headers=headers)


def everything(city: Shell, conditions: dict[str, Any], tenant: str = "", **more: Any) -> list[dict[str, Any]]:
    """Every card of every page."""
    answer = search(city, conditions, tenant, limit=20, **more).json()
    cards = answer["items"]
    while answer["next_cursor"]:
        answer = search(city, conditions, tenant, limit=20, cursor=answer["next_cursor"], **more).json()
        cards += answer["items"]
    return list(cards)


def test_facets_of_staff_are_the_exact_counts(city: Shell, snapshot: OpenSnapshot) -> None:
    answer = search(city, HALF).json()
    rows = [snapshot.row_of(card["uscc"]) for card in everything(city, HALF)]
    assert answer["total"] == len(rows) > 100
    for name in ("district", "size_class", "industry_section", "grade"):
        values = [snapshot.value(name, row) for row in rows]
        counts = {value: values.count(value) for value in values if value is not None}
        assert {each["code"]: each["firms"] for each in answer["facets"][name]} == counts
        assert [each["firms"] for each in answer["facets"][name]] == sorted(counts.values(), reverse=True)


def test_a_lender_is_told_moved_counts_and_cards_with_others_alike(city: Shell, snapshot: OpenSnapshot) -> None:
    exact, told = search(city, HALF).json(), search(city, HALF, BANKS[0], limit=500).json()
    assert told == search(city, HALF, BANKS[0], limit=500).json()
    assert told["approximate"] is True
    assert abs(told["total"] - exact["total"]) <= TERMS.noise_most
    assert told["waterfall"][-1]["left"] == told["total"]
    rows = [snapshot.row_of(card["uscc"]) for card in everything(city, HALF)]
    cards = everything(city, HALF, BANKS[0])
    assert 0 < len(cards) < exact["total"] / 2
    for card in cards:
        shown = [
            name for name in ("grade", "size_class", "industry_section", "district") if name not in card["left_out"]
        ]
        alike = [row for row in rows if all(snapshot.value(name, row) == card[name] for name in shown)]
        assert len(alike) >= TERMS.smallest_group
        assert all(card[name] is None for name in card["left_out"])
    turned = {"all": list(reversed(HALF["all"]))}
    assert search(city, turned, BANKS[0]).json()["total"] == told["total"], "written otherwise, asked the same"


def test_a_lenders_order_follows_what_its_cards_show(city: Shell) -> None:
    bands = [card["score_band"] for card in everything(city, EVERYBODY, BANKS[0])]
    places = [-1 if band is None else band[0] for band in bands]
    assert places == sorted(places, reverse=True)
    cards = everything(city, EVERYBODY, BANKS[0], sort="-registered_capital")
    tenths = [card["sort_band"] or 99 for card in cards]
    assert tenths == sorted(tenths)


def test_pages_of_a_lender_are_stable_while_a_snapshot_lands_and_cursors_are_signed(city: Shell) -> None:
    whole = [card["prospect_id"] for card in everything(city, EVERYBODY, BANKS[1])]
    first = search(city, EVERYBODY, BANKS[1], limit=5).json()
    build_snapshot(city.office, date(2024, 9, 29), utc_now(), stages=office_stages())
    cursor = first["next_cursor"]
    second = search(city, EVERYBODY, BANKS[1], limit=5, cursor=cursor).json()
    assert [card["prospect_id"] for card in first["items"] + second["items"]] == whole[:10]
    for strange in (cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB"), cursor.replace(".", ".A"), "x" * 300):
        is_problem(search(city, EVERYBODY, BANKS[1], limit=5, cursor=strange), 422, "bad_cursor")
    is_problem(search(city, EVERYBODY, BANKS[2], limit=5, cursor=cursor), 422, "bad_cursor")
    is_problem(search(city, HALF, BANKS[1], limit=5, cursor=cursor), 422, "bad_cursor")
    is_problem(search(city, EVERYBODY, BANKS[1], limit=5, cursor=cursor, sort="-score"), 422, "bad_cursor")


def test_ids_differ_by_screen_and_lender_and_open_for_their_lender_alone(city: Shell, snapshot: OpenSnapshot) -> None:
    of_one = {card["prospect_id"] for card in everything(city, EVERYBODY, BANKS[0])}
    assert not of_one & {card["prospect_id"] for card in everything(city, HALF, BANKS[0])}
    assert not of_one & {card["prospect_id"] for card in everything(city, EVERYBODY, BANKS[1])}
    key, code = b"k" * 32, a_code(5)
    sealed = sealed_prospect(key, "a", b"12345678", code)
    assert opened_prospect(key, "a", sealed) == (b"12345678", code)
    for text in (sealed[:-1], sealed.replace("p_", "q_"), "p_", "", "p_!!", sealed + "AAAA"):
        assert opened_prospect(key, "a", text) is None
    assert opened_prospect(key, "b", sealed) is None
    assert opened_prospect(b"j" * 32, "a", sealed) is None


def test_every_search_of_a_lender_names_its_purpose_and_is_in_the_journal(city: Shell) -> None:
    headers = {name: value for name, value in city.asks("bank", BANKS[0]).items() if name != "X-Purpose"}
    body = {"conditions": HALF}
    is_problem(city.http.post("/v1/prospects/search", json=body, headers=headers), 400, "purpose_missing")
    for purpose, code, status in (("official", "purpose_not_yours", 403), ("curiosity", "unknown_purpose", 400)):
        asked = headers | {"X-Purpose": purpose}
        is_problem(city.http.post("/v1/prospects/search", json=body, headers=asked), status, code)
    search(city, HALF, BANKS[0])
    entry = city.http.get("/v1/audit?limit=50", headers=city.asks("auditor")).json()["items"]
    mine = next(each for each in entry if each["action"] == "find_prospects")
    assert (mine["purpose"], mine["house"], mine["result"]) == ("pre_loan", BANKS[0], "allowed")
    assert len(mine["detail"]["screen_sha256"]) == 64


def test_different_screens_are_limited_by_day_and_quarter_and_old_ones_stay_open(city: Shell) -> None:
    bank = BANKS[3]
    assert search(city, HALF, bank).status_code == 200
    with city.office.write() as session:
        for number, spent, day in ((1, TERMS.conditions_per_day - 3, date(2024, 11, 5)), (2, 100, date(2024, 10, 1))):
            session.add(AskedScreen(lender=bank, day=day, screen_sha256=str(number) * 64, conditions=spent))
    assert search(city, EVERYBODY, bank).status_code == 200
    problem = is_problem(search(city, {"fact": "pd", "op": "known"}, bank), 429, "screen_budget")
    assert "a day" in problem["rule"]
    assert search(city, HALF, bank).status_code == 200, "asked before"
    assert search(city, HALF, BANKS[4]).status_code == 200
    with city.office.write() as session:
        row = session.get_one(AskedScreen, (bank, date(2024, 11, 5), "1" * 64))
        row.conditions, row.day = TERMS.conditions_per_quarter - 104, date(2024, 10, 2)
    assert search(city, {"fact": "live", "op": "known"}, bank).status_code == 200
    assert "a quarter" in is_problem(search(city, {"fact": "pd", "op": "known"}, bank), 429)["rule"]


def test_a_firm_that_opened_itself_is_found_contacted_and_closed_at_once(city: Shell, snapshot: OpenSnapshot) -> None:
    bank, uscc = BANKS[5], snapshot.firm_at(7)
    word = {"at_a_time": 1, "per_quarter": 1, "valid_until": "2024-12-31"}
    firm, headers = city.asks("firm", uscc), city.asks("bank", bank)
    assert not any(card["open_to_contact"] for card in everything(city, EVERYBODY, bank))
    assert city.http.post(f"/v1/firms/{uscc}/contact", json=word, headers=firm).status_code == 201
    prospect = next(card["prospect_id"] for card in everything(city, EVERYBODY, bank) if card["open_to_contact"])
    path = f"/v1/prospects/{prospect}"
    is_problem(city.http.get(path, headers=headers), 404, "unknown_prospect")
    is_problem(city.http.post(f"{path}/contact", headers=city.asks("bank", BANKS[6])), 404, "unknown_prospect")
    is_problem(city.http.post(f"{path}/contact", headers={"Authorization": headers["Authorization"]}), 400)
    told = city.http.post(f"{path}/contact", headers=headers)
    assert told.status_code == 200, told.text
    assert (told.json()["uscc"], told.json()["name"]) == (uscc, snapshot.value("firm_name", 7))
    assert {item["share"] for item in told.json()["items"]} == {"public"}
    assert not any(item["personal"] for item in told.json()["items"])
    assert city.http.get(path, headers=headers).json() == told.json()
    is_problem(city.http.get(f"/v1/firms/{uscc}/profile", headers=headers), 404, "unknown_firm")
    others = [card["prospect_id"] for card in everything(city, EVERYBODY, bank) if not card["open_to_contact"]]
    is_problem(city.http.post(f"/v1/prospects/{others[0]}/contact", headers=headers), 404, "unknown_prospect")
    assert city.http.delete(f"/v1/firms/{uscc}/contact", headers=firm).status_code == 200
    is_problem(city.http.get(path, headers=headers), 404, "unknown_prospect")
    log = city.http.get(f"/v1/firms/{uscc}/access-log", headers=firm).json()["items"]
    seen = [(entry["action"], entry["house"], entry["result"]) for entry in log]
    assert ("contact_firm", bank, "done") in seen
    assert ("read_prospect", bank, "denied") in seen


def saved(city: Shell, tenant: str, **changed: Any) -> Any:
    body = {"name": "Mine", "conditions": HALF, "sort": "-score"} | changed
    return city.http.post("/v1/screens", json=body, headers=city.asks("bank", tenant))


def test_a_saved_screen_is_kept_listed_changed_and_deleted_by_its_own_house(city: Shell) -> None:
    first = saved(city, BANKS[0])
    assert first.status_code == 201
    assert saved(city, BANKS[0]).json() == first.json(), "a double click is one screen"
    is_problem(saved(city, BANKS[0], sort=""), 409, "name_taken")
    path, headers, other = f"/v1/screens/{first.json()['id']}", city.asks("bank", BANKS[0]), city.asks("bank", BANKS[1])
    body = {"name": "Renamed", "conditions": {"all": [EVERYBODY]}, "sort": ""}
    changed = city.http.put(path, json=body, headers=headers).json()
    assert (changed["name"], changed["version"]) == ("Renamed", 2)
    found = city.http.get(f"{path}/prospects", headers=headers).json()
    assert found["total"] == search(city, EVERYBODY, BANKS[0]).json()["total"]
    assert [each["id"] for each in city.http.get("/v1/screens", headers=headers).json()["items"]] == [changed["id"]]
    assert city.http.get("/v1/screens", headers=other).json()["items"] == []
    for method, tail in (("GET", ""), ("DELETE", ""), ("GET", "/alerts"), ("GET", "/prospects")):
        is_problem(city.http.request(method, path + tail, headers=other), 404)
    is_problem(city.http.put(path, json=body, headers=other), 404)
    assert city.http.delete(path, headers=headers).status_code == 200
    is_problem(city.http.get(path, headers=headers), 404)
    assert saved(city, BANKS[0], name="Renamed").status_code == 201


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": " "}, "bad_name"),
        ({"name": "x" * 121}, "bad_name"),
        ({"name": "a\nb"}, "bad_name"),
        ({"conditions": {"fact": "no_item", "op": "is", "value": 1}}, "unknown_fact"),
        ({"conditions": {"fact": "score", "op": "near", "value": 1}}, ""),
        (
            {
                "conditions": {
                    "all": [{"fact": "score", "op": "lt", "value": 1}, {"fact": "score", "op": "gt", "value": 2}]
                }
            },
            "contradiction",
        ),
        ({"conditions": {"all": [EVERYBODY] * 10_000}}, "too_many_conditions"),
        ({"sort": "no_item"}, "unknown_fact"),
        ({"extra": 1}, "invalid_request"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_screen_is_refused_and_not_kept(city: Shell, changed: dict[str, Any], code: str) -> None:
    is_problem(saved(city, BANKS[2], **changed), 422, code)
    if "conditions" in changed or "sort" in changed:
        body = {"conditions": HALF, "sort": ""} | {name: changed[name] for name in changed}
        is_problem(city.http.post("/v1/prospects/search", json=body, headers=city.asks("bank", BANKS[2])), 422, code)
    assert city.http.get("/v1/screens", headers=city.asks("bank", BANKS[2])).json()["items"] == []


def test_alerts_tell_about_new_hits_once_and_nothing_of_small_groups(city: Shell, snapshot: OpenSnapshot) -> None:
    desk = city.http.app.state.desk  # type: ignore[attr-defined]
    before = desk.shelf.on(date(2024, 9, 30))
    wanted = {"all": [{"fact": "score", "op": "ge", "value": 0}]}
    kept = saved(city, BANKS[7], name="All", conditions=wanted).json()
    with city.office.write() as session:
        session.get_one(SavedScreen, kept["id"]).seen_snapshot = before.id
    alert_screens(desk.shelf, city.clock.moment)
    assert alert_screens(desk.shelf, city.clock.moment) == 0, "once for each snapshot"
    headers = city.asks("bank", BANKS[7])
    path = f"/v1/screens/{kept['id']}/alerts"
    found = city.http.get(path, headers=headers).json()["items"]
    assert len(found) == 1
    assert (found[0]["snapshot_id"], found[0]["since_snapshot"]) == (snapshot.id, before.id)
    was = set(before.uscc[~np.isnan(before.columns.values["score"])])
    new = [code for code in snapshot.uscc[~np.isnan(snapshot.columns.values["score"])] if code not in was]
    if len(new) < TERMS.smallest_group - TERMS.noise_most:
        assert (found[0]["new"], found[0]["prospect_ids"]) == (None, [])
    asked = {name: value for name, value in headers.items() if name != "X-Purpose"}
    is_problem(city.http.get(path, headers=asked), 400, "purpose_missing")
    with city.office.write() as session:
        # As if nobody had met it before: every firm of the screen is new.
        row = session.get_one(SavedScreen, kept["id"])
        row.version, row.seen_snapshot = 2, before.id
        session.query(ScreenAlert).delete()
    whole = before.columns.values["score"]
    before.columns.values["score"] = np.full_like(whole, -1)  # type: ignore[index]
    try:
        alert_screens(desk.shelf, city.clock.moment)
    finally:
        before.columns.values["score"] = whole  # type: ignore[index]
    alert = city.http.get(path, headers=headers).json()["items"][0]
    exact = search(city, wanted).json()["total"]
    assert abs(alert["new"] - exact) <= TERMS.noise_most
    listed = [card["prospect_id"] for card in everything(city, wanted, BANKS[7], sort="-score")]
    assert alert["prospect_ids"] == listed[:100]
