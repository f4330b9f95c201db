"""A procedure of the office as data: stages with a party to act and a limit, steps that lead from one to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from matching.rulefile import Name, RuleFile
from matching.working_days import WorkingCalendar
from models.errors import RefusedInput

PARTIES = ("office", "agency", "firm")
_LIMIT = ("working_days", "calendar_days", "cite", "confirmed")
_STAGE = ("id", "zh", "en", "by", "limit", "marked", "closed")
_STEP = ("id", "zh", "en", "from", "to", "by", "late_from", "another_than", "needs")


@dataclass(frozen=True)
class Limit:
    """How long something may take. One of the two numbers is set; neither where the text's figure could not be read."""

    working_days: int | None
    calendar_days: int | None
    cite: str
    confirmed: bool


@dataclass(frozen=True)
class Clock:
    """The last day of a limit; ``None`` where it cannot be told, and ``note`` says why. ``late`` begins the day after.

    ``confirmed`` is false where the limit or the calendar it runs through is not.
    """

    since: date
    due: date | None
    confirmed: bool
    note: str = ""

    def late_on(self, day: date) -> bool:
        """Whether the limit has passed on ``day``; never where the last day is unknown."""
        return self.due is not None and day > self.due


@dataclass(frozen=True)
class Stage:
    """Where a case stands. ``by`` is the party that has to act, empty for none; ``marked`` readers are told of it."""

    id: str
    name: Name
    by: str
    limit: Limit | None
    marked: bool
    closed: bool


@dataclass(frozen=True)
class Step:
    """What a party may do. ``late_from``: stages it leads from only once their limit has passed; ``another_than``: the
    step whose person may not take this one; ``needs``: what the person has to say with it."""

    id: str
    name: Name
    since: tuple[str, ...]
    to: str
    by: tuple[str, ...]
    late_from: tuple[str, ...]
    another_than: str
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Procedure:
    """Stages and steps by id; a case begins in ``first``."""

    first: str
    stages: Mapping[str, Stage]
    steps: Mapping[str, Step]

    def open_steps(self, stage: str, party: str, late: bool) -> tuple[Step, ...]:
        """What ``party`` may do in ``stage``; ``late``: the limit of the stage has passed."""
        return tuple(
            step
            for step in self.steps.values()
            if party in step.by and (stage in step.since or (late and stage in step.late_from))
        )

    def take(self, step_id: str, stage: str, party: str, late: bool) -> Step:
        """The step, if ``party`` may take it now; ``RefusedInput`` (409, ``step_not_open``) with those it may take."""
        if step_id not in self.steps:
            raise RefusedInput(
                "unknown_step", "step", step_id, "There is no such step.", f"One of {', '.join(self.steps)}."
            )
        possible = self.open_steps(stage, party, late)
        for step in possible:
            if step.id == step_id:
                return step
        listed = ", ".join(step.id for step in possible)
        raise RefusedInput(
            "step_not_open",
            "step",
            step_id,
            f"The case is at `{stage}`, from which you cannot do this.",
            f"Open to you now: {listed}." if listed else "Nothing is open to you now.",
            status=409,
        )


def clock_of(limit: Limit | None, since: date, calendar: WorkingCalendar) -> Clock:
    """The clock of a limit that began on ``since``, a day that itself does not count.

    Where the calendar of working days ends before the clock does, its last day is not guessed.
    """
    if limit is None:
        return Clock(since, None, True)
    if limit.calendar_days is not None:
        return Clock(since, since + timedelta(limit.calendar_days), limit.confirmed)
    if limit.working_days is None:
        return Clock(since, None, False, limit.cite)
    try:
        due = calendar.due(since, limit.working_days)
    except RefusedInput as beyond:
        return Clock(since, None, False, f"{beyond.rule} {beyond.fix}")
    return Clock(since, due.on, limit.confirmed and due.confirmed, due.note)


def parse_procedure(part: RuleFile, parties: tuple[str, ...] = PARTIES) -> Procedure:
    """The parts ``stages`` and ``steps`` of a rule file, taken by ``parties``; ``DataFileError`` with file and line at
    the first fault."""
    stages: dict[str, Stage] = {}
    for each in part.parts("stages", _STAGE, ("id", "zh", "en")):
        if each.text("id") in stages:
            raise each.raw.wrong("id", "A stage is declared once.", "Remove one of them.")
        stages[each.text("id")] = Stage(
            each.text("id"),
            each.name(),
            each.one_of("by", parties) if each.has("by") else "",
            parse_limit(each, "limit") if each.has("limit") else None,
            each.flag("marked", False),
            each.flag("closed", False),
        )
    if not stages:
        raise part.raw.wrong("stages", "A procedure has stages.", "List them in order.")
    steps: dict[str, Step] = {}
    for each in part.parts("steps", _STEP, ("id", "zh", "en", "from", "to", "by")):
        steps[each.text("id")] = _step(each, stages, steps, parties)
    return Procedure(next(iter(stages)), stages, steps)


def _step(part: RuleFile, stages: Mapping[str, Stage], before: Mapping[str, Step], parties: tuple[str, ...]) -> Step:
    if part.text("id") in before:
        raise part.raw.wrong("id", "A step is declared once.", "Remove one of them.")
    if part.has("another_than") and part.text("another_than") not in before:
        raise part.raw.wrong("another_than", "This names a step above.", "Name one, or leave it out.")
    step = Step(
        part.text("id"),
        part.name(),
        part.texts("from"),
        part.one_of("to", stages),
        part.texts("by"),
        part.texts("late_from"),
        part.text("another_than"),
        part.texts("needs"),
    )
    for name, listed, known in (
        ("from", step.since, stages),
        ("late_from", step.late_from, stages),
        ("by", step.by, parties),
    ):
        if strange := [each for each in listed if each not in known]:
            raise part.raw.wrong(name, f"{strange[0]} is none of {', '.join(known)}.", "Correct the name.")
    if any(stages[stage].closed and step.to != stage for stage in step.since):
        raise part.raw.wrong("from", "A closed case stays closed.", "Leave closed stages out.")
    return step


def parse_limit(part: RuleFile, name: str) -> Limit:
    """The limit under ``name``: at most one of ``working_days`` and ``calendar_days``, its text, whether it holds."""
    limit = part.part(name, _LIMIT, ("cite", "confirmed"))
    numbers = [limit.whole(unit, 1, 1000) if limit.has(unit) else None for unit in ("working_days", "calendar_days")]
    if None not in numbers:
        raise limit.raw.wrong("working_days", "A limit counts working days or calendar days.", "Keep one of them.")
    return Limit(numbers[0], numbers[1], limit.text("cite"), limit.flag("confirmed"))
