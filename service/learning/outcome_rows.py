"""What came of firms after a day, by a definition of default, from what the office had received by a moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.dates import add_months
from models.kinds import DTYPES, UNKNOWNS
from scoring.catalogue import Catalogue, Item
from scoring.columns import Array
from scoring.feeds import FeedBook
from scoring.profile import assemble
from scoring.training.definition import Definition
from scoring.training.standing import Outcomes, outcomes
from service.office import Office
from service.snapshot.aggregate import Limits, aggregate
from service.snapshot.build_inputs import select_inputs

#: The item that says whether a firm is still in the register, and the value that says yes.
_STATUS, _ACTIVE = "registration_status", "active"


@dataclass(frozen=True)
class OutcomeReader:
    """Reads with everything received by ``known_by``; ``scratch`` is a folder for what does not fit in memory."""

    office: Office
    definition: Definition
    catalogue: Catalogue
    feeds: FeedBook
    known_by: datetime
    scratch: Path
    limits: Limits = field(default_factory=Limits)

    def outcomes(self, day: date, uscc: NDArray[np.bytes_], months: int) -> Outcomes:
        """What became of the firms ``uscc`` in the ``months`` after ``day``."""
        definition = self.definition
        on_the_day = self.facts([event.in_force for event in definition.events], day, uscc)
        first = {event.id: event.first_day(self.feeds[event.feed].observed, months) for event in definition.events}
        status = self.catalogue.items[_STATUS]
        then = self.facts([*first.values(), status], add_months(day, months), uscc)
        already = np.zeros(len(uscc), np.bool_)
        for flag in on_the_day.values():
            already |= flag == 1
        code = then[_STATUS]
        gone = (code >= 0) & (code != status.codes.index(_ACTIVE))
        return outcomes({event: then[item.id] for event, item in first.items()}, already, gone)

    def facts(self, items: Iterable[Item], as_of: date, uscc: NDArray[np.bytes_]) -> dict[str, Array]:
        """Facts (n,) of the firms ``uscc`` as of a day, in storage form; unknown where nothing was delivered."""
        items = list(items)
        asked = {item.feed for item in items}
        inputs = select_inputs(self.office, as_of, self.known_by, self.feeds)
        in_play = [feed for feed in inputs.feeds if feed.state.feed.id in asked]
        found = aggregate(in_play, items, self.scratch, self.limits)
        columns = assemble(as_of, found.uscc, items, inputs.states, found.answers).columns.values
        place = np.searchsorted(found.uscc, uscc)
        there = np.isin(uscc, found.uscc)
        values = {}
        for item in items:
            values[item.id] = np.full(len(uscc), UNKNOWNS[item.kind], DTYPES[item.kind])
            values[item.id][there] = columns[item.id][place[there]]
        return values
