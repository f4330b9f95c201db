"""The probability of default in snapshots and answers: built by the model in force, named, explained, never guessed."""

from __future__ import annotations

import statistics
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import DataFileError
from models.kinds import Kind
from scoring.columns import Columns
from scoring.pd_scale import parse_pd_scale
from scoring.training.standing import known_share
from service.books.rulebook import facts, pd_scale
from service.books.seedbook import rule_set
from service.registry.files import folder_of
from service.snapshot.office_stages import office_stages, stages_in_force
from service.snapshot.snapshots import OpenSnapshot, open_snapshot
from service.usecases.build_snapshot import SnapshotReport, build_snapshot
from tests.made_models import NAME, a_bundle, a_scorecard, in_force, staffed
from tests.shell import Shell, a_city

DAY = date(2024, 10, 31)
KNOWN_BY = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A city whose day was built without a model, then with one in force."""
    shell = a_city(tmp_path_factory.mktemp("city"))
    staffed(shell.office)
    in_force(shell.office, a_bundle())
    return shell


@pytest.fixture(scope="module")
def before(city: Shell) -> OpenSnapshot:
    return open_snapshot(city.office)


@pytest.fixture(scope="module")
def built(city: Shell, before: OpenSnapshot) -> SnapshotReport:
    return build_snapshot(city.office, DAY, KNOWN_BY, stages=stages_in_force(city.office))


@pytest.fixture(scope="module")
def snapshot(city: Shell, built: SnapshotReport) -> OpenSnapshot:
    return open_snapshot(city.office, built.snapshot_id)


def get(shell: Shell, path: str, status: int = 200, role: str = "office", tenant: str = "") -> Any:
    answer = shell.http.get(path, headers=shell.asks(role, tenant))
    assert answer.status_code == status, answer.text
    return answer.json()


def slow_points(snapshot: OpenSnapshot, row: int) -> int:
    """Milli-points of one firm, value by value: another way to the same sum."""
    age, sales, size = (snapshot.value(name, row) for name in ("firm_age_months", "sales_12m", "size_class"))
    total = 500_000
    total += -9_000 if age is None else -20_000 if age < 24 else 0 if age < 60 else 15_000  # type: ignore[operator]
    total += -7_500 if sales is None else -10_000 if sales < Decimal(1_000_000) else 12_345  # type: ignore[operator]
    return total + (-1_000 if size is None else -3_000 if size == "micro" else 4_000)


def test_every_evaluated_firm_has_the_points_of_the_model_and_no_other_firm_has_any(snapshot: OpenSnapshot) -> None:
    seen = 0
    for row in range(snapshot.firms):
        held = snapshot.facts(row)
        if int(snapshot.scores["state"][row]) > 1:
            assert held["pd"] is held["pd_points"] is held["pd_grade"] is held["pd_thin"] is None
            continue
        milli = slow_points(snapshot, row)
        assert held["pd_points"] == milli / 1000
        odds = 50 * 2 ** ((milli / 1000 - 600) / 20)
        assert held["pd"] == pytest.approx(1 / (1 + odds), rel=1e-12)
        seen += 1
    assert seen > 30


def test_the_expert_score_stays_the_order_and_the_same_as_without_a_model(
    before: OpenSnapshot, snapshot: OpenSnapshot
) -> None:
    assert snapshot.uscc.tolist() == before.uscc.tolist()
    for name in ("score", "grade", "coverage", "official_grade"):
        assert np.array_equal(
            before.columns.values[name], snapshot.columns.values[name], equal_nan=name in ("score", "coverage")
        )


def test_the_manifest_names_the_model_and_so_does_the_id(
    city: Shell, before: OpenSnapshot, snapshot: OpenSnapshot
) -> None:
    bundle = a_bundle()
    named = {NAME: {"id": bundle.id, "version": "500000"}}
    assert snapshot.manifest["inputs"]["registered_models"] == named
    assert "registered_models" not in before.manifest["inputs"]
    assert snapshot.id != before.id
    again = build_snapshot(city.office, DAY, KNOWN_BY, stages=stages_in_force(city.office))
    assert (again.snapshot_id, again.is_new) == (snapshot.id, False)
    assert build_snapshot(city.office, DAY, KNOWN_BY, stages=office_stages()).snapshot_id == before.id


def test_lines_and_base_sum_to_the_points_exactly(city: Shell, snapshot: OpenSnapshot) -> None:
    explained = 0
    for row in range(0, snapshot.firms, 3):
        pd = get(city, f"/v1/firms/{snapshot.firm_at(row)}/score?as_of={DAY}")["pd"]
        assert pd["model"] == {"name": NAME, "id": a_bundle().id, "version": "500000"}
        if pd["pd"] is None:
            assert (pd["state"], pd["lines"]) == ("not_evaluated", [])
            continue
        total = Decimal(pd["base"]) + sum(Decimal(line["points"]) for line in pd["lines"])
        assert total == Decimal(str(pd["points"]))
        assert {item["id"] for line in pd["lines"] for item in line["items"]} == set(a_scorecard().items)
        assert all(item["zh"] and item["en"] for line in pd["lines"] for item in line["items"])
        explained += 1
    assert explained > 10


def test_without_a_model_the_probability_is_unknown_and_said_so(city: Shell, snapshot: OpenSnapshot) -> None:
    uscc = snapshot.firm_at(0)
    for answer in (
        get(city, f"/v1/firms/{uscc}?as_of=2024-09-30"),
        get(city, f"/v1/firms/{uscc}/score?as_of=2024-09-30"),
    ):
        pd = answer["pd"]
        assert (pd["state"], pd["pd"], pd["grade"], pd["model"]) == ("no_model", None, None, None)
        assert "模型" in pd["note"]["zh"]


def test_a_firm_reads_its_own_probability_and_a_lender_none(city: Shell, snapshot: OpenSnapshot) -> None:
    uscc = snapshot.firm_at(0)
    assert get(city, f"/v1/firms/{uscc}", role="firm", tenant=uscc)["pd"]["pd"] is not None
    get(city, f"/v1/firms/{uscc}/score", 404, "bank", "x")


def test_an_official_grade_holds_the_grade_and_never_moves_the_probability() -> None:
    scale = pd_scale()
    pd = np.array([0.001, 0.001, 0.02, 0.2, np.nan, 0.001])
    official = np.array([3, 0, 3, 3, 3, -1], np.int16)
    places = scale.capped(scale.places(pd), official, ("A", "B", "C", "D"))
    assert [scale.grades[place] if place >= 0 else None for place in places.tolist()] == ["B", "A", "B", "D", None, "A"]


def test_the_answer_says_that_a_grade_is_held(city: Shell, snapshot: OpenSnapshot) -> None:
    for row in range(snapshot.firms):
        pd = get(city, f"/v1/firms/{snapshot.firm_at(row)}")["pd"]
        if pd["pd"] is None:
            continue
        alone = next(grade for grade, below in zip("ABCD", (0.01, 0.03, 0.08, 1.1), strict=True) if pd["pd"] < below)
        if snapshot.value("official_grade", row) == "D" and alone == "A":
            assert (pd["grade"], pd["capped_by"]["at_most"], pd["capped_by"]["without"]) == ("B", "B", "A")
        else:
            assert (pd["grade"], pd["capped_by"]) == (alone, None)


def test_coverage_counts_known_facts_in_every_form() -> None:
    columns = Columns(
        3,
        {
            "money": np.array([-(2**63), 5, 5]),
            "ratio": np.array([np.nan, 1.0, 1.0]),
            "code": np.array([-1, -1, 0], np.int16),
        },
    )
    kinds = {"money": Kind.MONEY, "ratio": Kind.RATIO, "code": Kind.CODE, "absent": Kind.FLAG}
    assert known_share(columns, kinds).tolist() == [0.0, 0.5, 0.75]


def test_thin_files_are_marked(snapshot: OpenSnapshot) -> None:
    for row in range(snapshot.firms):
        held = snapshot.facts(row)
        if held["pd"] is None:
            continue
        # Of each line: how far its known bins lie apart, by the shares of the training rows in them.
        spread = {"firm_age_months": _spread((-20, 0, 15), (2, 3, 4)), "sales_12m": _spread((-10, 12.345), (4, 4)),
                  "size_class": _spread((-3, 4), (5, 4))}  # fmt: skip
        known = sum(wide for name, wide in spread.items() if snapshot.value(name, row) is not None)
        assert held["pd_coverage"] == pytest.approx(known / sum(spread.values()))
        assert held["pd_thin"] == (held["pd_coverage"] < 0.5)


def _spread(points: tuple[float, ...], shares: tuple[int, ...]) -> float:
    drawn = [point for point, share in zip(points, shares, strict=True) for _ in range(share)]
    return statistics.pstdev(drawn)


def test_conditions_may_ask_the_champion_and_nothing_else() -> None:
    assert {"pd", "pd_points", "pd_grade"} <= set(facts())
    assert not [name for name in facts() if "challenger" in name]


def test_a_tampered_model_fails_readiness_and_what_was_built_still_answers(city: Shell, snapshot: OpenSnapshot) -> None:
    uscc = snapshot.firm_at(0)
    ready = city.http.get("/readyz").json()
    assert ready["checks"]["model"] is True
    assert ready["reasons"] == {}
    lines = get(city, f"/v1/firms/{uscc}/score")["pd"]["lines"]
    path = Path(folder_of(city.office, a_bundle().id) / "scorecard.json")
    good = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(good.replace(b"500000", b"900000"))
    try:
        answer = city.http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"]["model"] is False
        assert "scorecard.json" in answer.json()["reasons"]["model"]
        assert get(city, f"/v1/firms/{uscc}/score")["pd"]["lines"] == lines
        city.http.app.state.desk.shelf.models._loaded.clear()  # type: ignore[attr-defined]
        told = get(city, f"/v1/firms/{uscc}/score")["pd"]
        assert told["lines"] == []
        assert "scorecard.json" in told["lines_missing"]
        assert told["pd"] is not None
    finally:
        path.write_bytes(good)
    assert city.http.get("/readyz").json()["checks"]["model"] is True


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda d: d.pop("model"), "model"),
        (lambda d: d["grades"].reverse(), "below"),
        (lambda d: d["grades"].pop(), "grades"),
        (lambda d: d["grades"][0].update(below="x"), "below"),
        (lambda d: d["official_cap"].update(limits={"D": "E"}), "limits"),
        (lambda d: d.update(thin_below=2), "thin_below"),
    ],
)
def test_a_faulty_scale_is_refused_with_its_place(change: Any, field: str) -> None:
    document = rule_set().document("pd.yaml")
    change(document)
    with pytest.raises(DataFileError) as fault:
        parse_pd_scale(document)
    assert fault.value.field == field


def test_models_are_listed_shown_and_approved_over_http(city: Shell) -> None:
    listed = get(city, "/v1/models", role="auditor")
    assert [each["status"] for each in listed["items"]] == ["active"]
    shown = get(city, f"/v1/models/{a_bundle().id}", role="auditor")
    assert (shown["fault"], [gate["passed"] for gate in shown["gates"]]) == (None, [True] * 7)
    path = f"/v1/models/{a_bundle().id}/approval"
    assert city.http.post(path, json={"reason": "x"}, headers=city.asks("office")).status_code == 403
    assert city.http.post(path, json={"reason": ""}, headers=city.asks("approver")).status_code == 422
    done = city.http.post(path, json={"reason": "seen again"}, headers=city.asks("approver"))
    assert done.status_code == 200
    assert done.json()["history"][-1]["by"] == "approver"
    get(city, "/v1/models", 403, "firm", "x")


def test_model_answers_have_their_documented_shape(city: Shell) -> None:
    for route in city.http.app.routes:  # type: ignore[attr-defined]
        if getattr(route, "path", "") == "/v1/models/{model_id}":
            body = city.http.get(f"/v1/models/{a_bundle().id}", headers=city.asks("office")).content
            route.responses[200]["model"].model_validate_json(body)
            return
    raise AssertionError("the route is gone")
