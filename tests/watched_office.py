"""An office whose records are written by hand: nine firms, some of prepaid business, with what alarms are about."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from service.office import Office
from service.snapshot.office_stages import office_stages
from service.snapshot.snapshots import open_snapshot
from service.usecases.build_snapshot import build_snapshot
from service.usecases.person_consent import PersonSigned, consent_words, record_person_consent
from tests.random_records import firm_codes
from tests.training_office import Records, listing, registration

DAY = date(2024, 10, 31)
RECEIVED = datetime(2024, 11, 3, 3, 0, tzinfo=UTC)
#: When those who lead gyms signed: after the last change of a representative.
SIGNED = date(2024, 10, 1)
FIRMS = sorted(firm_codes(9, seed=23))
INDUSTRIES = ("R8930", "O8040", "O8040", "C3311", "R8930", "P8399", "K70", "E5012", "O8020")
(LEFT, YEAR_AGO, DAY_LATER, FACTORY, CANCELLED, SCHOOL, COARSE, LISTED, UNSURE) = FIRMS


def deliver(office: Office) -> None:
    """Everything but tax, insurance and payroll: these debts stay unknown."""
    records = Records()

    def send(feed: str, *rows: dict[str, Any]) -> None:
        records.send(feed, RECEIVED, DAY, rows)

    status = {CANCELLED: "cancelled"}
    send(
        "business_registration",
        *(
            registration(code, industry_code=industry, status=status.get(code, "active"))
            for code, industry in zip(FIRMS, INDUSTRIES, strict=True)
        ),
    )
    changed = {LEFT: date(2024, 6, 1), YEAR_AGO: date(2023, 10, 31), DAY_LATER: date(2023, 11, 1)}
    changed |= {FACTORY: date(2024, 6, 1), CANCELLED: date(2024, 6, 1), UNSURE: date(2024, 6, 1)}
    send(
        "registration_change",
        *(
            {"uscc": code, "change_no": f"变{code[-4:]}", "changed_on": day, "subject": "legal_representative"}
            for code, day in changed.items()
        ),
        {"uscc": SCHOOL, "change_no": "股", "changed_on": date(2024, 9, 1), "subject": "shareholder"},
    )
    send(
        "enforcement_case",
        *(
            {"uscc": code, "case_no": f"执{code[-4:]}", "filed_on": day, "amount_fen": 5_000_000, "closed_on": None}
            for code, day in {
                LEFT: date(2024, 7, 15), YEAR_AGO: date(2024, 7, 15), DAY_LATER: date(2023, 5, 5),
                FACTORY: date(2024, 7, 15), CANCELLED: date(2024, 7, 15),
            }.items()
        ),
    )  # fmt: skip
    send(
        "consumer_complaint",
        *(
            {
                "uscc": SCHOOL, "complaint_no": f"诉{number}", "received_on": date(2024, 3, number), "prepaid": True,
                "closed_on": date(2024, 4, 1),
            }
            for number in (1, 2, 3)
        ),
    )  # fmt: skip
    closed = {SCHOOL: date(2024, 5, 5), LISTED: date(2023, 10, 31)}
    send(
        "branch",
        *(
            {"uscc": code, "branch_code": "B1", "opened_on": date(2020, 1, 1), "closed_on": day}
            for code, day in closed.items()
        ),
        {"uscc": UNSURE, "branch_code": "B1", "opened_on": date(2020, 1, 1), "closed_on": None},
    )
    entry = {"uscc": LISTED, "listed_on": date(2024, 1, 9), "reason": "示例", "removed_on": None}
    send("abnormal_operation", entry)
    send("serious_violation", {**entry, "uscc": FACTORY})
    send("dishonest_debtor", listing(FACTORY, date(2024, 2, 2)))
    records.land(office)


def give_consents(office: Office) -> None:
    """Build the office once, and record the consents of those who lead gyms."""
    snapshot = open_snapshot(office, build_snapshot(office, DAY, RECEIVED, stages=office_stages()).snapshot_id)
    for code, industry in zip(FIRMS, INDUSTRIES, strict=True):
        if industry == "R8930":
            text = consent_words(snapshot, code, "示例", SIGNED)["text_sha256"]
            signed = PersonSigned(code, "示例", SIGNED, text, "box 1")
            record_person_consent(office, snapshot, signed, "office", RECEIVED)
