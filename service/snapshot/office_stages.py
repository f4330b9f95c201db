"""What a build of this office does with a profile: its size table, its evaluation models, the model in force that gives
the probability of default, its product shelf.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from types import MappingProxyType

from matching.bulk import Matches, RuleBook, match
from models.kinds import Kind
from scoring import prepaid
from scoring.columns import Array, Columns
from scoring.derived import DERIVED, derive
from scoring.evaluation.beside import evaluate_beside
from scoring.evaluation.evaluate import Evaluation, evaluate, standing
from scoring.prepaid import prepaid_industry
from service.access.person_consents import standing_consents
from service.books import rulebook
from service.office import Office
from service.registry.scoring import PD_KINDS, pd_scores
from service.registry.store import LoadedModel, serving
from service.snapshot.side_scores import side_scores
from service.snapshot.stages import Evaluated, Stages

#: What a snapshot keeps of the evaluation besides the facts conditions may ask. Last axis: firms.
KEPT = (
    "state", "model", "total", "low", "high", "dimensions", "grade_low", "grade_high",
    "veto", "veto_open", "percentile", "peer_group", "peers",
)  # fmt: skip
NO_CONSENTS: Mapping[str, int] = MappingProxyType({})
EVALUATION_KINDS = {"score": Kind.NUMBER, "grade": Kind.CODE, "coverage": Kind.RATIO, "official_grade": Kind.CODE}


def office_stages(model: LoadedModel | None = None, person_consents: Mapping[str, int] = NO_CONSENTS) -> Stages:
    """The stages of every build that answers are given from. ``model`` gives the probability of default, which is
    unknown without one; ``person_consents`` are the firms whose leader may be evaluated (:class:`Stages`).
    """
    return Stages(
        derive=_derive,
        evaluate=partial(_evaluate, model),
        match=_match,
        compare=_compare,
        compared=("percentile", "peer_group", "peers"),
        kinds={**DERIVED, **prepaid.KINDS, **EVALUATION_KINDS, **({} if model is None else PD_KINDS)},
        model_digest=rulebook.rules_digest(),
        rules_digest=rulebook.rules_digest(),
        registered={} if model is None else {model.name: {"id": model.id, "version": model.version}},
        person_consents=person_consents,
    )


def stages_in_force(office: Office) -> Stages:
    """The stages with the office's model in force, or the last good one where that cannot be trusted, and where a model
    of persons is switched on, with the consents that stand.
    """
    return office_stages(serving(office, rulebook.pd_scale().model).model, consents_in_force(office))


def consents_in_force(office: Office) -> Mapping[str, int]:
    """The consents of persons that stand now, where a model of persons is switched on."""
    personal = any(side.personal and side.card.enabled for side in rulebook.evaluations().sides)
    return standing_consents(office) if personal else NO_CONSENTS


def product_rules() -> RuleBook:
    """What each product with published terms asks about the firm; its limits on the need are asked with a need."""
    return RuleBook({each.id: each.conditions for each in rulebook.offers().products.values() if each.terms})


def _derive(columns: Columns, as_of: date) -> Columns:
    derived = derive(columns, rulebook.sizes(), as_of)
    return derived.merged(prepaid_industry(columns, rulebook.prepaid_industries()))


def _evaluate(model: LoadedModel | None, columns: Columns, as_of: date) -> Evaluated:
    # Contributions are made again for the one firm somebody asks about: keeping them costs 4 bytes a line and firm.
    evaluation: Evaluation = evaluate(rulebook.evaluations(), columns, as_of, contributions=False)
    facts, kept = evaluation.facts(), {name: getattr(evaluation, name) for name in KEPT}
    # No facts: what stands beside the evaluation is asked by no condition, so no screen of a lender can reach it.
    kept |= side_scores(evaluate_beside(rulebook.evaluations(), columns, as_of))
    if model is None:
        return Evaluated(facts, kept)
    pd = pd_scores(model, rulebook.pd_scale(), columns, facts, evaluation.state)
    return Evaluated(facts.merged(pd.facts), {**kept, **pd.kept})


def _compare(columns: Columns, scores: Mapping[str, Array]) -> Mapping[str, Array]:
    return standing(rulebook.evaluations(), columns, scores["model"], scores["total"])


def _match(columns: Columns, as_of: date) -> Matches:
    return match(product_rules(), columns.values, columns.n, {}, rulebook.parameters(), as_of, columns.codes)
