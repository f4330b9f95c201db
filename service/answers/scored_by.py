"""Which models the scores of an answer come from: every answer that shows or asks a score says so."""

from __future__ import annotations

from typing import Any

from service.answers.pd import registered_model
from service.books.rulebook import evaluations
from service.snapshot.snapshots import OpenSnapshot


def scored_by(snapshot: OpenSnapshot, row: int | None = None) -> dict[str, Any]:
    """The evaluation models (id, version) and the model of the probability of default (``None``: there was none).

    With ``row`` only the one evaluation model that scored this firm, or none where the firm has no score.
    """
    models = evaluations().scored
    if row is not None:
        place = int(snapshot.scores["model"][row]) if "model" in snapshot.scores else -1
        models = models[place : place + 1] if place >= 0 else ()
    return {
        "evaluation": [{"id": each.card.id, "version": each.card.version} for each in models],
        "pd": registered_model(snapshot),
    }
