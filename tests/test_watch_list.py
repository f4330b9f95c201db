"""The watch list: alarms against an oracle, what fires and what is unknown, who may see it, and the health index."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.routing import APIRoute
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from matching.alarms import sound
from models.kinds import UNKNOWN_INT32
from service.access.auth import Role
from service.access.disclosure import Consent, Viewer
from service.api.shapes_firm import FirmAnswer, ScoreAnswer
from service.api.shapes_monitoring import HealthIndexAnswer, WatchListAnswer
from service.books import rulebook, seedbook
from service.cli.program import run_program
from service.snapshot.office_stages import stages_in_force
from service.usecases.build_snapshot import build_snapshot
from service.usecases.health_index import health_index
from service.usecases.watch_list import sounded, watch_list
from tests.random_records import firm_codes, random_batches
from tests.shell import Shell, a_shell, is_problem
from tests.side_firms import SIDES, columns_of
from tests.slow_profile import slow_profile
from tests.test_profile_oracle import assert_same, built
from tests.watched_office import (
    COARSE,
    DAY,
    DAY_LATER,
    FIRMS,
    LEFT,
    LISTED,
    RECEIVED,
    SCHOOL,
    UNSURE,
    deliver,
    give_consents,
)

BOOK = rulebook.alarms()
COUNTS = (
    "representative_changes_12m", "judgment_debtor", "unpaid_judgment_months", "social_insurance_arrears_months",
    "late_payroll_months", "prepaid_complaints_12m", "complaints_12m", "branches_closed_12m",
)  # fmt: skip
FLAGS = ("dishonest_debtor", "serious_violation", "abnormal_operation")
DATES = ("representative_changed_on", "enforced_on", "complained_on", "branch_closed_on", "listed_dishonest_on",
         "listed_abnormal_on")  # fmt: skip
Told = dict[str, tuple[bool | None, list[str]]]


def at_least(firm: dict[str, Any], name: str, bound: int) -> bool | None:
    value = firm[name]
    return None if value is None else value >= bound


def every(*parts: bool | None) -> bool | None:
    return False if False in parts else None if None in parts else True


def some(*parts: bool | None) -> bool | None:
    return True if True in parts else None if None in parts else False


def told(firm: dict[str, Any]) -> Told:
    """What each alarm says of a firm, from the words of seed/watch/prepaid.yaml, and the facts that date it."""
    left = at_least(firm, "representative_changes_12m", 1)
    debts = some(*(at_least(firm, name, 1) for name in (*COUNTS[1:5], "tax_arrears")))
    closing, complaints = at_least(firm, "branches_closed_12m", 1), at_least(firm, "complaints_12m", 1)
    prepaid = at_least(firm, "prepaid_complaints_12m", 1)
    lists = some(firm["dishonest_debtor"], firm["serious_violation"])
    return {
        "representative-changed-in-debt": (every(left, debts), ["representative_changed_on", "enforced_on"]),
        "representative-changed-amid-complaints": (
            every(left, prepaid),
            ["representative_changed_on", "complained_on"],
        ),
        "closing-shops-amid-complaints": (every(closing, complaints), ["branch_closed_on", "complained_on"]),
        "blacklisted": (lists, ["listed_dishonest_on"]),
        "many-prepaid-complaints": (at_least(firm, "prepaid_complaints_12m", 3), ["complained_on"]),
        "closing-shops": (at_least(firm, "branches_closed_12m", 2), ["branch_closed_on"]),
        "abnormal-operation": (firm["abnormal_operation"], ["listed_abnormal_on"]),
    }


GRAVE = {
    "representative-changed-in-debt": 2, "representative-changed-amid-complaints": 2,
    "closing-shops-amid-complaints": 2, "blacklisted": 2, "many-prepaid-complaints": 1, "closing-shops": 1,
    "abnormal-operation": 0,
}  # fmt: skip


def random_firm(picker: random.Random) -> dict[str, Any]:
    def maybe(value: Any) -> Any:
        return None if picker.random() < 0.25 else value

    return {
        "prepaid_industry": maybe(picker.choice(["none", "gym", "beauty", "tutoring"])),
        "tax_arrears": maybe(picker.choice([0, 0, 1, 500])),
        **{name: maybe(picker.choice([0, 0, 0, 1, 2, 3])) for name in COUNTS},
        **{name: maybe(picker.random() < 0.2) for name in FLAGS},
        **{name: maybe(picker.randrange(19_000, 19_005)) for name in DATES},
    }


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), firms=st.integers(1, 40))
def test_alarms_agree_with_the_oracle(seed: int, firms: int) -> None:
    picker = random.Random(seed)
    asked = [random_firm(picker) for _ in range(firms)]
    within = np.array([picker.random() < 0.8 for _ in asked])
    columns = columns_of(asked)
    made = sound(BOOK, columns.values, firms, rulebook.parameters(), DAY, columns.codes, within)
    watched = [row for row, firm in enumerate(asked) if within[row] and firm["prepaid_industry"] not in (None, "none")]
    assert made.watched == len(watched)
    unplaced = [row for row, firm in enumerate(asked) if within[row] and firm["prepaid_industry"] is None]
    assert made.unplaced == len(unplaced)
    listed: dict[int, tuple[int, int]] = {}
    unknown = dict.fromkeys(GRAVE, 0)
    for row in watched:
        fired = {alarm: days for alarm, (truth, days) in told(asked[row]).items() if truth}
        for alarm, (truth, _) in told(asked[row]).items():
            unknown[alarm] += truth is None
        if fired:
            known = [asked[row][day] for days in fired.values() for day in days if asked[row][day] is not None]
            listed[row] = (max(known, default=UNKNOWN_INT32), max(GRAVE[alarm] for alarm in fired))
        mine = {alarm.id for place, alarm in enumerate(BOOK.alarms) if made.fired[place, row]}
        assert mine == set(fired)
    assert made.fired.any(axis=0).sum() == len(listed), "nobody else is on the list"
    assert made.rows.tolist() == sorted(listed, key=lambda row: (-listed[row][0], -listed[row][1], row))
    assert made.days.tolist() == [listed[row][0] for row in made.rows.tolist()]
    assert dict(zip([alarm.id for alarm in BOOK.alarms], made.unknown, strict=True)) == unknown


def test_with_no_column_at_all_nothing_fires_and_nobody_is_placed() -> None:
    made = sound(BOOK, {}, 3, rulebook.parameters(), DAY, {}, np.ones(3, np.bool_))
    assert (len(made.rows), made.watched, made.unplaced, set(made.unknown)) == (0, 0, 3, {0})


@pytest.mark.parametrize(("seed", "as_of"), [(1, date(2024, 10, 31)), (2, date(2023, 7, 14)), (3, date(2024, 2, 29))])
def test_further_facts_agree_with_the_slow_profile(tmp_path: Path, seed: int, as_of: date) -> None:
    picker = random.Random(seed)
    items = tuple(seedbook.catalogue().further.values())
    feeds = {item.feed: seedbook.feeds()[item.feed] for item in items}
    firms = firm_codes(9, seed)
    batches = {name: random_batches(feed, firms, picker, batches=2, rows=90) for name, feed in feeds.items()}
    known_by = datetime(2024, 12, 1, tzinfo=UTC)
    profile, found = built(tmp_path, feeds, items, batches, as_of, known_by)
    assert assert_same(profile, found, items, slow_profile(feeds, items, batches, as_of, known_by)) > 50


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """The office of the nine firms, its person model switched on, with consents of those who lead gyms."""
    usual = rulebook.evaluations()
    sides = tuple(replace(side, card=replace(side.card, enabled=True)) for side in usual.sides)
    with pytest.MonkeyPatch.context() as patched:
        for name in ("service.books.rulebook", "service.answers.other_evaluations", "service.usecases.health_index"):
            patched.setattr(f"{name}.evaluations", lambda: replace(usual, sides=sides))
        shell = a_shell(tmp_path_factory.mktemp("watched"))
        deliver(shell.office)
        give_consents(shell.office)
        build_snapshot(shell.office, DAY, RECEIVED, stages=stages_in_force(shell.office))
        yield shell


def get(shell: Shell, path: str, role: str = "office", tenant: str = "", **query: Any) -> Any:
    answer = shell.http.get(path, params=query, headers=shell.asks(role, tenant))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_list_names_who_left_debts_behind(office: Shell) -> None:
    answer = get(office, "/v1/monitoring/watch-list")
    assert [firm["uscc"] for firm in answer["items"]] == [LEFT, SCHOOL, LISTED, DAY_LATER]
    assert [firm["on"] for firm in answer["items"]] == ["2024-07-15", "2024-05-05", "2024-01-09", "2023-11-01"]
    assert [firm["severity"] for firm in answer["items"]] == ["high", "high", "low", "high"]
    assert (answer["watched"], answer["unplaced"], answer["alarmed"]) == (6, 1, 4)
    by_firm = {firm["uscc"]: [alarm["id"] for alarm in firm["alarms"]] for firm in answer["items"]}
    assert by_firm[LEFT] == by_firm[DAY_LATER] == ["representative-changed-in-debt"]
    assert by_firm[SCHOOL] == ["closing-shops-amid-complaints", "many-prepaid-complaints"]
    counts = {alarm["id"]: (alarm["firms"], alarm["unknown"]) for alarm in answer["alarms"]}
    assert counts["representative-changed-in-debt"] == (2, 1), "the debts of UNSURE are not delivered"
    assert UNSURE not in by_firm
    assert COARSE not in by_firm


def test_evidence_has_value_day_and_source(office: Shell) -> None:
    (firm,) = get(office, "/v1/monitoring/watch-list", industry="gym")["items"]
    evidence = {fact["fact"]: fact for fact in firm["alarms"][0]["evidence"]}
    assert list(evidence) == [
        "representative_changes_12m", "judgment_debtor", "representative_changed_on", "enforced_on",
    ]  # fmt: skip
    changes = evidence["representative_changes_12m"]
    assert (changes["value"], changes["observed_on"], changes["feed"], changes["cite"]) == (
        1, "2024-10-31", "registration_change", "002:40",
    )  # fmt: skip
    assert evidence["enforced_on"]["value"] == "2024-07-15"
    assert evidence["enforced_on"]["agency"] == "court"


def test_pages_follow_each_other_and_stay_with_their_list(office: Shell) -> None:
    seen, cursor = [], ""
    for _ in range(4):
        page = get(office, "/v1/monitoring/watch-list", limit=1, cursor=cursor)
        seen += [firm["uscc"] for firm in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert seen == [LEFT, SCHOOL, LISTED, DAY_LATER]
    first = get(office, "/v1/monitoring/watch-list", limit=1)["next_cursor"]
    for query in ({"cursor": first, "industry": "gym"}, {"cursor": "AAAA"}, {"cursor": "%"}, {"cursor": first[:-6]}):
        is_problem(
            office.http.get("/v1/monitoring/watch-list", params=query, headers=office.asks("office")), 422, "bad_cursor"
        )


@pytest.mark.parametrize("industry", ["casino", "none", "Gym", "健身", "gym "])
def test_an_unknown_industry_is_refused(office: Shell, industry: str) -> None:
    answer = office.http.get(
        "/v1/monitoring/watch-list", params={"industry": industry}, headers=office.asks("approver")
    )
    assert "gym" in is_problem(answer, 422, "unknown_industry")["fix"]


@pytest.mark.parametrize("role", list(Role))
def test_who_may_see_the_list_and_the_index(office: Shell, role: Role) -> None:
    staff = role in (Role.OFFICE, Role.APPROVER)
    headers = office.asks(role.value, "" if staff else LEFT)
    for path, may in (("watch-list", staff), ("health-index", staff or role is Role.AUDITOR)):
        answer = office.http.get(f"/v1/monitoring/{path}", headers=headers)
        assert answer.status_code == (200 if may else 403), path


def ids(answer: Any) -> set[str]:
    return {other["id"] for other in answer["other_evaluations"]}


@pytest.mark.parametrize("path", ["", "/score"])
def test_who_sees_which_evaluation_of_a_firm(office: Shell, path: str) -> None:
    everything = {"economy_health", "person_health", "prepaid_gym"}
    assert ids(get(office, f"/v1/firms/{LEFT}{path}")) == everything
    assert ids(get(office, f"/v1/firms/{LEFT}{path}", "approver")) == everything
    assert ids(get(office, f"/v1/firms/{LEFT}{path}", "firm", LEFT)) == everything - {"person_health"}
    for role, tenant, status in (
        ("firm", SCHOOL, 404),
        ("bank", "b", 404),
        ("guarantor", "g", 404),
        ("auditor", "", 403),
    ):
        answer = office.http.get(f"/v1/firms/{LEFT}{path}", headers=office.asks(role, tenant))
        assert answer.status_code == status
        assert b"health" not in answer.content


def test_the_person_is_evaluated_with_consent_and_named_nowhere_else(office: Shell) -> None:
    states = {}
    for code in FIRMS:
        others = get(office, f"/v1/firms/{code}/score")["other_evaluations"]
        states[code] = next((o["state"] for o in others if o["id"] == "person_health"), None)
        for other in others:
            if other["score"] is not None:
                points = sum(int(line["points"].replace(".", "")) for line in other["lines"])
                assert points == round(other["score"] * 1000)
            else:
                assert other["lines"] == []
    assert states[LEFT] == "evaluated"
    assert states[SCHOOL] == states[UNSURE] == "no_consent"
    for role, tenant in (("bank", "b"), ("guarantor", "g"), ("firm", SCHOOL), ("auditor", ""), ("agency", "court")):
        headers = office.asks(role, tenant)
        for route in office.http.app.routes:  # type: ignore[attr-defined]
            if isinstance(route, APIRoute) and "GET" in route.methods:
                path = re.sub(r"\{\w+\}", "x", route.path.replace("{uscc}", SCHOOL))
                body = office.http.get(path, headers=headers).text
                if path != "/openapi.json":
                    assert "person_health" not in body, (role, path)
    assert "person_health" not in json.dumps(get(office, "/v1/monitoring/health-index"))


@pytest.mark.parametrize("fact", ["side.person_health.total", "person_health", "person_consent", "economy_health"])
def test_no_screen_reaches_another_evaluation(office: Shell, fact: str) -> None:
    screen = {"conditions": {"fact": fact, "op": "ge", "value": 1}}
    for role, tenant in (("bank", "b"), ("office", "")):
        answer = office.http.post("/v1/prospects/search", json=screen, headers=office.asks(role, tenant))
        is_problem(answer, 422, "unknown_fact")


@pytest.mark.parametrize("viewer", list(Role))
@pytest.mark.parametrize("consent", [None, Consent(frozenset({"basic_situation"}), personal=True)])
def test_a_person_is_shown_to_staff_alone_whatever_a_file_says(viewer: Role, consent: Consent | None) -> None:
    staff = viewer in (Role.OFFICE, Role.APPROVER)
    everybody = frozenset({"office", "firm", "lender"})
    seen_by = Viewer(viewer, consent)
    assert seen_by.sees_evaluation(everybody, personal=True) is staff
    lender = viewer in (Role.BANK, Role.GUARANTOR) and consent is not None
    assert seen_by.sees_evaluation(everybody, personal=False) is (staff or viewer is Role.FIRM or lender)
    assert seen_by.sees_evaluation(frozenset({"office"}), personal=False) is staff


def test_the_index_withholds_small_groups(office: Shell) -> None:
    answer = get(office, "/v1/monitoring/health-index")
    models = {model["id"]: model for model in answer["models"]}
    assert set(models) == set(SIDES) - {"person_health"}
    health = models["economy_health"]
    assert (health["asked"], health["evaluated"], health["withheld"]) == (9, 8, False)
    assert [(group["group"], group["evaluated"]) for group in health["by_district"]] == [("210102", 8)]
    assert all(group["withheld"] for group in health["by_section"]), "sections of two firms and less"
    assert all(group["mean"] is None for group in health["by_section"])
    gym = models["prepaid_gym"]
    assert (gym["evaluated"], gym["mean"], gym["withheld"], gym["by_district"]) == (None, None, True, [])


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/monitoring/watch-list", WatchListAnswer),
        ("/v1/monitoring/health-index", HealthIndexAnswer),
        (f"/v1/firms/{LEFT}", FirmAnswer),
        (f"/v1/firms/{LEFT}/score", ScoreAnswer),
    ],
)
def test_answers_have_their_documented_shape(office: Shell, path: str, shape: type[BaseModel]) -> None:
    shape.model_validate_json(office.http.get(path, headers=office.asks("office")).content)


def test_the_list_is_the_same_whenever_it_is_asked(office: Shell) -> None:
    snapshot = office.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    first = watch_list(snapshot)
    sounded.cache_clear()
    assert watch_list(snapshot) == first
    assert watch_list(snapshot, "", 10**30)["items"] == []
    health_index.cache_clear()


def test_the_command_says_the_same(
    office: Shell, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RONGQIAO_HOME", str(office.office.home))
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    assert run_program(["watch", "list", "--industry", "gym", "--json"]) == 0
    listed = json.loads(capfd.readouterr().out)
    assert listed == get(office, "/v1/monitoring/watch-list", industry="gym")
    assert run_program(["watch", "list"]) == 0
    table = capfd.readouterr().out
    assert "Changed the legal representative while in debt" in table
    assert table.index(LEFT) < table.index(SCHOOL) < table.index(LISTED)
    assert run_program(["watch", "list", "--industry", "casino"]) == 2
    assert "industry" in capfd.readouterr().err
    assert run_program(["firm", LEFT]) == 0
    assert "Prepaid business: gyms" in capfd.readouterr().out
