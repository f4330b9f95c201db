"""The shipped rule book answered by an evaluator of another making: intervals, sets and levels in numpy."""

from __future__ import annotations

import pytest

from bench.plain_numpy import PlainNumpy
from bench.rule_book import bare, code_lists, plain_values, random_firms, rule_nodes, stored_arguments
from bench.synthetic import AS_OF
from matching.explain import Examiner
from matching.nodes import All, Any, Condition, Node, Not, Op, leaves
from models.truth import Truth
from service.books.rulebook import facts, parameters

TRUTHS = {Truth.UNMET: 0, Truth.UNKNOWN: 1, Truth.MET: 2}


def verdicts(rules: dict[str, Node], firms: list[dict[str, object]]) -> tuple[list[list[int]], list[list[int]]]:
    asked = [condition for node in rules.values() for condition in leaves(node)]
    examiner, numpy = Examiner(rules), PlainNumpy(bare(rules), stored_arguments, code_lists(asked))
    ours, theirs = [], []
    for firm in firms:
        examined = examiner.examine(firm, parameters(), AS_OF)  # type: ignore[arg-type]
        ours.append([TRUTHS[examined.truth(rule)] for rule in rules])
        theirs.append(numpy.verdicts(numpy.row(plain_values(firm, asked))).tolist())  # type: ignore[arg-type]
    return ours, theirs


@pytest.mark.parametrize("seed", [1, 2])
def test_every_shipped_rule_of_random_firms(seed: int) -> None:
    rules = rule_nodes()
    asked = [condition for node in rules.values() for condition in leaves(node)]
    firms = random_firms(asked, 40, seed)
    ours, theirs = verdicts(rules, firms)  # type: ignore[arg-type]
    assert ours == theirs
    seen = {verdict for row in ours for verdict in row}
    assert seen == {0, 1, 2}, "firms of this make meet, miss and leave open"
    explained = Examiner(rules).examine(firms[0], parameters(), AS_OF).explained()
    assert [TRUTHS[truth] for truth, _ in explained] == ours[0]
    assert [len(findings) for _, findings in explained] == [len(list(leaves(node))) for node in rules.values()]


def test_empty_groups_negations_and_the_values_at_each_end() -> None:
    branches = facts()["branches"]
    conditions = {
        str(op): Condition(branches, op, values)
        for op, values in {
            Op.LT: (10,), Op.LE: (10,), Op.GT: (10,), Op.GE: (10,), Op.BETWEEN: (10, 11), Op.IS: (10,),
            Op.IS_NOT: (10,), Op.KNOWN: (),
        }.items()
    }  # fmt: skip
    both = (conditions["lt"], conditions["known"])
    rules: dict[str, Node] = {
        **conditions,
        "all": All(()),
        "any": Any(()),
        "not": Not(All((Any(both), Not(conditions["ge"])))),
    }
    ours, theirs = verdicts(rules, [{"branches": value} for value in (9, 10, 11, 12, None)])
    assert ours == theirs
    assert ours[1][:8] == [0, 2, 0, 2, 2, 2, 0, 2]
    assert ours[4] == [1] * 8 + [2, 0, 1]
