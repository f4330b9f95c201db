"""Post-loan watch (贷后监测): what of a borrower its lender is told of, and what is new between two days."""

from matching.post_loan.found import Found, Revision, counting, fall_between, found_fall, found_rank, found_records
from matching.post_loan.stress import CircleState, found_stress
from matching.post_loan.watch_file import BorrowerAlertRule, BorrowerWatch, Finds, Grade, parse_borrower_watch

__all__ = [
    "BorrowerAlertRule",
    "BorrowerWatch",
    "CircleState",
    "Finds",
    "Found",
    "Grade",
    "Revision",
    "counting",
    "fall_between",
    "found_fall",
    "found_rank",
    "found_records",
    "found_stress",
    "parse_borrower_watch",
]
