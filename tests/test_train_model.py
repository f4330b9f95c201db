"""Training from the set to the bundle: split, figures, card, export, command; the same records give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from models.errors import RefusedInput
from models.tables import Client
from scoring.pd_error import error_bands_of
from scoring.scorecard import Inputs, Scorecard
from scoring.scorecard.inputs import Category
from scoring.training.card import SYNTHETIC, information_value, make_card
from scoring.training.fit import Fitted, fit
from scoring.training.plan import TrainingPlan
from scoring.training.training_set import Cohort, TrainingSet, folds_of
from scoring.woe import WoeScorecardClassifier
from service.access.auth import hashed
from service.cli import run
from service.learning.training_export import LEADING, pseudonym, training_table
from service.office import Office, opened
from service.registry.bundle import read_bundle
from service.registry.keys import rotate_key
from service.registry.store import load
from service.settings import DEMO_CLIENTS_FILE
from service.usecases.train_model import train_model
from tests.test_training_rows import plan_of
from tests.training_office import BACKFILL, Records, firms, loan_month, months, received_after, registration

PLAN = replace(
    plan_of(
        {"id": "social_insurance_arrears_months"},
        {"id": "late_filings"},
        {"id": "loan_balance"},
        {"id": "industry_section"},
        {"id": "water_overdue"},
    ),
    folds=3,
    scorecard={"pdo": 20, "base_score": 600, "base_odds": 50, "crosses": 0, "steps": 150},
)
DAYS = (date(2022, 12, 31), date(2023, 3, 31), date(2023, 6, 30))
KNOWN = datetime(2024, 8, 1, tzinfo=UTC)


def drawn(day: date, codes: list[str], seed: int, rate: float = 0.15) -> Cohort:
    """Firms whose arrears raise their risk; nothing else tells."""
    rng = np.random.default_rng(seed)
    n = len(codes)
    arrears = rng.integers(0, 6, n).astype(float)
    chance = rate * np.exp(0.6 * (arrears - 2.5))
    numbers = {
        "social_insurance_arrears_months": np.where(rng.random(n) < 0.1, np.nan, arrears),
        "late_filings": rng.integers(0, 4, n).astype(float),
        "loan_balance": rng.lognormal(12, 1, n).round(2),
        "water_overdue": np.full(n, np.nan),
    }
    section = {"industry_section": Category(rng.integers(-1, 2, n).astype(np.int32), ("C", "F"))}
    default = rng.random(n) < chance
    by_event = {event.id: 0 for event in PLAN.default.events} | {"loan_90_days": int(default.sum())}
    uscc = np.array([code.encode() for code in codes])
    return Cohort(
        day, PLAN.default.window_end(day), KNOWN, uscc, Inputs(n, numbers, section), default, by_event, {"not_live": 3}
    )


def a_set(plan: TrainingPlan = PLAN, sizes: tuple[int, int, int] = (260, 300, 400), rate: float = 0.15) -> TrainingSet:
    codes = firms(400)
    cohorts = tuple(
        drawn(day, codes[:size], seed, rate) for seed, (day, size) in enumerate(zip(DAYS, sizes, strict=True))
    )
    return TrainingSet(plan, cohorts, (), ("bankruptcy",), KNOWN)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="module")
def training() -> TrainingSet:
    return a_set()


@pytest.fixture(scope="module")
def fitted(training: TrainingSet) -> Fitted:
    return fit(training, None)


def test_a_firm_is_in_one_group_in_every_cohort_and_groups_are_about_even(training: TrainingSet) -> None:
    rows = training.rows(training.cohorts)
    of_firm: dict[bytes, set[int]] = {}
    for code, fold in zip(rows.uscc.tolist(), rows.fold.tolist(), strict=True):
        of_firm.setdefault(code, set()).add(fold)
    assert all(len(folds) == 1 for folds in of_firm.values())
    counts = np.bincount(folds_of(training.cohorts[2].uscc, 5))
    assert counts.min() > 50
    assert len(counts) == 5


def test_every_cohort_weighs_alike_and_the_mean_weight_is_one(training: TrainingSet) -> None:
    rows = training.rows(training.cohorts)
    totals = [rows.weight[rows.cohort == np.datetime64(day)].sum() for day in DAYS]
    assert totals == pytest.approx([320.0] * 3)
    assert rows.weight.mean() == pytest.approx(1.0)
    rates = [cohort.defaults / cohort.rows for cohort in training.cohorts]
    assert np.average(rows.default, weights=rows.weight) == pytest.approx(np.mean(rates))


def test_the_held_out_day_is_not_fitted_and_a_measured_firm_is_in_no_fit(
    training: TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[set[bytes], set[np.datetime64]]] = []
    asked: list[int] = []

    class Recording:
        """Stands in for a model and remembers what it was shown."""

        def fit(self, frame: Any, default: Any, sample_weight: Any) -> None:
            assert len(frame) == len(default) == len(sample_weight)

        def predict_proba(self, frame: Any) -> Any:
            asked.append(len(frame))
            return np.column_stack([np.full(len(frame), 0.9), np.linspace(0.1, 0.2, len(frame))])

    from scoring.training import fit as module

    def note(model: Any, rows: Any, used: Any) -> None:
        seen.append((set(rows.uscc.tolist()), set(rows.cohort.tolist())))

    monkeypatch.setattr(module, "_models", lambda *plan: {"champion": Recording(), "challenger": Recording()})
    monkeypatch.setattr(module, "_fit", note)
    monkeypatch.setattr(module, "_points", lambda champion, rows: np.arange(len(rows)))
    monkeypatch.setattr(module, "_unseen", lambda challenger, rows, used: np.full(len(rows), 0.1))
    fit(training, None)
    assert len(seen) == 2 * (PLAN.folds + 1)
    for fold in range(PLAN.folds):
        outside = set(training.cohorts[2].uscc[folds_of(training.cohorts[2].uscc, PLAN.folds) == fold].tolist())
        for codes, days in seen[2 * fold : 2 * fold + 2]:
            assert codes.isdisjoint(outside)
            assert days == set(DAYS[:2])
    assert sum(asked) == 2 * training.cohorts[2].rows
    assert seen[-1][0] == set(training.rows(training.fitted).uscc.tolist())


def test_what_says_nothing_is_not_used(fitted: Fitted) -> None:
    assert fitted.unused == ("water_overdue",)
    assert set(fitted.champion.scorecard_.items) <= set(fitted.used)


def test_the_model_finds_the_one_thing_that_tells(fitted: Fitted, training: TrainingSet) -> None:
    card = make_card(training, fitted, synthetic=False, catalogue="1")
    assert card["items"][0]["id"] == "social_insurance_arrears_months"
    champion = card["out_of_time"][0]
    assert (champion["model"], champion["day"], champion["rows"]) == ("champion", "2023-06-30", 400)
    assert champion["auc_low"] < champion["auc"] < champion["auc_high"]
    assert champion["auc"] > 0.7
    assert card["gates"]["auc_out_of_time"] == champion["auc"]
    assert 0 <= card["gates"]["psi_out_of_time"] < 0.25
    line = next(each for each in fitted.champion.scorecard_.lines if each.name == "social_insurance_arrears_months")
    # More arrears never gain points: the catalogue says that the item is bad.
    known = line.points[1:]
    assert list(known) == sorted(known, reverse=True)


def test_the_card_tells_the_run(fitted: Fitted, training: TrainingSet) -> None:
    card = make_card(training, fitted, synthetic=False, catalogue="2026.11")
    json.dumps(card, allow_nan=False)
    assert card["synthetic"] is False
    assert [cohort["part"] for cohort in card["data"]["cohorts"]] == ["fitted", "fitted", "held_out"]
    assert card["data"]["fitted_rows"] == 560
    assert card["data"]["fitted_defaults"] == sum(cohort.defaults for cohort in training.cohorts[:2])
    events = {event["id"]: event for event in card["default"]["events"]}
    assert events["loan_90_days"]["firms_hit"] == sum(cohort.defaults for cohort in training.cohorts)
    assert not events["bankruptcy"]["delivered"]
    assert any("bankruptcy" in limit for limit in card["limits"])
    assert all(event["cite"] for event in events.values())


def test_no_figure_of_merit_is_shown_for_invented_firms(fitted: Fitted, training: TrainingSet) -> None:
    card = make_card(training, fitted, synthetic=True, catalogue="2026.11")
    assert card["out_of_time"] == card["said"] == card["gates"]["said"] == SYNTHETIC
    assert not {"auc", "ks", "gini", "brier"} & set(json.dumps(card).replace('"', " ").split())


def test_the_challenger_is_on_the_level_of_what_happened_before_it_is_compared(
    fitted: Fitted, training: TrainingSet
) -> None:
    rows = training.rows(training.fitted)
    # Each group of firms by a challenger that did not see it, as in the fit, here one after the other.
    unseen = np.full(len(rows), np.nan)
    for fold in range(PLAN.folds):
        inside, outside = rows.take(rows.fold != fold), rows.fold == fold
        model = clone(fitted.challenger).fit(
            inside.frame[list(fitted.used)], inside.default.astype(int), sample_weight=inside.weight
        )
        unseen[outside] = model.predict_proba(rows.frame.loc[outside, list(fitted.used)])[:, 1]
    told = fitted.level.pd(unseen)
    assert np.average(told, weights=rows.weight) == pytest.approx(np.average(rows.default, weights=rows.weight))
    design = np.log(unseen / (1 - unseen))[:, None]
    line = LogisticRegression(C=1e12, tol=1e-10).fit(design, rows.default, sample_weight=rows.weight)
    assert fitted.level.slope == pytest.approx(line.coef_[0, 0], rel=1e-3)
    # What is handed over is the fitted challenger on that level.
    matrix = fitted.beside.matrix(training.held_out[0].inputs)
    assert fitted.beside.pd(matrix) == pytest.approx(fitted.level.pd(fitted.challenger.trees_.pd(matrix)))
    card = make_card(training, fitted, synthetic=True, catalogue="1")
    assert card["model"]["challenger_level"]["slope"] == pytest.approx(fitted.level.slope, abs=1e-6)


def test_the_card_tells_the_models_own_error(fitted: Fitted, training: TrainingSet) -> None:
    card = make_card(training, fitted, synthetic=False, catalogue="1")
    told = error_bands_of(card)
    assert told is not None
    assert told == fitted.error
    assert told.groups == PLAN.folds
    assert max(told.points) > 0
    without = replace(fitted, error=None)
    assert error_bands_of(make_card(training, without, synthetic=False, catalogue="1")) is None


def test_the_classic_learner_makes_the_same_kind_of_card(training: TrainingSet) -> None:
    settings = {"pdo": 20, "base_score": 600, "base_odds": 50}
    classic = replace(training, plan=replace(training.plan, learner="woe", scorecard=settings))
    made = fit(classic, None)
    assert isinstance(made.champion, WoeScorecardClassifier)
    assert Scorecard.from_json(made.champion.scorecard_.to_json()) == made.champion.scorecard_
    card = make_card(classic, made, synthetic=False, catalogue="2026.11")
    assert card["model"]["learner"] == "woe"
    assert card["out_of_time"][0]["auc"] > 0.7


def test_the_information_of_an_item_by_hand(fitted: Fitted) -> None:
    line = next(each for each in fitted.champion.scorecard_.lines if each.name == "late_filings")
    two = replace(
        line,
        bins=replace(line.bins, edges=(2.0,), specials=()),
        points=(0, 5, -5),
        shares=(0.0, 0.5, 0.5),
        rates=(None, 0.1, 0.3),
        direction=0,
    )
    good, bad = np.array([0.45, 0.35]) / 0.8, np.array([0.05, 0.15]) / 0.2
    assert information_value(two, 1000, 200) == pytest.approx(float(((good - bad) * np.log(good / bad)).sum()))


def test_the_same_set_gives_the_same_bytes_and_the_prior_moves_only_the_level(
    training: TrainingSet, fitted: Fitted
) -> None:
    again, other = fit(training, None), fit(training, 0.02)
    assert again.champion.scorecard_.to_json() == fitted.champion.scorecard_.to_json()
    assert again.challenger.trees_.to_json() == fitted.challenger.trees_.to_json()
    assert other.champion.scorecard_.training.prior == 0.02
    frame = training.rows(training.held_out).frame[list(fitted.used)]
    usual, lower = (model.champion.predict_proba(frame)[:, 1] for model in (fitted, other))
    assert lower.mean() < usual.mean() / 2
    beside = [model.beside.pd(model.beside.matrix(training.held_out[0].inputs)).mean() for model in (fitted, other)]
    assert beside[1] < beside[0] / 2, "the challenger follows, or the two could not be compared"
    assert np.array_equal(np.argsort(usual, kind="stable"), np.argsort(lower, kind="stable"))


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda: a_set(rate=0.0), "no_outcomes"),
        (lambda: a_set(rate=1e9), "one_class"),
        (lambda: a_set(rate=0.004), "too_few_defaults"),
        (lambda: replace(a_set(), cohorts=a_set().cohorts[:1]), "too_few_cohorts"),
        (lambda: replace(a_set(), cohorts=(*a_set().cohorts[:2], drawn(DAYS[2], firms(50), 1, 0.0))), "one_class"),
    ],
    ids=["no_outcomes", "all_default", "too_few_defaults", "too_few_cohorts", "held_out_one_class"],
)
def test_what_nothing_can_be_learned_from_is_refused(made: Any, code: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        fit(made(), None)
    assert refused.value.code == code


def test_the_exported_table_holds_every_row_and_no_firm(training: TrainingSet) -> None:
    table = training_table(training, b"k" * 32)
    assert table.num_rows == 960
    assert table.column_names == [*LEADING, *PLAN.kinds]
    assert set(table["part"].to_pylist()) == {"fitted", "held_out"}
    codes = {code.decode() for cohort in training.cohorts for code in cohort.uscc.tolist()}
    for name in table.column_names:
        assert codes.isdisjoint(map(str, table[name].to_pylist())), name
    first = table["firm"].to_pylist()[0]
    assert first == pseudonym(b"k" * 32, training.cohorts[0].uscc[0])
    assert first != pseudonym(b"l" * 32, training.cohorts[0].uscc[0])
    assert len(set(table["firm"].to_pylist())) == 400
    weights = np.array(table["weight"].to_pylist())
    assert weights[:560].sum() == pytest.approx(560)
    arrears = table["social_insurance_arrears_months"]
    assert arrears.null_count == sum(
        int(np.isnan(cohort.inputs.numbers["social_insurance_arrears_months"]).sum()) for cohort in training.cohorts
    )


# The command, on records written by hand: late insurance goes before a loan that fails.
CITY = firms(260)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    rng = np.random.default_rng(2)
    weak = rng.random(len(CITY)) < 0.3
    fails = [
        date(2023, 1, 31) if draw < 0.3 else date(2023, 9, 30) if draw < 0.6 else None
        for draw in np.where(weak, rng.random(len(CITY)), rng.random(len(CITY)) + 0.55)
    ]
    records = Records()
    records.send("business_registration", BACKFILL, date(2022, 10, 31), [registration(code) for code in CITY])
    for month in months(date(2021, 10, 31), date(2024, 6, 30)):
        records.send(
            "loan_balance_month",
            received_after(month),
            month,
            [
                loan_month(code, month, "loss" if failed and failed <= month else "normal", 10_000 * (n + 1))
                for n, (code, failed) in enumerate(zip(CITY, fails, strict=True))
            ],
        )
        paid = rng.random(len(CITY)) > np.where(weak, 0.4, 0.05)
        records.send(
            "social_insurance_month",
            received_after(month, 12),
            month,
            [
                {"uscc": code, "month": month, "insured_count": 4, "contribution_base_fen": 9, "paid": bool(ok)}
                for code, ok in zip(CITY, paid, strict=True)
            ],
        )
    home = tmp_path_factory.mktemp("city")
    with opened(home) as made:
        records.land(made)
        yield made


MODEL = """
id: own
name: pd-enterprise
version: 3
label: {zh: 示例, en: Example}
catalogue: "2026.11"
default: credit_12m
cohorts: {held_out: 1, folds: 2, least_defaults: 10}
prior: null
seed: 1
scorecard: {pdo: 20, base_score: 600, base_odds: 50, crosses: 0, steps: 150}
items:
  - {id: social_insurance_arrears_months}
  - {id: loan_balance}
"""


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(MODEL, encoding="utf-8")
    return path


def told(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert run(["train", *arguments, "--json"]) == code, capfd.readouterr().err
    out, err = capfd.readouterr()
    return json.loads(err if code else out)


def test_the_command_trains_keeps_and_repeats(
    office: Office, model_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = ("--home", str(office.home), "--model", str(model_file))
    answer = told(capfd, *asked)
    bundle = read_bundle(Path(answer["folder"]))
    assert (bundle.id, bundle.name) == (answer["model_id"], "pd-enterprise")
    assert Scorecard.from_json(bundle.scorecard).to_json() == bundle.scorecard
    assert answer["registered_by"] is None
    assert [cohort["day"] for cohort in answer["card"]["data"]["cohorts"]][-1] == "2023-05-31"
    files = {path.name: path.read_bytes() for path in Path(answer["folder"]).iterdir()}
    days = ("--cohorts", ",".join(cohort["day"] for cohort in answer["card"]["data"]["cohorts"]))
    again = told(capfd, *asked, *days)
    assert again["model_id"] == answer["model_id"]
    assert again["card"]["data"].pop("days_left_out") == []
    assert answer["card"]["data"].pop("days_left_out")
    assert again["card"] == answer["card"]
    kept = {path.name: path.read_bytes() for path in Path(again["folder"]).iterdir()}
    assert {name for name in files if kept[name] != files[name]} == {"card.json"}
    assert list(office.work.glob("train*")) == []
    assert run(["train", *asked, *days, "--prior", "0.05"]) == 0
    out = capfd.readouterr().out
    assert "2023-03-31" in out
    assert answer["model_id"] not in out, "another prior is another model"


def test_a_trained_model_is_registered_for_a_person_of_the_office(
    office: Office, model_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with office.write() as session:
        session.add(Client(id="ana", secret_sha256=hashed("a secret of a test"), role="office", tenant=""))
    rotate_key(office, KNOWN)
    days = ("--cohorts", "2022-12-31,2023-03-31")
    answer = told(capfd, "--home", str(office.home), "--model", str(model_file), *days, "--by", "ana")
    assert answer["registered_by"] == "ana"
    model = load(office, answer["model_id"])
    assert (model.name, model.card["data"]) == ("pd-enterprise", answer["card"]["data"])
    assert model.challenger is not None


def test_a_demo_city_is_said_to_be_invented(office: Office, model_file: Path) -> None:
    from service.learning.training_plans import training_plan

    mark = office.home / DEMO_CLIENTS_FILE
    mark.write_text("{}")
    try:
        card = train_model(office, training_plan(str(model_file)), KNOWN, list(DAYS[:2])).bundle.card
    finally:
        mark.unlink()
    assert (card["synthetic"], card["out_of_time"]) == (True, SYNTHETIC)


def test_the_command_exports_to_a_new_file_only(
    office: Office, model_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "set.parquet"
    days = ("--cohorts", "2022-12-31,2023-03-31")
    asked = ("--home", str(office.home), "--model", str(model_file), "--export", str(file), *days)
    answer = told(capfd, *asked)
    table = pq.read_table(file)
    assert (answer["rows"], answer["file"]) == (table.num_rows, str(file))
    assert table.schema.metadata[b"rongqiao.synthetic"] == b"false"
    assert file.stat().st_mode & 0o077 == 0
    assert told(capfd, *asked, code=2)["code"] == "unwritable_file"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--prior", "2"), "bad_rate"),
        (("--prior", "nan"), "bad_rate"),
        (("--cohorts", "2023-06-31"), "bad_date"),
        (("--cohorts", "2023-06-29"), "bad_cohort"),
        (("--cohorts", "2023-06-30"), "window_open"),
        (("--cohorts", "2022-12-31"), "too_few_cohorts"),
        (("--model", "pd_1m"), "not_found"),
        (("--by", "nobody"), "person_may_not"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_refused_arguments(
    office: Office, model_file: Path, capfd: pytest.CaptureFixture[str], arguments: tuple[str, str], code: str
) -> None:
    model = () if arguments[0] == "--model" else ("--model", str(model_file))
    problem = told(capfd, "--home", str(office.home), *model, *arguments, code=2)
    assert problem["code"] == code
