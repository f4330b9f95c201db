"""Firms to evaluate in tests: plain facts turned into columns, a firm without a blemish, random firms at band edges."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from models.kinds import DTYPES, UNKNOWNS, Kind
from scoring.columns import Columns
from scoring.derived import DERIVED
from scoring.evaluation.evaluate import Evaluation, evaluate
from scoring.evaluation.explain import explain
from scoring.evaluation.model import ModelBook
from scoring.evaluation.parse import parse_models
from service.books.documents import read_yaml
from service.books.seedbook import catalogue

FOLDER = Path(__file__).parent.parent / "seed" / "evaluations"
FILES = {path.stem: read_yaml(path) for path in sorted(FOLDER.glob("*.yaml"))}
BOOK = parse_models(FILES.values(), catalogue())
ITEMS = catalogue().items
AS_OF = date(2024, 10, 31)
NAMES = tuple(dict.fromkeys(name for model in BOOK.scored for name in model.columns))
EXTRA = {"size_class": Kind.CODE, "industry_section": Kind.CODE, "sole_proprietor": Kind.FLAG}


def kind(name: str) -> Kind:
    base = name.split(".")[0]
    return DERIVED[base] if base in DERIVED else ITEMS[base].kind


def codes(name: str) -> tuple[str, ...]:
    return {"size_class": ("micro", "small", "medium", "large"), "industry_section": ("C", "F")}.get(name) or ITEMS[
        name
    ].codes


def columns_of(firms: list[dict[str, Any]]) -> Columns:
    """Columns in storage form from plain firms; a fact nobody has gets no column at all."""
    values, dictionaries = {}, {}
    for name in dict.fromkeys(name for firm in firms for name in firm):
        what = kind(name)
        given = [firm.get(name) for firm in firms]
        if what is Kind.CODE:
            dictionaries[name] = codes(name)
            given = [None if value is None else dictionaries[name].index(value) for value in given]
        values[name] = np.array([UNKNOWNS[what] if value is None else value for value in given], DTYPES[what])
    return Columns(len(firms), values, dictionaries)


def one(firm: dict[str, Any], book: ModelBook = BOOK, as_of: date = AS_OF) -> Evaluation:
    return evaluate(book, columns_of([firm]), as_of)


def clean(model: str = "financing") -> dict[str, Any]:
    """A firm with everything known, no adverse record, and the best of every operating band."""
    firm: dict[str, Any] = {"registration_status": "active", "public_credit_grade": "A"}
    for place in BOOK.scored:
        if place.card.id == model:
            for name in place.columns:
                base = name.split(".")[0]
                what = kind(name)
                firm[name] = {Kind.CODE: None, Kind.FLAG: False, Kind.RATIO: 0.2}.get(what, 0)
                if what is Kind.CODE:
                    firm[name] = ITEMS[base].codes[0]
    firm |= {"invoicing_months": 36, "insurance_months": 36, "industry_credit_grade": "B"}
    firm["sole_proprietor"] = model != "financing"
    return firm


def line(firm: dict[str, Any], band: str) -> Decimal:
    told = explain(BOOK, columns_of([firm]), 0, AS_OF)
    return next(each.points for each in told.lines if each.line.id == band)


EDGE_NUMBERS = (-0.31, -0.3, -0.075, 0.0, 0.15, 0.151, 0.4, 0.5, 0.6, 0.8, 0.85, 1.2)
EDGE_COUNTS = (0, 0, 0, 1, 2, 3, 4, 6, 7, 12, 13, 24, 1_000_000, 10**14)


def random_firm(rng: np.random.Generator, unknown: float) -> dict[str, Any]:
    firm: dict[str, Any] = {}
    for name in (*NAMES, "registration_status", "public_credit_grade", *EXTRA):
        if rng.random() < unknown:
            continue
        what = EXTRA.get(name) or kind(name)
        match what:
            case Kind.CODE:
                firm[name] = str(rng.choice(codes(name)))
            case Kind.FLAG:
                firm[name] = bool(rng.random() < 0.1)
            case Kind.RATIO:
                firm[name] = float(rng.choice(EDGE_NUMBERS)) if rng.random() < 0.5 else float(rng.normal(0.2, 0.5))
            case _:
                firm[name] = int(rng.choice(EDGE_COUNTS))
    return firm
