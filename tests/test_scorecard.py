"""The champion: what it learns, what it refuses, and that every part of a card says the same."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import isotonic_regression
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.errors import RefusedInput
from models.kinds import UNKNOWN_INT64, Kind
from scoring.columns import Columns
from scoring.metrics import auc
from scoring.scorecard import Category, Inputs, Line, Scorecard, ScorecardClassifier
from scoring.scorecard.bins import CategoryBins, NumberBins
from scoring.scorecard.classic import classic_share
from scoring.scorecard.crossfit import Sample, stratified_folds
from scoring.scorecard.prebins import short_between
from scoring.scorecard.simplify import monotone, segments
from tests.scorecard_firms import DISTRICTS, made_firms

MONOTONE = {"debt": 1, "sales": -1, "overdue": 1, "noise": "auto"}
TABLE, BAD = made_firms()


def fitted(**settings: object) -> ScorecardClassifier:
    return ScorecardClassifier(**{"monotone": MONOTONE, "specials": {"overdue": [-9]}, "steps": 500, **settings}).fit(
        TABLE, BAD
    )


@pytest.fixture(scope="module")
def model() -> ScorecardClassifier:
    return fitted()


@pytest.fixture(scope="module")
def crossed() -> ScorecardClassifier:
    """A card with a crossed table: risk only where debt is high and sales are low."""
    random = np.random.default_rng(3)
    table = pd.DataFrame({"debt": random.random(4000), "sales": random.random(4000)})
    risk = np.where((table["debt"] > 0.6) & (table["sales"] < 0.4), 0.7, 0.05)
    bad = (random.random(4000) < risk).astype(int)
    table.loc[random.random(4000) < 0.1, "debt"] = np.nan
    return ScorecardClassifier(monotone={"debt": 1, "sales": -1}, steps=500).fit(table, bad)


def slow_points(card: Scorecard, firm: dict[str, object]) -> int:
    """The points table read by hand, one firm, in plain Python."""

    def slot(bins: NumberBins | CategoryBins, value: object) -> int:
        if value is None or value != value:
            return 0
        if isinstance(bins, CategoryBins):
            return next((at + 2 for at, group in enumerate(bins.groups) if value in group), 1)
        if value in bins.specials:
            return 1 + bins.specials.index(value)  # type: ignore[arg-type]
        return 1 + len(bins.specials) + len([edge for edge in bins.edges if value >= edge])  # type: ignore[operator]

    total = card.base + sum(line.points[slot(line.bins, firm[line.name])] for line in card.lines)
    for cross in card.crosses:
        first, second = (slot(bins, firm[name]) for bins, name in zip(cross.bins, cross.names, strict=True))
        total += cross.points[first][second]
    return total


# Weights cannot equal repeated rows here: rows are dealt into folds one by one, and copies may part.
@parametrize_with_checks(
    [ScorecardClassifier(steps=50)],
    expected_failed_checks=lambda _: {
        "check_sample_weight_equivalence_on_dense_data": "copies of a row may fall into different folds"
    },
)
def test_scikit_learn_contract(estimator, check) -> None:  # type: ignore[no-untyped-def]
    check(estimator)


def test_the_table_read_by_hand_gives_the_score(model: ScorecardClassifier) -> None:
    scored = model.scorecard_.score(Inputs.from_frame(TABLE))
    firms = TABLE.astype(object).where(TABLE.notna(), None).to_dict("records")
    assert scored.points.tolist() == [slow_points(model.scorecard_, firm) for firm in firms]


def test_parts_sum_to_the_points_exactly(crossed: ScorecardClassifier) -> None:
    card = crossed.scorecard_
    assert card.crosses
    inputs = Inputs.from_frame(pd.DataFrame({"debt": [0.9, np.nan, 0.1], "sales": [0.1, 0.1, np.nan]}))
    scored = card.score(inputs)
    assert scored.contributions is not None
    assert (scored.contributions.sum(axis=0) + scored.base).tolist() == scored.points.tolist()


@pytest.mark.parametrize("which", ["model", "crossed"])
def test_one_firm_and_many_give_the_same_bits(which: str, request: pytest.FixtureRequest) -> None:
    card = request.getfixturevalue(which).scorecard_
    table = TABLE.reindex(columns=list(card.items))
    table.loc[0, "debt"] = np.nan
    inputs = Inputs.from_frame(table, card.category_items)
    many = card.score(inputs)
    alone = [card.score(inputs.take(slice(at, at + 1))) for at in range(60)]
    assert [int(one.points[0]) for one in alone] == many.points[:60].tolist()
    assert [one.pd[0].hex() for one in alone] == [pd_.hex() for pd_ in many.pd[:60]]
    assert np.array_equal(alone[3].contributions[:, 0], many.contributions[:, 3])
    assert np.array_equal(card.score(inputs, contributions=False).points, many.points)


def test_fit_and_serve_agree_to_the_last_bit(model: ScorecardClassifier) -> None:
    served = Scorecard.from_json(model.scorecard_.to_json())
    assert served == model.scorecard_
    inputs = Inputs.from_frame(TABLE)
    assert np.array_equal(served.score(inputs).pd, model.predict_proba(TABLE)[:, 1])


def test_same_data_and_seed_same_bytes(model: ScorecardClassifier) -> None:
    assert fitted().scorecard_.to_json() == model.scorecard_.to_json()


def test_it_finds_what_is_there(model: ScorecardClassifier) -> None:
    fresh, bad = made_firms(4000, seed=11)
    assert auc(model.predict_proba(fresh)[:, 1], bad) > 0.75
    assert abs(model.predict_proba(TABLE)[:, 1].mean() - BAD.mean()) < 1e-3


def test_promised_directions_hold_in_every_table(model: ScorecardClassifier, crossed: ScorecardClassifier) -> None:
    for line in model.scorecard_.lines:
        if line.name in ("debt", "sales", "overdue"):
            known = line.points[line.bins.first_interval :]  # type: ignore[union-attr]
            assert list(known) == sorted(known, reverse=MONOTONE[line.name] == 1)
    assert {line.name: line.direction for line in model.scorecard_.lines}["sales"] == -1
    (cross, *_) = crossed.scorecard_.crosses
    assert set(cross.names) == {"debt", "sales"}


@settings(max_examples=60, deadline=None)
@given(
    item=st.sampled_from(["debt", "sales"]),
    low=st.floats(0, 12),
    more=st.floats(0, 12),
    other=st.one_of(st.none(), st.floats(0, 1)),
)
def test_improving_a_good_factor_never_lowers_the_score(
    crossed: ScorecardClassifier, item: str, low: float, more: float, other: float | None
) -> None:
    firm = Inputs.of({"debt": other, "sales": other, item: low})
    worse, better = (firm, firm.with_value(item, low + more))
    if item == "debt":
        worse, better = better, worse
    assert crossed.scorecard_.score(better).points[0] >= crossed.scorecard_.score(worse).points[0]


def test_unknown_other_and_special_have_points_of_their_own(model: ScorecardClassifier) -> None:
    card = model.scorecard_
    lines = {line.name: line for line in card.lines}
    assert lines["debt"].shares[0] == pytest.approx(TABLE["debt"].isna().mean())
    assert lines["overdue"].bins.specials == (-9.0,)  # type: ignore[union-attr]
    firm = {"debt": 1.0, "sales": 1.0, "overdue": 0.0, "noise": 0.0, "district": DISTRICTS[2]}
    at = card.names.index("district")
    other, unknown = (card.score(Inputs.of({**firm, "district": value})).contributions for value in ("新设区", None))
    assert other is not None
    assert unknown is not None
    assert other[at, 0] == lines["district"].points[1] == 0  # no training row was "other": the average
    assert unknown[at, 0] == lines["district"].points[0]


def test_the_prior_moves_the_odds_and_nothing_else() -> None:
    moved, plain = fitted(prior=0.02), fitted()
    assert moved.scorecard_.lines == plain.scorecard_.lines
    odds = [p / (1 - p) for p in (m.predict_proba(TABLE)[:, 1] for m in (moved, plain))]
    rate = BAD.mean()
    assert odds[0] / odds[1] == pytest.approx(0.02 / 0.98 / (rate / (1 - rate)), rel=1e-3)


def test_pdo_more_points_double_the_odds(model: ScorecardClassifier) -> None:
    card = model.scorecard_
    good = [1 / pd_ - 1 for pd_ in card.pd(np.array([600_000, 620_000]))]
    assert good == pytest.approx([50, 100])


def test_a_recalibrated_card_keeps_its_points(model: ScorecardClassifier) -> None:
    later = model.scorecard_.recalibrated(0.3, 0.9)
    inputs = Inputs.from_frame(TABLE)
    before, after = model.scorecard_.score(inputs), later.score(inputs)
    assert np.array_equal(before.points, after.points)
    log_odds = [np.log(p / (1 - p)) for p in (before.pd, after.pd)]
    assert log_odds[1] == pytest.approx(0.3 + 0.9 * log_odds[0])
    assert Scorecard.from_json(later.to_json()) == later


def test_a_weight_of_zero_leaves_the_row_out() -> None:
    half = np.arange(len(TABLE)) % 2 == 0
    weighted = ScorecardClassifier(steps=50).fit(TABLE, BAD, sample_weight=half.astype(float))
    alone = ScorecardClassifier(steps=50).fit(TABLE[half], BAD[half])
    assert weighted.scorecard_ == alone.scorecard_


def test_storage_columns_and_a_table_score_alike(model: ScorecardClassifier) -> None:
    table = TABLE.assign(debt=TABLE["debt"].round(2))
    fen = (table["debt"] * 100).round()
    codes = table["district"].map({name: at for at, name in enumerate(DISTRICTS)})
    columns = Columns(
        len(table),
        {
            "debt": np.where(fen.isna(), UNKNOWN_INT64, fen.fillna(0)).astype(np.int64),
            "sales": table["sales"].to_numpy(),
            "overdue": table["overdue"].astype(np.int64).to_numpy(),
            "district": codes.fillna(-1).astype(np.int16).to_numpy(),
        },
        {"district": DISTRICTS},
    )
    kinds = {"debt": Kind.MONEY, "sales": Kind.RATIO, "overdue": Kind.COUNT, "district": Kind.CODE, "noise": Kind.RATIO}
    stored = Inputs.from_columns(columns, kinds)
    framed = Inputs.from_frame(table.assign(noise=np.nan))
    assert np.array_equal(model.scorecard_.score(stored).points, model.scorecard_.score(framed).points)


def test_whole_numbers_are_one_category_value_from_any_dtype() -> None:
    whole, gaps = pd.DataFrame({"code": [1, 2]}), pd.DataFrame({"code": [1.0, np.nan]})
    read = [Inputs.from_frame(table, ["code"]).categories["code"] for table in (whole, gaps)]
    assert [part.values for part in read] == [("1", "2"), ("1",)]
    assert read[1].codes.tolist() == [0, -1]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda t: t.drop(columns="debt"), "debt"),
        (lambda t: t.assign(debt="many"), "debt"),
        (lambda t: t.assign(debt=np.inf), "debt"),
        (lambda t: pd.concat([t, t[["sales"]]], axis=1), "sales"),
    ],
    ids=["column missing", "text for a number", "infinite", "one name twice"],
)
def test_bad_columns_are_refused_by_name(model: ScorecardClassifier, change, names: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises((RefusedInput, ValueError), match=names):
        model.predict_proba(change(TABLE))
    with pytest.raises(RefusedInput, match=names):
        model.scorecard_.score(Inputs.from_frame(change(TABLE)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"y": np.zeros(len(BAD))}, "one class"),
        ({"y": np.eye(1, len(BAD))[0]}, "2 rows"),
        ({"X": TABLE.assign(debt=-np.inf)}, "debt"),
        ({"X": pd.concat([TABLE, TABLE[["sales"]]], axis=1)}, "sales"),
        ({"sample_weight": -np.ones(len(BAD))}, "not negative"),
        ({"sample_weight": (BAD == 0).astype(float)}, "weight"),
    ],
    ids=["one class", "one bad row", "infinite", "one name twice", "negative weight", "class without weight"],
)
def test_training_data_nothing_can_be_learned_from_are_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(RefusedInput, match=says):
        ScorecardClassifier(steps=50).fit(**{"X": TABLE, "y": BAD, **change})


@pytest.mark.parametrize(
    "settings",
    [{"monotone": {"debts": 1}}, {"monotone": {"debt": 2}}, {"prior": 1.0}, {"bins": 1}, {"categorical": ["x"]},
     {"pdo": 0.0}],
    ids=str,
)  # fmt: skip
def test_settings_out_of_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(RefusedInput):
        ScorecardClassifier(steps=50).set_params(**settings).fit(TABLE, BAD)


def test_columns_that_say_nothing_leave_the_card() -> None:
    table = TABLE.assign(same=1.0, never=np.nan, word="同")
    card = ScorecardClassifier(steps=200, crosses=0).fit(table, BAD).scorecard_
    assert not {"same", "never", "word"} & set(card.items)


def test_a_table_of_one_value_gives_the_average_to_everyone() -> None:
    n = 1_000_000
    bad = np.arange(n) % 50 == 0
    model = ScorecardClassifier().fit(pd.DataFrame({"debt": np.full(n, 7.0)}), bad)
    assert model.scorecard_.lines == ()
    assert model.predict_proba(pd.DataFrame({"debt": [1.0]}))[0, 1] == pytest.approx(0.02, rel=1e-3)


def test_400_categories_fit_and_the_rare_ones_are_other() -> None:
    random = np.random.default_rng(0)
    banks = pd.DataFrame({"bank": [f"银行{at}" for at in (random.pareto(1.0, 2000) * 20).astype(int) % 400]})
    card = ScorecardClassifier(steps=100, bins=6).fit(banks, random.random(2000) < 0.3).scorecard_
    for line in card.lines:
        assert isinstance(line.bins, CategoryBins)
        assert len(line.bins.groups) <= 6


JSON_FAULTS = {
    "unknown version": lambda c: c | {"format": "rongqiao.scorecard/2"},
    "key missing": lambda c: {k: v for k, v in c.items() if k != "scale"},
    "key too many": lambda c: c | {"note": "x"},
    "edges not ascending": lambda c: _with(c, "bins", {"edges": [2.0, 1.0], "specials": []}),
    "points too few": lambda c: _with(c, "points", [1]),
    "points a fraction": lambda c: _with(c, "points", [0.5] * 3),
    "points true": lambda c: _with(c, "points", [True] * 3),
    "direction of a category": lambda c: _with(c, "direction", 7),
    "shares not one": lambda c: _with(c, "shares", [0.0] * 3),
    "line twice": lambda c: c | {"lines": [*c["lines"], c["lines"][0]]},
    "lines no list": lambda c: c | {"lines": {}},
    "pdo zero": lambda c: c | {"scale": c["scale"] | {"pdo": 0}},
    "pdo text": lambda c: c | {"scale": c["scale"] | {"pdo": "20"}},
}


def _with(content: dict, key: str, value: object) -> dict:  # type: ignore[type-arg]
    first, *rest = content["lines"]
    return content | {"lines": [first | {key: value}, *rest]}


@pytest.mark.parametrize("fault", JSON_FAULTS)
def test_a_faulty_file_is_refused(fault: str, model: ScorecardClassifier) -> None:
    content = json.loads(model.scorecard_.to_json())
    with pytest.raises(RefusedInput):
        Scorecard.from_json(json.dumps(JSON_FAULTS[fault](content)).encode())


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"\xff\xfe", b"{" * 100_000, b'{"format":"a","format":"b"}', b'{"base":NaN}', b'{"base":1e999}'],
    ids=["empty", "list", "not text", "deep", "key twice", "nan", "infinite"],
)
def test_what_is_no_card_is_refused(text: bytes) -> None:
    with pytest.raises(RefusedInput):
        Scorecard.from_json(text)


def test_points_against_the_direction_are_refused(model: ScorecardClassifier) -> None:
    line = next(line for line in model.scorecard_.lines if line.name == "sales")
    with pytest.raises(RefusedInput, match="direction"):
        replace(line, direction=1)
    with pytest.raises(RefusedInput, match="category"):
        Line("x", CategoryBins((("a",),)), 1, (0, 0, 0), (0.0, 0.0, 1.0), (None, None, 0.5))


def test_a_number_for_a_category_is_refused(model: ScorecardClassifier) -> None:
    inputs = Inputs.from_frame(TABLE)
    wrong = Inputs(inputs.n, {**inputs.numbers, "district": inputs.numbers["debt"]}, {})
    with pytest.raises(RefusedInput, match="category"):
        model.scorecard_.score(wrong)
    other = Inputs(1, {}, {"debt": Category(np.zeros(1, np.int32), ("a",))})
    with pytest.raises(RefusedInput):
        model.scorecard_.score(other)


def test_scoring_does_not_import_what_training_needs(model: ScorecardClassifier, tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "card.json"
    path.write_bytes(model.scorecard_.to_json())
    code = (
        "import sys, pathlib; from scoring.scorecard import Inputs, Scorecard; "
        f"card = Scorecard.from_json(pathlib.Path({str(path)!r}).read_bytes()); "
        "card.score(Inputs.of(dict.fromkeys(card.items))); assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_direction_is_promised_where_the_data_show_one_and_only_there() -> None:
    random = np.random.default_rng(2)
    straight, bent = random.normal(size=3000), random.normal(size=3000)
    log_odds = -2 + 1.5 * straight + 1.5 * np.abs(bent)
    bad = (random.random(3000) < 1 / (1 + np.exp(-log_odds))).astype(int)
    table = pd.DataFrame({"straight": straight, "bent": bent})
    lines = {line.name: line for line in ScorecardClassifier(steps=300, crosses=0).fit(table, bad).scorecard_.lines}
    assert (lines["straight"].direction, lines["bent"].direction) == (1, 0)
    assert lines["bent"].points[1] < max(lines["bent"].points) > lines["bent"].points[-1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 3)), min_size=1, max_size=9), st.integers(1, 4))
def test_merging_is_the_best_there_is(pairs: list[tuple[float, float]], most: int) -> None:
    """Against every way of cutting, tried one by one."""
    values, weight = (np.array(part) for part in zip(*pairs, strict=True))

    def error(starts: tuple[int, ...]) -> float:
        bounds = [*starts, len(values)]
        parts = [slice(low, high) for low, high in pairwise(bounds)]
        return sum(
            float((weight[p] * (values[p] - np.average(values[p], weights=weight[p])) ** 2).sum()) for p in parts
        )

    ways = [
        (0, *cuts) for size in range(most) for cuts in combinations(range(1, len(values)), size) if size < len(values)
    ]
    assert error(tuple(segments(values, weight, most, 0.0))) == pytest.approx(min(map(error, ways)), abs=1e-8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 3)), min_size=1, max_size=12), st.sampled_from([1, -1]))
def test_the_monotone_fit_is_that_of_scikit_learn(pairs: list[tuple[float, float]], direction: int) -> None:
    values, weight = (np.array(part) for part in zip(*pairs, strict=True))
    theirs = isotonic_regression(values, sample_weight=weight, increasing=direction == 1)
    assert monotone(values, weight, direction) == pytest.approx(theirs, abs=1e-9)


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12))
def test_an_edge_lies_above_one_value_and_not_above_the_next(one: float, other: float) -> None:
    low, high = sorted((one, other))
    if low < high:
        assert low < short_between(low, high) <= high
    assert short_between(0.12345, 0.98765) == 0.6


def test_the_tables_are_a_mix_of_boosted_steps_and_the_classic_card() -> None:
    boosted, classic, half = (fitted(classic=share) for share in (0.0, 1.0, 0.5))
    assert [made.classic_share_ for made in (boosted, classic, half)] == [0.0, 1.0, 0.5]
    # Each card stretches its log-odds by a slope of its own and keeps bins within a tolerance: a plane, not a sum.
    ends = np.column_stack([np.ones(len(TABLE)), *(made.decision_function(TABLE) for made in (boosted, classic))])
    weights, *_ = np.linalg.lstsq(ends, half.decision_function(TABLE))
    assert weights[1:] == pytest.approx([0.5, 0.5], abs=0.15)
    assert np.abs(ends @ weights - half.decision_function(TABLE)).max() < 0.15
    for line in half.scorecard_.lines:
        if MONOTONE.get(line.name) in (1, -1):
            known = line.points[line.bins.first_interval :]  # type: ignore[union-attr]
            assert list(known) == sorted(known, reverse=MONOTONE[line.name] == 1)


def test_the_share_is_a_half_unless_the_rows_left_out_speak_against_it() -> None:
    random = np.random.default_rng(1)
    risk = random.normal(size=5000)
    bad = (random.random(5000) < 1 / (1 + np.exp(-2 * risk))).astype(float)
    right, noise, even = 2 * risk, random.normal(size=5000), np.ones(5000)
    assert classic_share(right, right, bad, even) == 0.5
    assert classic_share(right, noise, bad, even) == 0.0
    assert classic_share(noise, right, bad, even) == 1.0
    assert classic_share(right + noise, right - noise, bad, even) == 0.5
    # A little worse is a clear loss in 5,000 rows and no finding in 40.
    worse = right + 0.3 * noise
    parts = [slice(at, at + 40) for at in range(0, 5000, 40)]
    shares = [classic_share(right[few], worse[few], bad[few], even[few]) for few in parts]
    assert classic_share(right, worse, bad, even) < 0.3
    assert np.median(shares) == 0.5


def test_a_category_of_many_values_that_say_nothing_moves_little() -> None:
    """With its values in the order of their default rates one edge parted the lucky from the rest: 0.5, not 0.2."""
    random = np.random.default_rng(4)
    table = pd.DataFrame({"city": [f"c{at}" for at in random.integers(0, 60, 1200)], "risk": random.normal(size=1200)})
    bad = (random.random(1200) < 1 / (1 + np.exp(1.0 - table["risk"]))).astype(int)
    card = ScorecardClassifier(steps=300, crosses=0, classic=0.0).fit(table, bad).scorecard_
    parts = card.score(Inputs.from_frame(table)).contributions
    assert parts is not None
    spread = {line.name: float(part.std()) for line, part in zip(card.lines, parts, strict=True)}
    assert spread["city"] < 0.25 * spread["risk"]


def test_rows_of_one_group_are_left_out_together() -> None:
    random = np.random.default_rng(2)
    firms = np.repeat(np.arange(150), 4)
    bad = np.repeat(random.random(150) < 0.4, 4).astype(int)
    # The code says which firm it is, and so the outcome of the firm's other days, and nothing of other firms.
    table = pd.DataFrame({"code": random.permutation(150)[firms] + 0.0, "noise": random.normal(size=600)})
    alone, together = (
        ScorecardClassifier(fine_bins=160, steps=300, crosses=0).fit(table, bad, groups=groups)
        for groups in (None, [f"firm {at}" for at in firms])
    )
    assert auc(alone.margins_, bad) > 0.65
    assert auc(together.margins_, bad) < 0.6
    for rows in stratified_folds(Sample(bad.astype(float), np.ones(600), firms), 5, np.random.default_rng(0)):
        assert not set(firms[rows]) & set(np.delete(firms, rows))


def test_groups_that_are_rows_change_nothing(model: ScorecardClassifier) -> None:
    made = ScorecardClassifier(**{"monotone": MONOTONE, "specials": {"overdue": [-9]}, "steps": 500})
    assert made.fit(TABLE, BAD, groups=np.arange(len(BAD))[::-1]).scorecard_.to_json() == model.scorecard_.to_json()


@pytest.mark.parametrize(
    "groups",
    [np.zeros(len(BAD)), np.arange(3), [None, *range(len(BAD) - 1)], BAD],
    ids=["one", "too few names", "no name", "one of each class"],
)
def test_groups_nothing_can_be_judged_with_are_refused(groups: object) -> None:
    model = ScorecardClassifier(steps=25)
    with pytest.raises(RefusedInput, match="groups"):
        model.fit(TABLE, BAD, groups=groups)  # type: ignore[arg-type]
