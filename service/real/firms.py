"""The 123 real firms with a credit record as a table: items of our own pipeline beside the default flag."""

from __future__ import annotations

from pathlib import Path

from pandas import DataFrame

from service.adapters import cumcm2020c as source
from service.office import opened
from service.real.item_table import with_outcome
from service.snapshot.snapshots import open_snapshot
from service.usecases.run_real import run_real


def flagged_table(data: Path, home: Path) -> DataFrame:
    """One row per firm as text: ``firm``, every item that invoices give, and ``defaulted`` (yes or no).

    As of the day that leaks nothing (docs/real-data.md). ``home`` is the folder of an office for the real firms; what
    an earlier ``rongqiao real`` left there is used. ``RefusedInput`` when the published files are not under ``data``.
    """
    records = source.credit_records(data)
    home.mkdir(parents=True, exist_ok=True)
    with opened(home) as office:
        report = run_real(office, data, other_days=(), strategy=False)
        snapshot = open_snapshot(office, report.main_day.snapshot_id)
        return with_outcome(snapshot, records)
