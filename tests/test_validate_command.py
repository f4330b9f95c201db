"""`rongqiao validate` from outside: table, JSON, Markdown, refusals; and the page made from the shipped sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench import validate as bench_validate
from service.adapters import datasets
from service.cli import run


@pytest.fixture(scope="module")
def loans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 loans: debt raises the risk, trade a little, and a category of 100 values does nothing."""
    random = np.random.default_rng(8)
    debt, trade = random.normal(size=240), random.integers(0, 3, 240)
    bad = random.random(240) < 1 / (1 + np.exp(-(1.8 * debt + 0.5 * trade - 1.5)))
    lines = ["id,debt,trade,place,late"]
    for row in range(240):
        place = random.integers(0, 100)
        lines.append(f"L{row},{debt[row]:.4f},{'批零制'[trade[row]]}业,p{place},{'yes' if bad[row] else 'no'}")
    path = tmp_path_factory.mktemp("loans") / "loans.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_json_is_one_value_and_markdown_goes_to_the_file(
    loans: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.md"
    command = ["validate", str(loans), "--target", "late", "--folds", "3", "--repeats", "1", "--rivals", "none"]
    assert run([*command, "--out", str(out), "--json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert [each["id"] for each in answer["contenders"]] == [
        "champion", "challenger", "classic", "sklearn_logistic", "sklearn_boosting"
    ]  # fmt: skip
    champion = answer["contenders"][0]
    assert champion["failed"] is None
    assert champion["auc"]["value"] > 0.70
    assert champion["champion_ahead"] is None
    assert (answer["bad"], answer["folds"], answer["repeats"]) == ("yes", 3, 1)
    assert {each["column"]: each["why"] for each in answer["left_out"]} == {"late": "target", "id": "identifier"}
    text = out.read_text(encoding="utf-8")
    assert text.startswith("# loans.csv")
    assert f"{champion['auc']['value']:.3f}" in text


def test_the_table_names_the_columns_left_out(loans: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command = ["validate", str(loans), "--target", "late", "--folds", "2", "--repeats", "1", "--rivals", "none"]
    assert run(command) == 0
    said = capfd.readouterr().out
    assert "Scorecard (champion)" in said
    assert "identifier" in said


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ([], "no_target", "target"),
        (["--target", "gone"], "no_such_column", "target"),
        (["--target", "late", "--bad", "maybe"], "no_such_value", "bad"),
        (["--target", "place"], "many_class_target", "target"),
        (["--target", "late", "--describe", "gone.yaml"], "bad_data_file", "file"),
    ],
    ids=lambda each: each if isinstance(each, str) else None,
)
def test_bad_input_ends_with_two_and_says_what_to_do(
    loans: Path, more: list[str], code: str, field: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["validate", str(loans), *more, "--rivals", "none", "--json"]) == 2
    problem = json.loads(capfd.readouterr().err)
    assert (problem["code"], problem["field"]) == (code, field)
    assert problem["fix"]


def test_fewer_defaults_than_folds_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "few.csv"
    path.write_text("x,y\n" + "".join(f"{row % 9},{int(row < 3)}\n" for row in range(50)))
    assert run(["validate", str(path), "--target", "y", "--rivals", "none", "--json"]) == 2
    problem = json.loads(capfd.readouterr().err)
    assert (problem["code"], problem["value"]) == ("too_few_defaults", 5)
    assert "at most 3" in problem["fix"]


def test_an_unknown_set_suggests_one(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", "polish_year", "--json"]) == 2
    problem = json.loads(capfd.readouterr().err)
    assert problem["code"] == "unknown_dataset"
    assert "polish_year1" in problem["fix"]


def test_the_page_is_made_from_its_figures() -> None:
    text = bench_validate.PAGE.read_text(encoding="utf-8")
    figures = bench_validate.kept()
    assert text == bench_validate.renew_page(text, figures), "run `python -m bench.validate --page`"
    assert set(figures) <= set(datasets.shipped())
    for each in figures.values():
        described = datasets.shipped()[each["dataset"]]
        assert (each["target"], each["source"]) == (described.target, described.source)


def test_the_bench_refuses_a_set_it_does_not_know(capfd: pytest.CaptureFixture[str]) -> None:
    assert bench_validate.main(["nothing"]) == 2
    assert "german_credit" in capfd.readouterr().err
