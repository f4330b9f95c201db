"""A need as a firm states it, once: amount as a range, term with its unit, use, security, last day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from matching.facts import FactBook
from matching.loans import LONGEST_MONTHS
from matching.needs import Need
from matching.products import Product
from models.errors import RefusedInput
from models.money import LARGEST_YUAN

#: Months of one unit; a term in days counts as months of thirty days, begun ones whole.
_MONTHS = {"year": 12, "month": 1}
TERM_UNITS = ("year", "month", "day")
_DAYS_OF_MONTH = 30


@dataclass(frozen=True)
class Wanted:
    """The five things a firm is asked. ``low`` and ``high`` yuan, both included; ``term`` in ``term_unit``."""

    low: Decimal
    high: Decimal
    term: int
    term_unit: str
    use: str
    security: str
    valid_until: date

    @property
    def term_months(self) -> int:
        """The term in whole months, as rules ask it."""
        if self.term_unit == "day":
            return -(-self.term // _DAYS_OF_MONTH)
        return self.term * _MONTHS[self.term_unit]

    def ask(self, product: Product) -> Decimal:
        """The yuan asked of ``product``: as much of the range as it lends; the upper end where it lends none of it."""
        span = product.terms.amount if product.terms else None
        if span is None or span.low > self.high or span.high < self.low:
            return self.high
        return min(self.high, span.high)

    def need(self, amount: Decimal, contract_on: date | None = None) -> Need:
        """The need in the words of the rules, for one amount of the range."""
        return Need(amount, self.term_months, self.use, self.security, contract_on)

    def check(self, facts: FactBook, today: date, longest_valid_days: int) -> None:
        """Raise ``RefusedInput`` for the first part that no need can have, as stated on ``today``."""
        if not 0 < self.low <= self.high <= LARGEST_YUAN:
            rule, asked = "An amount is a range above zero, the lower end first.", f"{self.low}..{self.high}"
            raise RefusedInput("bad_amount", "amount_yuan", asked, rule, "Give low and high in yuan.")
        if self.term_unit not in TERM_UNITS:
            listed = f"One of {', '.join(TERM_UNITS)}."
            raise RefusedInput("bad_term", "term_unit", self.term_unit, "A term has a unit.", listed)
        if self.term < 1 or self.term_months > LONGEST_MONTHS:
            rule = f"A term is 1 to {LONGEST_MONTHS} months."
            raise RefusedInput("bad_term", "term", self.term, rule, "Give a whole number of the unit.")
        for field, fact, value in (("use", "need_purpose", self.use), ("security", "need_security", self.security)):
            if value not in facts[fact].codes:
                listed = f"One of {', '.join(facts[fact].codes)}."
                raise RefusedInput("bad_code", field, value, "There is no such word.", listed)
        if not today <= self.valid_until <= today + timedelta(longest_valid_days):
            rule = f"A need stands from today for at most {longest_valid_days} days."
            raise RefusedInput("bad_day", "valid_until", self.valid_until.isoformat(), rule, "Name a day within.")
