"""What waits for whom: the lists of the home page, who sees each, and how its lines read in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.access.auth import Action, Caller, Role
from service.answers.reviews import case_answer
from service.books.rulebook import lenders
from service.desk import Desk
from service.labels import Labels
from service.shown import minute, money
from service.usecases.find_alarms import alarms_since
from service.usecases.late_agencies import late_agencies
from service.usecases.list_reviews import list_reviews
from service.usecases.objection import list_objections
from service.usecases.read_applications import list_applications
from service.usecases.read_audit import access_log
from service.usecases.read_needs import list_needs
from service.usecases.read_notices import list_notices
from service.usecases.read_tickets import list_tickets
from service.usecases.repair import list_repairs

#: Lines a page shows; the API lists the others.
MOST = 100
_STAFF = frozenset({Role.OFFICE, Role.APPROVER})
_LENDERS = frozenset({Role.BANK, Role.GUARANTOR})
_FIRM = frozenset({Role.FIRM})

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Queue:
    """One list. ``heads`` are label keys of its columns; ``cells`` gives a line's texts in their order.

    ``waits`` says whether somebody of this caller has to do something about a line; ``None``: nothing ever waits.
    """

    id: str
    action: Action
    roles: frozenset[Role]
    heads: tuple[str, ...]
    read: Callable[[Desk, Caller, datetime], Sequence[Line]]
    cells: Callable[[Labels, Line], tuple[str, ...]]
    waits: Callable[[Caller, Line], bool] | None = None

    def rows(self, t: Labels, lines: Iterable[Line]) -> list[tuple[str, ...]]:
        """The table's body."""
        return [self.cells(t, line) for line in lines]


def _waits_for(caller: Caller, line: Line) -> bool:
    party = "lender" if caller.is_lender else "office" if caller.is_staff else caller.role.value
    return bool(line["waits_for"] == party)


def _due(t: Labels, clock: Line | None) -> str:
    if clock is None or clock["due"] is None:
        return "—"
    return f"{clock['due']} · {t('objection.late')}" if clock["late"] else str(clock["due"])


def _house(t: Labels, role: str, tenant: str) -> str:
    """The house that read, by its name; staff and firms by their role."""
    lender = lenders().get(tenant)
    return t.name(lender.name) if lender else t.word("role", role)


def _objection(t: Labels, line: Line) -> tuple[str, ...]:
    return (
        minute(line["filed_at"]), line["uscc"], t.name(line["item"]), t.name(line["agency"]), t.name(line["state"]),
        t.word("party", line["waits_for"]), _due(t, line["stage"]),
    )  # fmt: skip


def _repair(t: Labels, line: Line) -> tuple[str, ...]:
    return (
        minute(line["requested_at"]), line["uscc"], line["document"], t.name(line["agency"]), t.name(line["state"]),
        t.word("party", line["waits_for"]),
    )  # fmt: skip


def _need(t: Labels, line: Line) -> tuple[str, ...]:
    amount = " – ".join(dict.fromkeys(money(line[end]) for end in ("low_yuan", "high_yuan")))
    return (
        minute(line["stated_at"]), amount, t("unit.months", months=line["term_months"]),
        t.word("code.need_purpose", line["use"]), str(line["valid_until"]), t.word("need_state", line["state"]),
    )  # fmt: skip


def _application(t: Labels, line: Line) -> tuple[str, ...]:
    # Before its consent a lender knows a firm by its card only.
    firm = line["name"] or line["uscc"] or t("home.before_consent")
    return (
        minute(line["offered_at"]), firm, t.name(line["lender"]), t.name(line["product"]), money(line["ask_yuan"]),
        t.name(line["state"]), t.word("party", line["waits_for"]), _due(t, line["clock"]),
    )  # fmt: skip


def _ticket(t: Labels, line: Line) -> tuple[str, ...]:
    due = {"due": line["due"], "late": line["late"]}
    return (
        minute(line["opened_at"]), line["uscc"], t.name(line["type"]), t.name(line["lender"]), t.name(line["state"]),
        t.word("party", line["waits_for"]), _due(t, due),
    )  # fmt: skip


def _agency(t: Labels, line: Line) -> tuple[str, ...]:
    counts = (len(line["inquiries"]), len(line["repairs"]), line["answered_late"])
    return (t.name(line["agency"]), *map(str, counts))


def _review(t: Labels, line: Line) -> tuple[str, ...]:
    score = "—" if line["score"] is None else f"{line['score']:.0f}"
    return str(line["quarter"]), line["uscc"], score, line["grade"] or "—"


def _alarm(t: Labels, line: Line) -> tuple[str, ...]:
    return (
        minute(line["since"]), t.word("alarm_rule", line["rule"]), line["actor"], str(line["readings"]),
        str(line["threshold"]), str(line["firms"]), f"{line['first_entry']}…{line['last_entry']}",
    )  # fmt: skip


def _notice(t: Labels, line: Line) -> tuple[str, ...]:
    about = t.name(line["about"]) if line["about"] else "—"
    return minute(line["made_at"]), line["uscc"], about, t.name(line)


def _look(t: Labels, line: Line) -> tuple[str, ...]:
    return (
        minute(line["at"]), _house(t, line["role"], line["house"]), t.word("home.action", line["action"]),
        t.word("home.purpose", line["purpose"]), t.word("home.result", line["result"]),
    )  # fmt: skip


def _reviews(desk: Desk) -> list[Line]:
    return [case_answer(case) for case in list_reviews(desk.office, limit=10_000)]


def _alarms(desk: Desk, now: datetime) -> list[Line]:
    newest = desk.shelf.newest()
    return list(alarms_since(desk.office, desk.shelf.by_id(newest.id) if newest else None, None, now))


def _applications(desk: Desk, caller: Caller, now: datetime) -> list[Line]:
    return list(list_applications(desk.office, desk.shelf, caller, now, limit=1000))


_CASES = ("objection.at", "audit.firm")
#: In the order of the home page.
QUEUES = {
    queue.id: queue
    for queue in (
        Queue(
            "needs", Action.READ_NEEDS, _FIRM,
            ("objection.at", "need.amount", "home.term", "need.use", "need.until", "need.state"),
            lambda desk, caller, now: list_needs(desk.office, caller.tenant, now), _need,
        ),
        Queue(
            "applications", Action.READ_APPLICATIONS, _FIRM | _LENDERS | _STAFF,
            (*_CASES, "application.lender", "application.product", "need.amount", "objection.state", "objection.waits",
             "objection.due"),
            _applications, _application, _waits_for,
        ),
        Queue(
            "notices", Action.READ_NOTICES, _LENDERS, (*_CASES, "home.about", "home.said"),
            lambda desk, caller, now: list_notices(desk.office, caller, open_only=True), _notice,
            lambda caller, line: True,
        ),
        Queue(
            "objections", Action.READ_OBJECTIONS, _FIRM | _STAFF | {Role.AGENCY},
            (*_CASES, "home.item", "home.agency", "objection.state", "objection.waits", "objection.due"),
            lambda desk, caller, now: list_objections(desk.office, caller, now), _objection, _waits_for,
        ),
        Queue(
            "repairs", Action.READ_REPAIR, _FIRM | _STAFF | {Role.AGENCY},
            (*_CASES, "repair.document", "home.agency", "repair.state", "objection.waits"),
            lambda desk, caller, now: list_repairs(desk.office, caller), _repair, _waits_for,
        ),
        Queue(
            "tickets", Action.READ_TICKETS, _FIRM | _STAFF,
            (*_CASES, "home.kind", "application.lender", "objection.state", "objection.waits", "objection.due"),
            lambda desk, caller, now: list_tickets(desk.office, caller, now), _ticket, _waits_for,
        ),
        Queue(
            "reviews", Action.REVIEW, _STAFF, ("home.quarter", "audit.firm", "home.score", "strategy.grade"),
            lambda desk, caller, now: _reviews(desk), _review, lambda caller, line: True,
        ),
        Queue(
            "late-agencies", Action.READ_MONITORING, _STAFF,
            ("home.agency", "objection.inquiries", "objection.repairs", "objection.answered_late"),
            lambda desk, caller, now: late_agencies(desk.office, now), _agency,
            lambda caller, line: bool(line["inquiries"] or line["repairs"]),
        ),
        Queue(
            "alarms", Action.READ_AUDIT, frozenset({Role.AUDITOR}),
            ("look_up_alarm.since", "look_up_alarm.why", "look_up_alarm.actor", "look_up_alarm.readings",
             "look_up_alarm.threshold", "look_up_alarm.firms", "look_up_alarm.entries"),
            lambda desk, caller, now: _alarms(desk, now), _alarm, lambda caller, line: True,
        ),
        Queue(
            "access-log", Action.READ_ACCESS_LOG, _FIRM,
            ("audit.at", "home.who", "audit.action", "audit.purpose", "audit.result"),
            lambda desk, caller, now: access_log(desk.office, caller.tenant, None, MOST + 1), _look,
        ),
    )
}  # fmt: skip
