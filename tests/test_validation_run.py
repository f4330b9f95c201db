"""A whole validation: nothing of a judged row reaches a model beforehand, failures are named, bad input is refused."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pandas import DataFrame

from models.errors import DataFileError, NotFound, RefusedInput
from scoring.validation import Contender, Description, Task, prepare
from seed.city.codes import invent
from service.adapters import datasets
from service.labels import labels
from service.learning.validation_answer import as_data
from service.learning.validation_tables import as_markdown, sections, summary
from service.usecases.validate_model import Field, Plan, read_dataset, validate_model
from service.web.encode import encode
from tests.real_folder import DATA, needs_data

ROWS = 400


class Rates:
    """Predicts by the mean outcome of each category, learnt in ``fit`` from the rows it is given."""

    def __init__(self, seen: list[int] | None = None):
        self.seen = seen

    def fit(self, X: DataFrame, y: np.ndarray, sample_weight: Any = None) -> None:
        if self.seen is not None:
            self.seen.append(len(X))
        self._usual = float(y.mean())
        self._rates = DataFrame({"k": X["k"], "y": y}).groupby("k")["y"].mean()

    def predict_proba(self, X: DataFrame) -> np.ndarray:
        bad = X["k"].map(self._rates).fillna(self._usual).to_numpy(dtype=float)
        return np.column_stack([1 - bad, bad])


class Peeks(Rates):
    """The same, learnt from all rows beforehand: the mistake the folds exist to show."""

    def __init__(self, X: DataFrame, y: np.ndarray):
        super().__init__()
        super().fit(X, y)

    def fit(self, X: DataFrame, y: np.ndarray, sample_weight: Any = None) -> None:
        pass


class Breaks(Rates):
    def fit(self, X: DataFrame, y: np.ndarray, sample_weight: Any = None) -> None:
        raise RuntimeError("solver gave up\nand more")


def contender(identity: str, make: Callable[[Task], Any]) -> Contender:
    return Contender(identity, identity, identity, "model", "test 1", make)


def noise(rows: int = ROWS, seed: int = 0) -> DataFrame:
    """A category of two hundred values that has nothing to do with the outcome."""
    random = np.random.default_rng(seed)
    bad = random.random(rows) < 0.3
    return DataFrame({"k": [f"k{each}" for each in random.integers(0, 150, rows)], "y": np.where(bad, "1", "0")})


def run(table: DataFrame, described: Description, *others: Contender, plan: Plan | None = None):
    champion = contender("champion", lambda task: Rates())
    return validate_model(described, table, Field([champion, *others], ["toad"]), plan or Plan(5, 2, 1, 100))


DESCRIBED = Description("noise", zh="噪声", en="Noise", target="y", categorical=("k",))


def test_target_encoding_of_noise_is_worth_nothing_unless_it_peeks() -> None:
    data = prepare(noise(), DESCRIBED)
    report = run(noise(), DESCRIBED, contender("peeks", lambda task: Peeks(data.X, data.y)))
    honest, peeking = (standing.judged for standing in report.standings)
    assert honest is not None
    assert peeking is not None
    assert 0.42 < honest.auc.value < 0.58
    assert peeking.auc.value > 0.70
    assert peeking.ahead is not None
    assert peeking.ahead.high < 0


def test_each_model_is_new_and_learns_from_the_other_folds_alone() -> None:
    seen: list[int] = []
    run(noise(), DESCRIBED, contender("watched", lambda task: Rates(seen)))
    assert seen == [ROWS * 4 // 5] * 10


def test_a_rival_that_fails_is_named_and_a_champion_that_fails_is_a_fault() -> None:
    report = run(noise(), DESCRIBED, contender("breaks", lambda task: Breaks()))
    assert report.standings[1].judged is None
    assert report.standings[1].failed == "RuntimeError: solver gave up"
    assert "solver gave up" in as_markdown(sections(as_data(report), labels("en")))
    with pytest.raises(RuntimeError):
        validate_model(DESCRIBED, noise(), Field([contender("champion", lambda task: Breaks())]), Plan(5, 1, 1, 10))


@pytest.mark.parametrize("given", [np.nan, 1.5], ids=["missing", "over one"])
def test_a_probability_that_is_none_is_a_failure(given: float) -> None:
    class Wrong(Rates):
        def predict_proba(self, X: DataFrame) -> np.ndarray:
            return np.full((len(X), 2), given)

    assert "outside 0..1" in run(noise(), DESCRIBED, contender("wrong", lambda task: Wrong())).standings[1].failed


def test_same_seed_same_figures_and_the_report_is_plain_data() -> None:
    def timeless(report: Any) -> Any:
        data = as_data(report)
        data.pop("seconds")
        for each in data["contenders"]:
            each.pop("fit_seconds")
            each.pop("score_microseconds")
        return data

    first, again = run(noise(), DESCRIBED), run(noise(), DESCRIBED)
    assert timeless(first) == timeless(again)
    assert timeless(first) != timeless(run(noise(), DESCRIBED, plan=Plan(5, 2, 2, 100)))
    assert encode(as_data(first))


def test_out_of_time_learns_from_before() -> None:
    table = noise().assign(year=[str(2010 + row // 40) for row in range(ROWS)])
    report = run(table, replace(DESCRIBED, time="year", time_from=2017.0))
    assert report.later is not None
    assert (report.later.trained, report.later.judged) == (280, 120)
    assert report.later.defaults == (table["y"][280:] == "1").sum()
    assert "year" not in report.columns
    text = as_markdown(sections(as_data(report), labels("en")))
    assert "Out of time: year from 2017 (120 rows" in text


def test_both_languages_and_the_summary_name_every_contender() -> None:
    data = as_data(run(noise(), DESCRIBED, contender("peer", lambda task: Rates())))
    for language in ("zh", "en"):
        text = as_markdown(sections(data, labels(language)))
        assert "champion" in text
        assert "peer" in text
        assert "toad" in text, "what is not installed is named"
    assert "噪声" in as_markdown(sections(data, labels("zh")))
    line = summary([data], labels("en")).rows[0]
    assert line[0] == "`noise`"
    assert line[4] is None, "no other scorecard took part"


@pytest.mark.parametrize("ending", ["", ".gz", ".xz", ".gb", ".bom"])
def test_a_file_of_ones_own_in_any_dress(tmp_path: Path, ending: str) -> None:
    text = "编号,行业,违约\n" + "".join(
        f"{row},{'批发' if row % 3 else '零售'},{int(row % 5 == 0)}\n" for row in range(60)
    )
    pack = {".gz": gzip.compress, ".xz": lzma.compress}.get(ending, lambda body: body)
    body = text.encode("gb18030" if ending == ".gb" else "utf-8-sig" if ending == ".bom" else "utf-8")
    path = tmp_path / f"loans.csv{ending if ending in ('.gz', '.xz') else ''}"
    path.write_bytes(pack(body))
    described, table, _ = read_dataset(str(path), tmp_path, tmp_path, target="违约")
    data = prepare(table, described)
    assert list(data.X.columns) == ["行业"]
    assert (data.y.size, int(data.y.sum())) == (60, 12)
    assert [(each.column, each.why) for each in data.left_out] == [("违约", "target"), ("编号", "identifier")]


def test_the_description_beside_a_file_is_used_and_the_command_line_wins(tmp_path: Path) -> None:
    path = tmp_path / "loans.csv.gz"
    path.write_bytes(gzip.compress(b"a,b,y,z\n1,2,0,1\n3,4,1,0\n"))
    (tmp_path / "loans.yaml").write_text("zh: 贷款\ntarget: {column: y, bad: '1'}\ndrop: {a: of no use}\n")
    described, _, _ = read_dataset(str(path), tmp_path, tmp_path)
    assert (described.target, described.bad, described.drop) == ("y", "1", {"a": "of no use"})
    described, _, _ = read_dataset(str(path), tmp_path, tmp_path, target="z")
    assert (described.target, described.bad) == ("z", "")
    other = tmp_path / "other.yaml"
    other.write_text("target: {column: y, what: 1\n")
    with pytest.raises(DataFileError):
        read_dataset(str(path), tmp_path, tmp_path, describe=other)


def test_rows_of_another_length_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,0\n2\n3,1,5\n4,1\n")
    _, table, notices = read_dataset(str(tmp_path / "a.csv"), tmp_path, tmp_path, target="y")
    assert len(table) == 2
    assert [(each.code, each.said) for each in notices] == [("spoiled_rows", "2")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_file"),
        (b"x,x,y\n1,2,0\n", "repeated_column"),
        (b"x,y\n", "empty_file"),
        (b"\xff\xfex", "bad_encoding"),
    ],
    ids=["empty", "repeated", "header only", "utf-16"],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, body: bytes, code: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(body)

    def read_and_prepare() -> None:
        described, table, _ = read_dataset(str(path), tmp_path, tmp_path, target="y")
        prepare(table, described)

    with pytest.raises(RefusedInput) as refused:
        read_and_prepare()
    assert refused.value.code == code


def test_an_unknown_id_suggests_and_absent_data_say_where_they_were_looked_for(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="Did you mean german_credit"):
        read_dataset("german_credt", tmp_path, tmp_path)
    with pytest.raises(RefusedInput, match="RONGQIAO_DATA"):
        read_dataset("german_credit", tmp_path, tmp_path)


def test_invented_labels_are_refused(tmp_path: Path) -> None:
    codes = invent(["91210102"] * 40, np.arange(40) + 31**5)
    path = tmp_path / "demo.csv"
    path.write_text("uscc,x,y\n" + "".join(f"{code},{row % 7},{row % 2}\n" for row, code in enumerate(codes)))
    with pytest.raises(RefusedInput, match="invented"):
        read_dataset(str(path), tmp_path, tmp_path, target="y")
    path.write_text("x,y\n1,0\n2,1\n")
    (tmp_path / "demo.yaml").write_text("synthetic: true\n")
    with pytest.raises(RefusedInput, match="invented"):
        read_dataset(str(path), tmp_path, tmp_path, target="y")


def test_an_unknown_reader_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,0\n")
    (tmp_path / "a.yaml").write_text("reader: nobody\n")
    with pytest.raises(RefusedInput, match="nobody"):
        read_dataset(str(tmp_path / "a.csv"), tmp_path, tmp_path, target="y")


@needs_data
@pytest.mark.parametrize("identity", [each for each in datasets.shipped() if not datasets.shipped()[each].reader])
def test_every_shipped_description_fits_its_file(identity: str, tmp_path: Path) -> None:
    described, table, notices = read_dataset(identity, DATA, tmp_path)
    data = prepare(table, described)
    assert notices == ()
    assert [each for each in data.notices if each.code != "copies"] == []
    assert set(described.directions) <= set(data.X.columns)
    assert {each.why for each in data.left_out} <= {"target", "leak", "described", "identifier", "group", "time"}, (
        "what is left out of a shipped set is left out on purpose"
    )
    assert min(int(data.y.sum()), int((1 - data.y).sum())) >= described.folds


def test_every_shipped_set_says_where_it_comes_from() -> None:
    assert len(datasets.shipped()) >= 9
    for described in datasets.shipped().values():
        assert all((described.zh, described.en, described.source, described.licence, described.target, described.bad))
        assert bool(described.file) != bool(described.reader)
