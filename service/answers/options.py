"""The answer about options, made from nothing but its inputs and a rule set, so that it can be made again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from matching.needs import read_need
from matching.option import Option, Status
from matching.options import answer
from matching.plausible import check_plausible
from models.kinds import Scalar
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
from service.auth import Role
from service.disclosure import Shown, disclose
from service.rulebook import Rules

#: Parts of an entry that tell the firm's own value, or let it be worked out.
_VALUES = frozenset({"actual", "was", "by"})


@dataclass(frozen=True)
class Asked:
    """Everything an options answer depends on beside the rules.

    ``need``: as the caller wrote it, without what was left out. ``facts``: the firm's known facts by id, its name among
    them; what is absent is unknown. ``viewer`` decides what is masked. ``contested``: the objections
    that stood, as the reader was told of them.
    """

    uscc: str
    as_of: date
    snapshot_id: str
    need: Mapping[str, object]
    viewer: Role
    facts: Mapping[str, Scalar]
    contested: Sequence[Mapping[str, object]] = ()


def options_answer(asked: Asked, rules: Rules) -> dict[str, Any]:
    """Every product and scheme, best first, as plain values without the receipt; ``RefusedInput`` for a bad need."""
    stated = read_need(asked.need, rules.facts)
    check_plausible(stated.facts(), asked.facts, rules.facts, asked.as_of, field="need")
    whole = answer(asked.facts, stated, rules.local_offers, rules.parameters, asked.as_of, rules.facts, rules.changes)
    found = whole.options
    counts = Counter(option.status for option in found)
    return {
        "uscc": asked.uscc,
        "name": asked.facts.get("firm_name"),
        "as_of": asked.as_of,
        "snapshot_id": asked.snapshot_id,
        "need": {name.removeprefix("need_"): plain(value) for name, value in stated.facts().items()},
        "counts": {status.value: counts[status] for status in Status},
        "options": [_answer(option, asked.viewer, rules) for option in found],
        "settles": [settles_answer(each) for each in whole.settles],
        "first_loan": [
            _masked(first_loan_answer(each), "definition", asked.viewer, rules) for each in whole.first_loan
        ],
        "claims": claims_answer(whole.claims),
        "contested": list(asked.contested),
    }


def _answer(option: Option, viewer: Role, rules: Rules) -> dict[str, Any]:
    book = rules.offers
    product = book.products.get(option.id)
    name = product.name if product else book.schemes[option.id].name
    made = option_answer(option, name, product.lender.id if product else None, book.schemes.values())
    way = near_miss_answer(option.near_miss) if option.near_miss else None
    return {
        **_masked(made, "findings", viewer, rules),
        "dropped": [dropped_answer(each) for each in option.dropped],
        "next_best": set_answer(option.next_best) if option.next_best else None,
        "pairs": [pair_answer(each) for each in option.pairs],
        "near_miss": _masked(_masked(way, "gaps", viewer, rules), "changes", viewer, rules) if way else None,
        "warnings": [warning_answer(each) for each in option.warnings],
    }


def _masked(made: dict[str, Any], part: str, viewer: Role, rules: Rules) -> dict[str, Any]:
    """``made`` with what the viewer may not see taken out of the entries of one part."""
    for entry in made[part]:
        item = rules.catalogue.items.get(entry["fact"])
        if item is None or disclose(viewer, None, item) is Shown.FULL:
            continue
        for value in _VALUES & entry.keys():
            entry[value] = None
        if "masked" in entry:
            entry["masked"] = True
    return made
