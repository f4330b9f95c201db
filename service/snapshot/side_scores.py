"""Where a snapshot keeps the evaluations beside the financing evaluation: one column per model and figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

from scoring.evaluation.beside import Beside
from scoring.evaluation.model import SideModel
from service.snapshot.snapshots import OpenSnapshot

_KEPT = ("state", "total", "low", "high", "grade", "coverage")


def side_scores(made: Iterable[Beside]) -> dict[str, NDArray[Any]]:
    """The columns a build keeps, under ``side.<model>.<figure>``. A model that is not in use has none."""
    return {f"side.{each.model.card.id}.{name}": getattr(each, name) for each in made for name in _KEPT}


def side_columns(snapshot: OpenSnapshot, side: SideModel) -> Mapping[str, NDArray[Any]] | None:
    """The kept columns of one model by figure; ``None`` for a snapshot it did not evaluate."""
    if f"side.{side.card.id}.state" not in snapshot.scores:
        return None
    return {name: snapshot.scores[f"side.{side.card.id}.{name}"] for name in _KEPT}
