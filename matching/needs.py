"""A firm's financing need, and what is assumed of it where the firm says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from matching.enjoyed import Enjoyed, enjoyed_facts, read_enjoyed
from matching.facts import FactBook, read_value
from matching.loans import LONGEST_MONTHS
from matching.products import Product
from matching.schemes import Scheme
from models.errors import RefusedInput
from models.kinds import Scalar


@dataclass(frozen=True)
class Need:
    """What the firm asks for; ``None`` is not stated. ``contract_on`` is the day the loan would be signed.

    ``enjoyed`` is what it says it has had of schemes before; of a scheme it does not name nothing is known.
    """

    amount_yuan: Decimal | None = None
    term_months: int | None = None
    purpose: str | None = None
    security: str | None = None
    contract_on: date | None = None
    enjoyed: tuple[Enjoyed, ...] = ()

    def __post_init__(self) -> None:
        if self.amount_yuan is not None and self.amount_yuan <= 0:
            raise RefusedInput(
                "bad_amount", "amount_yuan", self.amount_yuan, "A need is above zero.", "Give the amount in yuan."
            )
        if self.term_months is not None and not 1 <= self.term_months <= LONGEST_MONTHS:
            rule = f"A term is 1 to {LONGEST_MONTHS} months."
            raise RefusedInput("bad_term", "term_months", self.term_months, rule, "Give the term in whole months.")

    def facts(self) -> dict[str, Scalar]:
        """What the firm stated, as facts."""
        stated: dict[str, Scalar | None] = {
            "need_amount_yuan": self.amount_yuan,
            "need_term_months": self.term_months,
            "need_purpose": self.purpose,
            "need_security": self.security,
        }
        return {fact: value for fact, value in stated.items() if value is not None}

    def claim(self, scheme: Scheme, values: Mapping[str, Scalar | None], as_of: date) -> Mapping[str, Scalar | None]:
        """``values`` with what the firm says it has had of ``scheme``."""
        stated = enjoyed_facts(self.enjoyed, scheme, values, as_of) if self.enjoyed else {}
        return {**values, **stated} if stated else values

    def on(self, product: Product) -> tuple[dict[str, Scalar], tuple[str, ...]]:
        """The need as facts for one product, and which of them the product's usual case filled in.

        Not stated: the usual amount and term, the first purpose, no word about security.
        """
        stated, terms = self.facts(), product.terms
        if terms is None:
            return stated, ()
        usual: dict[str, Scalar] = {
            "need_amount_yuan": terms.amount.typical,
            "need_term_months": int(terms.months.typical),
            "need_purpose": product.purposes[0],
            "need_security": "none_stated",
        }
        return {**usual, **stated}, tuple(fact for fact in usual if fact not in stated)


def read_need(
    raw: Mapping[str, object],
    facts: FactBook,
    schemes: Mapping[str, Scheme] | None = None,
    as_of: date = date.max,
) -> Need:
    """A need from what a caller wrote: ``amount_yuan``, ``term_months``, ``purpose``, ``security``, ``contract_on``.

    ``enjoyed`` (:func:`matching.enjoyed.read_enjoyed`) is held to ``schemes`` and to ``as_of``. ``RefusedInput`` names
    the first part that is unknown or ill-typed. ``None`` counts as not stated.
    """
    known = {
        "amount_yuan": "need_amount_yuan",
        "term_months": "need_term_months",
        "purpose": "need_purpose",
        "security": "need_security",
        "contract_on": "loan_contract_on",
    }
    read: dict[str, Scalar] = {}
    enjoyed: tuple[Enjoyed, ...] = ()
    for name, value in raw.items():
        if name not in (*known, "enjoyed"):
            fix = f"Keep {', '.join(known)}, enjoyed."
            raise RefusedInput("unknown_field", name, value, "A need has no such part.", fix)
        if name == "enjoyed":
            enjoyed = read_enjoyed([] if value is None else value, schemes or {}, as_of)
        elif value is not None:
            read[name] = read_value(facts[known[name]], value, name)
    return Need(**read, enjoyed=enjoyed)  # type: ignore[arg-type]
