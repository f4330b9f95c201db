"""Model files and definitions of default: what they say, and that every fault is named by file and line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from models.errors import DataFileError, NotFound, RefusedInput
from models.kinds import Kind
from scoring.catalogue import Op
from scoring.derived import DERIVED
from scoring.training.cohorts import asked_cohorts, fault_of, quarters
from scoring.training.definition import parse_definition
from scoring.training.history import MADE_OF, reach, too_short
from scoring.training.plan import parse_plan, reads
from service.books.documents import parse_yaml
from service.books.seedbook import SEED, catalogue, feeds
from service.learning.training_plans import definitions, training_plan

DEFAULT = (SEED / "defaults" / "credit_12m.yaml").read_text(encoding="utf-8")
MODEL = (SEED / "models" / "pd_12m.yaml").read_text(encoding="utf-8")


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_the_shipped_definition_and_model_are_what_the_documents_say() -> None:
    definition, plan = definitions()["credit_12m"], training_plan("pd_12m")
    assert plan.default is definition
    assert (definition.window, definition.grace, definition.required_feeds) == (12, 1, ("loan_balance_month",))
    assert {event.id for event in definition.events} == {
        "loan_90_days",
        "compensation",
        "dishonest_debtor",
        "bankruptcy",
    }
    assert dict(definition.events[0].in_force.compute.where) == {"five_class": ("substandard", "doubtful", "loss")}
    assert definition.window_end(date(2023, 2, 28)) == date(2024, 2, 29)
    assert definition.complete_to(date(2023, 2, 28)) == date(2024, 3, 31)
    items = catalogue().items
    for factor in plan.factors:
        assert factor.kind == (items[factor.id].kind if factor.id in items else DERIVED[factor.id])
        if factor.id in items and factor.kind is not Kind.CODE:
            assert factor.monotone == {"good": -1, "bad": 1, "neutral": "auto"}[items[factor.id].direction]
    assert plan.monotone["sales_growth"] == -1
    assert set(plan.categorical) == {"industry_section", "tax_credit_grade", "promise_fulfilment", "worst_loan_class"}
    # Place, owner, persons and the official grade have no part in it.
    assert {"district", "ownership", "private_owned", "public_credit_grade"}.isdisjoint(plan.kinds)
    assert not any(items[name].personal for name in plan.kinds if name in items)


def test_no_item_of_the_model_reads_what_makes_a_default_without_a_reason() -> None:
    plan = training_plan("pd_12m")
    telling = {
        name for name, item in catalogue().items.items() if any(reads(item, event) for event in plan.default.events)
    }
    assert telling == {"dishonest_debtor", "bankruptcy", "compensations_60m", "worst_loan_class"}
    assert {factor.id for factor in plan.factors if factor.id in telling} == {"worst_loan_class"}
    assert all(bool(factor.lagged) == (factor.id in telling) for factor in plan.factors)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("feed: loan_balance_month\n    # Banks", "feed: loan_balances\n    # Banks", "feed"),
        ("feed: bankruptcy_case", "feed: business_registration", "feed"),
        ("{op: exists, current: true}", "{op: count, current: true}", "compute"),
        ("{op: exists, current: true}", "{op: exists}", "compute"),
        ("[substandard, doubtful, loss]", "[worse]", "compute"),
        ("loss]}, window: 3m}", "loss]}, windows: 3m}", "compute"),
        ("required: true", "required: false", "events"),
        ("window: 12m", "window: 1 year", "window"),
        ("window: 12m", "window: 0m", "window"),
        ("least_known: 0.3", "least_known: 30", "least_known"),
        ("grace: 1m", "graze: 1m", "grace"),
        ("  - id: bankruptcy", "  - id: compensation", "events"),
    ],
)
def test_a_fault_in_a_definition_is_named_by_file_and_line(old: str, new: str, field: str) -> None:
    assert old in DEFAULT
    text = DEFAULT.replace(old, new, 1)
    with pytest.raises(DataFileError) as fault:
        parse_definition(parse_yaml(text.encode(), "defaults/x.yaml"), feeds())
    assert (fault.value.file, fault.value.field) == ("defaults/x.yaml", field)
    assert fault.value.line > 0


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("{id: sales_12m}", "{id: sales_13m}", "id"),
        ("{id: sales_12m}", "{id: customers_12m}", "id"),
        ("{id: sales_12m}", "{id: legal_representative}", "id"),
        ("{id: sales_12m}", "{id: key_personnel}", "id"),
        ("{id: sales_12m}", "{id: established_on}", "id"),
        ("{id: sales_12m}", "{id: dishonest_debtor}", "id"),
        ("{id: sales_12m}", "{id: sales_12m, direction: up}", "direction"),
        ("{id: sales_12m}", "{id: sales_12m, weight: 2}", "weight"),
        ("{id: sales_growth, direction: good}", "{id: sales_growth}", "direction"),
        ('catalogue: "2026.11"', 'catalogue: "2025.01"', "catalogue"),
        ("default: credit_12m", "default: credit_24m", "default"),
        ("prior: null", "prior: 2", "prior"),
        ("held_out: 1", "held_out: 0", "held_out"),
        ("folds: 5", "folds: 1", "folds"),
        ("pdo: 20,", "pdo: 20, points: 3,", "points"),
        ("seed: 7", "sead: 7", "seed"),
        ("seed: 7", "seed: 7\nlearner: forest", "learner"),
        ("seed: 7", "seed: 7\nlearner: [woe]", "learner"),
        ("seed: 7", "seed: 7\nlearner: woe", "crosses"),
    ],
)
def test_a_fault_in_a_model_file_is_named_by_file_and_line(old: str, new: str, field: str, tmp_path: Path) -> None:
    assert old in MODEL
    path = tmp_path / "own.yaml"
    path.write_text(MODEL.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataFileError) as fault:
        training_plan(str(path))
    assert (fault.value.file, fault.value.field) == (str(path), field)
    if new.startswith("{id"):
        assert fault.value.line == line_of(path.read_text(encoding="utf-8"), new)


def test_a_model_of_the_offices_own_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(MODEL.replace("prior: null", "prior: 0.021"), encoding="utf-8")
    assert training_plan(str(path)).prior == 0.021
    assert training_plan(str(path)).learner == "additive"
    path.write_text(MODEL.replace("seed: 7", "seed: 7\nlearner: woe").replace(", crosses: 0, steps: 1500", ""), "utf-8")
    assert training_plan(str(path)).learner == "woe"
    with pytest.raises(NotFound):
        training_plan("pd_24m")
    with pytest.raises(DataFileError):
        training_plan(str(tmp_path / "none.yaml"))
    with pytest.raises(DataFileError):
        parse_plan(parse_yaml(b"{}", "models/x.yaml"), catalogue(), definitions())


def test_month_ends_stand_by_quarter_and_are_counted_on_both_sides() -> None:
    assert quarters(date(2022, 12, 31), date(2023, 5, 31)) == [
        [date(2022, 12, 31)],
        [date(2023, 1, 31), date(2023, 2, 28), date(2023, 3, 31)],
        [date(2023, 4, 30), date(2023, 5, 31)],
    ]
    assert quarters(date(2023, 3, 2), date(2023, 3, 30)) == []
    with pytest.raises(RefusedInput, match="month's last day"):
        asked_cohorts([date(2023, 6, 29)])
    with pytest.raises(RefusedInput, match="twice"):
        asked_cohorts([date(2023, 6, 30), date(2023, 6, 30)])


def test_a_cohort_needs_fresh_records_and_a_window_that_is_over() -> None:
    definition, day, feed = definitions()["credit_12m"], date(2023, 3, 31), "loan_balance_month"
    over = {feed: date(2024, 4, 30)}

    def reason(on_the_day: dict[str, date], now: dict[str, date]) -> str:
        fault = fault_of(day, definition, on_the_day, now)
        return fault.reason if fault else ""

    assert reason({feed: date(2023, 2, 28)}, over) == ""
    assert reason({feed: date(2023, 1, 31)}, over) == ""
    assert reason({feed: date(2023, 1, 30)}, over) == "stale"
    assert reason({"loan_contract": date(2023, 2, 28)}, over) == ""
    assert reason({"tax_filing": date(2023, 2, 28)}, over) == "no_exposure"
    assert reason({}, over) == "no_records"
    assert reason({feed: date(2023, 2, 28)}, {feed: date(2024, 4, 29)}) == "window_open"
    assert reason({feed: date(2023, 2, 28)}, {"dishonest_debtor": date(2024, 4, 30)}) == "no_outcome"


def test_an_item_looks_back_no_further_than_its_feed_has_run() -> None:
    items, covered = catalogue().items, {"tax_filing": date(2023, 2, 28)}
    late, growth = items["late_filings"], items["tax_growth"]
    assert (reach(late), reach(growth), reach(items["leverage"])) == (12, 24, 0)
    behind = {"late_filings": [late], "tax_growth": [growth]}
    # Monthly records carry the last day of their month, so the first of twelve months is told on its last day.
    assert too_short(behind, {"tax_filing": date(2022, 3, 31)}, covered) == ("tax_growth",)
    assert too_short(behind, {"tax_filing": date(2022, 4, 30)}, covered) == ("late_filings", "tax_growth")
    assert too_short(behind, {"tax_filing": date(2021, 3, 31)}, covered) == ()
    assert too_short(behind, {}, covered) == ("late_filings", "tax_growth")


def test_every_derived_fact_over_a_window_says_what_it_is_made_of() -> None:
    assert set(MADE_OF) <= set(DERIVED)
    for names in MADE_OF.values():
        assert all(catalogue().items[name].compute.op is Op.SUM for name in names)
