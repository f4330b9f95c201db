"""What a product would find before it is published: hits, what each condition costs, and with a guarantee."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from matching.benefits import GuaranteeTerms
from matching.products import Product
from matching.schemes import Scheme
from matching.screen import evaluate_screen
from matching.search.veil import canonical_question
from models.errors import RefusedInput
from service.access.auth import check_lender
from service.access.disclosure import Viewer
from service.access.reading import stated_purpose
from service.answers.prospects import step_answer
from service.answers.rules import named
from service.books.rulebook import Rules
from service.clock import day_of
from service.market.product_rows import checked_product, version_row
from service.market.published import rules_of
from service.market.release import count_screen, known_bits, veil_of
from service.market.seeker import Seeker
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.find_prospects import lender_steps, question_asked, screen_of


def preview_product(
    seeker: Seeker, product_id: str, document: Mapping[str, Any] | None, version: int | None
) -> dict[str, Any]:
    """A document that is written out, a version that is kept, or (neither) the product as it is offered.

    ``hits_now``: of the product as it is offered, ``None`` where it is not. A lender is told moved counts, and each
    different set of conditions counts as a screen of its day.
    """
    rules = rules_of(seeker.office, day_of(seeker.now))
    purpose, staff = stated_purpose(seeker.caller, seeker.purpose), Viewer(seeker.caller.role).knows_identity
    offered = rules.offers.products.get(product_id)
    product = _meant(seeker, rules, product_id, document, version, offered)
    snapshot = seeker.shelf.current()
    if not staff:
        count_screen(seeker, purpose, *question_asked(snapshot, product.conditions), product.id)
    screened = screen_of(snapshot, rules, product.conditions)
    veil = veil_of(snapshot, seeker.key)

    def told(number: int, *question: str) -> int | None:
        return number if staff else veil.told(number, *question)

    def both(scheme: Scheme) -> int:
        return int(np.bitwise_count(screened.left[-1] & _open_to(snapshot, rules, scheme)).sum())

    question, guarantees = canonical_question(screened.parts), _guarantees(rules, product)
    hits_now = None
    if offered is not None:
        now = screen_of(snapshot, rules, offered.conditions)
        hits_now = told(now.total, "met", canonical_question(now.parts))
    return {
        "product": product.id,
        "as_of": snapshot.as_of,
        "snapshot_id": snapshot.id,
        "among": screened.looked_at,
        "approximate": not staff,
        "hits": told(screened.total, "met", question),
        "hits_now": hits_now,
        "waterfall": [step_answer(step) for step in screened.waterfall] if staff else lender_steps(veil, screened),
        "with_guarantee": [
            {"scheme": scheme.id, **named(scheme.name), "hits": told(both(scheme), scheme.id, question)}
            for scheme in guarantees
        ],
    }


def _meant(
    seeker: Seeker,
    rules: Rules,
    product_id: str,
    document: Mapping[str, Any] | None,
    version: int | None,
    offered: Product | None,
) -> Product:
    if document is not None and version is not None:
        raise RefusedInput("two_products", "version", version, "One product is previewed.", "Give one of the two.")
    if document is None and version is None:
        product = rules.offers.products.get_or_refuse(product_id)
        check_lender(seeker.caller, product.lender.id, "product", product_id)
        return product
    if document is None:
        assert version is not None
        with seeker.office.read() as session:
            document = version_row(session, seeker.caller, product_id, version).document
    product, _ = checked_product(rules, seeker.caller, document, None)
    if product.id != product_id:
        raise RefusedInput("other_product", "id", product.id, f"This is {product_id}.", "Ask under its own id.")
    return product


def _guarantees(rules: Rules, product: Product) -> list[Scheme]:
    """The guarantee the product rests on, else every one of the city that a loan could be given with."""
    schemes = rules.local_offers.schemes
    link = product.terms.guarantee if product.terms else None
    if link is not None:
        return [rules.offers.schemes[link.scheme]]
    return [scheme for scheme in schemes.values() if isinstance(scheme.benefit, GuaranteeTerms)]


def _open_to(snapshot: OpenSnapshot, rules: Rules, scheme: Scheme) -> Any:
    """Packed bits of the firms that do not fail a scheme's conditions; what only a loan can say is left open."""
    parts = evaluate_screen(
        scheme.conditions, snapshot.columns.values, snapshot.firms, {}, rules.parameters, snapshot.as_of,
        dictionaries=snapshot.columns.codes, known=known_bits(snapshot),
    ).possible  # fmt: skip
    return np.bitwise_and.reduce(parts, axis=0)
