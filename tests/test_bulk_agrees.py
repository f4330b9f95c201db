"""The explaining evaluator, the bulk evaluator and a slow oracle of our own answer alike for every firm and rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import matching.bulk
from matching.atoms import KnownBits
from matching.bulk import Matches, RuleBook, match
from matching.conditions import All, Any, Condition, Node, Not, Op, leaves, parse_conditions
from matching.explain import Examiner, explain, truth
from matching.facts import FactBook, FactSpec, Source
from matching.nodes import OPS_OF_KIND, ORDERING
from matching.parameters import DatedValue, Parameter, ParameterBook, ParameterRef
from models.kinds import DTYPES, Kind, Scalar, encode
from models.truth import Truth

AS_OF = date(2024, 10, 31)
LETTERS = tuple("abcdefghijklmnopqrst")
OPEN_LETTERS = ("z", *LETTERS[:3])
KINDS = (Kind.MONEY, Kind.COUNT, Kind.MONTHS, Kind.NUMBER, Kind.RATIO, Kind.DATE, Kind.CODE, Kind.FLAG)
UNITS = {Kind.MONEY: "yuan", Kind.RATIO: "fraction", Kind.MONTHS: "months"}


def spec(name: str, kind: Kind, source: Source, codes: tuple[str, ...] = ()) -> FactSpec:
    return FactSpec(name, kind, "", source, name, name, codes)


FACTS = FactBook(
    [
        *(spec(f"item_{kind}", kind, Source.ITEM, LETTERS if kind is Kind.CODE else ()) for kind in KINDS),
        *(spec(f"need_{kind}", kind, Source.NEED, LETTERS if kind is Kind.CODE else ()) for kind in KINDS),
        spec("item_open_code", Kind.CODE, Source.ITEM),
        spec("loan_on", Kind.DATE, Source.LOAN),
        spec("item_never_delivered", Kind.COUNT, Source.ITEM),
    ]
)
PARAMETERS = ParameterBook(
    Parameter(
        f"p_{kind}",
        "",
        "",
        UNITS.get(kind, "number"),
        "invented",
        AS_OF,
        AS_OF,
        tuple(DatedValue(date(2024, month, 1), Decimal(value), True, "") for month, value in values),
    )
    for kind, values in {
        Kind.MONEY: ((1, "1.00"), (6, "2.01")),
        Kind.RATIO: ((1, "0.1"), (6, "0.3")),
        Kind.NUMBER: ((1, "1"), (6, "2.5")),
        Kind.COUNT: ((1, "1"), (6, "2")),
        Kind.MONTHS: ((1, "1"), (6, "3")),
    }.items()
)
#: Few values per kind, close together, so that boundaries are met often.
VALUES: Mapping[Kind, list[Scalar]] = {
    Kind.MONEY: [Decimal(fen) / 100 for fen in (-1, 0, 99, 100, 101, 200, 201, 10**15)],
    Kind.COUNT: [-1, 0, 1, 2, 3, 10**15],
    Kind.MONTHS: [0, 1, 2, 3],
    Kind.NUMBER: [-0.5, -0.0, 0.0, 1.0, 2.0, 2.5, 1e15],
    Kind.RATIO: [0.0, 0.1, 0.1 + 1e-17, 0.30000000000000004, 0.3, 1.0],
    Kind.DATE: [AS_OF + timedelta(days=day) for day in (-1, 0, 1)] + [date(1970, 1, 1), date(1950, 6, 1)],
    Kind.CODE: list(LETTERS),
    Kind.FLAG: [True, False],
}


def conditions() -> st.SearchStrategy[Condition]:
    return st.sampled_from(list(FACTS.values())).flatmap(
        lambda fact: st.sampled_from(sorted(OPS_OF_KIND[fact.kind])).flatmap(lambda op: _condition(fact, op))
    )


def _condition(fact: FactSpec, op: Op) -> st.SearchStrategy[Condition]:
    constant = st.sampled_from(VALUES[fact.kind])
    if op is Op.KNOWN:
        return st.just(Condition(fact, op))
    if op in (Op.IN, Op.NOT_IN):
        codes = st.lists(constant, min_size=1, max_size=15, unique=True)
        return codes.map(lambda chosen: Condition(fact, op, tuple(chosen)))
    argument: st.SearchStrategy[Scalar | ParameterRef] = constant
    if op in ORDERING and f"p_{fact.kind}" in PARAMETERS:
        few = st.sampled_from([Decimal("0.7"), Decimal(1), Decimal("1.005"), Decimal(10**16)])
        argument = constant | st.builds(
            ParameterRef,
            st.just(f"p_{fact.kind}"),
            st.sampled_from(["as_of", "loan_on"]),
            few,
            st.sampled_from([Decimal(0), Decimal("0.001"), Decimal(-(10**20))]),
            st.sampled_from([None, Decimal("0.5"), Decimal(2)]),
        )
    size = 2 if op is Op.BETWEEN else 1
    return st.tuples(*[argument] * size).map(lambda values: Condition(fact, op, values))


def nodes() -> st.SearchStrategy[Node]:
    def grown(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        children = st.lists(inner, max_size=4).map(tuple)
        return children.map(All) | children.map(Any) | inner.map(Not)

    return st.recursive(conditions(), grown, max_leaves=12)


def firms(n: int) -> st.SearchStrategy[list[dict[str, Scalar | None]]]:
    items = [fact for fact in FACTS.of_source(Source.ITEM) if fact.id != "item_never_delivered"]
    values = {
        fact.id: st.none() | st.sampled_from(VALUES[fact.kind] if fact.id != "item_open_code" else OPEN_LETTERS)
        for fact in items
    }
    return st.lists(st.fixed_dictionaries(values), min_size=n, max_size=n)


def given_once() -> st.SearchStrategy[dict[str, Scalar | None]]:
    facts = FACTS.of_source(Source.NEED, Source.LOAN)
    days = [date(2023, 1, 1), date(2024, 1, 1), date(2024, 5, 31), date(2024, 6, 1)]
    return st.fixed_dictionaries(
        {},
        optional={
            fact.id: st.none() | st.sampled_from(days if fact.id == "loan_on" else VALUES[fact.kind]) for fact in facts
        },
    )


def columns_of(rows: list[dict[str, Scalar | None]]) -> dict[str, np.ndarray]:
    made = {}
    for name in rows[0] if rows else ():
        fact = FACTS[name]
        codes = OPEN_LETTERS if name == "item_open_code" else fact.codes
        made[name] = np.array([encode(fact.kind, row[name], codes) for row in rows], DTYPES[fact.kind])
    return made


def run(rules: dict[str, Node], rows: list[dict[str, Scalar | None]], scalars: dict[str, Scalar | None]) -> Matches:
    dictionaries = {"item_open_code": OPEN_LETTERS}
    columns = columns_of(rows)
    kept = KnownBits(columns)
    return match(RuleBook(rules), columns, len(rows), scalars, PARAMETERS, AS_OF, dictionaries, kept)


# The oracle: plain values, Fractions of a number line, no stored forms, no sharing, Kleene's tables written out.


def oracle(node: Node, values: Mapping[str, Scalar | None]) -> bool | None:
    if isinstance(node, Condition):
        return ask(node, values)
    if isinstance(node, Not):
        inner = oracle(node.child, values)
        return None if inner is None else not inner
    answers = [oracle(child, values) for child in node.children]
    decisive = not isinstance(node, All)
    if decisive in answers:
        return decisive
    return None if None in answers else not decisive


def ask(condition: Condition, values: Mapping[str, Scalar | None]) -> bool | None:
    actual = values.get(condition.fact)
    if actual is None:
        return None
    arguments = [taken(value, condition.spec.kind, values) for value in condition.values]
    if None in arguments:
        return None
    match condition.op:
        case Op.KNOWN:
            return True
        case Op.IS:
            return actual == arguments[0]
        case Op.IS_NOT:
            return actual != arguments[0]
        case Op.IN:
            return actual in arguments
        case Op.NOT_IN:
            return actual not in arguments
        case Op.LT:
            return actual < arguments[0]
        case Op.LE:
            return actual <= arguments[0]
        case Op.GT:
            return actual > arguments[0]
        case Op.GE:
            return actual >= arguments[0]
        case Op.BETWEEN:
            return arguments[0] <= actual <= arguments[1]


def taken(value: object, kind: Kind, values: Mapping[str, Scalar | None]) -> object:
    if not isinstance(value, ParameterRef):
        return value
    day = AS_OF if value.on == "as_of" else values.get(value.on)
    if day is None or day < date(2024, 1, 1):
        return None
    entries = PARAMETERS[value.id].entries
    number = entries[1 if day >= entries[1].since else 0].value * value.times + value.plus
    if value.at_most is not None and number > value.at_most:
        number = value.at_most
    # A ratio or number is a float64 by definition of its stored form; whole kinds compare with the exact decimal.
    return float(number) if kind in (Kind.RATIO, Kind.NUMBER) else number


TRUTHS = {True: Truth.MET, False: Truth.UNMET, None: Truth.UNKNOWN}


@settings(max_examples=300, deadline=None)
@given(rules=st.lists(nodes(), min_size=1, max_size=6), rows=firms(11), scalars=given_once())
def test_three_evaluators_agree(
    rules: list[Node], rows: list[dict[str, Scalar | None]], scalars: dict[str, Scalar | None]
):
    book = {f"r{number}": rule for number, rule in enumerate(rules)}
    matches = run(book, rows, scalars)
    examiner = Examiner(book)
    for firm, row in enumerate(rows):
        values = {**row, **scalars}
        examined = examiner.examine(values, PARAMETERS, AS_OF)
        for name, rule in book.items():
            expected = TRUTHS[oracle(rule, values)]
            assert examined.truth(name) is expected
            assert matches.truth(name, firm) is expected
    for name in book:
        met = [matches.truth(name, firm) is Truth.MET for firm in range(len(rows))]
        not_unmet = [matches.truth(name, firm) is not Truth.UNMET for firm in range(len(rows))]
        assert matches.eligible(name).tolist() == met
        assert matches.not_unmet(name).tolist() == not_unmet
        assert matches.count(name) == sum(met)
        assert matches.count_unknown(name) == sum(not_unmet) - sum(met)


@settings(max_examples=100, deadline=None)
@given(rule=nodes(), row=firms(1), scalars=given_once())
def test_findings_carry_the_truth_of_each_condition(
    rule: Node, row: list[dict[str, Scalar | None]], scalars: dict[str, Scalar | None]
):
    values = {**row[0], **scalars}
    outcome = Examiner({"rule": rule}).examine(values, PARAMETERS, AS_OF)["rule"]
    asked = list(leaves(rule))
    assert [finding.truth for finding in outcome.findings] == [TRUTHS[ask(each, values)] for each in asked]
    assert [finding.fact for finding in outcome.findings] == [each.fact for each in asked]
    assert outcome.truth is truth(rule, values, PARAMETERS, AS_OF)


@settings(max_examples=100, deadline=None)
@given(rules=st.lists(nodes(), min_size=2, max_size=6), row=firms(1), scalars=given_once())
def test_a_rule_finds_the_same_beside_others_as_alone(
    rules: list[Node], row: list[dict[str, Scalar | None]], scalars: dict[str, Scalar | None]
):
    values = {**row[0], **scalars}
    book = {f"r{number}": rule for number, rule in enumerate([*rules, *rules, All(())])}
    examined = Examiner(book).examine(values, PARAMETERS, AS_OF)
    for name, rule in book.items():
        alone = explain(rule, values, PARAMETERS, AS_OF)
        assert examined[name].truth is alone.truth
        assert examined[name].findings == alone.findings
        assert examined[name].parameters == alone.parameters
        for asked, finding in zip(leaves(rule), alone.findings, strict=True):
            assert (finding.fact, finding.op, finding.actual) == (asked.fact, asked.op, values.get(asked.fact))
            assert finding.unit == asked.spec.unit
            if not any(isinstance(value, ParameterRef) for value in asked.values):
                several = asked.op in (Op.IN, Op.NOT_IN, Op.BETWEEN)
                assert finding.expected == (asked.values if several else next(iter(asked.values), None))


def test_alike_conditions_keep_their_own_clause_and_what_settles_them():
    asked = [
        Condition(FACTS["item_count"], Op.GE, (2,), cite=cite, settled_by=settled_by)
        for cite, settled_by in (("a:1", "a letter"), ("b:2", "a form"), ("a:1", "a letter"))
    ]
    findings = explain(All(tuple(asked)), {}, PARAMETERS, AS_OF).findings
    assert [(finding.cite, finding.settled_by) for finding in findings] == [
        ("a:1", "a letter"),
        ("b:2", "a form"),
        ("a:1", "a letter"),
    ]
    known = explain(All(tuple(asked)), {"item_count": 1}, PARAMETERS, AS_OF).findings
    assert [finding.settled_by for finding in known] == ["", "", ""], "nothing is left to settle"


def test_a_finding_cannot_be_changed():
    finding = explain(Condition(FACTS["item_count"], Op.GE, (2,)), {}, PARAMETERS, AS_OF).findings[0]
    with pytest.raises(AttributeError):
        finding.truth = Truth.MET  # type: ignore[misc]


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 63, 64, 65, 200])
def test_blocks_and_ragged_ends_change_nothing(monkeypatch: pytest.MonkeyPatch, n: int):
    rng = np.random.default_rng(n)
    counts, flags = rng.integers(0, 4, n), rng.integers(0, 2, n)
    at_least_two = {"fact": "item_count", "op": "ge", "value": 2}
    flagged = {"fact": "item_flag", "op": "is", "value": True}
    node = parse_conditions({"all": [at_least_two, {"not": flagged}]}, FACTS)
    columns = {"item_count": counts.astype(np.int64), "item_flag": flags.astype(np.int8)}
    expected = [count >= 2 and not flag for count, flag in zip(counts, flags, strict=True)]
    for block in (64, 128, 1 << 20):
        monkeypatch.setattr(matching.bulk, "BLOCK", block)
        matches = match(RuleBook({"r": node, "everyone": All(())}), columns, n, {}, PARAMETERS, AS_OF)
        assert matches.eligible("r").tolist() == expected
        assert matches.count("everyone") == n, "bits past the last firm stay 0"
        assert matches.count_unknown("r") == 0


@pytest.mark.parametrize("chosen", [LETTERS[1::2], LETTERS[::2], LETTERS[3:9], LETTERS[19:], LETTERS])
def test_scattered_and_neighbouring_codes_are_the_same_set(chosen: tuple[str, ...]):
    rows: list[dict[str, Scalar | None]] = [{"item_code": letter} for letter in (*LETTERS, None)]
    wanted = Condition(FACTS["item_code"], Op.IN, chosen)
    others = Condition(FACTS["item_code"], Op.NOT_IN, chosen)
    matches = run({"in": wanted, "not_in": others}, rows, {})
    assert matches.eligible("in").tolist() == [*(letter in chosen for letter in LETTERS), False]
    assert matches.eligible("not_in").tolist() == [*(letter not in chosen for letter in LETTERS), False]
    assert matches.truth("in", len(LETTERS)) is matches.truth("not_in", len(LETTERS)) is Truth.UNKNOWN


def test_negative_and_first_days_are_not_taken_for_unknown():
    rows = [{"item_date": date(1969, 12, 31)}, {"item_date": None}]
    node = Condition(FACTS["item_date"], Op.LT, (date(1970, 1, 1),))
    assert run({"r": node}, rows, {}).eligible("r").tolist() == [True, False]


def test_infinite_columns_compare_and_nan_is_unknown():
    columns = {"item_ratio": np.array([math.inf, -math.inf, math.nan, 0.5])}
    node = Condition(FACTS["item_ratio"], Op.GT, (0.4,))
    matches = match(RuleBook({"r": node}), columns, 4, {}, PARAMETERS, AS_OF)
    assert matches.eligible("r").tolist() == [True, False, False, True]
    assert matches.not_unmet("r").tolist() == [True, False, True, True]


def test_a_code_the_snapshot_never_saw_is_met_by_nobody_and_refused_to_nobody_unknown():
    columns = {"item_open_code": np.array([0, -1], np.int16)}
    node = Condition(FACTS["item_open_code"], Op.IS, ("q",))
    matches = match(RuleBook({"r": node, "not": Not(node)}), columns, 2, {}, PARAMETERS, AS_OF, {"item_open_code": "z"})
    assert [matches.truth("r", 0), matches.truth("r", 1)] == [Truth.UNMET, Truth.UNKNOWN]
    assert [matches.truth("not", 0), matches.truth("not", 1)] == [Truth.MET, Truth.UNKNOWN]


@pytest.mark.parametrize("column", [np.zeros(3, np.int64), np.zeros(2, np.int32), np.zeros((2, 1), np.int64)])
def test_a_column_of_another_shape_or_type_is_an_error(column: np.ndarray):
    node = Condition(FACTS["item_count"], Op.GE, (1,))
    with pytest.raises(ValueError, match="item_count"):
        match(RuleBook({"r": node}), {"item_count": column}, 2, {}, PARAMETERS, AS_OF)


def test_equal_conditions_are_evaluated_once():
    node = parse_conditions(
        {
            "any": [
                {"fact": "item_count", "op": "ge", "value": 3},
                {"not": {"fact": "item_count", "op": "lt", "value": 3}},
                {"fact": "item_count", "op": "gt", "value": 2},
                {"fact": "item_count", "op": "between", "value": [3, 3]},
            ]
        },
        FACTS,
    )
    planner = matching.atoms.Planner({"item_count": np.zeros(1, np.int64)}, {}, PARAMETERS, AS_OF, {})
    assert len(planner.plan([node]).rows) == 2, "not-below-3, and below-4 for the upper end"
