"""What if some facts of a firm were otherwise: its score, its options and their cost, before and after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from matching.facts import FactBook
from matching.needs import read_need
from matching.plausible import check_plausible
from matching.question import Case
from matching.what_if import read_changed, what_if, with_years
from models.errors import RefusedInput
from models.kinds import Scalar, decode
from scoring.columns import Columns
from scoring.derived import MADE_OF
from scoring.pd_scale import PdScale
from scoring.supposed import beside, suppose, year_columns
from service.access.disclosure import Viewer
from service.access.scope import Scope
from service.answers.covered import wider
from service.answers.pd import registered_model
from service.answers.what_if import Supposition, what_if_answer
from service.books.rulebook import Rules, evaluations, industries, pd_scale, rules, sizes
from service.registry.shelf import ModelShelf
from service.registry.store import LoadedModel
from service.snapshot.rescoring import made_of, rescore
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.list_options import firm_facts


@cache
def changeable_facts() -> FactBook:
    """Every fact a what-if may state: those of conditions, and the years of counts that are split by year back."""
    years = {item.id: item.compute.by_year for item in rules().catalogue.items.values() if item.compute.by_year}
    return with_years(rules().facts, years)


def suppose_facts(
    snapshot: OpenSnapshot,
    uscc: str,
    raw: Mapping[str, object] | Iterable[tuple[str, object]],
    need: Mapping[str, object],
    viewer: Viewer,
    confirmed: Collection[str] = (),
    models: ModelShelf | None = None,
    used: Rules | None = None,
) -> dict[str, Any]:
    """The answer of today beside the one with the facts of ``raw``, as of the snapshot's day; nothing is stored.

    ``models`` opens the model that gives the probability of default; without it that is unknown before and after.
    ``used``: the rules to answer with; the files of this process where none are given.
    ``need`` as in an options question. ``confirmed`` names facts whose suspicious amount is meant. ``NotFound`` for an
    unknown firm; ``RefusedInput`` for no change at all, for an item beyond the viewer's consent (403), and for whatever
    :func:`matching.what_if.read_changed` refuses.

    A viewer who may not know everything gets an answer made of what it may know: both evaluations are of that alone,
    and what is worked out from more is, once it moves, not told.
    """
    used = used or rules()
    row, as_of = snapshot.row_of(uscc), snapshot.as_of
    items, scope = used.catalogue.items, Scope(viewer, used)
    one = scope.columns(snapshot.columns.row(row))
    pd = _pd_model(snapshot, models)
    made = {**MADE_OF, **made_of(evaluations(), pd)}
    today = rescore(one, as_of, sizes(), evaluations(), pd)
    # Both sides are scored with today's models, so that a model changed since the build does not count as an effect.
    again = {fact: value for fact, value in today.facts.items() if all(map(scope.knows, made[fact]))}
    firm = {**scope.known(firm_facts(snapshot, row)), **_years(one), **again}
    asked = read_need(need, used.facts, used.offers.schemes, as_of)
    check_plausible(asked.facts(), {}, used.facts, as_of, confirmed, field="need")
    known = {**firm, **asked.facts()}
    # A refusal quotes the value it compares with, so it compares only with what the viewer may see.
    seen = {fact: value for fact, value in known.items() if not scope.masks(fact)}
    stated = tuple(raw.items() if isinstance(raw, Mapping) else raw)
    _check_covered(stated, scope)
    changed = read_changed(stated, seen, changeable_facts(), as_of, confirmed, made)
    _check(changed)
    supposed = suppose(one, changed, items)
    then = rescore(supposed.columns, as_of, sizes(), evaluations(), pd)
    followed = _values(supposed.columns, supposed.followed)
    touched = {name.partition(".")[0] for name in (*changed, *supposed.followed)}
    untold = {
        fact: tuple({item.id: item for part in made[fact] for item in scope.outside(part)}.values())
        for fact in today.facts
        if fact not in again and touched & {*made[fact]}
    }
    worked_out = {fact: then.facts[fact] for fact in again} | dict.fromkeys(untold)
    found = what_if(
        Case(firm, asked, as_of),
        changed,
        {**followed, **worked_out},
        used.local_offers,
        used.parameters,
        used.facts,
        used.changes,
    )
    supposition = Supposition(
        uscc=uscc,
        as_of=as_of,
        snapshot_id=snapshot.id,
        scope=scope,
        need=asked,
        before=known,
        changed=changed,
        followed=supposed.followed,
        as_recorded=beside(changed, supposed.followed, items),
        today=today,
        then=then,
        found=found,
        untold=untold,
        scored_as_built=not scope.whole or today.facts["score"] == snapshot.value("score", row),
    )
    return what_if_answer(supposition, used, changeable_facts())


def _pd_model(snapshot: OpenSnapshot, models: ModelShelf | None) -> tuple[LoadedModel, PdScale] | None:
    """The model that gave this snapshot its probabilities; ``None`` where none did, or it cannot be trusted now."""
    registered = registered_model(snapshot)
    if registered is None or models is None:
        return None
    try:
        return models.by_id(registered["id"]), pd_scale()
    except RefusedInput:
        return None


def _check_covered(stated: Sequence[tuple[str, object]], scope: Scope) -> None:
    """Raise the 403 refusal for an item that the consent does not cover: what moves with it would tell of it."""
    for fact, value in stated:
        outside = scope.outside(fact) if fact.partition(".")[0] in scope.items else ()
        if outside:
            raise RefusedInput(
                "consent_too_narrow",
                f"facts.{fact}",
                value,
                "The consent does not cover this fact.",
                f"Leave it out. To suppose it takes: {wider(outside)['en']}.",
                status=403,
            )


def _check(changed: Mapping[str, Scalar | None]) -> None:
    if not changed:
        raise RefusedInput("no_change", "facts", None, "Nothing is changed.", 'State a fact: {"insured_staff": 20}.')
    industry = changed.get("industry_code")
    if industry is not None:
        industries().check(str(industry), "facts.industry_code")


def _years(one: Columns) -> dict[str, Scalar | None]:
    split = [name for item in rules().catalogue.items.values() for name in year_columns(item)]
    return _values(one, [name for name in split if name in one.values])


def _values(columns: Columns, names: Iterable[str]) -> dict[str, Scalar | None]:
    """The values of items and year columns of one firm, in the forms people read."""
    items = rules().catalogue.items
    found = {}
    for name in names:
        item = items[name.partition(".")[0]]
        codes = columns.codes.get(name, item.codes)
        found[name] = decode(item.kind, columns.values[name][0].item(), codes)
    return found
