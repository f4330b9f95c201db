"""What if some facts were otherwise: the facts, the score, the options and their cost before and after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from matching.changes import ChangeBook
from matching.enjoyed import check_enjoyed
from matching.facts import FactBook, FactSpec, Source, read_value
from matching.offers import Offers
from matching.options import OptionsAnswer, answer
from matching.parameters import ParameterBook
from matching.plausible import check_plausible, example
from matching.question import Case, Facts
from matching.status import Status
from models.errors import RefusedInput
from models.kinds import Scalar

#: A refusal names so many of the facts that a worked-out one is made of.
_MOST_NAMED = 8


@dataclass(frozen=True)
class Moved:
    """One fact before and after; ``stated`` is false for what followed from the others."""

    fact: str
    was: Scalar | None
    becomes: Scalar | None
    stated: bool


@dataclass(frozen=True)
class WhatIf:
    """Both answers, every fact that differs, and the options whose status does, as (id, before, after)."""

    facts: Facts
    moved: tuple[Moved, ...]
    before: OptionsAnswer
    after: OptionsAnswer
    changed_status: tuple[tuple[str, Status, Status], ...]


def with_years(facts: FactBook, years: Mapping[str, int]) -> FactBook:
    """``facts``, and a fact for each year back of the counts in ``years``: ``penalty_general.y1`` is the latest."""
    made = list(facts.values())
    for name, count in years.items():
        made += [_year(facts[name], number) for number in range(1, count + 1)]
    return FactBook(made)


def _year(spec: FactSpec, number: int) -> FactSpec:
    first, last = 12 * number - 11, 12 * number
    zh, en = f"{spec.zh}（往前第{first}至{last}个月）", f"{spec.en}, months {first} to {last} back"
    return replace(spec, id=f"{spec.id}.y{number}", zh=zh, en=en)


def read_changed(
    raw: Mapping[str, object] | Iterable[tuple[str, object]],
    firm: Facts,
    facts: FactBook,
    as_of: date,
    confirmed: Collection[str] = (),
    made_of: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Scalar | None]:
    """Typed changes from what a caller wrote, as a mapping or as pairs; ``None`` makes a fact unknown.

    ``RefusedInput`` names fact, unit and an example: an unknown fact, a wrong type, one fact twice with different
    values (``two_values``), a worked-out fact (what it is made of is named from ``made_of``), and whatever
    :func:`matching.plausible.check_plausible` and :func:`matching.enjoyed.check_enjoyed` refuse. An amount in a
    suspicious unit passes for the facts in ``confirmed``.
    """
    read: dict[str, Scalar | None] = {}
    for name, value in raw.items() if isinstance(raw, Mapping) else raw:
        field = f"facts.{name}"
        if name not in facts:
            rule, fix = "There is no such fact.", f"Did you mean {facts.near(str(name))}?"
            raise RefusedInput("unknown_fact", field, name, rule, fix)
        spec = facts[name]
        if spec.source is Source.DERIVED:
            rule = f"{name} is worked out from other facts."
            raise RefusedInput("worked_out", field, value, rule, _instead((made_of or {}).get(name, ())))
        try:
            typed = None if value is None else read_value(spec, value, field)
        except RefusedInput as problem:
            raise RefusedInput(problem.code, field, value, problem.rule, f"{problem.fix} {example(spec)}") from None
        if name in read and read[name] != typed:
            rule = f"Two values for one fact: {read[name]} and {typed}."
            raise RefusedInput("two_values", field, value, rule, f"Keep one. {example(spec)}")
        read[name] = typed
    check_plausible(read, firm, facts, as_of, confirmed)
    check_enjoyed({**firm, **read}, as_of)
    return read


def _instead(parts: Sequence[str]) -> str:
    more = f" and {len(parts) - _MOST_NAMED} more" if len(parts) > _MOST_NAMED else ""
    named = f": {', '.join(parts[:_MOST_NAMED])}{more}" if parts else ""
    return f"Change the facts it is made of{named}."


def what_if(
    case: Case,
    changed: Mapping[str, Scalar | None],
    follows: Facts,
    offers: Offers,
    parameters: ParameterBook,
    facts: FactBook,
    changes: ChangeBook,
) -> WhatIf:
    """The answer with ``changed`` facts (as :func:`read_changed` gives them), beside the answer without.

    ``follows`` are the values of all facts that are worked out from the changed ones (size class, score); what is
    stated is never overruled. ``RefusedInput`` if the need becomes one that cannot be.
    """
    stated = case.need.facts()
    for fact, value in changed.items():
        if fact in stated and value is None:
            raise RefusedInput("bad_value", f"facts.{fact}", value, "The need states it.", "Leave it out of the need.")
    then = case.changed({fact: value for fact, value in changed.items() if value is not None})
    unknown = dict.fromkeys(fact for fact, value in changed.items() if value is None)
    before_facts: Facts = {**case.firm, **stated}
    firm: Facts = {**then.firm, **unknown}
    firm = {**firm, **follows, **{fact: firm[fact] for fact in changed if fact in firm}}
    before = answer(case.firm, case.need, offers, parameters, case.as_of, facts, changes)
    after = answer(firm, then.need, offers, parameters, case.as_of, facts, changes)
    after_facts: Facts = {**firm, **then.need.facts()}
    moved = tuple(
        Moved(fact, before_facts.get(fact), after_facts.get(fact), fact in changed)
        for fact in sorted({*before_facts, *after_facts})
        if before_facts.get(fact) != after_facts.get(fact)
    )
    was = {option.id: option.status for option in before.options}
    changed_status = tuple(
        (option.id, was[option.id], option.status) for option in after.options if was[option.id] is not option.status
    )
    return WhatIf(after_facts, moved, before, after, changed_status)
