"""Repairable records and repair requests as answers, with the letters and the promise made from the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from matching.procedure import clock_of
from matching.repair_rules import MaterialSet, RecordKind, RepairDates, stops_on
from models.tables import PublicityLift, Repair, RepairStep
from service.answers.objection import agency_answer, clock_answer
from service.answers.rules import named
from service.answers.steps import step_line
from service.books.rulebook import repair_rules, working_days
from service.cases.parties import content_digest
from service.clock import day_of
from service.records.firm_records import FirmRecord

_NOT_SAID = {"zh": "（来源未提供）", "en": "(not given by the source)"}


def document_of(record: FirmRecord) -> str:
    """The number of the document a record is about, which all its revisions share."""
    return str(record.content[repair_rules().records[record.feed.id].document])


def dates_of(record: FirmRecord, day: date, matter: str | None = None) -> RepairDates:
    """What the rules of ``day`` say of a record."""
    kind = repair_rules().records[record.feed.id]
    severity = record.content[kind.severity] if kind.severity else None
    return repair_rules().dates(severity, record.content[kind.decided_on], day, matter)


def promise_of(record: FirmRecord, name: str) -> dict[str, str]:
    """The promise letter of a record in both languages, with the digest that names these very words."""
    texts = repair_rules().promise_letter.filled(_places(record, name, None))
    return {**texts, "sha256": content_digest(texts)}


def letters_of(record: FirmRecord, name: str, dates: RepairDates, materials: MaterialSet) -> dict[str, Any]:
    """The two letters that go out together: of the decision, and of how it is repaired (两书同达)."""
    rules, places = repair_rules(), _places(record, name, dates)
    asked = {
        "zh": "、".join(each.name.zh for each in materials.asks),
        "en": ", ".join(each.name.en.lower() for each in materials.asks),
    }
    notes = {"zh": "".join(each.zh for each in dates.notes), "en": " ".join(each.en for each in dates.notes)}
    terms = {
        "earliest": dates.earliest or _NOT_SAID,
        "latest": dates.latest or _NOT_SAID,
        "materials": asked,
        "regime": named(dates.regime.name),
        "notes": notes,
    }
    return {
        "decision": rules.decision_letter.filled(places),
        "repair": rules.repair_letter.filled({**places, **terms}),
    }


def _places(record: FirmRecord, name: str, dates: RepairDates | None) -> dict[str, object]:
    kind: RecordKind = repair_rules().records[record.feed.id]
    authority = record.content[kind.authority] if kind.authority else None
    shown = named(dates.kind.name) if dates and dates.kind else _NOT_SAID
    return {
        "name": name,
        "uscc": record.content["uscc"],
        "document": document_of(record),
        "decided_on": record.content[kind.decided_on],
        "authority": authority or _NOT_SAID,
        "agency": agency_answer(record.feed.agency),
        "class": shown,
    }


def repairable_answer(
    record: FirmRecord,
    name: str,
    materials: MaterialSet,
    request: Repair | None,
    lift: PublicityLift | None,
    today: date,
) -> dict[str, Any]:
    """One record: since when it is shown, from when it can be repaired, until when it may be shown, and its letters."""
    dates = dates_of(record, today)
    stops = stops_on(dates.latest, record.public_until)
    last = record.public_until
    return {
        "record_id": record.record_id,
        "feed": record.feed.id,
        "document": document_of(record),
        "decided_on": record.observed_on,
        "received_at": record.first_received_at,
        "class": {"id": dates.kind.id, **named(dates.kind.name), "shown": dates.kind.shown} if dates.kind else None,
        "regime": {"id": dates.regime.id, **named(dates.regime.name), "cite": dates.regime.cite},
        "earliest": dates.earliest,
        "latest": dates.latest,
        "public_until": last,
        "stops_on": stops,
        "over_lawful_time": dates.latest is not None and today > dates.latest and (last is None or last >= today),
        "confirmed": dates.confirmed,
        "notes": [named(each) for each in dates.notes],
        "state": _state(record, dates, request, lift, stops, today),
        "request_id": request.id if request else None,
        "lifted_until": lift.ends_on if lift else None,
        "withdrawn_on": record.withdrawn_on,
        "letters": letters_of(record, name, dates, materials),
        "promise": promise_of(record, name),
    }


def _state(
    record: FirmRecord,
    dates: RepairDates,
    request: Repair | None,
    lift: PublicityLift | None,
    stops: date | None,
    today: date,
) -> str:
    if request is not None:
        return request.stage
    if lift is not None:
        return "lifted"
    if record.withdrawn_on is not None and record.withdrawn_on <= today:
        return "withdrawn"
    if stops is not None and stops <= today:
        return "ended"
    if dates.earliest is None:
        return "unknown"
    return "open" if dates.earliest <= today else "not_yet"


def materials_answer(materials: MaterialSet) -> dict[str, Any]:
    """What a request brings under the rule of a day."""
    return {
        "id": materials.id,
        "cite": materials.cite,
        "confirmed": materials.confirmed,
        "asks": [{"id": each.id, **named(each.name), "fetched": each.fetched} for each in materials.asks],
    }


def repair_line(row: Repair) -> dict[str, Any]:
    """One request as lists show it."""
    stage = repair_rules().procedure.stages[row.stage]
    return {
        "id": row.id,
        "uscc": row.firm,
        "feed": row.feed,
        "document": row.document,
        "record_id": row.record_id,
        "agency": agency_answer(row.agency),
        "regime": row.regime,
        "requested_at": row.requested_at,
        "state": {"id": stage.id, **named(stage.name)},
        "waits_for": stage.by or None,
        "duty_done": row.duty_done,
    }


def repair_answer(row: Repair, steps: Sequence[RepairStep], party: str, today: date) -> dict[str, Any]:
    """One request with its first check, what it brought, every step, and what ``party`` may do now."""
    possible = repair_rules().procedure.open_steps(row.stage, party, late=False)
    return {
        **repair_line(row),
        "checks": row.checks,
        "materials": row.materials,
        "promise": row.promise,
        "batch_id": row.batch_id or None,
        "agency_update": agency_update(row, steps, today),
        "steps": [step_line(each, each.step) for each in steps],
        "open_steps": [{"id": step.id, **named(step.name)} for step in possible],
    }


def agency_update(row: Repair, steps: Sequence[RepairStep], today: date) -> Mapping[str, Any] | None:
    """The clock within which the agency brings its own data up to date; ``None`` before the repair and after that."""
    granted = next((each for each in steps if each.to_stage == "granted"), None)
    if granted is None or row.agency_updated_at is not None:
        return None
    return clock_answer(clock_of(repair_rules().agency_update, day_of(granted.at), working_days()), today)
