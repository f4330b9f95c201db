"""Firms for the tests of side models and alarms: plain facts turned into columns, prepaid business and consents too."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from models.kinds import DTYPES, UNKNOWNS, Kind
from scoring.columns import Columns
from scoring.derived import DERIVED
from scoring.evaluation.beside import CONSENT, Beside, evaluate_beside
from scoring.evaluation.model import ModelBook
from scoring.evaluation.parse import parse_models
from service.books.documents import read_yaml
from service.books.rulebook import prepaid_industries
from service.books.seedbook import SEED, catalogue
from tests.evaluation_firms import AS_OF

FILES = {path.stem: read_yaml(path) for path in sorted((SEED / "evaluations").glob("*.yaml"))}
SIDES = {name: document for name, document in FILES.items() if document.get("use") == "side"}
CODES = {"prepaid_industry": prepaid_industries().codes}
_KINDS = {**DERIVED, "prepaid_industry": Kind.CODE, CONSENT: Kind.FLAG}


def book_of(*documents: Any) -> ModelBook:
    return parse_models(documents, catalogue(), CODES)


@cache
def switched_on(name: str) -> ModelBook:
    """The book of one seed model alone, switched on."""
    return book_of({**SIDES[name], "enabled": True})


def kind_of(name: str) -> Kind:
    if name in _KINDS:
        return _KINDS[name]
    item = catalogue().computed(name.split(".")[0])
    assert item is not None, name
    return item.kind


def codes_of(name: str) -> tuple[str, ...]:
    item = catalogue().computed(name)
    return CODES.get(name) or (item.codes if item else ())


def columns_of(firms: Sequence[dict[str, Any]]) -> Columns:
    """Columns in storage form; ``None`` and a missing name are unknown. Money is in fen."""
    values, dictionaries = {}, {}
    for name in dict.fromkeys(name for firm in firms for name in firm):
        what, given = kind_of(name), [firm.get(name) for firm in firms]
        if what is Kind.CODE:
            dictionaries[name] = codes_of(name)
            given = [None if value is None else dictionaries[name].index(value) for value in given]
        values[name] = np.array([UNKNOWNS[what] if value is None else value for value in given], DTYPES[what])
    return Columns(len(firms), values, dictionaries)


def clean(name: str) -> dict[str, Any]:
    """A firm the model is for, with everything known and nothing adverse: numbers 0, flags false, codes the first."""
    side = switched_on(name).sides[0]
    firm: dict[str, Any] = {"registration_status": "active", "private_owned": True, CONSENT: True}
    for column in side.columns:
        match kind_of(column):
            case Kind.CODE:
                firm[column] = codes_of(column)[0]
            case Kind.FLAG:
                firm[column] = False
            case Kind.RATIO:
                firm[column] = 0.0
            case _:
                firm[column] = 0
    firm["prepaid_industry"] = next((code for test in side.among for code in test.codes), "none")
    return firm


def answered(name: str, *firms: dict[str, Any]) -> Beside:
    """The answers of one seed model, switched on, for these firms."""
    return evaluate_beside(switched_on(name), columns_of(firms), AS_OF)[0]
