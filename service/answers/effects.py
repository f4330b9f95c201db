"""What a supposed change does: points line by line, options opened and closed, and the yuan before and after."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from matching.option import Option
from matching.options import OptionsAnswer
from matching.status import Status
from matching.what_if import WhatIf
from scoring.evaluation.explain import ExplainedLine, Explanation
from service.answers.options import name_of
from service.answers.rules import named, rate
from service.books.rulebook import Rules
from service.web.encode import yuan_text


def score_effect(before: Explanation, after: Explanation) -> dict[str, Any]:
    """Both evaluations, and every dimension and line whose points differ. Points are exact, as text."""
    dimensions = {each.id: each for why in (before, after) if why.model is not None for each in why.model.dimensions}
    lines: dict[str, list[ExplainedLine | None]] = {}
    for place, why in enumerate((before, after)):
        for line in why.lines:
            lines.setdefault(line.line.id, [None, None])[place] = line
    vetoes = {each.id: each for why in (before, after) for each in why.vetoes}
    truths = [{each.id: each.truth.value for each in why.vetoes} for why in (before, after)]
    return {
        "before": _standing(before),
        "after": _standing(after),
        "difference": _difference(before.total, after.total),
        "dimensions": [
            {
                "id": name,
                "zh": each.zh,
                "en": each.en,
                **_points(before.dimensions.get(name), after.dimensions.get(name)),
            }
            for name, each in dimensions.items()
            if before.dimensions.get(name) != after.dimensions.get(name)
        ],
        "lines": [_line(*pair) for pair in lines.values() if _points_of(pair[0]) != _points_of(pair[1])],
        "vetoes": [
            {"id": name, "zh": each.zh, "en": each.en, "item": each.item, "cite": each.cite}
            | {"before": truths[0].get(name), "after": truths[1].get(name)}
            for name, each in vetoes.items()
            if truths[0].get(name) != truths[1].get(name)
        ],
    }


def _standing(why: Explanation) -> dict[str, Any]:
    return {
        "state": why.state.name.lower(),
        "model": why.model.card.id if why.model else None,
        "score": _text(why.total),
        "low": _text(why.low),
        "high": _text(why.high),
        "grade": why.grade,
        "grade_low": why.grade_low,
        "grade_high": why.grade_high,
        "official_grade": why.official_grade,
        "coverage": why.coverage,
    }


def _line(before: ExplainedLine | None, after: ExplainedLine | None) -> dict[str, Any]:
    line = (after or before).line  # type: ignore[union-attr]
    return {
        "kind": line.kind.value,
        "id": line.id,
        "dimension": line.dimension or None,
        "zh": line.zh,
        "en": line.en,
        "item": line.band.item if line.band else None,
        **_points(_points_of(before), _points_of(after)),
    }


def _points_of(line: ExplainedLine | None) -> Decimal | None:
    return None if line is None else line.points


def _points(before: Decimal | None, after: Decimal | None) -> dict[str, str | None]:
    return {"before": _text(before), "after": _text(after), "difference": _difference(before, after)}


def _text(points: Decimal | None) -> str | None:
    return None if points is None else format(points, "f")


def _difference(before: Decimal | None, after: Decimal | None) -> str | None:
    return None if before is None or after is None else format(after - before, "f")


def options_effect(found: WhatIf, rules: Rules) -> dict[str, Any]:
    """What the change does to the options: opened, closed, otherwise moved, and the yuan of cost and support."""
    before = {option.id: option for option in found.before.options}
    after = {option.id: option for option in found.after.options}
    moved = [
        {
            "id": name,
            **named(name_of(name, rules)),
            "kind": after[name].kind,
            "was": was.value,
            "becomes": becomes.value,
        }
        for name, was, becomes in found.changed_status
    ]
    best = _best(found.before), _best(found.after)
    return {
        "opened": [each for each in moved if each["becomes"] == Status.ELIGIBLE.value],
        "closed": [each for each in moved if each["was"] == Status.ELIGIBLE.value],
        "otherwise_moved": [each for each in moved if Status.ELIGIBLE.value not in (each["was"], each["becomes"])],
        "best": _cost_effect(*best) | {"before": best[0] and best[0].id, "after": best[1] and best[1].id},
        "costs": [
            {"id": name, **named(name_of(name, rules)), **_cost_effect(before[name], option)}
            for name, option in after.items()
            if _priced(before[name]) != _priced(option)
        ],
        "benefits": [
            {"id": name, **named(name_of(name, rules)), **_yuan(_given(before[name]), _given(option))}
            for name, option in after.items()
            if _given(before[name]) != _given(option)
        ],
        "claims": _yuan(found.before.claims.best.yuan, found.after.claims.best.yuan),
    }


def _best(answer: OptionsAnswer) -> Option | None:
    """The best priced option the firm has: the first of the eligible that costs something to take."""
    return next((each for each in answer.options if each.status is Status.ELIGIBLE and each.cost), None)


def _priced(option: Option | None) -> tuple[Decimal, Decimal, Decimal | None] | None:
    if option is None or option.cost is None:
        return None
    return option.cost.principal_yuan, option.cost.total_yuan, option.cost.all_in_annual_rate


def _cost_effect(before: Option | None, after: Option | None) -> dict[str, Any]:
    was, becomes = _priced(before), _priced(after)
    return {
        "principal_before_yuan": yuan_text(was[0]) if was else None,
        "principal_after_yuan": yuan_text(becomes[0]) if becomes else None,
        "cost_before_yuan": yuan_text(was[1]) if was else None,
        "cost_after_yuan": yuan_text(becomes[1]) if becomes else None,
        "difference_yuan": yuan_text(becomes[1] - was[1]) if was and becomes else None,
        "all_in_before": rate(was[2]) if was else None,
        "all_in_after": rate(becomes[2]) if becomes else None,
    }


def _given(option: Option) -> Decimal | None:
    return option.benefit.amount_yuan if option.benefit else None


def _yuan(before: Decimal | None, after: Decimal | None) -> dict[str, str | None]:
    difference = None if before is None or after is None else after - before
    return {
        "before_yuan": yuan_text(before),
        "after_yuan": yuan_text(after),
        "difference_yuan": yuan_text(difference),
    }
