"""Reads the parts that every evaluation model has: card, dimensions, tests, vetoes, grades."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from models.dates import parse_date
from models.errors import RefusedInput
from models.kinds import Kind
from models.marked import MarkedDict, marked
from scoring.catalogue import Catalogue
from scoring.evaluation.model import Card, Dimension, Group, Test, Veto
from scoring.evaluation.parse_band import kind_of, milli, parse_band

_MOST_VETOES = 32


def card_of(raw: MarkedDict) -> Card:
    """What the model says about itself."""
    need(raw, "id", "version", "label", "legal_basis", "origin", "valid_from", "enabled")
    flag(raw, "enabled")
    until = raw.get("valid_until")
    try:
        start = parse_date(str(raw["valid_from"]))
        end = parse_date(str(until)) if until is not None else None
    except RefusedInput as problem:
        raise raw.wrong("valid_from", problem.rule, problem.fix) from None
    label = raw["label"]
    return Card(
        raw["id"], str(raw["version"]), label["zh"], label["en"], raw["legal_basis"], raw["origin"], start, end,
        raw["enabled"],
    )  # fmt: skip


def overlap(one: Card, other: Card) -> bool:
    """Whether two models that are switched on are valid on a common day."""
    if not (one.enabled and other.enabled):
        return False
    first, second = sorted((one, other), key=lambda card: card.valid_from)
    return first.valid_until is None or first.valid_until >= second.valid_from


def table_of(raw: MarkedDict, catalogue: Catalogue) -> dict[str, Any]:
    """The fields of a :class:`~scoring.evaluation.model.PointsTable` but for ``official_cap``."""
    card = card_of(raw)
    need(raw, "dimensions", "vetoes", "grades", "not_scored", "needs_coverage")
    if "公共信用综合评价" in card.zh:
        raise raw.wrong("label", "That name belongs to the official evaluation.", "Name this model by its purpose.")
    dimensions = tuple(_dimension(marked(spec), catalogue) for spec in raw["dimensions"])
    _once(raw, "dimensions", [dimension.id for dimension in dimensions])
    _once(raw, "dimensions", [band.id for dimension in dimensions for band in dimension.bands])
    vetoes = tuple(_veto(marked(spec), catalogue) for spec in raw["vetoes"])
    _once(raw, "vetoes", [veto.id for veto in vetoes])
    if len(vetoes) > _MOST_VETOES:
        raise raw.wrong("vetoes", f"A model has at most {_MOST_VETOES} vetoes.", "Join some.")
    grades, cuts = _grades(raw, sum(dimension.most for dimension in dimensions))
    status = marked(raw["not_scored"])
    if kind_of(status["item"], status, catalogue) is not Kind.CODE or status["item"] not in catalogue.items:
        raise status.wrong("item", "Who is not scored is told by a code item.", "Name registration_status.")
    return {
        "card": card,
        "dimensions": dimensions,
        "vetoes": vetoes,
        "grades": grades,
        "cuts": cuts,
        "needs_coverage": fraction(raw, "needs_coverage"),
        "status": status["item"],
        "status_codes": catalogue.items[status["item"]].codes,
        "not_scored": codes_of(status, "codes", catalogue.items[status["item"]].codes),
        "not_held": tuple(raw.get("not_held", ())),
    }


def _dimension(raw: MarkedDict, catalogue: Catalogue) -> Dimension:
    need(raw, "id", "zh", "en", "max", "base", "bands")
    bands = tuple(parse_band(marked(spec), raw["id"], catalogue) for spec in raw["bands"])
    most, base = milli(raw["max"], raw, "max"), milli(raw["base"], raw, "base")
    if not 0 <= base <= most or most == 0:
        raise raw.wrong("base", "The base lies between 0 and the maximum.", "Mend base or max.")
    groups = []
    for spec in raw.get("groups", ()):
        group = marked(spec)
        inside = [band for band in bands if band.group == group["id"]]
        least = milli(group["floor"], group, "floor") if "floor" in group else min(0, sum(b.worst for b in inside))
        top = milli(group["cap"], group, "cap") if "cap" in group else max(0, sum(b.best for b in inside))
        if not least <= 0 <= top or not inside:
            raise group.wrong("id", "A group has bands, a floor of at most 0 and a cap of at least 0.", "Mend it.")
        groups.append(Group(group["id"], group["zh"], group["en"], least, top))
    _once(raw, "groups", [group.id for group in groups])
    for band, spec in zip(bands, raw["bands"], strict=True):
        if band.group and band.group not in {group.id for group in groups}:
            raise marked(spec).wrong("group", "The dimension declares no such group.", "Declare it under groups.")
    return Dimension(raw["id"], raw["zh"], raw["en"], most, base, bands, tuple(groups))


def test_of(raw: MarkedDict, kind: Kind, codes: tuple[str, ...]) -> Test:
    """The test ``raw`` writes about its ``item`` of this kind: ``is: true``, ``in: [codes]`` or ``ge: n``."""
    item = raw["item"]
    if kind is Kind.CODE:
        return Test(item=item, kind=kind, codes=codes_of(raw, "in", codes), default=codes)
    if kind in (Kind.COUNT, Kind.MONTHS) and isinstance(raw.get("ge"), int) and raw["ge"] > 0:
        return Test(item=item, kind=kind, at_least=raw["ge"])
    if kind is Kind.FLAG and raw.get("is") is True:
        return Test(item=item, kind=kind)
    raise raw.wrong("item", "A test is a flag (`is: true`), codes (`in:`) or a count (`ge:`).", "Write one.")


def _veto(raw: MarkedDict, catalogue: Catalogue) -> Veto:
    need(raw, "id", "zh", "en", "item", "cite")
    kind = kind_of(raw["item"], raw, catalogue)
    item = catalogue.computed(raw["item"])
    test = test_of(raw, kind, item.codes if item else ())
    return Veto(**vars(test), id=raw["id"], zh=raw["zh"], en=raw["en"], cite=raw["cite"])


def _grades(raw: MarkedDict, most: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    grades = tuple(spec["grade"] for spec in raw["grades"])
    cuts = tuple(milli(spec["from"], marked(spec), "from") for spec in raw["grades"])
    _once(raw, "grades", list(grades))
    if len(cuts) < 2 or cuts[-1] != 0 or cuts[0] > most or any(b >= a for a, b in pairwise(cuts)):
        raise raw.wrong("grades", "Grades run from the best down to one that starts at 0.", "Order them.")
    return grades, cuts


def codes_of(raw: MarkedDict, field: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """The listed codes, each of them ``known``."""
    codes = tuple(raw.get(field) or ())
    if not codes or not set(codes) <= set(known):
        raise raw.wrong(field, "Codes of the item are needed here.", f"Its codes: {', '.join(known)}.")
    return codes


def fraction(raw: MarkedDict, field: str) -> float:
    """A number between 0 and 1."""
    try:
        value = Decimal(str(raw.get(field)))
        if 0 <= value <= 1:
            return float(value)
    except InvalidOperation:
        pass
    raise raw.wrong(field, "This is a fraction between 0 and 1.", "Write it like 0.5.")


def flag(raw: MarkedDict, field: str) -> bool:
    """True or false, written so."""
    value = raw.get(field)
    if not isinstance(value, bool):
        raise raw.wrong(field, "The switch is true or false.", "Choose one.")
    return value


def need(raw: MarkedDict, *fields: str) -> None:
    """``DataFileError`` for the first of ``fields`` that is missing."""
    for name in fields:
        if name not in raw:
            raise raw.wrong(name, "The model must say this.", f"Add `{name}:`.")


def _once(raw: MarkedDict, field: str, ids: list[str]) -> None:
    for name in ids:
        if ids.count(name) > 1:
            raise raw.wrong(field, f"{name} stands there twice.", "An id is used once.")
