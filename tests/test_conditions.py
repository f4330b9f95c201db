"""The grammar of conditions: what is read, what is refused and how the refusal says where."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from matching.conditions import All, Any, Condition, Not, Op, leaves, parse_conditions
from matching.explain import explain, truth
from matching.facts import FactBook, Source, item_facts, parse_facts
from matching.parameters import ParameterBook, ParameterRef, parse_parameters
from models.errors import DataFileError, RefusedInput
from models.kinds import Kind
from models.truth import Truth
from service.books.documents import read_yaml
from service.books.seedbook import SEED, catalogue

AS_OF = date(2024, 10, 31)


@pytest.fixture(scope="module")
def facts() -> FactBook:
    agencies = read_yaml(SEED / "agencies.yaml", SEED)
    return parse_facts(read_yaml(SEED / "facts.yaml", SEED), item_facts(catalogue().items.values(), agencies))


@pytest.fixture(scope="module")
def parameters() -> ParameterBook:
    return parse_parameters(read_yaml(path, SEED) for path in sorted((SEED / "parameters").glob("*.yaml")))


def test_the_shipped_facts_are_the_items_and_the_facts_the_rules_need(facts: FactBook):
    assert len(facts.of_source(Source.ITEM)) == 139
    assert [spec.id for spec in facts.of_source(Source.NEED)] == [
        *("need_amount_yuan", "need_term_months", "need_purpose", "need_security")
    ]
    assert [spec.id for spec in facts.of_source(Source.LOAN)] == [
        *("loan_amount_yuan", "loan_annual_rate", "loan_contract_on", "loan_lender_kind"),
        *("loan_purpose", "loan_first", "loan_term_months", "owner_business_loan"),
    ]
    assert facts["industry_section"].codes == tuple("ABCDEFGHIJKLMNOPQRST")
    assert all(spec.settled_by and spec.settled_by_zh and spec.zh and spec.en for spec in facts.values())
    assert facts["sales_12m"].origin == "tax:vat_invoice"


def test_a_rule_reads_into_frozen_nodes(facts: FactBook):
    node = parse_conditions(
        {
            "all": [
                {"fact": "size_class", "op": "in", "value": ["micro", "small"], "cite": "000:83"},
                {"fact": "sales_12m", "op": "ge", "value": 1000000},
                {
                    "any": [
                        {"fact": "live", "op": "is", "value": True},
                        {"not": {"fact": "grade", "op": "is", "value": "D"}},
                    ]
                },
                {"fact": "firm_age_months", "op": "between", "value": [12, 60]},
                {"fact": "loan_contract_on", "op": "ge", "value": "2024-01-01"},
                {"fact": "loan_annual_rate", "op": "gt", "value": {"param": "lpr_1y", "on": "loan_contract_on"}},
                {"fact": "coverage", "op": "known"},
            ]
        },
        facts,
    )
    assert isinstance(node, All)
    assert isinstance(node.children[2], Any)
    assert isinstance(node.children[2].children[1], Not)
    first, second, *_ = leaves(node)
    assert (first.fact, first.op, first.values, first.cite) == ("size_class", Op.IN, ("micro", "small"), "000:83")
    assert second.values == (Decimal(1000000),)
    values = {leaf.fact: leaf.values for leaf in leaves(node)}
    assert values["loan_contract_on"] == (date(2024, 1, 1),)
    assert values["loan_annual_rate"] == (
        ParameterRef("lpr_1y", "loan_contract_on", settled_by=facts["loan_contract_on"].settled_by),
    )
    with pytest.raises(AttributeError):
        first.op = Op.NOT_IN  # type: ignore[misc]


def test_no_conditions_mean_every_firm(facts: FactBook):
    node = parse_conditions({"all": []}, facts)
    assert truth(node, {}, ParameterBook(), AS_OF) is Truth.MET


@pytest.mark.parametrize(
    ("condition", "field", "code"),
    [
        ({"fact": "sales_13m", "op": "ge", "value": 1}, "fact", "unknown_fact"),
        ({"fact": 7, "op": "ge", "value": 1}, "fact", "unknown_fact"),
        ({"fact": "firm_name", "op": "known"}, "fact", "not_for_matching"),
        ({"fact": "sales_12m", "op": "like", "value": 1}, "op", "bad_operator"),
        ({"fact": "sales_12m", "op": ["ge"], "value": 1}, "op", "bad_operator"),
        ({"fact": "sales_12m", "op": "in", "value": [1]}, "op", "bad_operator"),
        ({"fact": "size_class", "op": "ge", "value": "small"}, "op", "bad_operator"),
        ({"fact": "live", "op": "gt", "value": True}, "op", "bad_operator"),
        ({"fact": "sales_12m", "op": "ge"}, "value", "bad_value"),
        ({"fact": "sales_12m", "op": "known", "value": 1}, "value", "bad_value"),
        ({"fact": "sales_12m", "op": "ge", "value": "0.001"}, "value", "bad_amount"),
        ({"fact": "sales_12m", "op": "ge", "value": 1.5}, "value", "bad_value"),
        ({"fact": "sales_12m", "op": "ge", "value": "1e6"}, "value", "bad_amount"),
        ({"fact": "sales_12m", "op": "ge", "value": "１２３"}, "value", "bad_amount"),
        ({"fact": "sales_12m", "op": "ge", "value": 10**14}, "value", "bad_amount"),
        ({"fact": "sales_12m", "op": "ge", "value": True}, "value", "bad_value"),
        ({"fact": "coverage", "op": "ge", "value": float("nan")}, "value", "bad_value"),
        ({"fact": "coverage", "op": "ge", "value": float("inf")}, "value", "bad_value"),
        ({"fact": "coverage", "op": "ge", "value": "NaN"}, "value", "bad_value"),
        ({"fact": "coverage", "op": "ge", "value": None}, "value", "bad_value"),
        ({"fact": "firm_age_months", "op": "ge", "value": "12.5"}, "value", "bad_value"),
        ({"fact": "firm_age_months", "op": "ge", "value": 10**30}, "value", "bad_value"),
        ({"fact": "live", "op": "is", "value": "true"}, "value", "bad_value"),
        ({"fact": "live", "op": "is", "value": 1}, "value", "bad_value"),
        ({"fact": "size_class", "op": "is", "value": "tiny"}, "value", "bad_value"),
        ({"fact": "size_class", "op": "in", "value": "micro"}, "value", "bad_value"),
        ({"fact": "size_class", "op": "in", "value": []}, "value", "bad_value"),
        ({"fact": "established_on", "op": "ge", "value": "2024-02-30"}, "value", "bad_date"),
        ({"fact": "established_on", "op": "ge", "value": 20240201}, "value", "bad_value"),
        ({"fact": "sales_12m", "op": "between", "value": [1]}, "value", "bad_value"),
        ({"fact": "sales_12m", "op": "between", "value": [5, 1]}, "fact", "contradiction"),
        ({"fact": "grade", "op": "not_in", "value": ["A", "B", "C", "D"]}, "fact", "contradiction"),
        ({"fact": "sales_12m", "op": "ge", "value": 1, "unit": "yuan"}, "unit", "bad_condition"),
        ({"fact": "loan_annual_rate", "op": "is", "value": {"param": "lpr_1y"}}, "value", "bad_value"),
        ({"fact": "loan_annual_rate", "op": "ge", "value": {"param": "lpr_3y"}}, "value", "not_found"),
        ({"fact": "sales_12m", "op": "ge", "value": {"param": "lpr_1y"}}, "value", "bad_parameter"),
        ({"fact": "coverage", "op": "ge", "value": {"param": "x", "on": "established_on"}}, "value", "bad_parameter"),
        ({"fact": "coverage", "op": "ge", "value": {"param": "x", "on": "need_purpose"}}, "value", "bad_parameter"),
    ],
)  # fmt: skip
def test_a_bad_condition_names_its_field(
    facts: FactBook, parameters: ParameterBook, condition: dict[str, object], field: str, code: str
):
    with pytest.raises(RefusedInput) as refused:
        parse_conditions({"all": [condition]}, facts, "screen", parameters=parameters)
    assert refused.value.field == f"screen.all[0].{field}"
    assert refused.value.code == code
    assert refused.value.rule
    assert refused.value.fix


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "sales_12m > 3",
        {},
        {"all": {}},
        {"any": []},
        {"all": [{"all": []}]},
        {"all": [], "any": []},
        {"xor": []},
        {"all": [3]},
        {"not": [{"fact": "live", "op": "known"}]},
        {"not": {"fact": "live", "op": "known"}, "cite": "x"},
    ],
)
def test_a_bad_shape_is_refused(facts: FactBook, raw: object):
    with pytest.raises(RefusedInput):
        parse_conditions(raw, facts)


def test_too_many_and_too_deep_are_refused(facts: FactBook):
    live = {"fact": "live", "op": "is", "value": True}
    assert len(list(leaves(parse_conditions({"any": [live] * 200}, facts)))) == 200
    with pytest.raises(RefusedInput, match="200"):
        parse_conditions({"any": [live] * 201}, facts)
    deep: dict[str, object] = live
    for _ in range(2000):
        deep = {"not": deep}
    with pytest.raises(RefusedInput, match="deep"):
        parse_conditions(deep, facts)


def ge(value: object, fact: str = "employees_insured") -> dict[str, object]:
    return {"fact": fact, "op": "ge", "value": value}


def lt(value: object, fact: str = "employees_insured") -> dict[str, object]:
    return {"fact": fact, "op": "lt", "value": value}


def is_in(*codes: str) -> dict[str, object]:
    return {"fact": "size_class", "op": "in", "value": list(codes)}


@pytest.mark.parametrize(
    ("children", "later"),
    [
        ([ge(10, "firm_age_months"), lt(5, "firm_age_months")], 1),
        ([ge(10, "firm_age_months"), lt(10, "firm_age_months")], 1),
        (
            [
                {"fact": "firm_age_months", "op": "gt", "value": 9},
                lt(11, "firm_age_months"),
                {"fact": "firm_age_months", "op": "is_not", "value": 10},
            ],
            2,
        ),
        ([ge("0.5", "coverage"), lt("0.5", "coverage")], 1),
        ([is_in("micro"), is_in("large", "medium")], 1),
        ([is_in("micro"), {"not": is_in("micro", "small")}], 1),
        (
            [{"fact": "live", "op": "is", "value": True}, {"fact": "live", "op": "is_not", "value": True}],
            1,
        ),
        ([ge(10, "firm_age_months"), {"all": [lt(5, "firm_age_months"), is_in("micro")]}], 1),
        ([{"not": {"fact": "coverage", "op": "known"}}], 0),
        ([ge("2024-02-01", "established_on"), lt("2024-02-01", "established_on")], 1),
        ([ge("100.01", "sales_12m"), {"fact": "sales_12m", "op": "le", "value": 100}], 1),
    ],
)
def test_conditions_no_firm_can_meet_are_refused(facts: FactBook, children: list[dict[str, object]], later: int):
    with pytest.raises(RefusedInput) as refused:
        parse_conditions({"all": children}, facts)
    assert refused.value.code == "contradiction"
    assert refused.value.field.startswith(f"conditions.all[{later}]")


@pytest.mark.parametrize(
    "raw",
    [
        {"all": [ge(10, "firm_age_months"), {"fact": "firm_age_months", "op": "le", "value": 10}]},
        {"all": [ge("0.5", "coverage"), {"fact": "coverage", "op": "le", "value": "0.5"}]},
        {"any": [ge(10, "firm_age_months"), lt(5, "firm_age_months")]},
        {"all": [ge(10, "firm_age_months"), {"not": {"all": [ge(20, "firm_age_months"), is_in("micro")]}}]},
        {"all": [is_in("micro", "small"), {"not": is_in("micro")}]},
        {"all": [{"fact": "industry_code", "op": "not_in", "value": ["C3311"]}]},
    ],
)
def test_conditions_some_firm_can_meet_are_read(facts: FactBook, raw: dict[str, object]):
    parse_conditions(raw, facts)


RULE = """
conditions:
  all:
    - {fact: size_class, op: in, value: [micro, small], cite: "000:83"}
    - {fact: coverage, op: ge, value: 0.5, cite: "1"}
    - any:
        - {fact: high_tech, op: is, value: true, cite: "2"}
        - {fact: firm_age_months, op: ge, value: 24, cite: "3"}
    - {fact: coverage, op: le, value: 0.9, cite: "4"}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ("op: le", "op: less", 9, "op"),
        ("value: 0.9", "value: 0.4", 9, "fact"),
        ("value: 24", "value: 24.5", 8, "value"),
        ("fact: high_tech", "fact: hightech", 7, "fact"),
        ("value: [micro, small]", "value: [micro, tiny]", 4, "value"),
        (', cite: "3"}', "}", 8, "cite"),
        ('    - {fact: coverage, op: le, value: 0.9, cite: "4"}', "    - 3", 3, "conditions.all[3]"),
    ],
)
def test_a_wrong_rule_file_is_refused_at_its_line(
    facts: FactBook, tmp_path: Path, old: str, new: str, line: int, field: str
):
    assert old in RULE
    path = tmp_path / "rule.yaml"
    path.write_text(RULE.replace(old, new), encoding="utf-8")
    with pytest.raises(DataFileError) as refused:
        parse_conditions(read_yaml(path, tmp_path)["conditions"], facts, cited=True)
    assert (refused.value.file, refused.value.line, refused.value.field) == ("rule.yaml", line, field)


def test_conditions_remember_their_line_but_compare_without_it(facts: FactBook, tmp_path: Path):
    path = tmp_path / "rule.yaml"
    path.write_text(RULE, encoding="utf-8")
    node = parse_conditions(read_yaml(path, tmp_path)["conditions"], facts, cited=True)
    condition = list(leaves(node))[1]
    assert condition.where == "rule.yaml:5"
    assert condition == Condition(facts["coverage"], Op.GE, (0.5,), "1")


def test_findings_say_what_was_expected_found_and_missing(facts: FactBook, parameters: ParameterBook):
    node = parse_conditions(
        {
            "all": [
                {"fact": "sales_12m", "op": "ge", "value": 1000000, "cite": "2.1"},
                {"fact": "size_class", "op": "in", "value": ["micro", "small"]},
                {
                    "fact": "loan_annual_rate",
                    "op": "gt",
                    "value": {"param": "lpr_1y", "on": "loan_contract_on", "times": "0.70"},
                },
                {"fact": "need_amount_yuan", "op": "le", "value": 5000000, "settled_by": "The application form"},
            ]
        },
        facts,
    )
    values = {
        "sales_12m": Decimal("999999.99"),
        "size_class": "small",
        "loan_annual_rate": 0.0345,
        "loan_contract_on": date(2024, 3, 1),
    }
    outcome = explain(node, values, parameters, AS_OF)
    sales, size, rate, amount = outcome.findings
    assert outcome.truth is Truth.UNMET
    assert (sales.expected, sales.actual, sales.truth) == (Decimal(1000000), Decimal("999999.99"), Truth.UNMET)
    assert (sales.cite, sales.unit, sales.source, sales.settled_by) == ("2.1", "yuan", "tax:vat_invoice", "")
    assert (size.expected, size.truth) == (("micro", "small"), Truth.MET)
    assert (rate.expected, rate.truth) == (Decimal("0.024150"), Truth.MET)
    assert (amount.truth, amount.actual, amount.settled_by) == (Truth.UNKNOWN, None, "The application form")
    (used,) = outcome.parameters
    assert (used.id, used.on, used.in_force_from, used.confirmed) == (
        "lpr_1y",
        date(2024, 3, 1),
        date(2023, 8, 21),
        True,
    )


@pytest.mark.parametrize(
    ("day", "settled_by"),
    [(None, "The loan contract"), (date(2015, 1, 1), "lpr_1y has no value before 2019-08-20.")],
)
def test_a_parameter_without_a_value_leaves_the_condition_unknown(
    facts: FactBook, parameters: ParameterBook, day: date | None, settled_by: str
):
    node = parse_conditions(
        {"fact": "loan_annual_rate", "op": "gt", "value": {"param": "lpr_1y", "on": "loan_contract_on"}}, facts
    )
    outcome = explain(node, {"loan_annual_rate": 0.05, "loan_contract_on": day}, parameters, AS_OF)
    assert outcome.truth is Truth.UNKNOWN
    assert outcome.findings[0].settled_by == settled_by


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("sales_12m", 1.5),
        ("sales_12m", Decimal("0.001")),
        ("sales_12m", Decimal("NaN")),
        ("sales_12m", "12"),
        ("firm_age_months", 2.7),
        ("firm_age_months", True),
        ("live", 1),
        ("size_class", "tiny"),
        ("established_on", "2024-01-01"),
        ("coverage", "0.5"),
    ],
)
def test_a_value_that_does_not_fit_its_fact_is_refused(facts: FactBook, fact: str, value: object):
    node = parse_conditions({"fact": fact, "op": "known"}, facts)
    with pytest.raises(RefusedInput) as refused:
        explain(node, {fact: value}, ParameterBook(), AS_OF)  # type: ignore[dict-item]
    assert refused.value.field == fact


def test_nan_is_unknown_not_a_number(facts: FactBook):
    node = parse_conditions({"fact": "coverage", "op": "ge", "value": "0.5"}, facts)
    outcome = explain(node, {"coverage": float("nan")}, ParameterBook(), AS_OF)
    assert (outcome.truth, outcome.findings[0].actual) == (Truth.UNKNOWN, None)
    assert outcome.findings[0].settled_by


def test_values_a_caller_writes_are_read_by_kind(facts: FactBook):
    read = facts.read_values({"sales_12m": "12.50", "live": False, "coverage": 0.5, "established_on": "2020-01-02"})
    assert read == {"sales_12m": Decimal("12.50"), "live": False, "coverage": 0.5, "established_on": date(2020, 1, 2)}
    assert facts.read_values({"live": None}) == {"live": None}
    for raw in ({"sale_12m": 1}, {"sales_12m": -float("inf")}, {"live": "no"}):
        with pytest.raises(RefusedInput):
            facts.read_values(raw)


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"id": "x", "kind": "colour"}, "kind"),
        ({"id": "x", "kind": "text"}, "kind"),
        ({"id": "x", "kind": "flag", "codes": ["a"]}, "codes"),
        ({"id": "", "kind": "flag"}, "id"),
        ({"id": "x", "kind": "flag", "colour": "red"}, "colour"),
        ({"id": "sales_12m", "kind": "money"}, "id"),
    ],
)
def test_a_wrong_fact_is_refused(facts: FactBook, entry: dict[str, object], field: str):
    said = {"zh": "甲", "en": "a", "settled_by": "a paper", "settled_by_zh": "文件"}
    with pytest.raises(DataFileError) as refused:
        parse_facts({"derived": [{**said, **entry}]}, facts.of_source(Source.ITEM))
    assert refused.value.field == field


def test_every_kind_of_the_catalogue_can_be_asked_or_says_why_not(facts: FactBook):
    for spec in facts.values():
        if spec.kind is Kind.TEXT:
            assert not spec.matchable, spec.id
        elif spec.matchable:
            parse_conditions({"fact": spec.id, "op": "known"}, facts)
