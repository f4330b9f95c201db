"""Validation: how well probabilities of default hold on rows their model has not seen, and beside which others."""

from scoring.validation.calibration import Decile
from scoring.validation.contender import Contender, Model, Task
from scoring.validation.cross import Trial, cross_validate, out_of_time
from scoring.validation.description import Description, parse_description
from scoring.validation.folds import Fold, folds, later_rows
from scoring.validation.judge import Judgement, judge
from scoring.validation.prepare import LeftOut, Notice, Prepared, prepare
from scoring.validation.suspects import suspects

__all__ = [
    "Contender",
    "Decile",
    "Description",
    "Fold",
    "Judgement",
    "LeftOut",
    "Model",
    "Notice",
    "Prepared",
    "Task",
    "Trial",
    "cross_validate",
    "folds",
    "judge",
    "later_rows",
    "out_of_time",
    "parse_description",
    "prepare",
    "suspects",
]
