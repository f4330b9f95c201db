"""Objections: the procedure, the limit of the whole, the reasons a firm may give, the letter to the agency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from matching.letters import Letter, parse_letter
from matching.procedure import Clock, Limit, Procedure, clock_of, parse_limit, parse_procedure
from matching.rulefile import Name, RuleFile
from matching.working_days import WorkingCalendar
from models.errors import RefusedInput

_PARTS = ("whole", "reasons", "stages", "steps", "letter")
_LETTER = ("id", "agency", "firm", "uscc", "filed_on", "item", "record", "reason", "evidence", "due", "sent_on")


@dataclass(frozen=True)
class ObjectionRules:
    """``whole`` limits all stages together, counted from the day the objection was received."""

    procedure: Procedure
    whole: Limit
    reasons: Mapping[str, Name]
    letter: Letter

    def reason(self, reason_id: str) -> Name:
        """The words of a reason; ``RefusedInput`` for an id that is none."""
        if reason_id not in self.reasons:
            listed = ", ".join(self.reasons)
            raise RefusedInput("bad_objection", "reason", reason_id, "There is no such reason.", f"One of {listed}.")
        return self.reasons[reason_id]

    def stage_clock(self, stage: str, since: date, filed_on: date, calendar: WorkingCalendar) -> Clock:
        """The clock of a stage that began on ``since``: its own limit, else that of the whole; none once closed."""
        declared = self.procedure.stages[stage]
        if declared.closed:
            return clock_of(None, since, calendar)
        return clock_of(declared.limit, since, calendar) if declared.limit else self.whole_clock(filed_on, calendar)

    def whole_clock(self, filed_on: date, calendar: WorkingCalendar) -> Clock:
        """The clock of the whole objection."""
        return clock_of(self.whole, filed_on, calendar)


def parse_objection_rules(document: object) -> ObjectionRules:
    """The rules of ``seed/objections.yaml``; ``DataFileError`` with file and line at the first fault."""
    file = RuleFile.of(document, _PARTS, _PARTS)
    reasons = {part.text("id"): part.name() for part in file.parts("reasons", ("id", "zh", "en"), ("id", "zh", "en"))}
    return ObjectionRules(
        parse_procedure(file), parse_limit(file, "whole"), reasons, parse_letter(file, "letter", _LETTER)
    )
