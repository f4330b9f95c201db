"""The watch list of prepaid business, and the evaluations beside the financing evaluation, over 400,000 firms."""

from __future__ import annotations

import numpy as np

from bench.ratios import Claim, best
from bench.synthetic import AS_OF, Columns, columns, dictionaries
from matching.alarms import sound
from matching.nodes import leaves
from scoring import columns as scoring_columns
from scoring.evaluation.beside import evaluate_beside
from service.books.rulebook import alarms, evaluations, facts, parameters

FIRMS = 400_000


def _ordinary(table: Columns) -> Columns:
    """The generated columns with 5 % of the firms in prepaid business, and adverse facts of 3 % of them."""
    rng = np.random.default_rng(11)
    table["prepaid_industry"][rng.random(FIRMS) < 0.95] = 0
    for fact in {leaf.fact for alarm in alarms().alarms for leaf in leaves(alarm.conditions)}:
        known = (table[fact] >= 0) & (rng.random(FIRMS) < 0.97)
        table[fact][known] = 0
    return table


def run() -> list[Claim]:
    """Every alarm with its order and its unknown counts; every side model with range, coverage and grade."""
    known = facts()
    table, codes = _ordinary(columns(known, FIRMS)), dictionaries(known)
    within = np.ones(FIRMS, np.bool_)
    book, models = alarms(), evaluations()
    listed, made = best(lambda: sound(book, table, FIRMS, parameters(), AS_OF, codes, within), 9)
    held = scoring_columns.Columns(FIRMS, table, {name: tuple(listed_codes) for name, listed_codes in codes.items()})
    beside, answers = best(lambda: evaluate_beside(models, held, AS_OF), 5)
    counted = f"{len(made.rows):,} of {made.watched:,} firms, {len(book.alarms)} alarms"
    evaluated = sum(int(np.count_nonzero(answer.state == 0)) for answer in answers)
    return [
        Claim(f"watch list, {FIRMS:,} firms ({counted})", f"{listed * 1e3:.1f} ms", ""),
        Claim(
            f"side models, {len(answers)} over {FIRMS:,} firms ({evaluated:,} answers)", f"{beside * 1e3:.0f} ms", ""
        ),
    ]
