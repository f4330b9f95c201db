"""The answer about options, made from nothing but its inputs and a rule set, so that it can be made again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from matching.enjoyed import written
from matching.needs import Need, read_need
from matching.option import Option, Status
from matching.options import OptionsAnswer, answer
from matching.plausible import check_plausible
from matching.rulefile import Name
from models.kinds import Scalar
from scoring.catalogue import Item
from service.access.disclosure import Viewer
from service.access.scope import Scope
from service.answers.covered import Covered
from service.answers.rules import option_answer, plain
from service.answers.ways import (
    claims_answer,
    dropped_answer,
    first_loan_answer,
    near_miss_answer,
    pair_answer,
    set_answer,
    settles_answer,
    warning_answer,
)
from service.books.rulebook import Rules
from service.needs.platform_facts import with_platform

#: Parts of an entry that tell the firm's own value, or let it be worked out.
_VALUES = frozenset({"actual", "was", "by"})
#: Whether the viewer may know a fact and yet is not shown its value; remembered for one answer.
Masks = Callable[[str], bool]


@dataclass(frozen=True)
class Asked:
    """Everything an options answer depends on beside the rules.

    ``need``: as the caller wrote it, without what was left out. ``facts``: the firm's known facts by id, its name among
    them; what is absent is unknown. ``viewer`` decides what the answer rests on and what is masked. ``contested``: the
    objections that stood, as the reader was told of them. ``platform``: facts of loans drawn through the platform that
    no feed has told yet and the viewer may know, each with its source; they stand in place of what ``facts`` says.
    ``models``: which models the firm's score and probability of default come from.
    """

    uscc: str
    as_of: date
    snapshot_id: str
    need: Mapping[str, object]
    viewer: Viewer
    facts: Mapping[str, Scalar]
    contested: Sequence[Mapping[str, object]] = ()
    platform: Sequence[Mapping[str, Any]] = ()
    models: Mapping[str, Any] = field(default_factory=dict)

    @property
    def firm(self) -> dict[str, Scalar]:
        """The firm's facts as the rules are asked of them."""
        return with_platform(self.facts, self.platform)


def options_answer(asked: Asked, rules: Rules) -> dict[str, Any]:
    """Every product and scheme, best first, as plain values without the receipt; ``RefusedInput`` for a bad need.

    Of the firm nothing is asked that the viewer may not know: it counts as unknown, and is told as not covered.
    """
    stated = read_need(asked.need, rules.facts, rules.offers.schemes, asked.as_of)
    scope = Scope(asked.viewer, rules)
    firm = scope.known(asked.firm)
    check_plausible(stated.facts(), firm, rules.facts, asked.as_of, field="need")
    whole = answer(firm, stated, rules.local_offers, rules.parameters, asked.as_of, rules.facts, rules.changes)
    return {
        "uscc": asked.uscc,
        "name": asked.facts.get("firm_name"),
        "as_of": asked.as_of,
        "snapshot_id": asked.snapshot_id,
        "need": need_answer(stated),
        **whole_answer(whole, scope, rules),
        "contested": list(asked.contested),
        "models": dict(asked.models),
        **({"platform": [dict(each) for each in asked.platform]} if asked.platform else {}),
    }


def need_answer(need: Need) -> dict[str, Any]:
    """What was stated of a need, by the names a caller writes."""
    said = {name.removeprefix("need_"): plain(value) for name, value in need.facts().items()}
    return {**said, **({"enjoyed": [written(each) for each in need.enjoyed]} if need.enjoyed else {})}


def whole_answer(
    whole: OptionsAnswer, scope: Scope, rules: Rules, untold: Mapping[str, tuple[Item, ...]] | None = None
) -> dict[str, Any]:
    """Counts and options, best first, what would settle the unknown, first-loan standing and the claims.

    ``whole`` was worked out from what lies in ``scope``; what does not is told as such, and ``untold`` facts with it.
    """
    counts = Counter(option.status for option in whole.options)
    masks = cache(scope.masks)
    options = [_answer(option, masks, rules) for option in whole.options]
    settled = [settles_answer(each) for each in whole.settles]
    first_loans = [_masked(first_loan_answer(each), "definition", masks) for each in whole.first_loan]
    covered = Covered(scope, untold or {})
    for option in options:
        covered.option(option)
    covered.settled(settled)
    for standing in first_loans:
        covered.entries(standing["definition"])
    return {
        "counts": {status.value: counts[status] for status in Status},
        "options": options,
        "settles": settled,
        "first_loan": first_loans,
        "claims": claims_answer(whole.claims),
        **covered.answer(),
    }


def name_of(option_id: str, rules: Rules) -> Name:
    """The name of a product or scheme."""
    product = rules.offers.products.get(option_id)
    return product.name if product else rules.offers.schemes[option_id].name


def _answer(option: Option, masks: Masks, rules: Rules) -> dict[str, Any]:
    product = rules.offers.products.get(option.id)
    lender = product.lender.id if product else None
    made = option_answer(option, name_of(option.id, rules), lender, rules.offers.schemes)
    way = near_miss_answer(option.near_miss) if option.near_miss else None
    return {
        **_masked(made, "findings", masks),
        "dropped": [dropped_answer(each) for each in option.dropped],
        "next_best": set_answer(option.next_best) if option.next_best else None,
        "pairs": [pair_answer(each) for each in option.pairs],
        "near_miss": _masked(_masked(way, "gaps", masks), "changes", masks) if way else None,
        "warnings": [warning_answer(each) for each in option.warnings],
    }


def _masked(made: dict[str, Any], part: str, masks: Masks) -> dict[str, Any]:
    """``made`` with what the viewer may not see taken out of the entries of one part."""
    for entry in made[part]:
        if not masks(entry["fact"]):
            continue
        for value in _VALUES & entry.keys():
            entry[value] = None
        if "masked" in entry:
            entry["masked"] = True
    return made
