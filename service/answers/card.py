"""The policy card of one scheme: for whom, on which conditions, how, where, by when, and which edition it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from matching.nodes import Node, leaves
from matching.parameters import Parameter
from matching.rulefile import Name
from matching.schemes import Scheme
from matching.service_clocks import Clock, ServiceClass
from matching.verdicts import requirements_of
from matching.working_days import WorkingCalendar
from models.errors import RefusedInput
from service.answers.rules import named, once_rule
from service.answers.wording import in_words
from service.labels import LANGUAGES, labels


@dataclass(frozen=True)
class Shelfmark:
    """What a card is made with beside its scheme."""

    schemes: Mapping[str, Scheme]
    parameters: Mapping[str, Parameter]
    day_names: Mapping[str, Name]
    service: ServiceClass
    of_new_policies: tuple[Clock, ...]
    calendar: WorkingCalendar


def card_answer(scheme: Scheme, marks: Shelfmark, as_of: date, applied_on: date | None) -> dict[str, Any]:
    """The card as plain values. Null and empty: the text does not say. A clock whose start is known has its end."""
    card = scheme.card
    return {
        "id": scheme.id,
        "city": scheme.city,
        **named(scheme.name),
        "offers": scheme.offers,
        "benefit_kind": scheme.benefit.kind if scheme.benefit else None,
        "as_of": as_of,
        "state": _state(scheme, as_of),
        "beneficiaries": _name(card.beneficiaries),
        "conditions": [_condition(node, marks) for node in requirements_of(scheme.conditions)],
        "redeemed": _name(card.redeemed),
        "place": _name(card.place),
        "phone": card.phone or None,
        "office": named(scheme.office),
        "documents": [named(document) for document in scheme.documents],
        "valid_from": scheme.validity.since,
        "valid_until": scheme.validity.until,
        "selected_by": {"fact": scheme.validity.selected_by, **named(_day(scheme, marks))},
        "supersedes": [_edition(each, marks) for each in scheme.supersedes],
        "superseded_by": _edition(scheme.superseded_by, marks) if scheme.superseded_by else None,
        "service_class": {"id": marks.service.id, **named(marks.service.name), "cite": marks.service.cite},
        "clocks": [
            *(_clock(clock, marks.calendar, applied_on) for clock in marks.service.clocks),
            *(_clock(clock, marks.calendar, scheme.validity.since) for clock in marks.of_new_policies),
        ],
        "once": once_rule(scheme.once) if scheme.once else None,
        "terms_published": scheme.terms_published,
        "planned": scheme.planned,
        "confirmed": scheme.confirmed,
        "unconfirmed": [named(name) for name in scheme.unconfirmed],
        "readings": [
            {"id": reading.id, **named(reading.name), "value": reading.value, "note": reading.note}
            for reading in scheme.readings
        ],
        "cite": scheme.cite,
        "note": scheme.note,
    }


def _state(scheme: Scheme, as_of: date) -> str:
    """``in_force``, ``expired`` or ``not_yet`` by the day asked; for a scheme chosen by another day only a hint."""
    outside = scheme.validity.outside(as_of)
    return outside.value if outside else "in_force"


def _condition(node: Node, marks: Shelfmark) -> dict[str, Any]:
    words = {language: in_words(node, labels(language), marks.parameters) for language in LANGUAGES}
    return {**words, "cites": list(dict.fromkeys(leaf.cite for leaf in leaves(node) if leaf.cite))}


def _day(scheme: Scheme, marks: Shelfmark) -> Name:
    return marks.day_names.get(scheme.validity.selected_by, Name("查询之日", "The day asked about"))


def _edition(scheme_id: str, marks: Shelfmark) -> dict[str, Any]:
    scheme = marks.schemes[scheme_id]
    return {
        "scheme": scheme_id,
        **named(scheme.name),
        "valid_from": scheme.validity.since,
        "valid_until": scheme.validity.until,
    }


def _clock(clock: Clock, calendar: WorkingCalendar, started_on: date | None) -> dict[str, Any]:
    due, note, confirmed = None, "" if clock.confirmed else clock.cite, clock.confirmed
    if started_on is not None:
        try:
            ends = clock.due(calendar, started_on)
            due, note, confirmed = ends.on, ends.note, ends.confirmed
        except RefusedInput as beyond:
            note, confirmed = f"{beyond.rule} {note}".strip(), False
    return {
        "id": clock.id,
        **named(clock.name),
        "working_days": clock.working_days,
        "from": named(clock.starts),
        "started_on": started_on,
        "due_on": due,
        "confirmed": confirmed,
        "note": note,
        "cite": clock.cite,
    }


def _name(name: Name | None) -> dict[str, str] | None:
    return named(name) if name else None
