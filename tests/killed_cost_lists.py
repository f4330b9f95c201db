"""The process the kill test kills: ``python -m tests.killed_cost_lists HOME``.

Drafts lists one after another, has both sides confirm each and charges it; says so on standard output, one line each,
only after the use case has returned.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path

from matching.charged_cost import Side
from matching.cost_document import CostDocument
from matching.cost_draft import Draft
from matching.drafted_cost import listed
from matching.loans import DayCount, Repayment
from matching.rulefile import Name
from service.office import Office
from service.usecases.confirm_cost_list import confirm_cost_list
from service.usecases.draw_up_cost_list import draw_up_cost_list
from service.usecases.record_charged_costs import ToldCharge, record_charged_costs

NOW = datetime(2024, 11, 6, 2, 0, tzinfo=UTC)
ON = date(2024, 11, 6)


def document(reference: str) -> CostDocument:
    """A list of its own for each reference."""
    draft = Draft(
        product="",
        lender="a-bank",
        lender_kind="bank",
        principal=Decimal(1_000_000),
        months=12,
        drawn_on=ON,
        annual_rate=Decimal("0.0385"),
        repayment=Repayment.BULLET,
        day_count=DayCount.ACTUAL_365,
    )
    bank, loan = Name("甲银行（虚构）", "A Bank (invented)"), Name("贷款", "Loan")
    return CostDocument(reference, "91210100MA0UXYT71A", "乙公司（虚构）", "a-bank", bank, loan, listed(draft))


def main() -> None:
    office = Office.open(Path(sys.argv[1]))
    for number in count():
        made = document(f"L-{number}")
        drawn = draw_up_cost_list(office, made, "a-bank", NOW)
        print("drafted", drawn.id, flush=True)  # noqa: T201
        for side in Side:
            confirm_cost_list(office, drawn.id, side, "甲（虚构）", made.digest, side.value, NOW)
            print(side.value, drawn.id, flush=True)  # noqa: T201
        told = [ToldCharge("interest", ON, Decimal(number)), ToldCharge("interest", ON, Decimal(1), reference="x")]
        record_charged_costs(office, drawn.id, Side.FIRM, told, "firm", NOW)
        print("charged", drawn.id, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
