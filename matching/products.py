"""What lenders, lessors, factors, guarantors, insurers and funds offer: one rule file each, parsed into a product."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from matching.conditions import parse_conditions
from matching.facts import STATED, FactBook
from matching.loans import LONGEST_MONTHS, DayCount, Repayment
from matching.nodes import Node, leaves
from matching.parameters import ParameterBook
from matching.rulefile import Name, RuleFile, clash
from matching.verdicts import Requirements, Validity
from models.errors import NotFound, RefusedInput
from models.kinds import Kind
from models.marked import MarkedDict

#: What a product may be. The first four and equity put money in the firm's hands; guarantee and insurance do not.
OFFERS = ("loan", "leasing", "factoring", "bridge_loan", "equity", "guarantee", "insurance")
SECURITIES = ("credit", "guarantee", "mortgage", "pledge")

#: What a firm may have said about security for a product of each kind to fit; a credit product fits them all.
_FITTING: Mapping[str, tuple[str, ...]] = {
    "guarantee": ("guarantee", "mortgage", "pledge", "none_stated"),
    "mortgage": ("mortgage", "none_stated"),
    "pledge": ("pledge", "none_stated"),
}


class Charged(StrEnum):
    """When a fee falls due: once with the drawdown, at the start of each year on the balance, once at the end."""

    DRAWDOWN = "drawdown"
    YEARLY = "yearly"
    MATURITY = "maturity"


@dataclass(frozen=True)
class Lender:
    """Who offers a product. ``kind`` is one of the codes of the fact ``loan_lender_kind``."""

    id: str
    name: Name
    kind: str


@dataclass(frozen=True)
class Span:
    """Smallest, largest and usual value of an amount (yuan) or a term (months)."""

    low: Decimal
    high: Decimal
    typical: Decimal

    def nearest(self, value: Decimal) -> Decimal:
        """``value`` itself inside the span, else the nearer end."""
        return min(max(value, self.low), self.high)


@dataclass(frozen=True)
class RateTerms:
    """The yearly rate, or its spread over a dated parameter when ``parameter`` is named."""

    low: Decimal
    high: Decimal
    typical: Decimal
    parameter: str = ""


@dataclass(frozen=True)
class Fee:
    """A fee beside interest: a share of the principal (a year, if yearly) or a sum of yuan, and who receives it."""

    name: Name
    charged: Charged
    payee: str
    rate: Decimal = Decimal(0)
    yuan: Decimal = Decimal(0)


@dataclass(frozen=True)
class GuaranteeLink:
    """The guarantee scheme a loan rests on (or its successor by date), and the guarantor's yearly fee."""

    scheme: str
    fee_annual_rate: Decimal


@dataclass(frozen=True)
class Product:
    """One offer. ``terms`` is ``None`` when the lender has not published them: then nobody is told to be eligible.

    ``conditions`` ask about the firm alone; what the product asks of the need (amount, term, purpose, security) is in
    ``limits``, so that firms can be found before they have a need.
    """

    id: str
    name: Name
    offers: str
    lender: Lender
    origin: str
    mentioned: str
    validity: Validity
    conditions: Node
    limits: Node | None
    terms: Terms | None
    purposes: tuple[str, ...]
    security: str
    evidence: tuple[Name, ...]
    tags: tuple[str, ...]
    note: str = ""

    @cached_property
    def requirements(self) -> Requirements:
        """Limits and conditions, compiled, the limits first."""
        return Requirements(*([self.limits] if self.limits else []), self.conditions)


@dataclass(frozen=True)
class Terms:
    """What the product costs. ``rate`` is ``None`` for a guarantee or an insurance: its price is in ``fees``."""

    amount: Span
    months: Span
    rate: RateTerms | None
    repayment: Repayment
    day_count: DayCount
    fees: tuple[Fee, ...]
    deposit: Decimal
    guarantee: GuaranteeLink | None


_PARTS = (
    *("id", "kind", "offers", "zh", "en", "lender", "origin", "mentioned", "terms_published", "valid", "amount_yuan"),
    *("term_months", "rate", "repayment", "day_count", "fees", "deposit", "security", "guarantee", "purposes"),
    *("conditions", "evidence", "tags", "note"),
)
_ALWAYS = ("id", "kind", "offers", "zh", "en", "lender", "origin")
_WITH_TERMS = ("amount_yuan", "term_months", "repayment", "security", "purposes", "conditions")


def parse_product(document: object, facts: FactBook, parameters: ParameterBook | None = None) -> Product:
    """The product of one document of ``seed/products``; ``DataFileError`` with file and line at the first fault.

    ``parameters``, when given, must hold the parameter a floating rate names.
    """
    file = RuleFile.of(document, _PARTS, _ALWAYS)
    file.one_of("kind", ("product",))
    published = file.flag("terms_published", True)
    if published:
        RuleFile.of(file.raw, _PARTS, _WITH_TERMS)
    lender = file.part("lender", ("id", "zh", "en", "kind"), ("id", "zh", "en", "kind"))
    conditions = parse_conditions(file.raw.get("conditions", {"all": []}), facts, parameters=parameters, cited=True)
    for condition in leaves(conditions):
        if condition.spec.source in STATED:
            raise file.raw.wrong(
                "conditions",
                f"Conditions ask about the firm; {condition.fact} is not about the firm.",
                "Say it with amount_yuan, term_months, purposes or security.",
            )
    terms = _parse_terms(file, parameters) if published else None
    purposes = file.texts("purposes")
    security = file.one_of("security", SECURITIES) if published else ""
    return Product(
        id=file.identifier(),
        name=file.name(),
        offers=file.one_of("offers", OFFERS),
        lender=Lender(lender.identifier(), lender.name(), lender.one_of("kind", facts["loan_lender_kind"].codes)),
        origin=file.text("origin"),
        mentioned=file.text("mentioned"),
        validity=file.validity(),
        conditions=conditions,
        limits=_limits(file.raw, terms, purposes, security, facts) if terms else None,
        terms=terms,
        purposes=purposes,
        security=security,
        evidence=file.names("evidence"),
        tags=file.texts("tags"),
        note=file.text("note"),
    )


def _parse_terms(file: RuleFile, parameters: ParameterBook | None) -> Terms:
    lends = file.raw["offers"] not in ("guarantee", "insurance")
    if lends != file.has("rate"):
        rule = "Whoever lends says its rate; a guarantee or an insurance says its price under `fees`."
        raise file.raw.wrong("rate", rule, "Add or drop `rate:`.")
    guarantee = None
    if file.has("guarantee"):
        link = file.part("guarantee", ("scheme", "fee_annual_rate"), ("scheme", "fee_annual_rate"))
        guarantee = GuaranteeLink(link.text("scheme"), link.decimal("fee_annual_rate", "0", "0.1"))
    return Terms(
        amount=_amounts(file),
        months=_months(file),
        rate=_rate(file, parameters) if lends else None,
        repayment=file.choice("repayment", Repayment),
        day_count=file.choice("day_count", DayCount) if file.has("day_count") else DayCount.ACTUAL_360,
        fees=tuple(_fee(part) for part in file.parts("fees", _FEE, ("zh", "en", "charged", "payee"))),
        deposit=file.decimal("deposit", "0", "0.5") if file.has("deposit") else Decimal(0),
        guarantee=guarantee,
    )


_FEE = ("zh", "en", "charged", "payee", "rate", "yuan")
_SPAN = ("min", "max", "typical")


def _amounts(file: RuleFile) -> Span:
    part = file.part("amount_yuan", _SPAN, _SPAN)
    return _ordered(part, Span(part.yuan("min"), part.yuan("max"), part.yuan("typical")))


def _months(file: RuleFile) -> Span:
    part = file.part("term_months", _SPAN, _SPAN)
    low, high, typical = (Decimal(part.whole(name, 1, LONGEST_MONTHS)) for name in _SPAN)
    return _ordered(part, Span(low, high, typical))


def _ordered(part: RuleFile, span: Span) -> Span:
    if not span.low <= span.typical <= span.high:
        raise part.raw.wrong("typical", "The usual value lies between the least and the most.", "Correct one of them.")
    return span


def _rate(file: RuleFile, parameters: ParameterBook | None) -> RateTerms:
    part = file.part("rate", (*_SPAN, "over"), _SPAN)
    low, high, typical = (part.decimal(name, "-0.1" if part.has("over") else "0", "0.36") for name in _SPAN)
    _ordered(part, Span(low, high, typical))
    if part.has("over") and parameters is not None:
        try:
            parameters.fits(part.text("over"), Kind.RATIO)
        except RefusedInput as problem:
            raise part.raw.wrong("over", problem.rule, problem.fix) from None
    return RateTerms(low, high, typical, part.text("over"))


def _fee(part: RuleFile) -> Fee:
    if part.has("rate") == part.has("yuan"):
        raise part.raw.wrong("rate", "A fee is a rate or a sum.", "Give exactly one of `rate:` and `yuan:`.")
    rate = part.decimal("rate", "0", "0.2") if part.has("rate") else Decimal(0)
    yuan = part.yuan("yuan") if part.has("yuan") else Decimal(0)
    return Fee(part.name(), part.choice("charged", Charged), part.text("payee"), rate, yuan)


def _limits(raw: MarkedDict, terms: Terms, purposes: tuple[str, ...], security: str, facts: FactBook) -> Node:
    """What the product asks of the need, in the same grammar, so that it answers and explains like any condition."""
    asked: list[tuple[str, str, str, list[str] | list[int]]] = [
        ("amount_yuan", "need_amount_yuan", "between", [str(terms.amount.low), str(terms.amount.high)]),
        ("term_months", "need_term_months", "between", [int(terms.months.low), int(terms.months.high)]),
        ("purposes", "need_purpose", "in", list(purposes)),
    ]
    if security in _FITTING:
        asked.append(("security", "need_security", "in", list(_FITTING[security])))
    children = []
    for part, fact, op, value in asked:
        spec = {"fact": fact, "op": op, "value": value, "cite": f"product terms: {part}"}
        line = raw.lines.get(part, raw.line)
        children.append(MarkedDict(spec, file=raw.file, line=line))
    return parse_conditions({"all": children}, facts)


class ProductBook(dict[str, Product]):
    """Products by id. Refuses ids used twice and lenders described in two ways."""

    def __init__(self, products: Iterable[Product] = ()):
        super().__init__()
        lenders: dict[str, Lender] = {}
        for product in products:
            if product.id in self:
                raise clash(product.id, "id", product.id, "A product id is used once.", "Choose another.")
            if lenders.setdefault(product.lender.id, product.lender) != product.lender:
                rule = "Another product describes this lender otherwise."
                raise clash(product.id, "lender", product.lender.id, rule, "Use the same names and kind.")
            self[product.id] = product

    @property
    def lenders(self) -> tuple[Lender, ...]:
        """Every lender once, in the order of the products."""
        return tuple({product.lender.id: product.lender for product in self.values()}.values())

    def get_or_refuse(self, product_id: str) -> Product:
        """The product, or ``NotFound`` that says how to list them."""
        if product_id not in self:
            raise NotFound("product", product_id, "No such product.", "See GET /v1/products.", "unknown_product")
        return self[product_id]
