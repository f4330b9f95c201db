"""Writes a training set as one Parquet file for the modellers of an office or a bank. Firms go by pseudonym."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import RefusedInput
from models.kinds import Kind
from scoring.training.training_set import TrainingSet
from service.access.opaque import office_key
from service.office import Office

KEY_FILE = "training.key"
#: What stands before the model's items.
LEADING = ("cohort", "window_end", "part", "firm", "fold", "weight", "default")


def training_table(training: TrainingSet, key: bytes) -> pa.Table:
    """One row per firm and cohort: ``LEADING``, then the plan's items (yuan, fractions, codes; null is unknown).

    ``firm`` is 128 bits of HMAC-SHA256 over the code: the same firm in every cohort and export of this office, no way
    back without the key. Place, name and code are not in the table. ``weight`` is that of the fit for fitted cohorts
    and of the measuring for held-out ones.
    """
    parts = []
    for part, cohorts in training.parts:
        if not cohorts:
            continue
        rows = training.rows(cohorts)
        ends = {np.datetime64(cohort.day): cohort.window_end for cohort in cohorts}
        columns: dict[str, pa.Array] = {
            "cohort": pa.array(rows.cohort.astype("datetime64[D]")),
            "window_end": pa.array([ends[day] for day in rows.cohort], pa.date32()),
            "part": pa.array([part] * len(rows)),
            "firm": pa.array([pseudonym(key, code) for code in rows.uscc.tolist()]),
            "fold": pa.array(rows.fold),
            "weight": pa.array(rows.weight),
            "default": pa.array(rows.default),
        }
        for name, kind in training.plan.kinds.items():
            type_ = pa.string() if kind is Kind.CODE else pa.float64()
            columns[name] = pa.array(rows.frame[name], type_, from_pandas=True)
        parts.append(pa.table(columns))
    return pa.concat_tables(parts)


def pseudonym(key: bytes, code: bytes) -> str:
    """``t_`` and 32 hex digits."""
    return "t_" + hmac.new(key, code, hashlib.sha256).hexdigest()[:32]


def export_training_set(office: Office, training: TrainingSet, path: Path) -> int:
    """Write the set to the new file ``path``, readable by its owner only; returns the number of rows.

    The file says in its metadata what it is, also that a demo city's labels are invented. ``RefusedInput`` when the
    file exists or cannot be written, and when there is no row.
    """
    if not training.cohorts:
        training.check()
    table = training_table(training, office_key(office.home, KEY_FILE))
    said = {
        "rongqiao.plan": f"{training.plan.id} {training.plan.version}",
        "rongqiao.default": f"{training.plan.default.id} {training.plan.default.version}",
        "rongqiao.known_by": training.known_by.isoformat(),
        "rongqiao.synthetic": str(office.invented).lower(),
    }
    if path.exists():
        raise _unwritable(path, "there is such a file already")
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            pq.write_table(table.replace_schema_metadata(said), file, compression="zstd")
        os.link(unfinished, path)
    except OSError as problem:
        raise _unwritable(path, str(problem.strerror)) from None
    finally:
        unfinished.unlink(missing_ok=True)
    return int(table.num_rows)


def _unwritable(path: Path, why: str) -> RefusedInput:
    return RefusedInput("unwritable_file", "export", str(path), f"It cannot be written: {why}.", "Name a new file.")
