"""One firm against 200 rules: every condition decided, findings on demand; against GoRules ZEN."""

from __future__ import annotations

from statistics import median

from bench.match import RULES
from bench.peers import distinct, plain_row, zen_decision
from bench.ratios import Claim, peer, timed
from bench.synthetic import AS_OF, codes_of, columns, rule_book
from matching.explain import Examiner
from models.kinds import Scalar, decode
from service.rulebook import facts as seed_facts
from service.rulebook import parameters as seed_parameters

FIRMS = 200
SHOWN = 3
REPEATS = 3


def run() -> list[Claim]:
    """Microseconds per firm: fastest of three runs, median over the firms; verdicts compared with ZEN's."""
    facts, parameters = seed_facts(), seed_parameters()
    table = columns(facts, 2000)
    rules = rule_book(facts, table, RULES)
    conditions, places = distinct(rules)
    examiner = Examiner(rules)
    needed = {condition.fact: table[condition.fact] for condition in conditions}
    firms: list[dict[str, Scalar | None]] = [
        {name: decode(facts[name].kind, column[row].item(), codes_of(facts[name])) for name, column in needed.items()}
        for row in range(FIRMS)
    ]

    def decide(firm: dict[str, Scalar | None]) -> None:
        examiner.examine(firm, parameters, AS_OF)

    def decide_and_show(firm: dict[str, Scalar | None]) -> int:
        examined = examiner.examine(firm, parameters, AS_OF)
        return sum(len(examined[rule].findings) for rule in list(rules)[:SHOWN])

    def every_finding(firm: dict[str, Scalar | None]) -> int:
        return sum(len(outcome.findings) for outcome in examiner.examine(firm, parameters, AS_OF).values())

    decided, shown, full = (
        median(timed(work, firms, REPEATS)) * 1e6 for work in (decide, decide_and_show, every_finding)
    )
    asked = sum(map(len, places.values()))
    what = f"one firm x {RULES} rules, {asked:,} conditions decided, {SHOWN} rules explained"
    claims = [Claim(what, f"{shown:,.0f} us", "")]
    zen = peer("zen", "zen-engine")
    if zen is None:
        return claims
    decision = zen.ZenEngine().create_decision(zen_decision(conditions, places))
    rows = [plain_row(needed, facts, row) for row in range(FIRMS)]
    order = {"unmet": 0, "unknown": 1, "met": 2}
    for row, firm in list(zip(rows, firms, strict=True))[:100]:
        theirs, ours = decision.evaluate(row)["result"], examiner.examine(firm, parameters, AS_OF)
        if any(theirs[rule] != order[ours.truth(rule)] for rule in rules):
            raise AssertionError("ZEN's verdicts differ from ours")
    print(f"  ZEN: {100 * len(rules):,} verdicts equal", flush=True)
    theirs_us = median(timed(decision.evaluate, rows, REPEATS)) * 1e6
    lazily, fully = theirs_us / decided, theirs_us / full
    peer_text = f"{theirs_us:,.0f} us"
    return [
        *claims,
        Claim("ZEN / ours, all truths, findings on demand", f"{decided:,.0f} us", peer_text, lazily, ">= 4"),
        Claim("ZEN / ours, every finding built as an object", f"{full:,.0f} us", peer_text, fully, ">= 4"),
    ]
