"""Derived facts: what the profile's items imply, as columns beside them (storage forms of ``models/kinds.py``).

| fact             | kind   | from |
|------------------|--------|------|
| size_class       | code   | industry_code, insured_staff, revenue (else sales_12m), total_assets |
| size_row         | code   | industry_code |
| industry_section | code   | industry_code |
| firm_age_months  | months | established_on and the day asked about |
| sole_proprietor  | flag   | entity_type |
| private_owned    | flag   | ownership of the registration (auxiliary column ``ownership``) |
| live             | flag   | registration_status |
| sales_growth     | ratio  | sales_12m against sales_24m - sales_12m |

Insured staff stands in for 从业人员 and, where no annual revenue is known, the invoices of twelve months for 营业收入:
the statistics office counts by its annual report, which the city does not receive. `docs/evaluation.md` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType

import numpy as np

from models.dates import days, month_end
from models.kinds import DTYPES, UNKNOWN_CODE, UNKNOWN_FLAG, UNKNOWN_INT32, UNKNOWN_INT64, UNKNOWNS, Kind
from scoring.columns import Array, Columns
from scoring.size import SIZE_CLASSES, SizeTable, classify

#: Kind of each derived fact made here; the evaluation adds score, grade, coverage and official_grade.
DERIVED: Mapping[str, Kind] = MappingProxyType(
    {
        "size_class": Kind.CODE,
        "size_row": Kind.CODE,
        "industry_section": Kind.CODE,
        "firm_age_months": Kind.MONTHS,
        "sole_proprietor": Kind.FLAG,
        "private_owned": Kind.FLAG,
        "live": Kind.FLAG,
        "sales_growth": Kind.RATIO,
    }
)


#: The items each of them is made of. ``private_owned`` is made of the ownership registered, which is no item.
MADE_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "size_class": ("industry_code", "insured_staff", "revenue", "sales_12m", "total_assets"),
        "size_row": ("industry_code",),
        "industry_section": ("industry_code",),
        "firm_age_months": ("established_on",),
        "sole_proprietor": ("entity_type",),
        "private_owned": (),
        "live": ("registration_status",),
        "sales_growth": ("sales_12m", "sales_24m"),
    }
)


def derive(columns: Columns, sizes: SizeTable, as_of: date) -> Columns:
    """The derived facts of ``columns.n`` firms as of one day; a fact whose source is missing is unknown."""
    n = columns.n
    industry = column_or_unknown(columns, "industry_code", Kind.CODE)
    dictionary = columns.codes.get("industry_code", ())
    letters = sizes.industries.letters
    rows = _by_code(industry, [sizes.row_of(code) for code in dictionary])
    sections = [sizes.industries.section_of(code) for code in dictionary]
    revenue = column_or_unknown(columns, "revenue", Kind.MONEY)
    sales = column_or_unknown(columns, "sales_12m", Kind.MONEY)
    bounds = classify(
        sizes,
        rows,
        employees=column_or_unknown(columns, "insured_staff", Kind.COUNT),
        revenue=np.where(revenue == UNKNOWN_INT64, sales, revenue),
        assets=column_or_unknown(columns, "total_assets", Kind.MONEY),
    )
    values: dict[str, Array] = {
        "size_class": bounds.size,
        "size_row": rows,
        "industry_section": _by_code(industry, [UNKNOWN_CODE if s is None else letters.index(s) for s in sections]),
        "firm_age_months": age_in_months(column_or_unknown(columns, "established_on", Kind.DATE), as_of),
        "sole_proprietor": _is_code(columns, "entity_type", "sole_proprietor"),
        "private_owned": _is_code(columns, "ownership", "private"),
        "live": _is_code(columns, "registration_status", "active"),
        "sales_growth": sales_growth(sales, column_or_unknown(columns, "sales_24m", Kind.MONEY)),
    }
    return Columns(n, values, {"size_class": SIZE_CLASSES, "size_row": sizes.row_ids, "industry_section": letters})


def column_or_unknown(columns: Columns, name: str, kind: Kind) -> Array:
    """The column, or one full of the kind's unknown where nobody delivered it."""
    found = columns.get(name)
    return np.full(columns.n, UNKNOWNS[kind], DTYPES[kind]) if found is None else found


def age_in_months(established: Array, as_of: date) -> Array:
    """Whole months from each day (int32 days since 1970) to ``as_of``, as ``models.dates.whole_months`` counts them.

    A day after ``as_of`` gives unknown: a firm not yet founded has no age.
    """
    day = established.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    months = (as_of.year - 1970) * 12 + as_of.month - 1 - month.astype(np.int64)
    of_month = (day - month).astype(np.int64) + 1
    ends_month = (month + 1).astype("datetime64[D]") - day == np.timedelta64(1, "D")
    last = month_end(as_of).day
    reached = np.where(ends_month, last, np.minimum(of_month, last))
    months -= reached > as_of.day
    missing = (established == UNKNOWN_INT32) | (established > days(as_of))
    return np.where(missing, UNKNOWN_INT64, months)


def sales_growth(sales_12m: Array, sales_24m: Array) -> Array:
    """Sales of twelve months over those of the twelve before, less one; unknown if the earlier sum is not positive."""
    known = (sales_12m != UNKNOWN_INT64) & (sales_24m != UNKNOWN_INT64)
    latest = np.where(known, sales_12m, 0)
    before = np.where(known, sales_24m, 0) - latest
    growth = np.full(len(sales_12m), np.nan)
    np.divide(latest, before, out=growth, where=before > 0)
    return growth - 1.0


def _by_code(column: Array, places: Sequence[int]) -> Array:
    """``places[code]`` for each code of the column; unknown stays unknown."""
    table = np.array([*places, UNKNOWN_CODE], np.int16)
    return table[np.where(column < 0, len(places), column)]


def _is_code(columns: Columns, name: str, wanted: str) -> Array:
    column = column_or_unknown(columns, name, Kind.CODE)
    dictionary = columns.codes.get(name, ())
    place = dictionary.index(wanted) if wanted in dictionary else len(dictionary)
    return np.where(column < 0, UNKNOWN_FLAG, column == place).astype(np.int8)
