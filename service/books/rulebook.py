"""Opens what `seed/` says about rules: facts, parameters, schemes, products, sizes, evaluation models, agencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from matching.alarms import AlarmBook, parse_alarms
from matching.applications.rules import ApplicationRules, parse_application_rules
from matching.changes import ChangeBook, parse_changes
from matching.facts import FactBook, Source, item_facts, parse_facts
from matching.objection_rules import ObjectionRules, parse_objection_rules
from matching.offers import Offers
from matching.parameters import ParameterBook, parse_parameters
from matching.post_loan import BorrowerWatch, parse_borrower_watch
from matching.products import Lender, ProductBook, parse_product
from matching.repair_file import parse_repair_rules
from matching.repair_rules import RepairRules
from matching.schemes import SchemeBook, parse_scheme
from matching.search.terms import MarketTerms, parse_market_terms
from matching.service_clocks import ServiceClasses, parse_service_classes
from matching.working_days import WorkingCalendar, parse_calendar
from models.marked import marked
from scoring import prepaid
from scoring.catalogue import Catalogue
from scoring.evaluation.model import ModelBook
from scoring.evaluation.parse import parse_models
from scoring.gates import Gate, parse_gates
from scoring.industry import Industries, parse_industries
from scoring.monitoring.alert_rules import WatchRules, parse_watch_rules
from scoring.pd_scale import PdScale, parse_pd_scale
from scoring.prepaid import PrepaidIndustries, parse_prepaid
from scoring.review_rules import ReviewRules, parse_review_rules
from scoring.size import SizeTable, parse_sizes
from service.books.rule_set import CASES, RuleSet
from service.books.seedbook import SEED, catalogue, catalogue_of, feeds, feeds_of, rule_set

__all__ = ["CASES", "Rules", "rule_files"]


class Rules:
    """Everything an answer is made with, parsed from one rule set: today's, or the one of an old receipt."""

    def __init__(self, files: RuleSet, items: Catalogue | None = None):
        self.files = files
        self._items = items

    @cached_property
    def catalogue(self) -> Catalogue:
        """The items, with who may see them."""
        return self._items or catalogue_of(self.files, feeds_of(self.files))

    @cached_property
    def agencies(self) -> Mapping[str, Mapping[str, str]]:
        """Names of the delivering agencies by id."""
        named: Mapping[str, Mapping[str, str]] = self.files.document("agencies.yaml")
        return named

    @cached_property
    def facts(self) -> FactBook:
        """Everything a condition may ask: items, derived facts, what is stated of the need, the loan and a claim."""
        items = item_facts(self.catalogue.items.values(), self.agencies)
        further = item_facts(self.catalogue.further.values(), self.agencies)
        beside = [replace(spec, source=Source.DERIVED) for spec in further]
        return parse_facts(self.files.document("facts.yaml"), [*items, *beside], self.files.documents("claim_facts"))

    @cached_property
    def parameters(self) -> ParameterBook:
        """The dated public numbers."""
        return parse_parameters(self.files.documents("parameters"))

    @cached_property
    def offers(self) -> Offers:
        """The product shelf and every scheme, checked against each other."""
        products, schemes = self.files.documents("products"), self.files.documents("schemes")
        return Offers(
            ProductBook(parse_product(document, self.facts, self.parameters) for document in products),
            SchemeBook(parse_scheme(document, self.facts, self.parameters) for document in schemes),
        )

    @cached_property
    def changes(self) -> ChangeBook:
        """What a firm can change, and what time alone changes."""
        return parse_changes(self.files.document("changes.yaml"), self.facts)

    @cached_property
    def local_offers(self) -> Offers:
        """What a firm of this office's city may be offered: the shelf, the city's schemes and the national ones."""
        office = marked(self.files.document("office.yaml"))
        if office.get("city") not in {scheme.city for scheme in self.offers.schemes.values()}:
            raise office.wrong("city", "No scheme names this city.", "Name a folder under seed/schemes.")
        return self.offers.of_city(str(office["city"]))

    def with_products(self, files: Mapping[str, bytes | None]) -> Rules:
        """These rules with other product files (path below the root; ``None`` takes one out); the rest stays parsed."""
        kept = {name: body for name, body in {**self.files.files, **files}.items() if body is not None}
        made = Rules(RuleSet(dict(sorted(kept.items()))), self._items)
        made.agencies, made.facts, made.parameters = self.agencies, self.facts, self.parameters
        changed = {name for name, body in files.items() if self.files.files.get(name) != body}
        untouched = [each for each in self.offers.products.values() if f"products/{each.id}.yaml" not in changed]
        parsed = [
            parse_product(made.files.document(name), self.facts, self.parameters) for name in sorted(changed & {*kept})
        ]
        ordered = sorted((*untouched, *parsed), key=lambda product: f"products/{product.id}.yaml")
        made.offers = Offers(ProductBook(ordered), self.offers.schemes)
        return made


@cache
def rules() -> Rules:
    """The rules of this process."""
    return Rules(rule_set(), catalogue())


def rule_files(folder: str) -> list[Path]:
    """The rule files under ``seed/<folder>``, without the cases beside them, in a fixed order."""
    return [path for path in sorted((SEED / folder).rglob("*.yaml")) if not path.name.endswith(CASES)]


def agencies() -> Mapping[str, Mapping[str, str]]:
    """Names of the delivering agencies by id."""
    return rules().agencies


def facts() -> FactBook:
    """Everything a condition may ask."""
    return rules().facts


def parameters() -> ParameterBook:
    """The dated public numbers."""
    return rules().parameters


def offers() -> Offers:
    """The product shelf and every scheme."""
    return rules().offers


@cache
def lenders() -> Mapping[str, Lender]:
    """Everyone who offers a product, by id."""
    return {lender.id: lender for lender in offers().products.lenders}


@cache
def industries() -> Industries:
    """The industry classification."""
    return parse_industries(rule_set().document("industries.yaml"))


@cache
def sizes() -> SizeTable:
    """The official size table."""
    return parse_sizes(rule_set().document("sizes.yaml"), industries())


@cache
def evaluations() -> ModelBook:
    """The evaluation models."""
    return parse_models(rule_set().documents("evaluations"), catalogue(), {prepaid.FACT: prepaid_industries().codes})


@cache
def prepaid_industries() -> PrepaidIndustries:
    """The industries of prepaid business."""
    return parse_prepaid(rule_set().document("prepaid_industries.yaml"), industries())


@cache
def alarms() -> AlarmBook:
    """The alarms over prepaid business."""
    return parse_alarms(rule_set().document("watch/prepaid.yaml"), facts(), parameters())


@cache
def borrower_watch() -> BorrowerWatch:
    """What lenders are told of their borrowers."""
    return read_borrower_watch(rule_set().document("watch/borrowers.yaml"))


def read_borrower_watch(document: Any) -> BorrowerWatch:
    """A file of what lenders are told, against the items and feeds at hand."""
    values = {
        item.id: {column.id: column.values for column in feeds()[item.feed].columns if column.values}
        for item in catalogue().items.values()
        if item.feed in feeds()
    }
    return parse_borrower_watch(document, facts(), parameters(), values)


@cache
def gates() -> tuple[Gate, ...]:
    """What a model's card must show before the model may be used."""
    return parse_gates(rule_set().document("models/gates.yaml"))


@cache
def watch_rules() -> WatchRules:
    """What is watched of a model in service, and from where on somebody must look."""
    return parse_watch_rules(rule_set().document("models/alerts.yaml"), pd_scale().grades)


@cache
def pd_scale() -> PdScale:
    """Which models give the probability of default, and how it is graded."""
    return parse_pd_scale(rule_set().document("pd.yaml"))


@cache
def review_rules() -> ReviewRules:
    """What may be decided about a firm that is reviewed by hand."""
    return parse_review_rules(rule_set().document("reviews.yaml"))


@cache
def working_days() -> WorkingCalendar:
    """The calendar of working days."""
    return parse_calendar(rule_set().document("calendars/china.yaml"))


@cache
def service_classes() -> ServiceClasses:
    """How support reaches a firm, and the clocks that run."""
    return parse_service_classes(rule_set().document("service_classes.yaml"))


def rules_digest() -> str:
    """SHA-256 over every rule file that an answer may rest on, so that a receipt can name them."""
    return rule_set().digest


@cache
def objection_rules() -> ObjectionRules:
    """How an objection is dealt with, and in what time."""
    return parse_objection_rules(rule_set().document("objections.yaml"))


@cache
def application_rules() -> ApplicationRules:
    """States, clocks, reasons and weights of needs and applications."""
    return parse_application_rules(rule_set().document("applications.yaml"), facts())


@cache
def repair_rules() -> RepairRules:
    """Credit repair under the rules of each day."""
    return parse_repair_rules(rule_set().document("repair.yaml"))


@cache
def market_terms() -> MarketTerms:
    """What protects firms in the answers to searches, and the limits of contacts."""
    return parse_market_terms(rule_set().document("market.yaml"))
