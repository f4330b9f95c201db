"""What must fit between the schemes of a book: editions of one policy, and the schemes a clause on combining names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from itertools import combinations

from matching.schemes import OFFERS, Scheme


@dataclass(frozen=True)
class Clash:
    """``scheme`` is at fault in its part ``field``; ``error`` is false for what an editor should only know."""

    scheme: str
    field: str
    error: bool
    rule: str
    fix: str


def edition_clashes(schemes: Mapping[str, Scheme]) -> Iterator[Clash]:
    """What does not fit among the dates and successions of ``schemes``."""
    for scheme in schemes.values():
        if scheme.superseded_by:
            yield from _succession(scheme, schemes)
    for one, other in combinations(schemes.values(), 2):
        same = (one.city, one.name.zh) == (other.city, other.name.zh)
        linked = other.id in (one.superseded_by, *one.supersedes) or one.id in (other.superseded_by, *other.supersedes)
        if same and not linked and _overlap(one, other):
            rule = f"{one.id} has the same name and city and holds on the same days."
            yield Clash(other.id, "valid", True, rule, "Give each edition its own dates, or each policy its own name.")


def stacking_clashes(schemes: Mapping[str, Scheme]) -> Iterator[Clash]:
    """Names under ``excludes`` and ``permits`` that no scheme answers to.

    A permission names a scheme by its id; an exclusion by id, group, tag or kind of support.
    """
    names = {*schemes, *OFFERS}
    for scheme in schemes.values():
        names |= {scheme.stacking.group, *scheme.stacking.tags}
    for scheme in schemes.values():
        listed = (("excludes", scheme.stacking.excludes, names), ("permits", scheme.stacking.permits, {*schemes}))
        for field, mentioned, known in listed:
            for name in mentioned:
                if name == scheme.id:
                    yield Clash(scheme.id, field, True, f"{name} names itself.", "Drop it.")
                elif name not in known:
                    near = ", ".join(get_close_matches(name, known, n=3))
                    rule = f"There is no scheme {name}" + (", group, tag or kind." if field == "excludes" else ".")
                    yield Clash(scheme.id, field, True, rule, f"Did you mean {near}?" if near else "Drop it.")


def _succession(scheme: Scheme, schemes: Mapping[str, Scheme]) -> Iterator[Clash]:
    following = schemes.get(scheme.superseded_by)
    if following is None or scheme.id not in following.supersedes:
        rule = f"No scheme {scheme.superseded_by} says that it supersedes {scheme.id}."
        yield Clash(scheme.id, "superseded_by", True, rule, "Name each in the other.")
        return
    if scheme.id in _chain(following, schemes):
        yield Clash(scheme.id, "superseded_by", True, "Its successors lead back to it.", "Name the later edition.")
        return
    ends, begins = scheme.validity.until, following.validity.since
    if ends is None:
        rule = f"It is superseded by {following.id}, so it ends."
        yield Clash(scheme.id, "valid", True, rule, "Add `until:`.")
    elif begins is None:
        yield Clash(following.id, "valid", True, f"It supersedes {scheme.id}, so it begins.", "Add `from:`.")
    elif scheme.validity.selected_by != following.validity.selected_by:
        rule = f"{following.id} is chosen by {following.validity.selected_by}, this edition by another day."
        yield Clash(scheme.id, "valid", False, rule, "Check that no case falls under both or neither.")
    elif begins <= ends:
        rule = f"{following.id} begins on {begins}, before this edition ends on {ends}."
        yield Clash(scheme.id, "valid", True, rule, f"End this one on {begins - timedelta(1)} at the latest.")
    elif begins > ends + timedelta(1):
        rule = f"Between {ends} and {begins} neither this edition nor {following.id} holds."
        yield Clash(scheme.id, "valid", False, rule, "Check the dates against the texts.")


def _chain(scheme: Scheme, schemes: Mapping[str, Scheme]) -> list[str]:
    """The ids from ``scheme`` on to its last successor; a ring is walked once."""
    chain = [scheme.id]
    while scheme.superseded_by in schemes and scheme.superseded_by not in chain:
        scheme = schemes[scheme.superseded_by]
        chain.append(scheme.id)
    return chain


def _overlap(one: Scheme, other: Scheme) -> bool:
    since = max(one.validity.since or date.min, other.validity.since or date.min)
    return since <= min(one.validity.until or date.max, other.validity.until or date.max)
