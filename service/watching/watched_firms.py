"""The firms of a snapshot under a model that is watched: scores, bins, and who is like those it was trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.errors import RefusedInput
from scoring.columns import Columns
from scoring.monitoring.drift import slot_counts
from scoring.scorecard.inputs import Inputs
from scoring.training.standing import screen
from service.answers.pd import registered_model
from service.books.rulebook import pd_scale
from service.clock import day_of
from service.learning.outcome_rows import OutcomeReader
from service.registry.scoring import CHALLENGER_PD, kinds_of, pd_scores
from service.registry.store import LoadedModel
from service.snapshot.snapshots import OpenSnapshot

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
_FIRMS_AT_ONCE = 50_000


@dataclass(frozen=True)
class WatchedFirms:
    """Firms (n,) of one snapshot that the model scores: ``rows`` in the snapshot, points, probability, that of the
    challenger (NaN without one). ``served``: the model scored the snapshot when it was built; else it was asked now.
    """

    model: LoadedModel
    snapshot: OpenSnapshot
    rows: Rows
    points: Floats
    pd: Floats
    challenger: Floats
    served: bool

    def take(self, places: Rows) -> WatchedFirms:
        """Some of the firms, by place."""
        kept = {name: getattr(self, name)[places] for name in ("rows", "points", "pd", "challenger")}
        return replace(self, **kept)

    def slot_counts(self) -> list[Floats]:
        """Firms by slot of each line of the scorecard."""
        card = self.model.scorecard
        kinds = kinds_of(card.items)
        totals: list[Floats] = []
        for start in range(0, max(len(self.rows), 1), _FIRMS_AT_ONCE):
            block = self.snapshot.columns.take(self.rows[start : start + _FIRMS_AT_ONCE], kinds)
            counts = slot_counts(card, Inputs.from_columns(block, kinds))
            totals = counts if not totals else [sum_ + part for sum_, part in zip(totals, counts, strict=True)]
        return totals


def watched_firms(model: LoadedModel, snapshot: OpenSnapshot) -> WatchedFirms:
    """The firms of ``snapshot`` that ``model`` scores. ``RefusedInput`` for a snapshot built without an evaluation."""
    registered = registered_model(snapshot)
    served = registered is not None and registered["id"] == model.id
    if served:
        facts, kept = snapshot.columns.values, snapshot.scores
    else:
        if "state" not in snapshot.scores:
            raise RefusedInput(
                "not_evaluated", "snapshot", snapshot.id, "It was built without an evaluation, so nobody is scored.",
                f"Run `rongqiao build --as-of {snapshot.as_of}`.", status=409,
            )  # fmt: skip
        made = pd_scores(model, pd_scale(), snapshot.columns, snapshot.columns, snapshot.scores["state"])
        facts, kept = made.facts.values, made.kept
    rows = np.flatnonzero(~np.isnan(facts["pd"]))
    beside = kept[CHALLENGER_PD][rows] if CHALLENGER_PD in kept else np.full(len(rows), np.nan)
    return WatchedFirms(model, snapshot, rows, facts["pd_points"][rows], facts["pd"][rows], beside, served)


def like_training(firms: WatchedFirms, reader: OutcomeReader) -> WatchedFirms:
    """Those of the firms that the definition of default asks about: who owes something, is not in default already, is
    old enough and known enough. ``reader`` reads what had been received when the snapshot was built.
    """
    definition, snapshot = reader.definition, firms.snapshot
    kinds = kinds_of(firms.model.scorecard.items)
    held = snapshot.columns.take(firms.rows, {*kinds, "live", "firm_age_months"})
    flags = [each.in_force for each in (*definition.events, *definition.exposure)]
    # A snapshot of a day after its last record: what is told ends with that record.
    day = min(snapshot.as_of, day_of(reader.known_by))
    found = reader.facts(flags, day, snapshot.uscc[firms.rows])
    return firms.take(screen(held.merged(Columns(held.n, found)), definition, kinds).rows)
