"""Evaluation models and watch lists, read as an editor wants them read: faults with file and line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matching.alarms import parse_alarms
from matching.lint import Remark
from models.errors import DataFileError
from scoring import prepaid
from scoring.evaluation.parse import parse_models
from service.books.documents import read_yaml
from service.books.rulebook import facts, parameters, prepaid_industries, read_borrower_watch
from service.books.seedbook import SEED, catalogue

#: Kinds of file that are no evaluation model.
_WATCHES = ("watch", "borrower_watch")
_KINDS = ("points", "imported", *_WATCHES)
_FOLDERS = ("evaluations", "watch")


@dataclass(frozen=True)
class CheckedModel:
    """One file that was read. ``kind``: ``points``, ``side`` (evaluated beside), ``imported`` or ``watch``."""

    file: str
    id: str
    kind: str


@dataclass(frozen=True)
class ModelCheck:
    """``items``: the files that hold; ``problems``: the first fault of each that does not."""

    items: tuple[CheckedModel, ...]
    problems: tuple[Remark, ...]


def is_model(path: Path) -> bool:
    """Whether a file says by its ``kind`` that it is an evaluation model or a watch list."""
    try:
        document = read_yaml(path)
    except DataFileError:
        return False
    return isinstance(document, dict) and document.get("kind") in _KINDS


def check_models(files: Sequence[Path] = ()) -> ModelCheck:
    """Read ``files`` (default: all of the seed) one after the other, each beside those before it.

    Files of one's own are held to the seed's models as well. Nothing is raised for a faulty file.
    """
    seed = [path for folder in _FOLDERS for path in sorted((SEED / folder).glob("*.yaml"))]
    items: list[CheckedModel] = []
    problems: list[Remark] = []
    try:
        asked = {path.resolve() for path in files}
        others = [read_yaml(path, SEED) for path in seed if files and path.resolve() not in asked]
        others = [document for document in others if document.get("kind") not in _WATCHES]
        _check_industries()
    except DataFileError as fault:
        return ModelCheck((), (Remark.of(fault),))
    for path in files or seed:
        root = SEED if path.is_relative_to(SEED) else None
        try:
            document = read_yaml(path, root)
            _read(document, others)
        except DataFileError as fault:
            problems.append(Remark.of(fault))
            continue
        if document["kind"] not in _WATCHES:
            others.append(document)
        name = str(path.relative_to(SEED)) if root else str(path)
        items.append(CheckedModel(name, str(document["id"]), document.get("use", document["kind"])))
    return ModelCheck(tuple(items), tuple(problems))


def _read(document: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> None:
    if document.get("kind") == "watch":
        parse_alarms(document, facts(), parameters())
    elif document.get("kind") == "borrower_watch":
        read_borrower_watch(document)
    else:
        parse_models([*others, document], catalogue(), {prepaid.FACT: prepaid_industries().codes})


def _check_industries() -> None:
    """The fact's codes are those of the industries: conditions could not name one that is missing there."""
    if facts()[prepaid.FACT].codes != prepaid_industries().codes:
        raise DataFileError(
            "facts.yaml", 0, prepaid.FACT, list(facts()[prepaid.FACT].codes),
            "Its codes are not those of prepaid_industries.yaml.",
            f"Write [{', '.join(prepaid_industries().codes)}].",
        )  # fmt: skip
