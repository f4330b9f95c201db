"""The best credit plan over a file of firms: whom, how much, at which rate, and what each limit costs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pandas import DataFrame

from matching.strategy import (
    Applicants,
    ChurnTable,
    Price,
    Solved,
    Terms,
    Valued,
    equal_split,
    prices,
    rating_order,
    solve,
    value,
)
from models.errors import RefusedInput
from scoring.validation import Description
from service.adapters import datasets


@dataclass(frozen=True)
class CreditPlan:
    """The best plan, the price of each limit and what the two simple ways to lend would bring."""

    firms: Applicants
    terms: Terms
    best: Solved
    prices: tuple[Price, ...]
    equal_split: Valued
    rating_order: Valued


def plan_credit(firms: Path, churn: Path, terms: Terms) -> CreditPlan:
    """``firms``: a table with ``firm``, ``pd`` (fraction, empty where unknown), ``grade`` and perhaps ``group``.
    ``churn``: a table with ``rate`` and one column of shares for each grade that is lent to.

    ``RefusedInput`` for a file, column or figure that cannot be used.
    """
    asked, table = read_firms(firms), read_churn(churn)
    best = solve(asked, table, terms)
    return CreditPlan(
        firms=asked,
        terms=terms,
        best=best,
        prices=prices(asked, table, terms, best),
        equal_split=value(equal_split(asked, table, terms), asked, table, terms),
        rating_order=value(rating_order(asked, table, terms), asked, table, terms),
    )


def read_firms(path: Path) -> Applicants:
    """The firms of a file; see :func:`plan_credit`."""
    table = _read(path, ("firm", "pd", "grade"))
    groups = table["group"].tolist() if "group" in table else None
    return Applicants.of(table["firm"].tolist(), _numbers(table, "pd"), table["grade"].tolist(), groups)


def read_churn(path: Path) -> ChurnTable:
    """The churn table of a file; see :func:`plan_credit`."""
    table = _read(path, ("rate",))
    grades = [str(name) for name in table.columns if name != "rate"]
    return ChurnTable.of(_numbers(table, "rate"), {grade: _numbers(table, grade) for grade in grades})


def _read(path: Path, needed: tuple[str, ...]) -> DataFrame:
    if not path.is_file():
        raise RefusedInput("no_file", "file", str(path), "There is no such file.", "Correct the path.")
    table, _ = datasets.read(Description(path.name), path, path.parent)
    for name in needed:
        if name not in table:
            raise RefusedInput(
                "missing_column",
                "file",
                path.name,
                f"It has no column {name!r}; it has {', '.join(map(str, table.columns))}.",
                "Correct the header.",
            )
    return table


def _numbers(table: DataFrame, name: str) -> list[float]:
    text = table[name].str.strip()
    found = pd.to_numeric(text, errors="coerce")
    wrong = text[found.isna() & (text != "")]
    if len(wrong):
        raise RefusedInput("bad_number", name, str(wrong.iloc[0]), "A plain number.", "Write it like 0.05.")
    return [float(one) for one in found]
