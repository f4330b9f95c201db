"""Validate the champion on a data set of observed outcomes, beside every other model at hand, on the same folds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pandas import DataFrame
from threadpoolctl import threadpool_limits

from models.errors import RefusedInput
from scoring.validation import (
    Contender,
    Description,
    Fold,
    Judgement,
    LeftOut,
    Notice,
    Prepared,
    Trial,
    cross_validate,
    folds,
    judge,
    later_rows,
    out_of_time,
    prepare,
    suspects,
)
from service.adapters import datasets
from service.real.firms import flagged_table

#: Lets a contender learn and predict the folds, as :func:`scoring.validation.cross_validate` does.
Attempt = Callable[..., Trial]
#: Told (stage, done, total) in fits.
Tell = Callable[[str, int, int], None]
CHAMPION = "champion"
#: The readers a description may name instead of a file.
READERS = {"cumcm2020c": flagged_table}


@dataclass(frozen=True)
class Plan:
    """How to validate. ``folds`` and ``repeats`` of 0 leave the choice to the description."""

    folds: int = 0
    repeats: int = 0
    seed: int = 7
    draws: int = 1000


@dataclass(frozen=True)
class Field:
    """Who takes part; ``absent`` names the packages of those that are not installed."""

    contenders: Sequence[Contender]
    absent: Sequence[str] = ()


@dataclass(frozen=True)
class Standing:
    """One contender's result; ``failed`` says why there is none."""

    contender: Contender
    judged: Judgement | None
    failed: str = ""


@dataclass(frozen=True)
class LaterPart:
    """The out-of-time test: learnt from rows before ``start``, judged on the rest."""

    column: str
    start: float
    trained: int
    judged: int
    defaults: int
    standings: tuple[Standing, ...]


@dataclass(frozen=True)
class ValidationReport:
    """Everything a validation found; ``service/learning/validation_answer.py`` makes JSON of it."""

    described: Description
    plan: Plan
    rows: int
    defaults: int
    bad: str
    columns: tuple[str, ...]
    categorical: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    notices: tuple[Notice, ...]
    standings: tuple[Standing, ...]
    later: LaterPart | None
    absent: tuple[str, ...]
    seconds: float


def read_dataset(
    asked: str, data: Path, home: Path, *, target: str = "", bad: str = "", describe: Path | None = None
) -> tuple[Description, DataFrame, tuple[Notice, ...]]:
    """A data set by id or path, see :func:`service.adapters.datasets.find`; ``home`` is for a set made by the pipeline.

    ``RefusedInput`` for a file that cannot be read and for labels that were invented.
    """
    described, own = datasets.find(asked, target=target, bad=bad, describe=describe)
    if described.synthetic:
        raise datasets.invented_labels("synthetic", described.id)
    if described.reader:
        if described.reader not in READERS:
            raise RefusedInput(
                "unknown_reader", "reader", described.reader, f"There is {', '.join(READERS)}.", "Name a file instead."
            )
        return described, READERS[described.reader](data, home), ()
    table, notices = datasets.read(described, own, data)
    datasets.refuse_invented(table)
    return described, table, notices


def validate_model(
    described: Description,
    table: DataFrame,
    field: Field,
    plan: Plan,
    *,
    notices: Sequence[Notice] = (),
    progress: Tell = lambda stage, done, total: None,
    attempt: Attempt = cross_validate,
) -> ValidationReport:
    """Repeated stratified folds for every contender, and the out-of-time test where the description names a time.

    Everything runs on one thread, so that times compare. A rival that fails is reported as failed; a fault of the
    champion passes through. ``RefusedInput`` for rows that cannot be validated.
    """
    began = time.perf_counter()
    data = prepare(table, described)
    plan = replace(plan, folds=plan.folds or described.folds, repeats=plan.repeats or described.repeats)
    parts = folds(data.y, data.units, plan.folds, plan.repeats, plan.seed)
    later = None
    if data.time is not None and described.time_from is not None:
        later = later_rows(data.time, described.time_from, data.y)
    fits = len(field.contenders) * (len(parts) + (later is not None))
    done = 0

    def fitted(name: str) -> None:
        nonlocal done
        done += 1
        progress(name, done, fits)

    with threadpool_limits(limits=1):
        standings = _standings(
            field,
            lambda contender: attempt(
                contender, data, parts, time.perf_counter, plan.seed, lambda: fitted(contender.id)
            ),
            lambda trials: judge(
                trials, data.y, data.units, data.weight, parts, CHAMPION, draws=plan.draws, seed=plan.seed
            ),
        )
        after = _later_part(described, data, field, plan, later, fitted, attempt) if later else None
    return ValidationReport(
        described=described,
        plan=plan,
        rows=data.y.size,
        defaults=int(data.y.sum()),
        bad=data.bad,
        columns=tuple(map(str, data.X.columns)),
        categorical=data.categorical,
        left_out=data.left_out,
        notices=(*notices, *data.notices, *suspects(data)),
        standings=standings,
        later=after,
        absent=tuple(field.absent),
        seconds=time.perf_counter() - began,
    )


def _standings(
    field: Field,
    attempt: Callable[[Contender], Trial],
    judged: Callable[[Mapping[str, Trial]], Mapping[str, Judgement]],
) -> tuple[Standing, ...]:
    trials: dict[str, Trial] = {}
    failed: dict[str, str] = {}
    for contender in field.contenders:
        try:
            trials[contender.id] = attempt(contender)
        except Exception as problem:
            # Other people's models fail in ways of their own, and the rest of the field must still be judged.
            if contender.id == CHAMPION:
                raise
            failed[contender.id] = f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}"
    found = judged(trials)
    return tuple(Standing(each, found.get(each.id), failed.get(each.id, "")) for each in field.contenders)


def _later_part(
    described: Description,
    data: Prepared,
    field: Field,
    plan: Plan,
    part: Fold,
    fitted: Callable[[str], None],
    attempt: Attempt,
) -> LaterPart:
    rows = part.test
    units = np.unique(data.units[rows], return_inverse=True)[1].astype(np.int64)
    weight = None if data.weight is None else data.weight[rows]
    whole = Fold(0, 0, np.empty(0, dtype=np.int64), np.arange(rows.size))

    def later(contender: Contender) -> Trial:
        trial = out_of_time(contender, data, part, time.perf_counter, plan.seed, attempt)
        fitted(contender.id)
        return trial

    standings = _standings(
        field,
        later,
        lambda trials: judge(trials, data.y[rows], units, weight, [whole], CHAMPION, draws=plan.draws, seed=plan.seed),
    )
    return LaterPart(
        column=described.time,
        start=float(described.time_from or 0.0),
        trained=part.train.size,
        judged=rows.size,
        defaults=int(data.y[rows].sum()),
        standings=standings,
    )
