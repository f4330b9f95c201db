"""`rongqiao strategy`: a plan from two files, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.cli.program import REFUSED, run_program

FIRMS = "firm,pd,grade,group\nF1,0.01,A,x\nF2,0.02,A,x\nF3,,A,y\nF4,0.01,D,y\n"
CHURN = "rate,A\n0.04,0\n0.08,0.5\n0.15,0.9\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    firms, churn = tmp_path / "firms.csv", tmp_path / "churn.csv"
    firms.write_text(FIRMS, encoding="utf-8")
    churn.write_text(CHURN, encoding="utf-8")
    return str(firms), str(churn)


def test_the_plan_as_json(files: tuple[str, str], capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run_program(["strategy", files[0], "--churn", files[1], "--budget", "1500000", "--json"]) == 0
    answer = json.loads(capfdbinary.readouterr().out)
    assert [row["why"] for row in answer["firms"]] == ["offered", "offered", "pd_unknown", "grade_not_lent"]
    assert [row["amount"] for row in answer["firms"]] == [1_000_000, 500_000, 0, 0]
    assert answer["firms"][2]["pd"] is None
    assert answer["expected"]["profit"] == pytest.approx(answer["bound"])
    assert {price["constraint"] for price in answer["prices"]} == {"budget", "least", "most", "rate_low", "rate_high"}


def test_the_plan_as_a_table(files: tuple[str, str], capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    asked = ["--budget", "1500000", "--group-most", "x=700000", "--firms-most", "1", "--loss-most", "5000"]
    assert run_program(["strategy", files[0], "--churn", files[1], *asked]) == 0
    said = capfdbinary.readouterr().out.decode()
    assert "group:x" in said
    assert "F1" in said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--budget", "1", "--group-most", "x"], "group_most"),
        (["--budget", "1", "--counts", "lent"], "counts"),
        (["--budget", "-1"], "budget"),
        (["--budget", "1", "--rate-high", "0.2"], "rate_high"),
    ],
)
def test_what_is_refused(
    files: tuple[str, str], capfdbinary: pytest.CaptureFixture[bytes], more: list[str], said: str
) -> None:
    assert run_program(["strategy", files[0], "--churn", files[1], *more, "--json"]) == REFUSED
    assert json.loads(capfdbinary.readouterr().err)["field"] == said


@pytest.mark.parametrize(
    ("firms", "field"),
    [
        ("firm,grade\nF1,A\n", "file"),
        ("firm,pd,grade\nF1,low,A\n", "pd"),
        ("firm,pd,grade\nF1,7,A\n", "pd"),
        (None, "file"),
    ],
)
def test_a_file_that_cannot_be_used(
    files: tuple[str, str], capfdbinary: pytest.CaptureFixture[bytes], firms: str | None, field: str
) -> None:
    path = Path(files[0])
    path.unlink() if firms is None else path.write_text(firms, encoding="utf-8")
    assert run_program(["strategy", files[0], "--churn", files[1], "--budget", "1", "--json"]) == REFUSED
    assert json.loads(capfdbinary.readouterr().err)["field"] == field
