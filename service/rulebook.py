"""Opens what `seed/` says about rules: facts, parameters, schemes, products, sizes, evaluation models, agencies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from matching.facts import FactBook, item_facts, parse_facts
from matching.offers import Offers
from matching.parameters import ParameterBook, parse_parameters
from matching.products import Lender, ProductBook, parse_product
from matching.schemes import SchemeBook, parse_scheme
from scoring.evaluation.model import ModelBook
from scoring.evaluation.parse import parse_models
from scoring.industry import Industries, parse_industries
from scoring.size import SizeTable, parse_sizes
from service.documents import read_yaml
from service.seedbook import SEED, catalogue

#: Beside each rule file stand its cases, under the same name with this ending.
CASES = ".cases.yaml"


def rule_files(folder: str) -> list[Path]:
    """The rule files under ``seed/<folder>``, without the cases beside them, in a fixed order."""
    return [path for path in sorted((SEED / folder).rglob("*.yaml")) if not path.name.endswith(CASES)]


@cache
def agencies() -> Mapping[str, Mapping[str, str]]:
    """Names of the delivering agencies by id."""
    named: Mapping[str, Mapping[str, str]] = read_yaml(SEED / "agencies.yaml", SEED)
    return named


@cache
def facts() -> FactBook:
    """Everything a condition may ask: items, derived facts, facts of the need and the loan."""
    return parse_facts(read_yaml(SEED / "facts.yaml", SEED), item_facts(catalogue().items.values(), agencies()))


@cache
def parameters() -> ParameterBook:
    """The dated public numbers."""
    return parse_parameters(read_yaml(path, SEED) for path in rule_files("parameters"))


@cache
def offers() -> Offers:
    """The product shelf and every scheme, checked against each other."""
    return Offers(
        ProductBook(parse_product(read_yaml(path, SEED), facts(), parameters()) for path in rule_files("products")),
        SchemeBook(parse_scheme(read_yaml(path, SEED), facts(), parameters()) for path in rule_files("schemes")),
    )


@cache
def lenders() -> Mapping[str, Lender]:
    """Everyone who offers a product, by id."""
    return {lender.id: lender for lender in offers().products.lenders}


@cache
def industries() -> Industries:
    """The industry classification."""
    return parse_industries(read_yaml(SEED / "industries.yaml", SEED))


@cache
def sizes() -> SizeTable:
    """The official size table."""
    return parse_sizes(read_yaml(SEED / "sizes.yaml", SEED), industries())


@cache
def evaluations() -> ModelBook:
    """The evaluation models."""
    return parse_models((read_yaml(path, SEED) for path in rule_files("evaluations")), catalogue())


@cache
def rules_digest() -> str:
    """SHA-256 over every rule file that an answer may rest on, so that a receipt can name them."""
    folders = ("catalogue", "evaluations", "feeds", "parameters", "products", "schemes")
    files = [path for folder in folders for path in rule_files(folder)]
    digest = hashlib.sha256()
    for path in (*files, *(SEED / f"{name}.yaml" for name in ("agencies", "facts", "industries", "sizes"))):
        body = path.read_bytes()
        digest.update(f"{path.relative_to(SEED)}\0{len(body)}\0".encode())
        digest.update(body)
    return digest.hexdigest()
