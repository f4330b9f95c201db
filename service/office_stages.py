"""What a build of this office does with a profile: its size table, its evaluation models, its product shelf."""

from __future__ import annotations

from datetime import date
from functools import cache

from matching.bulk import Matches, RuleBook, match
from models.kinds import Kind
from scoring.columns import Columns
from scoring.derived import DERIVED, derive
from scoring.evaluation.evaluate import Evaluation, evaluate
from service import rulebook
from service.stages import Evaluated, Stages

#: What a snapshot keeps of the evaluation besides the facts conditions may ask. Last axis: firms.
KEPT = (
    "state", "model", "total", "low", "high", "dimensions", "grade_low", "grade_high",
    "veto", "veto_open", "percentile", "peer_group", "peers",
)  # fmt: skip
EVALUATION_KINDS = {"score": Kind.NUMBER, "grade": Kind.CODE, "coverage": Kind.RATIO, "official_grade": Kind.CODE}


@cache
def office_stages() -> Stages:
    """The stages of every build that answers are given from."""
    return Stages(
        derive=lambda columns, as_of: derive(columns, rulebook.sizes(), as_of),
        evaluate=_evaluate,
        match=_match,
        kinds={**DERIVED, **EVALUATION_KINDS},
        model_digest=rulebook.rules_digest(),
        rules_digest=rulebook.rules_digest(),
    )


def product_rules() -> RuleBook:
    """What each product with published terms asks about the firm; its limits on the need are asked with a need."""
    return RuleBook({each.id: each.conditions for each in rulebook.offers().products.values() if each.terms})


def _evaluate(columns: Columns, as_of: date) -> Evaluated:
    # Contributions are made again for the one firm somebody asks about: keeping them costs 4 bytes a line and firm.
    evaluation: Evaluation = evaluate(rulebook.evaluations(), columns, as_of, contributions=False)
    return Evaluated(evaluation.facts(), {name: getattr(evaluation, name) for name in KEPT})


def _match(columns: Columns, as_of: date) -> Matches:
    return match(product_rules(), columns.values, columns.n, {}, rulebook.parameters(), as_of, columns.codes)
