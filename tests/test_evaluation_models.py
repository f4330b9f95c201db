"""Model files: every kind of band, and every fault refused at its line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from models.errors import DataFileError
from models.kinds import DTYPES, UNKNOWN_INT64
from scoring.columns import Columns
from scoring.evaluation.evaluate import evaluate
from scoring.evaluation.explain import explain
from scoring.evaluation.lines import LineKind
from scoring.evaluation.parse import parse_models
from service.books.documents import read_yaml
from service.books.seedbook import catalogue
from tests.evaluation_firms import AS_OF, BOOK, FOLDER, clean, columns_of, kind
from tests.oracle_evaluation import ends


def reread(name: str = "financing") -> Any:
    return read_yaml(FOLDER / f"{name}.yaml")


SIGN_OF_MARGIN = {
    "item": "net_profit",
    "per": "revenue",
    "kind": "ratio",
    "steps": [{"lt": 0, "points": -2}, {"points": 2}],
}


@pytest.mark.parametrize(
    ("spec", "column", "points"),
    [
        ({"item": "insured_staff", "kind": "quoted", "of": 100, "points": 40}, [0, 50, 100, 250], [0, 20, 40, 40]),
        ({"item": "current_ratio", "kind": "quoted", "of": 3, "points": 1}, [1.0, 0.001], ["0.333", 0]),
        ({"item": "insured_staff", "kind": "threshold", "gt": 5, "points": 7, "otherwise": -1}, [5, 6], [-1, 7]),
        ({"item": "insured_staff", "kind": "threshold", "le": 5, "points": 7}, [5, 6], [7, 0]),
        ({"item": "sales_12m", "kind": "threshold", "lt": "10.5", "points": 7}, [1049, 1050], [7, 0]),
        ({"item": "current_ratio", "kind": "threshold", "gt": "1.5", "points": 7}, [1.5, 1.5000000000000002], [0, 7]),
        ({"item": "high_tech", "kind": "boolean", "points": 0, "otherwise": -3}, [1, 0], [0, -3]),
        (SIGN_OF_MARGIN, [-1, 1], [-2, 2]),
    ],
)
def test_every_kind_of_band(spec: dict[str, Any], column: list[Any], points: list[Any]) -> None:
    document = reread()
    band = {"id": "x", "zh": "x", "en": "x", "expected": 0, **spec}
    document["dimensions"][2]["bands"] = [band]
    document["dimensions"][2]["base"] = 100
    book = parse_models([document], catalogue())
    values = {spec["item"]: np.array(column, DTYPES[kind(spec["item"])])}
    if "per" in spec:
        values[spec["per"]] = np.full(len(column), 3, np.int64)
    made = evaluate(book, Columns(len(column), values, {}), AS_OF)
    assert made.dimensions[2].tolist() == [100_000 + int(Decimal(str(p)) * 1000) for p in points]
    parsed = book.scored[0].dimensions[2].bands[0]
    assert (parsed.worst, parsed.best) == ends(band)
    if "per" in spec:
        values[spec["per"]][:] = [0, UNKNOWN_INT64]
        assert evaluate(book, Columns(2, values, {}), AS_OF).coverage.tolist() == [0.0, 0.0]


def test_two_switched_on_models_for_one_kind_of_subject_are_refused_but_may_follow_each_other() -> None:
    first, second = reread(), reread()
    second["id"] = "next"
    with pytest.raises(DataFileError, match="same subjects"):
        parse_models([first, second], catalogue())
    first["valid_until"], second["valid_from"] = "2025-12-31", "2026-01-01"
    book = parse_models([first, second], catalogue())
    assert [book.model_for("enterprise", day) for day in (date(2025, 12, 31), date(2026, 1, 1))] == [0, 1]
    assert [book.scored[0].card.state(day) for day in (date(2014, 12, 31), date(2015, 1, 1))] == ["not_yet", "used"]
    assert book.scored[0].card.state(date(2026, 1, 1)) == "expired"
    assert book.model_for("sole_proprietor", AS_OF) == -1


def band_with(**changes: Any) -> Any:
    def damage(document: Any) -> None:
        document["dimensions"][2]["bands"][0].update(changes)

    return damage


@pytest.mark.parametrize(
    ("damage", "field"),
    [
        (band_with(item="no_such_item"), "item"),
        (band_with(item="firm_name"), "item"),
        (band_with(kind="magic"), "kind"),
        (band_with(expected=500), "expected"),
        (band_with(expected="NaN"), "expected"),
        (band_with(steps=[{"points": 1}]), "steps"),
        (band_with(steps=[{"lt": 2, "points": 1}, {"lt": 1, "points": 2}, {"points": 3}]), "steps"),
        (band_with(steps=[{"lt": "x", "points": 1}, {"points": 3}]), "lt"),
        (band_with(steps=[{"lt": 1, "le": 2, "points": 1}, {"points": 3}]), "lt"),
        (band_with(steps=[{"lt": 1, "points": "0.0001"}, {"points": 3}]), "points"),
        (band_with(kind="cumulative", per=-1), "item"),
        (band_with(item="branches", kind="cumulative", per=-1, expected=0), "per"),
        (band_with(item="branches", kind="cumulative", per=-1, floor=-5, by_year=["1.0"], expected=0), "by_year"),
        (band_with(item="tax_credit_grade", kind="codes", points={"A": 1}), "points"),
        (band_with(kind="boolean", points=1), "item"),
        (band_with(kind="ratio"), "per"),
        (band_with(kind="linear", **{"from": {"at": 1, "points": 0}, "to": {"at": 0, "points": 1}}), "from"),
        (band_with(kind="quoted", of=0, points=1), "of"),
        (band_with(kind="threshold", points=1), "kind"),
        (band_with(group="no_such_group"), "group"),
        (lambda d: d["dimensions"][2]["bands"][0].pop("expected"), "expected"),
        (lambda d: d["dimensions"][2]["bands"].append(d["dimensions"][2]["bands"][0]), "dimensions"),
        (lambda d: d["dimensions"][0].update(base=81), "base"),
        (lambda d: d["dimensions"][1]["groups"][0].update(floor=5), "id"),
        (lambda d: d.update(kind="other"), "kind"),
        (lambda d: d["label"].update(zh="公共信用综合评价"), "label"),
        (lambda d: d.update(applies_to="everyone"), "applies_to"),
        (lambda d: d.update(enabled="yes"), "enabled"),
        (lambda d: d.update(valid_from="soon"), "valid_from"),
        (lambda d: d.update(needs_coverage="1.5"), "needs_coverage"),
        (lambda d: d["grades"][1].update({"from": 950}), "grades"),
        (lambda d: d["official_cap"].update(limits={"D": "E"}), "official_cap"),
        (lambda d: d["vetoes"][0].update(item="sales_12m"), "item"),
        (lambda d: d["vetoes"][-1].update({"in": ["huge"]}), "in"),
        (lambda d: d["vetoes"].append(d["vetoes"][0]), "vetoes"),
        (lambda d: d["not_scored"].update(item="sales_12m"), "item"),
        (lambda d: d.pop("review"), "review"),
    ],
)
def test_a_faulty_model_is_refused_with_file_and_line(damage: Any, field: str) -> None:
    document = reread()
    damage(document)
    with pytest.raises(DataFileError) as fault:
        parse_models([document], catalogue())
    assert fault.value.field == field
    assert fault.value.rule.endswith(".")


def test_a_second_official_slot_and_an_official_table_said_to_be_held_are_refused() -> None:
    with pytest.raises(DataFileError, match="One official"):
        parse_models([reread("official"), reread("official")], catalogue())
    held = reread("official")
    held["table"]["held"] = True
    with pytest.raises(DataFileError, match="kind points"):
        parse_models([held], catalogue())


def test_lines_name_their_kind_once_each() -> None:
    told = explain(BOOK, columns_of([clean()]), 0, AS_OF)
    kinds = [each.line.kind for each in told.lines]
    assert kinds.count(LineKind.BASE) == kinds.count(LineKind.UNKNOWN) == kinds.count(LineKind.DIMENSION) == 5
    assert kinds.count(LineKind.VETO) == kinds.count(LineKind.OFFICIAL) == 1
    assert len({each.line.id for each in told.lines}) == len(told.lines)
