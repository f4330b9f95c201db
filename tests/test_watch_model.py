"""A model in service, watched over an office: records to report to alerts, on the command line and over HTTP."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.errors import NotFound, RefusedInput
from models.tables import ActiveModel
from scoring.challenger import ChallengerClassifier
from scoring.monitoring.alert_rules import Light
from scoring.stability import psi
from service.answers.watch import watch_answer
from service.cli.program import run_program
from service.office import Office
from service.registry.bundle import ModelBundle
from service.registry.store import load, register
from service.snapshot.office_stages import office_stages
from service.snapshot.shelf import Shelf
from service.snapshot.snapshots import open_snapshot
from service.usecases.activate_model import activate_model
from service.usecases.approve_model import approve_model
from service.usecases.build_snapshot import build_snapshot
from service.usecases.watch_model import watch_model
from service.watching.watched_firms import watched_firms
from tests.made_models import NAME, NOW, a_bundle, in_force, staffed
from tests.shell import Shell, a_shell
from tests.training_office import BACKFILL, Records, firms, loan_month, months, received_after, registration

QUARTERS = (date(2022, 12, 31), date(2023, 3, 31), date(2023, 12, 31))
DAY = date(2024, 3, 31)
CITY = firms(200)
#: Default within a year of the first quarter end, three months later, and never.
FAILS = [date(2023, 6, 30) if n < 30 else date(2024, 2, 29) if n < 50 else None for n in range(200)]


def challenger() -> bytes:
    rng = np.random.default_rng(1)
    age = rng.integers(0, 120, 400).astype(float)
    table = {"firm_age_months": age, "sales_12m": rng.lognormal(14, 1, 400)}
    model = ChallengerClassifier(monotone={"firm_age_months": -1}, random_state=1)
    model.fit(pd.DataFrame(table), (rng.random(400) < 0.4 - age / 400).astype(int))
    return model.trees_.to_json()


def a_watched_bundle(base: int = 560_000, fitted: tuple[str, ...] = ()) -> ModelBundle:
    bundle = a_bundle(base)
    card = {
        **bundle.card,
        "default": {"id": "credit_12m"},
        "data": {"cohorts": [{"day": day, "part": "fitted"} for day in fitted]},
        "reference": {"cuts": [550.0, 580.0], "shares": [0.3, 0.3, 0.4], "mean": 570.0, "rows": 1000},
    }
    return replace(bundle, card=card, challenger=challenger())


def records() -> Records:
    """200 firms that owe: half of them young, two districts, loans that fail on the days above."""
    made = Records()
    made.send(
        "business_registration",
        BACKFILL,
        date(2022, 10, 31),
        [
            registration(
                code,
                established_on=date(2022, 1, 15) if n % 2 else date(2010, 1, 1),
                ownership="private" if n % 4 else "state",
                district="210102" if n < 120 else "210103",
            )
            for n, code in enumerate(CITY)
        ],
    )
    for month in months(date(2022, 10, 31), DAY):
        made.send(
            "loan_balance_month",
            received_after(month),
            month,
            [
                loan_month(code, month, "loss" if failed and failed <= month else "normal")
                for code, failed in zip(CITY, FAILS, strict=True)
            ],
        )
        made.send(
            "social_insurance_month",
            received_after(month, 12),
            month,
            [{"uscc": code, "month": month, "insured_count": 4, "contribution_base_fen": 9, "paid": True}
             for code in CITY],
        )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """An office that built each quarter when it came, with the model in force since the first."""
    made = a_shell(tmp_path_factory.mktemp("office"))
    staffed(made.office)
    records().land(made.office)
    bundle = a_watched_bundle()
    in_force(made.office, bundle)
    stages = office_stages(load(made.office, bundle.id))
    for day in (*QUARTERS, DAY):
        known = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=20)
        build_snapshot(made.office, day, known, stages=stages)
    return made


@pytest.fixture(scope="module")
def shelf(shell: Shell) -> Shelf:
    return Shelf(shell.office, 0)


@pytest.fixture(scope="module")
def answer(shelf: Shelf) -> dict[str, Any]:
    return watch_answer(shelf, watch_model(shelf))


def test_outcomes_of_a_complete_window_are_counted_by_hand(answer: dict[str, Any]) -> None:
    cohorts = {str(cohort["as_of"]): cohort for cohort in answer["outcomes"]["cohorts"]}
    assert list(cohorts) == ["2022-12-31", "2023-03-31", "2023-12-31"]
    first = cohorts["2022-12-31"]
    # 2023 was told by the end of January 2024: 30 of 200 failed, in June.
    assert (first["complete"], first["months"], first["firms"], first["defaults"]) == (True, 12, 200, 30)
    assert (first["scored"], first["judged"], first["in_fit"]) == ("served", True, False)
    whole = first["bands"][0]
    assert whole["observed"] == pytest.approx(0.15)
    assert whole["low"] < 0.15 < whole["high"]
    assert sum(band["firms"] for band in first["bands"][1:]) == 200
    assert sum(band["defaults"] for band in first["bands"][1:]) == 30
    assert first["auc"] is not None
    assert first["challenger_auc"] is not None


def test_an_open_window_is_marked_and_counts_what_came_so_far(answer: dict[str, Any]) -> None:
    open_ones = [cohort for cohort in answer["outcomes"]["cohorts"] if not cohort["complete"]]
    assert [(str(each["as_of"]), each["months"]) for each in open_ones] == [("2023-03-31", 11), ("2023-12-31", 2)]
    # June 2023 and, in the eleventh month, February 2024; of the firms of December those in default already are out.
    assert [each["defaults"] for each in open_ones] == [50, 20]
    assert open_ones[1]["firms"] == 170
    for each in open_ones:
        assert each["auc"] is None
        assert all(band["light"] is not Light.GREEN for band in each["bands"])


def test_the_served_figures_are_those_of_asking_again(shell: Shell) -> None:
    snapshot, model = open_snapshot(shell.office), load(shell.office, a_watched_bundle().id)
    served = watched_firms(model, snapshot)
    other = load(shell.office, register(shell.office, a_watched_bundle(560_001), "ana", "x", NOW).id)
    again = watched_firms(replace(model, id=other.id), snapshot)
    assert (served.served, again.served) == (True, False)
    for name in ("rows", "points", "pd", "challenger"):
        assert np.array_equal(getattr(served, name), getattr(again, name)), name


def test_drift_against_training_is_over_firms_like_those_of_training(
    shelf: Shelf, answer: dict[str, Any], shell: Shell
) -> None:
    training, quarter = answer["drift"]
    assert (training["against"], training["population"]) == ("training", "like_training")
    # 50 of the 200 are in default on the day, so the definition does not ask about them.
    assert (training["firms"], quarter["firms"], quarter["population"]) == (150, 200, "scored")
    actual = [band["actual"] for band in training["score"]["bands"]]
    assert training["score"]["psi"] == psi([0.3, 0.3, 0.4], actual)
    move = sum(item["points_effect"] for item in quarter["items"])
    assert move == pytest.approx(quarter["score"]["mean"] - quarter["score"]["reference_mean"])
    assert {item["id"] for item in quarter["items"]} == {"firm_age_months", "sales_12m", "size_class"}
    only = watch_model(shelf, against="training")
    assert [drift.against for drift in only.drifts] == ["training"]
    named = watch_model(shelf, against=quarter["against"])
    assert [drift.against for drift in named.drifts] == [quarter["against"]]


def test_migration_starts_at_the_last_quarter_end_and_counts_every_firm(answer: dict[str, Any]) -> None:
    migration = answer["migration"]
    assert str(migration["from"]["as_of"]) == "2023-12-31"
    assert [each["id"] for each in migration["by"]] == ["grade", "pd_grade"]
    for each in migration["by"]:
        assert sum(map(sum, each["counts"])) + sum(each["gone"]) == 200
        assert sum(each["new"]) == 0


def test_parity_has_every_attribute_and_says_nothing_of_small_groups(answer: dict[str, Any]) -> None:
    by = {each["id"]: each for each in answer["parity"]}
    assert list(by) == ["size_class", "district", "industry_section", "ownership"]
    districts = {group["group"]: group for group in by["district"]["groups"]}
    assert {name: group["firms"] for name, group in districts.items()} == {"210102": 120, "210103": 80}
    assert all(group["assessed"] for group in districts.values())
    assert all(each["zh"] and each["en"] for each in by.values())
    assert any("原因" in note["zh"] for note in answer["notes"])


def test_alerts_name_everything_and_red_comes_first(answer: dict[str, Any]) -> None:
    assert answer["light"] is Light.RED
    severities = [alert["severity"] for alert in answer["alerts"]]
    assert severities == sorted(severities, key=["red", "amber"].index)
    metrics = {alert["metric"] for alert in answer["alerts"]}
    assert {"score_psi", "calibration"} <= metrics
    for alert in answer["alerts"]:
        assert all((alert["zh"], alert["en"], alert["do"]["zh"], alert["do"]["en"], alert["basis"]))


def test_the_same_snapshot_and_model_give_the_same_report(shelf: Shelf, answer: dict[str, Any]) -> None:
    assert watch_answer(shelf, watch_model(shelf)) == answer


def test_days_the_model_learned_from_are_shown_and_not_judged(shell: Shell, shelf: Shelf) -> None:
    bundle = a_watched_bundle(570_000, ("2022-12-31",))
    register(shell.office, bundle, "ana", "x", NOW)
    watch = watch_model(shelf, bundle.id)
    assert (watch.active, watch.firms.served) == (False, False)
    first = watch.cohorts[0]
    assert (first.in_fit, first.judged, first.served) == (True, False, False)
    assert all(band.light is None for band in first.bands)


def test_a_card_that_says_little_is_watched_without_outcomes(shell: Shell, shelf: Shelf) -> None:
    bundle = a_bundle(580_000)
    register(shell.office, bundle, "ana", "x", NOW)
    answer = watch_answer(shelf, watch_model(shelf, bundle.id))
    assert answer["outcomes"] is None
    assert answer["challenger"] is None
    assert (answer["drift"][0]["score"], answer["drift"][0]["population"]) == (None, "scored")
    assert len(answer["notes"]) == 4


def test_bad_input(shelf: Shelf, shell: Shell, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="No such model"):
        watch_model(shelf, "0" * 20)
    with pytest.raises(NotFound, match="No snapshot"):
        watch_model(shelf, as_of=date(2020, 1, 31))
    with pytest.raises(NotFound, match="snapshot"):
        watch_model(shelf, against="nothing")
    with pytest.raises(RefusedInput) as refused:
        watch_model(shelf, as_of=QUARTERS[0], against=shelf.current().id)
    assert refused.value.code == "not_earlier"
    bare = build_snapshot(shell.office, date(2023, 5, 31), datetime(2023, 6, 20, tzinfo=UTC), stages=None)
    with pytest.raises(RefusedInput) as refused:
        watch_model(shelf, as_of=date(2023, 5, 31))
    assert (refused.value.code, refused.value.status, refused.value.value) == ("not_evaluated", 409, bare.snapshot_id)


def test_no_model_in_force_and_a_model_of_another_catalogue(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(shell.office, 0)
    monkeypatch.setattr("service.registry.store.catalogue_version", lambda items: "another")
    with pytest.raises(RefusedInput) as refused:
        watch_model(shelf)
    assert (refused.value.code, refused.value.status) == ("other_catalogue", 409)
    monkeypatch.setattr("service.usecases.watch_model.active_id", lambda office, name: None)
    with pytest.raises(RefusedInput) as refused:
        watch_model(shelf)
    assert (refused.value.code, refused.value.status) == ("no_active_model", 409)


def test_over_http_for_staff_and_auditors_in_the_documented_shape(shell: Shell, answer: dict[str, Any]) -> None:
    for role in ("office", "approver", "auditor"):
        got = shell.http.get("/v1/monitoring/model", headers=shell.asks(role))
        assert got.status_code == 200, got.text
    assert got.json()["light"] == "red"
    assert got.json()["snapshot_id"] == answer["snapshot_id"]
    for route in shell.http.app.routes:  # type: ignore[attr-defined]
        if getattr(route, "path", "") == "/v1/monitoring/model":
            route.responses[200]["model"].model_validate_json(got.content)
    for role in ("bank", "firm", "agency"):
        assert shell.http.get("/v1/monitoring/model", headers=shell.asks(role, "x")).status_code == 403
    assert shell.http.get("/v1/monitoring/model?model=x", headers=shell.asks("office")).status_code == 404
    assert shell.http.get("/v1/monitoring/model?as_of=2024-3-1", headers=shell.asks("office")).status_code == 422


def test_on_the_command_line(
    shell: Shell, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> None:
    monkeypatch.setenv("RONGQIAO_HOME", str(shell.office.home))
    said_in = {"en_US.UTF-8": ("Rank correlation", "red", "What to do"), "zh_CN.UTF-8": ("排序相关", "红", "民营")}
    for locale, words in said_in.items():
        monkeypatch.setenv("LC_ALL", locale)
        assert run_program(["model", "watch"]) == 0
        out = capfdbinary.readouterr().out.decode()
        for word in words:
            assert word in out, word
    assert run_program(["model", "watch", a_watched_bundle().id, "--as-of", str(DAY), "--json"]) == 0
    said = json.loads(capfdbinary.readouterr().out)
    assert (said["light"], len(said["alerts"])) == ("red", len(answer["alerts"]))
    assert run_program(["model", "watch", "--as-of", "yesterday", "--json"]) == 2


def test_a_model_that_breaks_a_new_gate_is_not_promoted(tmp_path: Path) -> None:
    office = staffed(Office.open(tmp_path / "home"))
    unfair = a_bundle(590_000)
    card = {**unfair.card, "gates": {**unfair.card["gates"], "parity_ratio": 0.4}}
    unfair = replace(unfair, card=card)
    register(office, unfair, "ana", "x", NOW)
    with pytest.raises(RefusedInput, match="parity_ratio") as refused:
        approve_model(office, unfair.id, "chen", "please", NOW)
    assert refused.value.code == "gate_failed"
    with pytest.raises(RefusedInput) as refused:
        activate_model(office, unfair.id, "ben", "hurry", NOW)
    assert refused.value.code == "not_approved"
    with office.read() as session:
        assert session.get(ActiveModel, NAME) is None
    office.close()
