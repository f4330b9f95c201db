"""Versions of products as rows: found for whom they belong to, and read as the rule files they become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from matching.cases import run_cases
from matching.lint import lint_rule
from matching.offers import Offers
from matching.products import Product, ProductBook
from models.errors import DataFileError, NotFound, RefusedInput
from models.tables import ProductVersion
from service.access.auth import Caller
from service.books.documents import parse_yaml
from service.books.rulebook import Rules
from service.market.published import file_of


def checked_product(
    rules: Rules, caller: Caller, document: Mapping[str, Any], cases: Mapping[str, Any] | None
) -> tuple[Product, list[str]]:
    """The product of a document and what its cases leave untried; ``RefusedInput`` names the first fault and its line.

    The faults are those of ``rongqiao scheme check``; besides, the lender is the caller's house, described as before,
    and the id is not another house's.
    """
    file = f"{document.get('id', 'product')}.json"
    product, remarks = _linted(rules, document, file)
    faults = [remark for remark in remarks if remark.error]
    if product is None or faults:
        first = faults[0]
        more = f" ({len(faults) - 1} more faults.)" if len(faults) > 1 else ""
        raise RefusedInput("bad_product", f"{file}:{first.line}: {first.field}", None, first.rule + more, first.fix)
    if caller.is_lender and product.lender.id != caller.tenant:
        rule = "A house publishes its own products only."
        raise RefusedInput("not_your_house", "lender", product.lender.id, rule, f"Write {caller.tenant}.", status=403)
    known = rules.offers.products.get(product.id)
    if known is not None and known.lender.id != product.lender.id:
        raise id_taken(product.id)
    try:
        others = [each for each in rules.offers.products.values() if each.id != product.id]
        Offers(ProductBook([*others, product]), rules.offers.schemes)
    except DataFileError as fault:
        raise RefusedInput("bad_product", fault.field, fault.value, fault.rule, fault.fix) from None
    return product, _tried(rules, product, cases)


def _linted(rules: Rules, document: Mapping[str, Any], file: str) -> tuple[Product | None, list[Any]]:
    read = _as_file(document, "bad_product", file)
    if read.get("kind") != "product":
        raise RefusedInput("bad_product", "kind", read.get("kind"), "This is no product.", "Write kind: product.")
    rule, remarks = lint_rule(read, rules.facts, rules.parameters)
    return (rule if isinstance(rule, Product) else None), remarks


def _tried(rules: Rules, product: Product, cases: Mapping[str, Any] | None) -> list[str]:
    """What the cases leave untried; refused where one is not answered as it expects."""
    if cases is None:
        return ["no case was given"]
    file = f"{product.id}.cases.json"
    read = _as_file(cases, "bad_cases", file)
    try:
        report = run_cases(read, product, rules.facts, rules.parameters)
    except DataFileError as fault:
        field = f"{fault.file}:{fault.line}: {fault.field}"
        raise RefusedInput("bad_cases", field, fault.value, fault.rule, fault.fix) from None
    if report.failures:
        fix = "Mend the case or the product, whichever is wrong."
        raise RefusedInput("bad_cases", "cases", None, report.failures[0] + ".", fix)
    return list(report.missing)


def _as_file(content: Mapping[str, Any], code: str, file: str) -> Any:
    """The content as it is read back from the file it becomes, so that a fault names its line."""
    try:
        return parse_yaml(file_of(dict(content)), file)
    except (TypeError, DataFileError) as problem:
        said = problem.rule if isinstance(problem, DataFileError) else f"It cannot be written down: {problem}."
        raise RefusedInput(code, file, None, said, "Keep to printable text and numbers of 64 bits.") from None


def versions_of(session: Session, product_id: str) -> list[ProductVersion]:
    """Every version of a product, oldest first."""
    query = select(ProductVersion).where(ProductVersion.product_id == product_id).order_by(ProductVersion.version)
    return list(session.scalars(query))


def version_row(
    session: Session, caller: Caller, product_id: str, version: int, *, lock: bool = False
) -> ProductVersion:
    """One version that the caller may know; ``NotFound`` for any other. ``lock`` keeps others from changing it."""
    query = select(ProductVersion).where(ProductVersion.product_id == product_id, ProductVersion.version == version)
    row = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None or (caller.is_lender and row.lender != caller.tenant):
        raise unknown_version(product_id, version)
    return row


def unknown_version(product_id: str, version: int | None) -> NotFound:
    """The one answer for a version that is not there and one of another house."""
    value = product_id if version is None else f"{product_id}/{version}"
    return NotFound("product", value, "Your house has no such product.", "See GET /v1/products.", "unknown_product")


def id_taken(product_id: str) -> RefusedInput:
    """The refusal of another house's product id."""
    rule = "A product id is used once, and this one is taken."
    return RefusedInput("id_taken", "id", product_id, rule, "Choose another.", status=409)


def wrong_state(row: ProductVersion, wanted: str) -> RefusedInput:
    """The refusal of a step that the version's state does not allow."""
    rule = f"This needs a version that is {wanted}; it is {row.state}."
    return RefusedInput("wrong_state", "version", row.version, rule, "See GET …/versions.", status=409)
