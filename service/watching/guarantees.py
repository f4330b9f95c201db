"""The guarantees in force on a snapshot's day, from the lake: circles, and how defaults spread through them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from matching.bulk import RuleBook, match
from matching.circles import Circles, GuaranteeGraph, Spread, chain_lengths, circles_of, named_graph, spread
from matching.circles.graph import NO_CIRCLE
from matching.circles.spread import UNKNOWN_CAPACITY
from matching.post_loan import CircleState
from models.kinds import UNKNOWN_INT64
from service.books.rulebook import borrower_watch, parameters
from service.records import lake
from service.snapshot.snapshots import OpenSnapshot

FEED = "external_guarantee"
_DISTRESS = "distress"
#: The newest revision of each guarantee, if it counts and has not ended; one row for each pair of firms. What is no
#: firm's code is nobody the graph could follow.
_IN_FORCE = """
    select uscc, beneficiary_code, sum(amount_fen)::bigint as amount from (
        select * from read_parquet($files, union_by_name = true)
        qualify row_number() over (
            partition by uscc, guarantee_no order by revision desc, received_at desc, record_id desc) = 1
    ) where observed_on <= $day::date and (withdrawn_on is null or withdrawn_on > $day::date)
        and (public_until is null or public_until >= $day::date) and (ended_on is null or ended_on > $day::date)
        and regexp_full_match(beneficiary_code, '[0-9A-Z]{18}')
    group by uscc, beneficiary_code
"""


@dataclass(frozen=True)
class Guarantees:
    """Firms by code (sorted), the graph over their places, who of them is in default, and what each can pay (fen)."""

    codes: npt.NDArray[np.bytes_]
    graph: GuaranteeGraph
    defaulted: npt.NDArray[np.bool_]
    capacity: npt.NDArray[np.int64]

    @cached_property
    def circles(self) -> Circles:
        return circles_of(self.graph)

    @cached_property
    def chains(self) -> npt.NDArray[np.int64]:
        """Per firm: guarantees that follow one another beginning with its own."""
        return chain_lengths(self.graph, self.circles)

    @cached_property
    def stress(self) -> Spread:
        """What follows from the defaults."""
        return spread(self.graph, self.defaulted, self.capacity)

    @cached_property
    def _others_in_default(self) -> npt.NDArray[np.int64]:
        return self.circles.others_of(self.defaulted)

    def place_of(self, uscc: str) -> int | None:
        """The firm's place; ``None`` for one that neither guarantees nor is guaranteed."""
        code = uscc.encode("ascii", "replace")
        place = int(np.searchsorted(self.codes, np.bytes_(code))) if len(self.codes) else 0
        return place if place < len(self.codes) and self.codes[place] == code else None

    def state_of(self, uscc: str) -> CircleState:
        """How the firm stands among the guarantees."""
        place = self.place_of(uscc)
        if place is None:
            return CircleState()
        circle = int(self.circles.circle[place])
        return CircleState(
            members=0 if circle == NO_CIRCLE else int(self.circles.size[circle]),
            defaulted=int(self._others_in_default[place]),
            fails=bool(self.stress.fails[place]),
        )


@lru_cache(maxsize=4)
def guarantees_of(records: Path, snapshot: OpenSnapshot) -> Guarantees | None:
    """The guarantees a snapshot's batches tell of, in force on its day; ``None`` where no bank delivered any.

    ``records`` is the office's lake. Made once for each snapshot.
    """
    batches = snapshot.manifest["inputs"]["batches"].get(FEED, ())
    files = [str(path) for batch in batches if (path := lake.record_path(records, FEED, batch[0])).exists()]
    if not files:
        return None
    engine = lake.query_engine()
    try:
        rows = engine.sql(_IN_FORCE, params={"files": files, "day": snapshot.as_of.isoformat()}).to_arrow_table()
    finally:
        engine.close()
    guarantors, beneficiaries = (
        np.array(rows.column(name).to_pylist(), "S18") for name in ("uscc", "beneficiary_code")
    )
    codes, graph = named_graph(guarantors, beneficiaries, rows.column("amount").to_numpy().astype(np.int64))
    place = np.searchsorted(codes, snapshot.uscc)
    held = place < len(codes)
    held[held] = codes[place[held]] == snapshot.uscc[held]
    defaulted, capacity = np.zeros(len(codes), np.bool_), np.full(len(codes), UNKNOWN_CAPACITY, np.int64)
    defaulted[place[held]] = _in_default(snapshot)[held]
    capacity[place[held]] = _capacity(snapshot)[held]
    return Guarantees(codes, graph, defaulted, capacity)


def _in_default(snapshot: OpenSnapshot) -> npt.NDArray[np.bool_]:
    columns, rules = snapshot.columns, RuleBook({_DISTRESS: borrower_watch().distress})
    found = match(rules, columns.values, snapshot.firms, {}, parameters(), snapshot.as_of, columns.codes)
    return found.eligible(_DISTRESS)


def _capacity(snapshot: OpenSnapshot) -> npt.NDArray[np.int64]:
    """What each firm of the snapshot can pay when guarantees are called, fen."""
    book = borrower_watch()
    income = snapshot.columns.get(book.capacity_item)
    if income is None:
        return np.full(snapshot.firms, UNKNOWN_CAPACITY, np.int64)
    share = float(book.capacity_share)
    payable = np.floor(np.maximum(income, 0) * share).astype(np.int64)
    return np.where(income == UNKNOWN_INT64, UNKNOWN_CAPACITY, payable)
