"""An office whose records are written by hand: borrowers of which a month brings something new, two snapshots apart."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from service.access.auth import Caller, Role
from service.access.policy import Purpose
from service.books.seedbook import catalogue
from service.clock import day_of, utc_now
from service.office import Office
from service.usecases.build_snapshot import build_snapshot
from service.usecases.consent import Wanted, consent_text, give_consent
from tests.random_records import firm_codes
from tests.shell import Shell, a_shell
from tests.training_office import Records, listing, months, registration

BEFORE, DAY = date(2024, 9, 30), date(2024, 10, 31)
EARLIER, LATER = datetime(2024, 10, 3, 3, 0, tzinfo=UTC), datetime(2024, 11, 3, 3, 0, tzinfo=UTC)
FIRMS = sorted(firm_codes(10, seed=31))
(PENALISED, TAXED, FALLING, LISTED, LED_ANEW, RING_A, RING_B, RING_C, QUIET, STRANGER) = FIRMS
EVERYTHING = tuple(dimension.id for dimension in catalogue().dimensions)
LAW_ABIDING = ("law_abiding",)


def first_month(records: Records) -> None:
    """What was known on the first day: nothing of it is news."""

    def send(feed: str, *rows: dict[str, Any]) -> None:
        records.send(feed, EARLIER, BEFORE, rows)

    send("business_registration", *(registration(code) for code in FIRMS))
    send("administrative_penalty", penalty(PENALISED, "old", date(2024, 8, 1), "serious"))
    send("tax_credit_rating", *(rating(code, 2022, date(2023, 4, 20), "A") for code in (TAXED, QUIET)))
    send("dishonest_debtor", listing(QUIET, date(2024, 2, 2), removed_on=date(2024, 6, 1)))
    send("abnormal_operation")
    every = months(date(2023, 1, 31), BEFORE)
    send(
        "vat_invoice",
        *(invoice(FALLING, day, 1_000_000 if day < date(2024, 8, 1) else 650_000) for day in every),
        *(invoice(code, day, 100_000) for code in (RING_A, QUIET) for day in every),
    )
    send("social_insurance_month", *(staff(code, day, 100) for code in (FALLING, QUIET) for day in every))
    send("registration_change")
    ring = ((RING_A, RING_B), (RING_B, RING_C), (RING_C, RING_A), (STRANGER, RING_A))
    send(
        "external_guarantee",
        *(guarantee(*pair) for pair in ring),
        guarantee(RING_B, QUIET, date(2024, 1, 1)),
        guarantee(QUIET, "示例个人"),
    )


def second_month(records: Records) -> None:
    """What the next month brings."""

    def send(feed: str, *rows: dict[str, Any]) -> None:
        records.send(feed, LATER, DAY, rows)

    send(
        "administrative_penalty",
        penalty(PENALISED, "new", date(2024, 10, 10), "serious"),
        penalty(PENALISED, "late", date(2024, 3, 1), "serious"),
        {**penalty(PENALISED, "gone", date(2024, 10, 11), "minor"), "withdrawn_on": date(2024, 10, 20)},
    )
    send("tax_credit_rating", rating(TAXED, 2023, date(2024, 10, 8), "C"), rating(QUIET, 2023, date(2024, 10, 8), "A"))
    removed = listing(PENALISED, date(2024, 10, 2), removed_on=date(2024, 10, 30))
    send("dishonest_debtor", listing(LISTED, date(2024, 10, 5)), listing(RING_B, date(2024, 10, 6)), removed)
    send("vat_invoice", invoice(FALLING, DAY, 100_000), *(invoice(code, DAY, 100_000) for code in (RING_A, QUIET)))
    send("social_insurance_month", staff(FALLING, DAY, 5), staff(QUIET, DAY, 99))
    changes = (("legal_representative", LED_ANEW), ("address", QUIET))
    send(
        "registration_change",
        *(
            {"uscc": code, "change_no": "变1", "changed_on": date(2024, 10, 9), "subject": what}
            for what, code in changes
        ),
    )


def penalty(code: str, number: str, decided_on: date, severity: str) -> dict[str, Any]:
    return {"uscc": code, "document_no": number, "decided_on": decided_on, "severity": severity, "amount_fen": 100}


def rating(code: str, year: int, rated_on: date, grade: str) -> dict[str, Any]:
    return {"uscc": code, "year": year, "rated_on": rated_on, "grade": grade}


def invoice(code: str, day: date, fen: int) -> dict[str, Any]:
    return {
        "uscc": code, "direction": "output", "invoice_no": f"{day:%Y%m%d}", "issued_on": day, "counterparty": "甲",
        "amount_fen": fen, "tax_fen": 0, "status": "valid",
    }  # fmt: skip


def staff(code: str, month: date, count: int) -> dict[str, Any]:
    return {"uscc": code, "month": month, "insured_count": count, "contribution_base_fen": 1, "paid": True}


def guarantee(code: str, other: str, ended_on: date | None = None) -> dict[str, Any]:
    return {
        "uscc": code, "guarantee_no": f"{code}{other}", "signed_on": date(2023, 5, 5), "beneficiary_code": other,
        "amount_fen": 5_000_000, "ended_on": ended_on,
    }  # fmt: skip


def consent(
    office: Office, firm: str, lender: str, dimensions: tuple[str, ...] = EVERYTHING,
    purpose: Purpose = Purpose.POST_LOAN,
) -> str:  # fmt: skip
    """The firm consents now; the consent's id."""
    now = utc_now()
    wanted = Wanted(lender, purpose, dimensions, False, day_of(now), day_of(now) + timedelta(days=30))
    words = consent_text(wanted, day_of(now))["text_sha256"]
    given = Wanted(**{**wanted.__dict__, "text_sha256": words})
    made: str = give_consent(office, Caller(f"firm-{firm}", Role.FIRM, firm), given, now, "r")["id"]
    return made


def build(office: Office, day: date, known_by: datetime) -> str:
    """A snapshot of the items alone; the watch needs nothing else."""
    return build_snapshot(office, day, known_by).snapshot_id


def watched_shell(home: Path, lender: str, other: str) -> Shell:
    """The first month; every borrower consents to ``lender``, one of them narrowly to ``other``; the second month."""
    shell = a_shell(home)
    records = Records()
    first_month(records)
    second_month(records)
    # All lies in the lake from the start: what a snapshot knows ends with its moment of knowledge.
    records.land(shell.office)
    build(shell.office, BEFORE, EARLIER)
    for firm in FIRMS[:-1]:
        consent(shell.office, firm, lender)
    consent(shell.office, RING_A, other, LAW_ABIDING)
    consent(shell.office, LISTED, other, LAW_ABIDING)
    consent(shell.office, TAXED, other, purpose=Purpose.PRE_LOAN)
    build(shell.office, DAY, LATER)
    shell.clock.moment = utc_now()
    return shell
