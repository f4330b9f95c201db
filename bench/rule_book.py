"""One firm against the whole shipped rule book, every finding built; against GoRules ZEN and plain numpy."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bench.peers import ZEN_TRUTHS, zen_decision
from bench.plain_numpy import PlainNumpy
from bench.ratios import Claim, Side, medians, milliseconds, peer
from bench.synthetic import AS_OF
from matching.arguments import Arguments, constant_arguments, dated_arguments, has_parameter
from matching.evaluate_product import evaluate_product
from matching.evaluate_scheme import evaluate_scheme
from matching.explain import Examiner
from matching.facts import FactSpec
from matching.nodes import All, Condition, Node, Not, leaves
from matching.nodes import Any as AnyOf
from models.kinds import Kind, Scalar, encode
from service.books.rulebook import rules as shipped

FIRMS = 100
ROUNDS = 7
#: Chance that a fact is unknown, and that a known one lies close to what a condition names.
UNKNOWN_SHARE, CLOSE_SHARE = 0.15, 0.7
OTHER_CODE = "other"
Firm = dict[str, Scalar | None]


def run() -> list[Claim]:
    """Milliseconds per firm: fastest of the rounds, median over the firms; every verdict compared with the peers'."""
    offers, parameters = shipped().offers, shipped().parameters
    rules = rule_nodes()
    asked = [condition for node in rules.values() for condition in leaves(node)]
    firms = random_firms(asked, FIRMS)
    examiner = Examiner(rules)

    def every_truth(firm: Firm) -> None:
        examiner.examine(firm, parameters, AS_OF)

    def every_finding(firm: Firm) -> None:
        examiner.examine(firm, parameters, AS_OF).explained()

    def every_answer(firm: Firm) -> None:
        for product in offers.products.values():
            evaluate_product(product, firm, parameters, AS_OF)
        for scheme in offers.schemes.values():
            evaluate_scheme(scheme, firm, parameters, AS_OF)

    numpy = PlainNumpy(bare(rules), stored_arguments, code_lists(asked))
    plain = [plain_values(firm, asked) for firm in firms]
    rows = [numpy.row(each) for each in plain]
    ours = [[ZEN_TRUTHS[examiner.examine(firm, parameters, AS_OF).truth(rule)] for rule in rules] for firm in firms]
    _check("plain numpy", [numpy.verdicts(row).tolist() for row in rows], ours)
    sides: dict[str, Side] = {
        "truths": (every_truth, firms),
        "findings": (every_finding, firms),
        "answers": (every_answer, firms),
        "numpy": (numpy.verdicts, rows),
    }
    zen = peer("zen", "zen-engine")
    if zen is not None:
        decision = zen.ZenEngine().create_decision(zen_decision(bare(rules), stored_arguments))
        theirs = [decision.evaluate(each)["result"] for each in plain]
        _check("ZEN", [[each[rule] for rule in rules] for each in theirs], ours)
        sides["zen"] = (decision.evaluate, plain)
    taken = medians(sides, ROUNDS)
    text = {name: milliseconds(seconds) for name, seconds in taken.items()}
    what = f"{len(offers.products)} products and {len(offers.schemes)} schemes, {len(asked)} conditions"
    claims = [
        Claim(f"one firm x the shipped rules ({what}), every finding built", text["findings"], ""),
        Claim("each product and scheme asked in turn: dates, findings, benefits", text["answers"], ""),
        Claim("all truths / plain numpy", text["truths"], text["numpy"], taken["truths"] / taken["numpy"]),
    ]
    if zen is not None:
        for side, asked_for, aim in (("truths", "all truths", ">= 4"), ("findings", "every finding built", ">= 3")):
            ratio = taken["zen"] / taken[side]
            claims.append(Claim(f"ZEN / ours, {asked_for}, the shipped rules", text[side], text["zen"], ratio, aim))
    return claims


def rule_nodes() -> dict[str, Node]:
    """The conditions of every shipped product and scheme, by id."""
    offers = shipped().offers
    return {each.id: All(each.requirements.nodes) for each in (*offers.products.values(), *offers.schemes.values())}


def bare(rules: Mapping[str, Node]) -> dict[str, Node]:
    """The rules without clauses, so that a peer too decides equal conditions once."""

    def stripped(node: Node) -> Node:
        match node:
            case Condition():
                return replace(node, cite="", settled_by="")
            case Not(child):
                return Not(stripped(child))
            case All(children):
                return All(tuple(map(stripped, children)))
            case AnyOf(children):
                return AnyOf(tuple(map(stripped, children)))

    return {rule: stripped(node) for rule, node in rules.items()}


def stored_arguments(condition: Condition) -> Sequence[Any]:
    """What a peer compares with: stored numbers, codes as text, parameters already taken on the day for it."""
    stored = _arguments(condition).stored
    assert stored is not None, f"{condition.where}: a parameter of another day than as_of"
    return stored


def _arguments(condition: Condition) -> Arguments:
    if has_parameter(condition):
        return dated_arguments(condition, {}, shipped().parameters, AS_OF)
    return constant_arguments(condition)


def random_firms(asked: Sequence[Condition], count: int, seed: int = 17) -> list[Firm]:
    """Firms whose facts lie on, beside or away from what conditions ask, so that every verdict occurs. Synthetic."""
    draw = random.Random(seed)
    by_fact: dict[str, list[Condition]] = {}
    for condition in asked:
        by_fact.setdefault(condition.fact, []).append(condition)
    return [
        {
            fact: None if draw.random() < UNKNOWN_SHARE else _value(draw.choice(conditions), draw)
            for fact, conditions in by_fact.items()
        }
        for _ in range(count)
    ]


def _value(condition: Condition, draw: random.Random) -> Scalar:
    spec, close = condition.spec, draw.random() < CLOSE_SHARE
    taken = _arguments(condition).shown
    named: Any = draw.choice(taken) if taken else 0
    match spec.kind:
        case Kind.FLAG:
            return bool(named) is close
        case Kind.CODE:
            return str(named) if close else draw.choice([*spec.codes] or [OTHER_CODE])
        case Kind.DATE:
            return (named or AS_OF) + timedelta(days=draw.randint(-1, 1))
        case Kind.MONEY:
            return Decimal(named).quantize(Decimal("0.01")) + draw.randint(-1, 1) * (1 if close else 10**6)
        case Kind.RATIO | Kind.NUMBER:
            return float(named) if close else draw.random()
        case _:
            return int(named) + draw.randint(-1, 1) * (1 if close else 20)


def code_lists(asked: Sequence[Condition]) -> dict[str, tuple[str, ...]]:
    """The codes a firm may show, by fact: its own, else those that rules name and one more."""
    specs: dict[str, FactSpec] = {condition.fact: condition.spec for condition in asked}
    named: dict[str, dict[str, None]] = {fact: {} for fact, spec in specs.items() if spec.kind is Kind.CODE}
    for condition in asked:
        if condition.fact in named:
            named[condition.fact] |= dict.fromkeys(map(str, condition.values))
    return {fact: specs[fact].codes or (*codes, OTHER_CODE) for fact, codes in named.items()}


def plain_values(firm: Firm, asked: Sequence[Condition]) -> dict[str, Any]:
    """A firm as a peer takes it: stored numbers, codes as text, ``None`` for unknown."""
    kinds = {condition.fact: condition.spec.kind for condition in asked}
    return {
        fact: value if value is None or kinds[fact] is Kind.CODE else encode(kinds[fact], value)
        for fact, value in firm.items()
    }


def _check(who: str, theirs: list[list[int]], ours: list[list[int]]) -> None:
    if theirs != ours:
        raise AssertionError(f"{who}'s verdicts differ from ours")
    counts = [sum(row.count(truth) for row in ours) for truth in (2, 0, 1)]
    print(f"  {who}: verdicts equal, {counts[0]:,} met, {counts[1]:,} unmet, {counts[2]:,} unknown", flush=True)
