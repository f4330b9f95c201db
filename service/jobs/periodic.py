"""Work that comes round by itself: what, and how often, is ``seed/periodic.yaml``; each round is a job like any other.

A round is asked for once by its key, whichever worker comes first; lease, fence, retries and journal are the queue's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from sqlalchemy import select

from matching.rulefile import RuleFile
from models.tables import Job
from service.books.seedbook import rule_set
from service.clock import CITY_TIME
from service.integration.fanning import is_anything_due
from service.jobs.queue import Asked, enqueue
from service.office import Office

FILE = "periodic.yaml"
#: Who asks for these jobs.
CLOCK = "clock"
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Round:
    """A kind of job, asked for once in each span of ``every``; one begins ``offset`` after midnight in the city."""

    kind: str
    every: timedelta
    offset: timedelta = timedelta(0)

    def began(self, now: datetime) -> datetime:
        """When the span that holds ``now`` began, in UTC."""
        first = datetime(2000, 1, 1, tzinfo=CITY_TIME).astimezone(UTC) + self.offset
        return first + (now - first) // self.every * self.every


#: Rounds that are asked for only while there is something to do; the others always.
WANTED: Mapping[str, Callable[[Office, datetime], bool]] = {"webhooks": is_anything_due}


@cache
def shipped_rounds() -> tuple[Round, ...]:
    """The rounds as shipped."""
    return parse_rounds(rule_set().document(FILE))


def parse_rounds(document: object) -> tuple[Round, ...]:
    """The rounds of the file; ``DataFileError`` with the line of the first fault."""
    file = RuleFile.of(document, ("rounds",), ("rounds",))
    rounds: dict[str, Round] = {}
    for part in file.parts("rounds", ("kind", "every_minutes", "every_seconds", "at"), ("kind",)):
        kind = part.text("kind")
        if kind in rounds:
            raise part.raw.wrong("kind", "A kind comes round once.", "Remove the second entry.")
        if part.has("every_minutes") == part.has("every_seconds"):
            raise part.raw.wrong("kind", "It comes round every so many minutes or seconds.", "Say one of the two.")
        unit = "every_minutes" if part.has("every_minutes") else "every_seconds"
        every = timedelta(**{unit.removeprefix("every_"): part.whole(unit, 1, 100_000)})
        rounds[kind] = Round(kind, every, _offset(part, every))
    return tuple(rounds.values())


def _offset(part: RuleFile, every: timedelta) -> timedelta:
    if not part.has("at"):
        return timedelta(0)
    said = _TIME.fullmatch(part.text("at"))
    if said is None or every != _DAY:
        raise part.raw.wrong("at", 'Daily work has a time of day, such as "02:00".', "Write it so, or leave it out.")
    return timedelta(hours=int(said[1]), minutes=int(said[2]))


class RoundsAsked:
    """What one worker has seen to: it looks into the database once a span and round, not at every turn."""

    def __init__(self, office: Office, rounds: Sequence[Round], kinds: Collection[str]):
        self._office = office
        self._rounds = [each for each in rounds if each.kind in kinds]
        self._seen: dict[str, datetime] = {}

    def ask(self, now: datetime) -> int:
        """Put the rounds whose span has begun into the queue, each unless somebody did; how many were new here."""
        asked = 0
        for each in self._rounds:
            began = each.began(now)
            if self._seen.get(each.kind) == began:
                continue
            if each.kind in WANTED and not WANTED[each.kind](self._office, now):
                continue
            asked += ask_once(self._office, each, now)
            self._seen[each.kind] = began
        return asked


def ask_once(office: Office, each: Round, now: datetime) -> bool:
    """Ask for the round of the span that holds ``now``; false when it was asked for, however that ended.

    A round that was given up or cancelled is not asked for again before the next span.
    """
    began = each.began(now)
    known = select(Job.seq).where(Job.kind == each.kind, Job.asked_at >= began).limit(1)
    with office.read() as session:
        if session.scalar(known) is not None:
            return False
    key = f"{each.kind} {began.isoformat()}"
    with office.write() as session:
        # Writers take turns: what another worker asked meanwhile is seen now.
        if session.scalar(known) is not None:
            return False
        enqueue(session, Asked(each.kind, key, {"at": now.isoformat()}, by=CLOCK, role="system"), now)
    return True
