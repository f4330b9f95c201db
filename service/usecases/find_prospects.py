"""Firms that meet a product's conditions, or a screen's: one page, the total, and what each condition costs."""

from __future__ import annotations

from typing import Any

from matching.conditions import parse_conditions
from matching.facts import FactSpec, Source
from matching.nodes import Node, leaves
from matching.screen import Order, Page, parse_order, run_screen
from models.errors import NotFound, RefusedInput
from service.access.auth import Caller, check_lender
from service.access.disclosure import SMALLEST_GROUP, may_know_identity, withheld
from service.access.opaque import prospect_id
from service.answers.prospects import anonymous_card, named_card, node_answer, step_answer
from service.books.rulebook import facts, offers, parameters
from service.books.seedbook import catalogue
from service.snapshot.shelf import Shelf
from service.snapshot.snapshots import OpenSnapshot


def prospects_of_product(
    shelf: Shelf, home_key: bytes, caller: Caller, product_id: str, cursor: str, limit: int
) -> dict[str, Any]:
    """Firms that meet one product's conditions. A lender sees its own products' prospects only."""
    product = offers().products.get_or_refuse(product_id)
    check_lender(caller, product.lender.id, "product", product_id)
    snapshot, after = _place(shelf, cursor)
    page = _screened(snapshot, product.conditions, None, after, limit)
    return {"product": product_id, **_answer(snapshot, page, home_key, caller)}


def search_prospects(
    shelf: Shelf, home_key: bytes, caller: Caller, conditions: object, sort: str, cursor: str, limit: int
) -> dict[str, Any]:
    """Firms that meet ad-hoc conditions, in the grammar of every rule.

    ``sort``: empty for best score first, else an item, with ``-`` in front for highest first.
    """
    node = parse_conditions(conditions, facts(), parameters=parameters())
    order = parse_order(sort, facts())
    asked = [condition.spec for condition in leaves(node)] + ([order.spec] if order else [])
    for spec in asked:
        _refuse_fact(spec, caller)
    snapshot, after = _place(shelf, cursor)
    page = _screened(snapshot, node, order, after, limit)
    answer = _answer(snapshot, page, home_key, caller)
    if withheld(caller.role, asked, page.total):
        answer |= {"items": [], "next_cursor": None, "total": None, "undecided": None, "waterfall": []}
        answer["withheld_below"] = SMALLEST_GROUP
    return {"conditions": node_answer(node), **answer}


def _refuse_fact(spec: FactSpec, caller: Caller) -> None:
    if spec.source not in (Source.ITEM, Source.DERIVED):
        raise RefusedInput(
            "not_about_firms",
            "fact",
            spec.id,
            "A screen asks about firms; this fact is about a need or a loan.",
            "Use an item of GET /v1/catalogue.",
        )
    item = catalogue().items.get(spec.id)
    if item is not None and item.personal and not may_know_identity(caller.role, None):
        raise RefusedInput(
            "personal_fact",
            "fact",
            spec.id,
            "Firms are not screened by facts about persons without their consent.",
            "Leave this condition out.",
            status=403,
        )


def _place(shelf: Shelf, cursor: str) -> tuple[OpenSnapshot, str]:
    """The snapshot a page belongs to: a cursor stays with the snapshot it began in, however many are built since."""
    if not cursor:
        return shelf.current(), ""
    snapshot_id, _, after = cursor.partition(".")
    try:
        return shelf.by_id(snapshot_id), after or "."
    except NotFound:
        raise RefusedInput(
            "bad_cursor", "cursor", cursor, "A cursor is used as it was given.", "Ask for the first page again."
        ) from None


def _screened(snapshot: OpenSnapshot, node: Node, order: Order | None, after: str, limit: int) -> Page:
    live = snapshot.columns.get("live")
    return run_screen(
        node,
        snapshot.columns.values,
        snapshot.firms,
        {},
        parameters(),
        snapshot.as_of,
        dictionaries=snapshot.columns.codes,
        within=None if live is None else live != 0,
        sort=order,
        limit=limit,
        cursor=after,
        snapshot=snapshot.id,
    )


def _answer(snapshot: OpenSnapshot, page: Page, key: bytes, caller: Caller) -> dict[str, Any]:
    card = named_card if may_know_identity(caller.role, None) else anonymous_card
    whose = caller.tenant or caller.role.value
    return {
        "as_of": snapshot.as_of,
        "snapshot_id": snapshot.id,
        "among": page.among,
        "total": page.total,
        "undecided": page.undecided,
        "withheld_below": None,
        "waterfall": [step_answer(step) for step in page.waterfall],
        "items": [card(snapshot, int(row), prospect_id(key, whose, snapshot.firm_at(int(row)))) for row in page.rows],
        "next_cursor": f"{snapshot.id}.{page.next_cursor}" if page.next_cursor else None,
    }
