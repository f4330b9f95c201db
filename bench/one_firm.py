"""One firm against 200 rules: every condition decided, findings on demand; against GoRules ZEN."""

from __future__ import annotations

from bench.match import RULES
from bench.peers import ZEN_TRUTHS, distinct, plain_row, zen_decision
from bench.ratios import Claim, Side, medians, peer
from bench.synthetic import AS_OF, codes_of, columns, rule_book
from matching.explain import Examiner
from models.kinds import Scalar, decode
from service.books.rulebook import facts as seed_facts
from service.books.rulebook import parameters as seed_parameters

FIRMS = 200
#: Firms whose every verdict is compared with ZEN's.
COMPARED = 100
SHOWN = 3
ROUNDS = 5


def run() -> list[Claim]:
    """Microseconds per firm: fastest of five rounds, median over the firms; verdicts compared with ZEN's."""
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

    def every_finding(firm: dict[str, Scalar | None]) -> None:
        examiner.examine(firm, parameters, AS_OF).explained()

    sides: dict[str, Side] = {
        "decided": (decide, firms),
        "shown": (decide_and_show, firms),
        "full": (every_finding, firms),
    }
    zen = peer("zen", "zen-engine")
    if zen is not None:
        decision = zen.ZenEngine().create_decision(zen_decision(rules))
        rows = [plain_row(needed, facts, row) for row in range(FIRMS)]
        for row, firm in list(zip(rows, firms, strict=True))[:COMPARED]:
            theirs, ours = decision.evaluate(row)["result"], examiner.examine(firm, parameters, AS_OF)
            if any(theirs[rule] != ZEN_TRUTHS[ours.truth(rule)] for rule in rules):
                raise AssertionError("ZEN's verdicts differ from ours")
        print(f"  ZEN: {COMPARED * len(rules):,} verdicts equal", flush=True)
        sides["zen"] = (decision.evaluate, rows)
    taken = medians(sides, ROUNDS)
    text = {name: f"{seconds * 1e6:,.0f} us" for name, seconds in taken.items()}
    asked = sum(map(len, places.values()))
    what = f"one firm x {RULES} rules, {asked:,} conditions decided, {SHOWN} rules explained"
    claims = [Claim(what, text["shown"], "")]
    if "zen" in taken:
        for side, asked_for in (
            ("decided", "all truths, findings on demand"),
            ("full", "every finding built as an object"),
        ):
            ratio = taken["zen"] / taken[side]
            claims.append(Claim(f"ZEN / ours, {asked_for}", text[side], text["zen"], ratio, ">= 4"))
    return claims
