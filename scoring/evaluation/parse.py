"""Reads evaluation models from their data files and checks that they can be carried out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from models.dates import parse_date
from models.errors import RefusedInput
from models.kinds import Kind
from models.marked import MarkedDict, marked
from scoring.catalogue import Catalogue
from scoring.evaluation.model import (
    Card,
    Dimension,
    Group,
    Model,
    ModelBook,
    Official,
    Review,
    Veto,
)
from scoring.evaluation.parse_band import kind_of, milli, parse_band

SUBJECTS = ("enterprise", "sole_proprietor")
_MOST_VETOES = 32


def parse_models(documents: Iterable[Mapping[str, Any]], catalogue: Catalogue) -> ModelBook:
    """The book of models from the documents of ``seed/evaluations``; ``DataFileError`` for the first fault.

    Each document says its ``kind``: ``points`` (a scored model) or ``imported`` (the official slot, at most one).
    """
    scored: list[Model] = []
    official: Official | None = None
    for document in documents:
        raw = marked(document)  # type: ignore[arg-type]
        match raw.get("kind"):
            case "points":
                model = _model(raw, catalogue)
                for other in scored:
                    if other.card.enabled and model.card.enabled and _overlap(other, model):
                        raise raw.wrong("applies_to", f"{other.card.id} scores the same subjects.", "Switch one off.")
                scored.append(model)
            case "imported" if official is None:
                official = _official(raw, catalogue)
            case "imported":
                raise raw.wrong("kind", "One official evaluation is imported.", "Switch to one file.")
            case _:
                raise raw.wrong("kind", "A model is `points` or `imported`.", "Choose one.")
    return ModelBook(tuple(scored), official)


def _overlap(one: Model, other: Model) -> bool:
    if one.applies_to != other.applies_to:
        return False
    first, second = sorted((one.card, other.card), key=lambda card: card.valid_from)
    return first.valid_until is None or first.valid_until >= second.valid_from


def _card(raw: MarkedDict) -> Card:
    _need(raw, "id", "version", "label", "legal_basis", "origin", "valid_from", "enabled")
    if not isinstance(raw["enabled"], bool):
        raise raw.wrong("enabled", "The switch is true or false.", "Choose one.")
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


def _model(raw: MarkedDict, catalogue: Catalogue) -> Model:
    card = _card(raw)
    _need(raw, "applies_to", "dimensions", "vetoes", "grades", "not_scored", "needs_coverage", "peers", "review")
    if "公共信用综合评价" in card.zh:
        raise raw.wrong("label", "That name belongs to the official evaluation.", "Name this model by its purpose.")
    if raw["applies_to"] not in SUBJECTS:
        raise raw.wrong("applies_to", "A model scores one kind of subject.", f"One of {', '.join(SUBJECTS)}.")
    dimensions = tuple(_dimension(marked(spec), catalogue) for spec in raw["dimensions"])
    _once(raw, "dimensions", [dimension.id for dimension in dimensions])
    _once(raw, "dimensions", [band.id for dimension in dimensions for band in dimension.bands])
    vetoes = tuple(_veto(marked(spec), catalogue) for spec in raw["vetoes"])
    _once(raw, "vetoes", [veto.id for veto in vetoes])
    if len(vetoes) > _MOST_VETOES:
        raise raw.wrong("vetoes", f"A model has at most {_MOST_VETOES} vetoes.", "Join some.")
    grades, cuts = _grades(raw, sum(dimension.most for dimension in dimensions))
    cap = {str(k): str(v) for k, v in raw.get("official_cap", {}).get("limits", {}).items()}
    if not set(cap.values()) <= set(grades):
        raise raw.wrong("official_cap", "A cap names a grade of this model.", f"One of {', '.join(grades)}.")
    status = marked(raw["not_scored"])
    if kind_of(status["item"], status, catalogue) is not Kind.CODE or status["item"] not in catalogue.items:
        raise status.wrong("item", "Who is not scored is told by a code item.", "Name registration_status.")
    review = marked(raw["review"])
    return Model(
        card=card,
        applies_to=raw["applies_to"],
        dimensions=dimensions,
        vetoes=vetoes,
        grades=grades,
        cuts=cuts,
        official_cap=cap,
        needs_coverage=_fraction(raw, "needs_coverage"),
        status=status["item"],
        status_codes=catalogue.items[status["item"]].codes,
        not_scored=_codes_of(status, "codes", catalogue),
        peers=int(raw["peers"]),
        review=Review(tuple(review["grades"]), _fraction(review, "share")),
        not_held=tuple(raw.get("not_held", ())),
    )


def _dimension(raw: MarkedDict, catalogue: Catalogue) -> Dimension:
    _need(raw, "id", "zh", "en", "max", "base", "bands")
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


def _veto(raw: MarkedDict, catalogue: Catalogue) -> Veto:
    _need(raw, "id", "zh", "en", "item", "cite")
    kind = kind_of(raw["item"], raw, catalogue)
    codes: tuple[str, ...] = ()
    at_least = 1
    if kind is Kind.CODE:
        codes = _codes_of(raw, "in", catalogue)
    elif kind in (Kind.COUNT, Kind.MONTHS) and isinstance(raw.get("ge"), int) and raw["ge"] > 0:
        at_least = raw["ge"]
    elif not (kind is Kind.FLAG and raw.get("is") is True):
        raise raw.wrong("item", "A veto is a flag (`is: true`), codes (`in:`) or a count (`ge:`).", "Write one.")
    default = catalogue.items[raw["item"]].codes if codes else ()
    return Veto(raw["id"], raw["zh"], raw["en"], raw["item"], kind, codes, at_least, raw["cite"], default)


def _official(raw: MarkedDict, catalogue: Catalogue) -> Official:
    card = _card(raw)
    _need(raw, "imports", "table")
    if kind_of(raw["imports"], marked({**raw, "item": raw["imports"]}), catalogue) is not Kind.CODE:
        raise raw.wrong("imports", "The official grade is a code item.", "Name public_credit_grade.")
    table = marked(raw["table"])
    if table["held"] is not False:
        raise table.wrong("held", "A table that is held is a model of kind points.", "Write it as one.")
    return Official(
        card, raw["imports"], catalogue.items[raw["imports"]].codes, table["standard"], False, table["zh"], table["en"]
    )


def _grades(raw: MarkedDict, most: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    grades = tuple(spec["grade"] for spec in raw["grades"])
    cuts = tuple(milli(spec["from"], marked(spec), "from") for spec in raw["grades"])
    _once(raw, "grades", list(grades))
    if len(cuts) < 2 or cuts[-1] != 0 or cuts[0] > most or any(b >= a for a, b in pairwise(cuts)):
        raise raw.wrong("grades", "Grades run from the best down to one that starts at 0.", "Order them.")
    return grades, cuts


def _codes_of(raw: MarkedDict, field: str, catalogue: Catalogue) -> tuple[str, ...]:
    codes = tuple(raw.get(field) or ())
    known = catalogue.items[raw["item"]].codes if raw["item"] in catalogue.items else ()
    if not codes or not set(codes) <= set(known):
        raise raw.wrong(field, "Codes of the item are needed here.", f"Its codes: {', '.join(known)}.")
    return codes


def _fraction(raw: MarkedDict, field: str) -> float:
    try:
        value = Decimal(str(raw.get(field)))
        if 0 <= value <= 1:
            return float(value)
    except InvalidOperation:
        pass
    raise raw.wrong(field, "This is a fraction between 0 and 1.", "Write it like 0.5.")


def _need(raw: MarkedDict, *fields: str) -> None:
    for name in fields:
        if name not in raw:
            raise raw.wrong(name, "The model must say this.", f"Add `{name}:`.")


def _once(raw: MarkedDict, field: str, ids: list[str]) -> None:
    for name in ids:
        if ids.count(name) > 1:
            raise raw.wrong(field, f"{name} stands there twice.", "An id is used once.")
