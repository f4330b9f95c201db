"""Opens what ``seed/`` says about training: definitions of default and model files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from models.errors import NotFound
from models.marked import MarkedDict
from scoring.training.definition import Definition, parse_definition
from scoring.training.plan import TrainingPlan, parse_plan
from service.books.documents import read_yaml
from service.books.seedbook import catalogue, feeds, rule_set

_ENDING = ".yaml"


@cache
def definitions() -> Mapping[str, Definition]:
    """Every definition of default, by id."""
    found = (parse_definition(document, feeds()) for document in rule_set().documents("defaults"))
    return {definition.id: definition for definition in found}


def training_plan(model: str) -> TrainingPlan:
    """The plan of a model by id (``pd_12m``), or of a model file of the office's own by its path (``x.yaml``).

    ``NotFound`` for an id without a file; ``DataFileError`` with file and line for a fault in one.
    """
    return parse_plan(_document(model), catalogue(), definitions())


def _document(model: str) -> MarkedDict:
    if model.endswith(_ENDING):
        return _mapping(read_yaml(Path(model)), model)
    name = f"models/{model}{_ENDING}"
    if name not in rule_set().files:
        raise NotFound(
            "model", model, "There is no such model file.", "Name a file of seed/models without its ending, or a path."
        )
    return _mapping(rule_set().document(name), name)


def _mapping(document: Any, name: str) -> MarkedDict:
    return document if isinstance(document, MarkedDict) else MarkedDict(file=name, line=1)
