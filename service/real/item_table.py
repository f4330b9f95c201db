"""The items that invoices give, of some firms of a snapshot, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from pandas import DataFrame

from service.adapters.cumcm2020c import CreditRecord
from service.real.measure import single_figures
from service.snapshot.snapshots import OpenSnapshot


def item_table(snapshot: OpenSnapshot, uscc: Sequence[str]) -> DataFrame:
    """One row per firm as text, one column per item and the derived growth; empty where unknown."""
    row_of = {snapshot.firm_at(row): row for row in range(snapshot.firms)}
    rows = [row_of.get(code) for code in uscc]
    return DataFrame(
        {
            name: ["" if row is None else _written(snapshot.value(name, row)) for row in rows]
            for name, _ in single_figures()
        }
    )


def with_outcome(snapshot: OpenSnapshot, records: Sequence[CreditRecord]) -> DataFrame:
    """The items of the firms with a credit record, with ``firm`` (the published name) and ``defaulted`` (yes, no)."""
    table = item_table(snapshot, [record.uscc for record in records])
    table.insert(0, "firm", [record.firm for record in records])
    table["defaulted"] = ["yes" if record.defaulted else "no" for record in records]
    return table


def _written(value: object) -> str:
    return "" if value is None else str(value)
