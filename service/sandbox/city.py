"""The city of a sandbox: drawn as the demo's is, delivered in one file a feed, with the magic firms in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from seed.city import City, plan_city
from seed.city.parameters import parameters
from service.personal.about import REGISTRATION
from service.sandbox.book import NOTHING, WHOLE, MagicFirm, SandboxBook


def sandbox_city(book: SandboxBook) -> City:
    """The city with every firm of the book that is known at all. The same book gives the same bytes."""
    own = parameters()
    deliveries: dict[str, Any] = own["deliveries"]
    # One file a feed, at the end: what agencies get wrong on the way is the demo's story, not the sandbox's.
    at_once = deliveries | {
        "cadence": dict.fromkeys(deliveries["cadence"], (0,)),
        "late_files": (),
        "late_rows": deliveries["late_rows"] | {"share": 0.0},
        "slips": deliveries["slips"] | {"share": 0.0},
        "refused_file": deliveries["refused_file"] | {"feed": ""},
        "resent_file": deliveries["resent_file"] | {"feed": ""},
    }
    drawn = plan_city(book.firms_drawn, book.as_of, book.months, book.seed, {**own, "deliveries": at_once})
    pattern = str(drawn.firms.uscc[book.copied])
    known = [each for each in book.firms.values() if each.known != NOTHING]
    return replace(
        drawn, tables={feed: _with_copies(feed, rows, pattern, known) for feed, rows in drawn.tables.items()}
    )


def _with_copies(feed: str, rows: pa.Table, pattern: str, firms: list[MagicFirm]) -> pa.Table:
    """The rows of a feed and, for each firm that it tells of, those of the drawn firm under the other's code."""
    copied = rows.filter(pc.equal(rows["uscc"].cast(pa.string()), pattern))
    added = [_renamed(feed, copied, each) for each in firms if each.known in (WHOLE, feed)]
    plain = _replaced(rows, "uscc", rows["uscc"].cast(pa.string()))
    return pa.concat_tables([plain, *added]) if added else rows


def _renamed(feed: str, rows: pa.Table, firm: MagicFirm) -> pa.Table:
    said = {"uscc": firm.uscc} | ({"name": firm.name} if feed == REGISTRATION else {})
    for column, text in said.items():
        rows = _replaced(rows, column, pa.array([text] * rows.num_rows, pa.string()))
    return rows


def _replaced(rows: pa.Table, column: str, values: Any) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(column), column, values)
