"""Trains a model on the office's own records: the set, champion and challenger, the card, one bundle."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from scoring.monitoring.drift import MILLI, Reference, reference_of
from scoring.monitoring.gate_numbers import HeldOutDay, gate_numbers
from scoring.scorecard import Scorecard
from scoring.training.card import make_card
from scoring.training.fit import Fitted, fit
from scoring.training.plan import TrainingPlan
from scoring.training.training_set import TrainingSet
from service.books.rulebook import pd_scale, watch_rules
from service.books.seedbook import catalogue
from service.learning.training_rows import make_training_set
from service.office import Office
from service.registry.bundle import ModelBundle, catalogue_version

#: Below the data folder: one folder per trained model, named by its id.
TRAINED = "trained"
#: Told (stage, done, total).
Tell = Callable[[str, int, int], None]


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class TrainedModel:
    """One run: the set it learned from, the fitted models and what the registry takes."""

    training: TrainingSet
    fitted: Fitted
    bundle: ModelBundle

    @property
    def card(self) -> dict[str, Any]:
        return dict(self.bundle.card)


def train_model(
    office: Office,
    plan: TrainingPlan,
    known_by: datetime,
    days: Sequence[date] | None = None,
    prior: float | None = None,
    tell: Tell = _silent,
) -> TrainedModel:
    """Train the plan's model; the same records, plan and ``prior`` give the same bytes of artefacts and card.

    Errors as :func:`make_training_set`, and ``RefusedInput`` where nothing can be learned: too few cohorts or defaults,
    firms of one outcome only.
    """
    training = make_training_set(office, plan, known_by, days, partial(tell, "cohorts"))
    # One thread: the same bytes on any machine, and on sets of thousands of rows many threads are slower.
    with threadpool_limits(limits=1):
        fitted = fit(training, prior, partial(tell, "fits"))
    scorecard = fitted.champion.scorecard_
    version = catalogue_version(scorecard.items)
    synthetic = office.invented
    card = make_card(training, fitted, synthetic=synthetic, catalogue=catalogue().version)
    card["reference"] = _reference(training, scorecard).told()
    card["gates"] |= _gate_numbers(training, fitted)
    bundle = ModelBundle(plan.name, scorecard.to_json(), fitted.beside.to_json(), card, version)
    return TrainedModel(training, fitted, bundle)


def _reference(training: TrainingSet, scorecard: Scorecard) -> Reference:
    """The points of the fitted rows, which the points of later days are compared with."""
    points = [scorecard.score(cohort.inputs, contributions=False).points / MILLI for cohort in training.fitted]
    return reference_of(np.concatenate(points), training.rows(training.fitted).weight)


def _gate_numbers(training: TrainingSet, fitted: Fitted) -> dict[str, float | None]:
    """What the gates ask beside discrimination, on the held-out days."""
    scale, rules = pd_scale(), watch_rules()
    slopes = {each.day: each.slope for each in fitted.measured if each.model == "champion"}
    days = [HeldOutDay(cohort.inputs, cohort.groups, slopes[cohort.day]) for cohort in training.held_out]
    approved_below = scale.below[scale.grades.index(rules.approve)]
    card = fitted.champion.scorecard_
    numbers = gate_numbers(card, days, approved_below, rules.gated, rules.least_firms)
    return {name: None if value is None else round(value, 6) for name, value in numbers.items()}


def keep_bundle(office: Office, bundle: ModelBundle) -> Path:
    """Write the bundle to its folder below the data folder, whole or not at all; `rongqiao model register` reads it.

    A folder of the same scorecard is replaced: its card may tell of days left out that have changed since.
    """
    folder, unfinished = office.home / TRAINED / bundle.id, office.work / f"trained-{bundle.id}"
    shutil.rmtree(unfinished, ignore_errors=True)
    bundle.write(unfinished)
    folder.parent.mkdir(exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    return folder
