"""Reads evaluation models from their data files and checks that they can be carried out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models.kinds import Kind
from models.marked import MarkedDict, marked
from scoring.catalogue import Catalogue
from scoring.evaluation.model import Model, ModelBook, Official, Review, SideModel
from scoring.evaluation.parse_band import kind_of
from scoring.evaluation.parse_parts import card_of, fraction, need, overlap, table_of
from scoring.evaluation.parse_side import check_beside, parse_side

SUBJECTS = ("enterprise", "sole_proprietor")


def parse_models(
    documents: Iterable[Mapping[str, Any]],
    catalogue: Catalogue,
    derived_codes: Mapping[str, tuple[str, ...]] | None = None,
) -> ModelBook:
    """The book of models from the documents of ``seed/evaluations``; ``DataFileError`` for the first fault.

    Each document says its ``kind``: ``points`` (a scored model, or with ``use: side`` one evaluated beside) or
    ``imported`` (the official slot, at most one). ``derived_codes``: see :func:`parse_side`.
    """
    scored: list[Model] = []
    sides: list[tuple[MarkedDict, SideModel]] = []
    official: Official | None = None
    for document in documents:
        raw = marked(document)  # type: ignore[arg-type]
        match raw.get("kind"):
            case "points" if "use" in raw:
                sides.append((raw, parse_side(raw, catalogue, derived_codes or {})))
            case "points":
                model = _model(raw, catalogue)
                for other in scored:
                    if other.applies_to == model.applies_to and overlap(other.card, model.card):
                        raise raw.wrong("applies_to", f"{other.card.id} scores the same subjects.", "Switch one off.")
                scored.append(model)
            case "imported" if official is None:
                official = _official(raw, catalogue)
            case "imported":
                raise raw.wrong("kind", "One official evaluation is imported.", "Switch to one file.")
            case _:
                raise raw.wrong("kind", "A model is `points` or `imported`.", "Choose one.")
    grades = frozenset(grade for model in scored for grade in model.grades)
    for place, (raw, side) in enumerate(sides):
        check_beside(raw, side, [other for _, other in sides[:place]], grades)
    return ModelBook(tuple(scored), official, tuple(side for _, side in sides))


def _model(raw: MarkedDict, catalogue: Catalogue) -> Model:
    table = table_of(raw, catalogue)
    need(raw, "applies_to", "peers", "review")
    if raw["applies_to"] not in SUBJECTS:
        raise raw.wrong("applies_to", "A model scores one kind of subject.", f"One of {', '.join(SUBJECTS)}.")
    grades = table["grades"]
    cap = {str(k): str(v) for k, v in raw.get("official_cap", {}).get("limits", {}).items()}
    if not set(cap.values()) <= set(grades):
        raise raw.wrong("official_cap", "A cap names a grade of this model.", f"One of {', '.join(grades)}.")
    return Model(
        **table,
        official_cap=cap,
        applies_to=raw["applies_to"],
        peers=int(raw["peers"]),
        review=_review(marked(raw["review"]), grades),
    )


def _review(raw: MarkedDict, grades: tuple[str, ...]) -> Review:
    rates = marked(raw.get("rates", {}))
    for grade in (*raw["grades"], *rates):
        if grade not in grades:
            raise raw.wrong("grades", f"{grade} is no grade of this model.", f"One of {', '.join(grades)}.")
    return Review(tuple(raw["grades"]), fraction(raw, "share"), {grade: fraction(rates, grade) for grade in rates})


def _official(raw: MarkedDict, catalogue: Catalogue) -> Official:
    card = card_of(raw)
    need(raw, "imports", "table")
    if kind_of(raw["imports"], marked({**raw, "item": raw["imports"]}), catalogue) is not Kind.CODE:
        raise raw.wrong("imports", "The official grade is a code item.", "Name public_credit_grade.")
    table = marked(raw["table"])
    if table["held"] is not False:
        raise table.wrong("held", "A table that is held is a model of kind points.", "Write it as one.")
    return Official(
        card, raw["imports"], catalogue.items[raw["imports"]].codes, table["standard"], False, table["zh"], table["en"]
    )
