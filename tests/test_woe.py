"""The classic card: what each bin says, by the plain formula and by others; and that it is the champion's artefact."""

from __future__ import annotations

from math import log

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.errors import RefusedInput
from scoring.metrics import auc
from scoring.scorecard import Inputs, Scorecard
from scoring.scorecard.bins import CategoryBins
from scoring.woe import SignedLogisticRegression, WoeBinner, WoeItem, WoeScorecardClassifier
from tests.scorecard_firms import DISTRICTS, made_firms

TABLE, BAD = made_firms()
MONOTONE = {"debt": 1, "sales": -1, "overdue": 1, "noise": 0}
SETTINGS = {"monotone": MONOTONE, "specials": {"overdue": [-9]}}


@pytest.fixture(scope="module")
def binner() -> WoeBinner:
    return WoeBinner(**SETTINGS).fit(TABLE, BAD)


@pytest.fixture(scope="module")
def model() -> WoeScorecardClassifier:
    return WoeScorecardClassifier(**SETTINGS).fit(TABLE, BAD)


def item_of(made: WoeBinner | WoeScorecardClassifier, name: str) -> WoeItem:
    return next(item for item in made.items_ if item.name == name)


def slot(item: WoeItem, value: object) -> int:
    """The slot of one value, by hand."""
    if value is None or value != value:
        return 0
    if isinstance(item.bins, CategoryBins):
        return next((at + 2 for at, group in enumerate(item.bins.groups) if value in group), 1)
    if value in item.bins.specials:
        return 1 + item.bins.specials.index(value)  # type: ignore[arg-type]
    return 1 + len(item.bins.specials) + sum(value >= edge for edge in item.bins.edges)  # type: ignore[operator]


# Weights cannot equal repeated rows in the card: rows are dealt into folds one by one, and copies may part.
@parametrize_with_checks(
    [WoeBinner(), SignedLogisticRegression(), WoeScorecardClassifier()],
    expected_failed_checks=lambda estimator: (
        {"check_sample_weight_equivalence_on_dense_data": "copies of a row may fall into different folds"}
        if isinstance(estimator, WoeScorecardClassifier)
        else {}
    ),
)
def test_scikit_learn_contract(estimator, check) -> None:  # type: ignore[no-untyped-def]
    check(estimator)


@pytest.mark.parametrize("name", list(TABLE.columns))
@pytest.mark.parametrize("shrinkage", [0.5, 10.0])
def test_each_bin_says_what_the_formula_says(name: str, shrinkage: float) -> None:
    weight = np.random.default_rng(1).integers(1, 4, len(BAD))
    made = WoeBinner(**SETTINGS, shrinkage=shrinkage).fit(TABLE, BAD, sample_weight=weight)
    item = item_of(made, name)
    values = TABLE[name].astype(object).where(TABLE[name].notna(), None)
    rows = [(slot(item, value), bad, int(w)) for value, bad, w in zip(values, BAD, weight, strict=True)]
    good_all, bad_all = (sum(w for _, bad, w in rows if bad == which) for which in (0, 1))
    rate = bad_all / (good_all + bad_all)
    for at in {place for place, _, _ in rows}:
        good, bad = (sum(w for place, bad, w in rows if (place, bad) == (at, which)) for which in (0, 1))
        plain = log((good + shrinkage * (1 - rate)) / (bad + shrinkage * rate)) - log(good_all / bad_all)
        assert item.woe[at] == pytest.approx(plain, abs=1e-12)
    given = made.transform(TABLE)[:, list(TABLE.columns).index(name)]
    assert given.tolist() == [item.woe[place] for place, _, _ in rows]


def test_on_the_same_cuts_it_is_the_weight_of_evidence_of_optbinning() -> None:
    optbinning = pytest.importorskip("optbinning", reason="optbinning is not installed (extra `bench`)")
    firms, bad = made_firms(3000)
    firms = firms[["debt", "sales"]].round().clip(0, 4)  # both outcomes in every bin: theirs is undefined otherwise
    for name in ("debt", "sales"):
        values, known = firms[name].to_numpy(), firms[name].notna()
        made = WoeBinner(monotone={name: MONOTONE[name]}, shrinkage=1e-9).fit(firms[[name]], bad)
        edges = list(made.items_[0].bins.edges)  # type: ignore[union-attr]
        theirs = optbinning.OptimalBinning(
            name, user_splits=edges, user_splits_fixed=[True] * len(edges), monotonic_trend=None, max_n_bins=20,
            min_prebin_size=0.001,
        ).fit(values, bad)  # fmt: skip
        assert theirs.splits.tolist() == edges
        assert len(edges) >= 3
        ours = made.transform(firms[[name]])[:, 0]
        assert theirs.transform(values, metric_missing="empirical")[known] == pytest.approx(ours[known], abs=1e-6)
        assert theirs.binning_table.build().loc["Totals", "IV"] == pytest.approx(made.iv_[name], abs=1e-6)


def test_the_information_value_tells_what_separates_from_what_does_not(binner: WoeBinner) -> None:
    item = item_of(binner, "sales")
    shares = [part / part.sum() for part in (item.good, item.bad)]
    assert item.iv == pytest.approx(sum((g - b) * w for g, b, w in zip(*shares, item.woe, strict=True)))
    assert binner.iv_["sales"] > 0.3 > 0.1 > binner.iv_["noise"] >= 0
    assert binner.iv_ == {item.name: item.iv for item in binner.items_}


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(8, 200),
    direction=st.sampled_from([1, -1]),
    shrinkage=st.sampled_from([0.01, 1.0, 50.0]),
    most=st.integers(2, 9),
)
def test_given_directions_hold_from_bin_to_bin(
    seed: int, rows: int, direction: int, shrinkage: float, most: int
) -> None:
    random = np.random.default_rng(seed)
    values, bad = random.normal(size=rows).round(1), (random.random(rows) < 0.3).astype(int)
    bad[:2] = 0, 1
    weight = random.gamma(0.5, size=rows) + 0.01
    settings = {"monotone": {"x0": direction}, "shrinkage": shrinkage, "max_bins": most}
    item = WoeBinner(**settings).fit(values[:, None], bad, sample_weight=weight).items_[0]
    ordered = item.woe[1:]
    assert len(ordered) <= most
    assert np.all(np.diff(ordered) * direction <= 0)
    assert item.iv >= 0
    assert item.good.sum() + item.bad.sum() == pytest.approx(weight.sum())


def test_auto_finds_the_direction_and_none_where_there_is_none() -> None:
    random = np.random.default_rng(2)
    straight, bent = random.normal(size=3000), random.normal(size=3000)
    bad = (random.random(3000) < 1 / (1 + np.exp(2 - 1.5 * straight - 1.5 * np.abs(bent)))).astype(int)
    items = WoeBinner().fit(pd.DataFrame({"straight": straight, "bent": bent}), bad).items_
    assert [item.direction for item in items] == [1, 0]
    assert items[1].woe[1] < max(items[1].woe) > items[1].woe[-1]


def test_unknown_codes_and_rare_values_have_bins_of_their_own() -> None:
    names = TABLE["district"].copy()
    names[:5] = "村"  # five rows are too few to stand alone
    made = WoeBinner(**SETTINGS).fit(TABLE.assign(district=names), BAD)
    overdue, district = item_of(made, "overdue"), item_of(made, "district")
    assert overdue.bins.specials == (-9.0,)  # type: ignore[union-attr]
    assert overdue.good[1] + overdue.bad[1] == (TABLE["overdue"] == -9).sum()
    assert district.good[1] + district.bad[1] == 5
    assert {name for group in district.bins.groups for name in group} == set(DISTRICTS)  # type: ignore[union-attr]
    firm = TABLE.iloc[[0, 0, 0]].assign(district=["新设区", "村", None])
    given = made.transform(firm)[:, -1]
    assert given.tolist() == [district.woe[1], district.woe[1], district.woe[0]]
    assert item_of(made, "sales").woe[0] == pytest.approx(np.average(made.transform(TABLE)[:, 1]))  # nobody was unknown


def test_many_categories_are_grouped() -> None:
    random = np.random.default_rng(0)
    banks = pd.DataFrame({"bank": [f"银行{at}" for at in (random.pareto(1.0, 2000) * 20).astype(int) % 400]})
    bad = random.random(2000) < 0.3
    (item,) = WoeBinner(max_bins=5).fit(banks, bad).items_
    assert 2 <= len(item.bins.groups) <= 5  # type: ignore[union-attr]
    assert max(map(len, item.bins.groups)) > 1  # type: ignore[union-attr]
    assert np.all(np.diff(item.woe[2:]) <= 0)
    card = WoeScorecardClassifier(max_bins=5).fit(banks, bad).scorecard_
    assert Scorecard.from_json(card.to_json()) == card


def test_without_a_sign_it_is_scikit_learns_regression() -> None:
    random = np.random.default_rng(4)
    X, weight = random.normal(size=(300, 4)), random.gamma(2.0, size=300)
    y = (random.random(300) < 1 / (1 + np.exp(1 - X @ [1.0, -2.0, 0.0, 0.5]))).astype(int)
    ours = SignedLogisticRegression(C=0.3).fit(X, y, sample_weight=weight)
    theirs = LogisticRegression(C=0.3, tol=1e-10, max_iter=10_000).fit(X, y, sample_weight=weight)
    assert ours.coef_ == pytest.approx(theirs.coef_, abs=1e-5)
    assert ours.predict_proba(X) == pytest.approx(theirs.predict_proba(X), abs=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_no_coefficient_has_the_other_sign(sign: int) -> None:
    random = np.random.default_rng(4)
    X = random.normal(size=(400, 4))
    y = (random.random(400) < 1 / (1 + np.exp(1 - X @ [1.0, -2.0, 0.0, 0.5]))).astype(int)
    (held,) = SignedLogisticRegression(sign=sign).fit(X, y).coef_
    assert np.all(held * sign >= 0)
    assert (held[0] != 0, held[1] != 0) == (sign == 1, sign == -1)
    # Held at zero or free: the optimum of the columns that are left is the same.
    left = held != 0
    (free,) = SignedLogisticRegression().fit(X[:, left], y).coef_
    assert held[left] == pytest.approx(free, abs=1e-4)


def test_an_item_that_turns_over_beside_others_leaves_the_card() -> None:
    """``echo`` is risk with noise: alone it shows risk, beside risk minus noise its coefficient would turn over."""
    random = np.random.default_rng(8)
    risk, noise = random.normal(size=4000), random.normal(size=4000)
    bad = (random.random(4000) < 1 / (1 + np.exp(2 - risk + 0.8 * noise))).astype(int)
    table = pd.DataFrame({"risk": risk, "echo": risk + 0.7 * noise})
    free = LogisticRegression().fit(WoeBinner().fit_transform(table, bad), bad)
    assert free.coef_[0][0] < 0 < free.coef_[0][1]
    made = WoeScorecardClassifier(monotone={"risk": 1, "echo": 1}).fit(table, bad)
    assert made.coef_[0] < 0 == made.coef_[1]
    assert made.scorecard_.items == ("risk",)


def test_the_three_parts_in_a_pipeline_are_the_card_before_calibration(model: WoeScorecardClassifier) -> None:
    pipeline = make_pipeline(WoeBinner(**SETTINGS), SignedLogisticRegression(sign=-1)).fit(TABLE, BAD)
    assert pipeline[-1].coef_[0] == pytest.approx(model.coef_, abs=1e-9)
    card, parts = model.decision_function(TABLE), pipeline.decision_function(TABLE)
    slope = np.polyfit(parts, card, 1)[0]
    assert 0.5 <= slope <= 2
    rounding = 0.0005 * np.log(2) / 20 * (len(model.scorecard_.lines) + 1)
    assert np.ptp(card - slope * parts) < 4 * rounding


def test_fit_and_serve_agree_to_the_last_bit(model: WoeScorecardClassifier) -> None:
    served = Scorecard.from_json(model.scorecard_.to_json())
    assert served == model.scorecard_
    scored = served.score(Inputs.from_frame(TABLE))
    assert np.array_equal(scored.pd, model.predict_proba(TABLE)[:, 1])
    one = served.score(Inputs.from_frame(TABLE.iloc[[7]], served.category_items))
    assert one.pd[0].hex() == scored.pd[7].hex()
    assert scored.contributions is not None
    assert (scored.contributions.sum(axis=0) + scored.base).tolist() == scored.points.tolist()
    again = WoeScorecardClassifier(**SETTINGS).fit(TABLE, BAD)
    assert again.scorecard_.to_json() == model.scorecard_.to_json()


def test_it_finds_what_is_there_and_keeps_the_promises(model: WoeScorecardClassifier) -> None:
    fresh, bad = made_firms(4000, seed=11)
    assert auc(model.predict_proba(fresh)[:, 1], bad) > 0.75
    assert model.predict_proba(TABLE)[:, 1].mean() == pytest.approx(BAD.mean(), abs=1e-3)
    assert auc(model.margins_, BAD) < auc(model.decision_function(TABLE), BAD)
    for line in model.scorecard_.lines:
        if line.direction:
            known = line.points[line.bins.first_interval :]  # type: ignore[union-attr]
            assert list(known) == sorted(known, reverse=line.direction == 1)
    assert {line.name: line.direction for line in model.scorecard_.lines}["sales"] == -1


def test_the_prior_moves_the_odds_and_nothing_else(model: WoeScorecardClassifier) -> None:
    moved = WoeScorecardClassifier(**SETTINGS, prior=0.02).fit(TABLE, BAD)
    assert moved.scorecard_.lines == model.scorecard_.lines
    odds = [p / (1 - p) for p in (made.predict_proba(TABLE)[:, 1] for made in (moved, model))]
    rate = BAD.mean()
    assert odds[0] / odds[1] == pytest.approx(0.02 / 0.98 / (rate / (1 - rate)), rel=1e-3)


def test_a_weight_of_zero_leaves_the_row_out() -> None:
    half = np.arange(len(TABLE)) % 2 == 0
    for estimator in (WoeBinner(), WoeScorecardClassifier()):
        weighted = estimator.fit(TABLE, BAD, sample_weight=half.astype(float))
        first = [item.woe.tolist() for item in weighted.items_]
        assert first == [item.woe.tolist() for item in estimator.fit(TABLE[half], BAD[half]).items_]


def test_a_constant_or_unknown_column_says_nothing() -> None:
    table = TABLE.assign(flat=7.0, empty=np.nan)
    made = WoeScorecardClassifier(**SETTINGS).fit(table, BAD)
    assert [item_of(made, name).iv for name in ("flat", "empty")] == pytest.approx([0, 0], abs=1e-12)
    assert not {"flat", "empty"} & set(made.scorecard_.items)
    alone = WoeScorecardClassifier().fit(table[["flat"]], BAD)
    assert alone.predict_proba(table[["flat"]])[0, 1] == pytest.approx(BAD.mean(), rel=1e-3)


def test_columns_may_be_named_by_numbers() -> None:
    table = TABLE[["debt", "sales"]].set_axis([0, 1], axis=1)
    made = WoeScorecardClassifier().fit(table, BAD)
    assert made.scorecard_.items == ("0", "1")
    assert made.predict_proba(table).shape == (len(table), 2)


@pytest.mark.parametrize("estimator", [WoeBinner(), WoeScorecardClassifier()], ids=["binner", "card"])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"y": np.zeros(len(BAD))}, "one class"),
        ({"X": TABLE.assign(debt=-np.inf)}, "debt"),
        ({"X": pd.concat([TABLE, TABLE[["sales"]]], axis=1)}, "sales"),
        ({"sample_weight": -np.ones(len(BAD))}, "not negative"),
        ({"sample_weight": (BAD == 0).astype(float)}, "weight"),
    ],
    ids=["one class", "infinite", "one name twice", "negative weight", "class without weight"],
)
def test_rows_nothing_can_be_learned_from_are_refused(estimator, change: dict[str, object], says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(RefusedInput, match=says):
        estimator.fit(**{"X": TABLE, "y": BAD, **change})


@pytest.mark.parametrize("estimator", [WoeBinner, WoeScorecardClassifier], ids=["binner", "card"])
@pytest.mark.parametrize(
    "settings",
    [{"monotone": {"debts": 1}}, {"monotone": {"debt": 2}}, {"categorical": ["x"]}, {"specials": {"x": [1]}},
     {"max_bins": 1}, {"fine_bins": 500}, {"shrinkage": 0.0}, {"shrinkage": float("nan")}],
    ids=str,
)  # fmt: skip
def test_settings_out_of_range_are_refused(estimator: type, settings: dict[str, object]) -> None:
    with pytest.raises(RefusedInput):
        estimator(**settings).fit(TABLE, BAD)


@pytest.mark.parametrize(
    "estimator",
    [WoeScorecardClassifier(C=0.0), WoeScorecardClassifier(prior=1.0), WoeScorecardClassifier(pdo=0.0),
     SignedLogisticRegression(C=-1.0), SignedLogisticRegression(sign=2)],
    ids=["card C", "card prior", "card pdo", "regression C", "regression sign"],
)  # fmt: skip
def test_other_settings_out_of_range_are_refused(estimator) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(RefusedInput):
        estimator.fit(TABLE[["sales", "noise"]].to_numpy(), BAD)


def test_a_column_missing_in_service_is_refused_by_name(binner: WoeBinner, model: WoeScorecardClassifier) -> None:
    for served in (binner.transform, model.predict_proba):
        with pytest.raises(ValueError, match="debt"):
            served(TABLE.drop(columns="debt"))
    with pytest.raises(RefusedInput, match="debt"):
        binner.transform(TABLE.assign(debt="many"))
