"""The rows a model is trained on: one per firm and cohort, with what was known that day and what came after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import blake2b

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.errors import RefusedInput
from scoring.scorecard.inputs import Category, Inputs
from scoring.training.cohorts import LeftOut
from scoring.training.plan import TrainingPlan

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Cohort:
    """The firms of one day, by code. ``inputs`` is what was known that day, ``default`` what came by ``window_end``.

    ``by_event`` counts defaulted firms by the events that hit them (a firm may be hit by several), ``left_out`` the
    firms that are not rows by the step that left them out. ``known_by`` is when the last record used was received.
    ``short_history`` are factors that are unknown for every firm because their feed had not run long enough.
    ``groups`` are what parity is asked of (size, district ...), whether the model reads them or not.
    """

    day: date
    window_end: date
    known_by: datetime
    uscc: NDArray[np.bytes_]
    inputs: Inputs
    default: Flags
    by_event: dict[str, int]
    left_out: dict[str, int]
    short_history: tuple[str, ...] = ()
    groups: Mapping[str, Category] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return len(self.uscc)

    @property
    def defaults(self) -> int:
        return int(np.count_nonzero(self.default))


@dataclass(frozen=True)
class Rows:
    """Rows of several cohorts. ``frame`` has a column per factor (yuan, fractions, texts of codes; unknown is NaN or
    None), ``cohort`` the day of each row, ``fold`` the group its firm belongs to in every cohort."""

    frame: pd.DataFrame
    default: Flags
    weight: Floats
    fold: NDArray[np.int64]
    uscc: NDArray[np.bytes_]
    cohort: NDArray[np.datetime64]

    def take(self, rows: Flags) -> Rows:
        """Some of the rows."""
        return Rows(
            self.frame[rows].reset_index(drop=True),
            self.default[rows],
            self.weight[rows],
            self.fold[rows],
            self.uscc[rows],
            self.cohort[rows],
        )

    def __len__(self) -> int:
        return len(self.uscc)


@dataclass(frozen=True)
class TrainingSet:
    """The cohorts of one plan, oldest first; the last ``plan.held_out`` are measured on and never fitted.

    ``left_out`` are days that were not used and why, ``unseen`` the events nobody delivers, ``known_by`` when the last
    record that tells an outcome was received.
    """

    plan: TrainingPlan
    cohorts: tuple[Cohort, ...]
    left_out: tuple[LeftOut, ...]
    unseen: tuple[str, ...]
    known_by: datetime

    @property
    def fitted(self) -> tuple[Cohort, ...]:
        return self.cohorts[: -self.plan.held_out]

    @property
    def held_out(self) -> tuple[Cohort, ...]:
        return self.cohorts[-self.plan.held_out :]

    @property
    def parts(self) -> tuple[tuple[str, tuple[Cohort, ...]], ...]:
        """The cohorts by what they are for, oldest first."""
        return (("fitted", self.fitted), ("held_out", self.held_out))

    def rows(self, cohorts: Sequence[Cohort]) -> Rows:
        """The rows of some cohorts, in order of day and code.

        A row's weight makes every cohort count alike, so that the default rate is the mean of yearly rates (Basel II
        para. 463: the long-run average of one-year rates), not that of the years with the most borrowers. The mean
        weight is 1. A firm in several cohorts is several rows: weighing it down would raise the rate, because a firm
        that defaults is in fewer cohorts than one that does not.
        """
        total = sum(cohort.rows for cohort in cohorts)
        frames = [_frame(cohort.inputs, self.plan) for cohort in cohorts]
        uscc = np.concatenate([cohort.uscc for cohort in cohorts])
        return Rows(
            pd.concat(frames, ignore_index=True),
            np.concatenate([cohort.default for cohort in cohorts]),
            np.concatenate([np.full(c.rows, total / (len(cohorts) * c.rows)) for c in cohorts]),
            folds_of(uscc, self.plan.folds),
            uscc,
            np.concatenate([np.full(c.rows, np.datetime64(c.day, "D")) for c in cohorts]),
        )

    def check(self) -> None:
        """Raise ``RefusedInput`` when nothing can be learned or measured from the set."""
        needed = self.plan.held_out + 1
        if len(self.cohorts) < needed:
            told = "; ".join(f"{left.day}: {left.said}" for left in self.left_out[-4:]) or "No other day was tried."
            raise RefusedInput(
                "too_few_cohorts",
                "cohorts",
                len(self.cohorts),
                f"{needed} days with complete records and outcomes are needed, {self.plan.held_out} of them to measure "
                f"on. {told}",
                "Wait for the outcomes, deliver older records, or name other days with --cohorts.",
            )
        defaults = sum(cohort.defaults for cohort in self.fitted)
        if not defaults:
            raise self._refused("no_outcomes", defaults, "No firm defaulted, so there is nothing to tell apart.")
        if defaults == sum(cohort.rows for cohort in self.fitted):
            raise self._refused("one_class", defaults, "Every firm defaulted, so there is nothing to tell apart.")
        if defaults < self.plan.least_defaults:
            raise self._refused(
                "too_few_defaults", defaults, f"At least {self.plan.least_defaults} defaults are asked for by the plan."
            )
        for cohort in self.held_out:
            if cohort.defaults in (0, cohort.rows):
                raise self._refused(
                    "one_class", str(cohort.day), "The day to measure on has firms of one outcome only."
                )

    def _refused(self, code: str, value: object, rule: str) -> RefusedInput:
        fix = f"Check the outcome feeds ({', '.join(self.plan.default.required_feeds)}) and the definition of default."
        return RefusedInput(code, "outcomes", value, rule, fix)


def folds_of(uscc: NDArray[np.bytes_], folds: int) -> NDArray[np.int64]:
    """The group of each firm, from its code alone: the same firm is in the same group in every cohort and run."""
    codes, place = np.unique(uscc, return_inverse=True)
    drawn = [int.from_bytes(blake2b(code, digest_size=8).digest(), "big") % folds for code in codes.tolist()]
    return np.array(drawn, np.int64)[place]


def _frame(inputs: Inputs, plan: TrainingPlan) -> pd.DataFrame:
    columns: dict[str, pd.Series[float] | pd.Series[str]] = {}
    for name in plan.kinds:
        if name in inputs.numbers:
            columns[name] = pd.Series(inputs.numbers[name])
        else:
            category = inputs.categories[name]
            texts = np.array([*category.values, None], dtype=object)  # place -1 is unknown
            columns[name] = pd.Series(texts[category.codes], dtype=object)
    return pd.DataFrame(columns)
