"""Service classes of public support (免申即享, 快申快享, ordinary) and the clocks that run in working days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from matching.rulefile import Name, RuleFile
from matching.working_days import Due, WorkingCalendar
from models.errors import RefusedInput

_CLASS = ("id", "zh", "en", "cite", "clocks")
_CLOCK = ("id", "zh", "en", "working_days", "from", "cite", "confirmed")


@dataclass(frozen=True)
class Clock:
    """So many working days from an event. ``confirmed`` is false where the number is not the office's own."""

    id: str
    name: Name
    working_days: int
    starts: Name
    cite: str
    confirmed: bool

    def due(self, calendar: WorkingCalendar, started_on: date) -> Due:
        """When it ends; unconfirmed where the number or a year of the calendar is. ``beyond_calendar`` outside it."""
        due = calendar.due(started_on, self.working_days)
        if self.confirmed:
            return due
        return replace(due, confirmed=False, note=f"{self.cite}. {due.note}".strip())


@dataclass(frozen=True)
class ServiceClass:
    """How a firm receives support, and the clocks the class brings; none where no text gives a number."""

    id: str
    name: Name
    cite: str
    clocks: tuple[Clock, ...]


@dataclass(frozen=True)
class ServiceClasses:
    """``classes`` by id; ``of_new_policies`` run for every new scheme from its first day."""

    classes: Mapping[str, ServiceClass]
    of_new_policies: tuple[Clock, ...]

    def of(self, class_id: str) -> ServiceClass:
        """One class; ``RefusedInput`` for an id that is none."""
        if class_id not in self.classes:
            raise RefusedInput(
                "unknown_service_class",
                "service_class",
                class_id,
                "There is no such service class.",
                f"One of {', '.join(self.classes)}.",
            )
        return self.classes[class_id]


def parse_service_classes(document: object) -> ServiceClasses:
    """The classes of ``seed/service_classes.yaml``; ``DataFileError`` with file and line at the first fault."""
    file = RuleFile.of(document, ("classes", "of_every_new_policy"), ("classes",))
    classes: dict[str, ServiceClass] = {}
    for part in file.parts("classes", _CLASS, ("id", "zh", "en", "cite")):
        if part.text("id") in classes:
            raise part.raw.wrong("id", "A class is declared once.", "Remove one of them.")
        classes[part.text("id")] = ServiceClass(
            part.text("id"), part.name(), part.text("cite"), _clocks(part, "clocks")
        )
    return ServiceClasses(classes, _clocks(file, "of_every_new_policy"))


def _clocks(part: RuleFile, name: str) -> tuple[Clock, ...]:
    return tuple(
        Clock(
            clock.text("id"),
            clock.name(),
            clock.whole("working_days", 1, 1000),
            clock.part("from", ("zh", "en"), ("zh", "en")).name(),
            clock.text("cite"),
            clock.flag("confirmed"),
        )
        for clock in part.parts(name, _CLOCK, _CLOCK)
    )
