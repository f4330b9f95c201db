"""Firms that meet a product's conditions, or a screen's: one page, the total, what each condition costs, facets.

Staff are told all. Lenders are told of groups: moved counts and cards of a part of the firms, each with others alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.conditions import parse_conditions
from matching.cursors import Cursor, fingerprint, read_cursor, write_cursor
from matching.facts import FactSpec, Source
from matching.nodes import Node, leaves
from matching.screen import MAX_LIMIT, Order, Screened, evaluate_screen, page_of, parse_order, parts_of, question_of
from matching.search.veil import Trait, Veil, canonical_question
from models.errors import NotFound, RefusedInput
from service.access.auth import Caller, check_lender
from service.access.disclosure import Viewer
from service.access.opaque import prospect_id, sealed_prospect
from service.access.reading import stated_purpose
from service.answers.prospects import lender_card, lender_step, named_card, node_answer, step_answer
from service.answers.scored_by import scored_by
from service.books.rulebook import Rules, market_terms
from service.books.seedbook import catalogue
from service.clock import day_of
from service.market.contacts import open_to_contact, opened
from service.market.published import rules_of
from service.market.release import (
    count_screen,
    in_registers,
    known_bits,
    sort_trait,
    traits_of,
    veil_of,
)
from service.market.seeker import Seeker
from service.snapshot.shelf import Shelf
from service.snapshot.snapshots import OpenSnapshot


@dataclass(frozen=True)
class LenderList:
    """Rows of a lender's cards, how many of ``traits`` each shows, and the firms it may contact."""

    rows: NDArray[np.int64]
    shown: NDArray[np.int64]
    traits: Sequence[Trait]
    reachable: frozenset[str]


FACETS = ("district", "size_class", "industry_section", "grade")


def prospects_of_product(seeker: Seeker, product_id: str, cursor: str, limit: int) -> dict[str, Any]:
    """Firms that meet one product's conditions. A lender sees its own products' prospects only."""
    rules = rules_of(seeker.office, day_of(seeker.now))
    product = rules.offers.products.get_or_refuse(product_id)
    check_lender(seeker.caller, product.lender.id, "product", product_id)
    return {
        "product": product_id,
        **answer_screen(seeker, rules, product.conditions, "", cursor, limit, subject=product_id),
    }


def search_prospects(seeker: Seeker, conditions: object, sort: str, cursor: str, limit: int) -> dict[str, Any]:
    """Firms that meet ad-hoc conditions, in the grammar of every rule.

    ``sort``: empty for best score first, else an item, with ``-`` in front for highest first.
    """
    rules = rules_of(seeker.office, day_of(seeker.now))
    node, _ = parse_screen(rules, seeker.caller, conditions, sort)
    return {"conditions": node_answer(node), **answer_screen(seeker, rules, node, sort, cursor, limit)}


def parse_screen(rules: Rules, caller: Caller, conditions: object, sort: str) -> tuple[Node, Order | None]:
    """Conditions and order of a screen this caller may ask; ``RefusedInput`` for any other."""
    node, order = parse_conditions(conditions, rules.facts, parameters=rules.parameters), parse_order(sort, rules.facts)
    for spec in (*(condition.spec for condition in leaves(node)), *([order.spec] if order else [])):
        _refuse_fact(spec, caller)
    return node, order


def answer_screen(
    seeker: Seeker, rules: Rules, node: Node, sort: str, cursor: str, limit: int, subject: str = ""
) -> dict[str, Any]:
    """The page and the counts, as the caller may know them; a lender's search is counted and written down first."""
    if not 1 <= limit <= MAX_LIMIT:
        raise RefusedInput("bad_limit", "limit", limit, f"A page holds 1 to {MAX_LIMIT} firms.", "Ask for 50.")
    purpose = stated_purpose(seeker.caller, seeker.purpose)
    order = parse_order(sort, rules.facts)
    snapshot, after = _place(seeker.shelf, cursor)
    staff = Viewer(seeker.caller.role).knows_identity
    if not staff:
        count_screen(seeker, purpose, *question_asked(snapshot, node), subject)
    screened = screen_of(snapshot, rules, node)
    answer = _for_staff if staff else _for_lender
    return {
        "as_of": snapshot.as_of,
        "snapshot_id": snapshot.id,
        "models": scored_by(snapshot),
        "among": screened.looked_at,
        **answer(seeker, snapshot, screened, node, order, after, limit),
    }


def question_asked(snapshot: OpenSnapshot, node: Node) -> tuple[str, int]:
    """What a screen asks of which snapshot, and with how many conditions: what is counted."""
    return f"{snapshot.id} {question_text(node)}", max(1, len(list(leaves(node))))


def question_text(node: Node) -> str:
    """A screen's question, however it was written."""
    return canonical_question(parts_of(node))


def screen_of(snapshot: OpenSnapshot, rules: Rules, node: Node) -> Screened:
    """A screen over the firms of a snapshot that are not known to have ended."""
    live = snapshot.columns.get("live")
    return evaluate_screen(
        node,
        snapshot.columns.values,
        snapshot.firms,
        {},
        rules.parameters,
        snapshot.as_of,
        dictionaries=snapshot.columns.codes,
        known=known_bits(snapshot),
        within=None if live is None else live != 0,
    )


def listed_rows(seeker: Seeker, snapshot: OpenSnapshot, screened: Screened, order: Order | None) -> LenderList:
    """A lender's cards in the order asked; none are listed where the group is too small.

    Firms come by the band that their card shows (of what is sorted by, else of the score), then in an order that says
    nothing. A firm that opened itself to the lender is on every list that is not too small.
    """
    veil, found, question = veil_of(snapshot, seeker.key), screened.found, canonical_question(screened.parts)
    traits = list(traits_of(snapshot))
    if order is not None:
        traits.insert(1, sort_trait(snapshot, order))
    today = day_of(seeker.now)
    with seeker.office.read() as session:
        codes = np.array(opened(session, seeker.caller.tenant, today), "S18")
        agreed = np.isin(snapshot.uscc[found], codes)
        names = [snapshot.firm_at(row) for row in found[agreed].tolist()]
        reachable = open_to_contact(session, names, seeker.caller.tenant, today)
    if veil.told(screened.total, "met", question) is None:
        found, agreed = found[:0], agreed[:0]
    cards = veil.listed(found, traits, agreed, question)
    by = 1 if order is not None else [trait.name for trait in traits].index("score_band")
    places = traits[by].places[cards.rows]
    band = np.where(cards.shown > by, places if order is not None else -places, np.iinfo(np.int64).max)
    if order is not None:
        band = np.where(places < 0, np.iinfo(np.int64).max, band)
    place = np.lexsort((veil.order(cards.rows, question), band))
    return LenderList(cards.rows[place], cards.shown[place], traits, reachable)


def _for_staff(
    seeker: Seeker, snapshot: OpenSnapshot, screened: Screened, node: Node, order: Order | None, after: str, limit: int
) -> dict[str, Any]:
    page = page_of(screened, snapshot.columns.values, order, limit, after, _asked(seeker, snapshot, node, order))
    found, whose, key = screened.found, seeker.caller.role.value, seeker.key
    traits = _facet_traits(snapshot)
    counts = [np.bincount(trait.places[found] + 1, minlength=trait.size + 1)[1:].tolist() for trait in traits]
    return {
        "total": page.total,
        "undecided": page.undecided,
        "approximate": False,
        "withheld_below": None,
        "waterfall": [step_answer(step) for step in page.waterfall],
        "facets": {
            trait.name: _facet(snapshot, trait.name, count) for trait, count in zip(traits, counts, strict=True)
        },
        "items": [
            named_card(snapshot, int(row), prospect_id(key, whose, snapshot.firm_at(int(row)))) for row in page.rows
        ],
        "next_cursor": f"{snapshot.id}.{page.next_cursor}" if page.next_cursor else None,
    }


def _for_lender(
    seeker: Seeker, snapshot: OpenSnapshot, screened: Screened, node: Node, order: Order | None, after: str, limit: int
) -> dict[str, Any]:
    asked = _asked(seeker, snapshot, node, order)
    start = int(read_cursor(after, asked).row) if after else 0
    veil, question = veil_of(snapshot, seeker.key), canonical_question(screened.parts)
    exact = all(in_registers(condition.spec) for condition in leaves(node))
    total: int | None = screened.total
    undecided: int | None = screened.undecided_count
    steps = [step_answer(step) for step in screened.waterfall] if exact else lender_steps(veil, screened)
    if not exact:
        total, undecided = (
            veil.told(screened.total, "met", question),
            veil.told(screened.undecided_count, "undecided", question),
        )
    cards = listed_rows(seeker, snapshot, screened, order)
    page = range(start, min(start + limit, len(cards.rows)))
    names, key = [snapshot.firm_at(int(cards.rows[place])) for place in page], seeker.key
    scope = fingerprint(question)
    small = total is None
    following = write_cursor(Cursor(0, page.stop), asked) if page.stop < len(cards.rows) else ""
    return {
        "total": total,
        "undecided": None if small else undecided,
        "approximate": not exact,
        "withheld_below": market_terms().release.smallest_group if small else None,
        "waterfall": [] if small else steps,
        "facets": {
            trait.name: [] if small else _facet(snapshot, trait.name, veil.counts(screened.found, trait, question))
            for trait in _facet_traits(snapshot)
        },
        "items": [
            lender_card(
                snapshot,
                int(cards.rows[place]),
                sealed_prospect(key, seeker.caller.tenant, scope, name),
                cards.traits,
                int(cards.shown[place]),
                name in cards.reachable,
            )
            for place, name in zip(page, names, strict=True)
        ],
        "next_cursor": f"{snapshot.id}.{following}" if following else None,
    }


def lender_steps(veil: Veil, screened: Screened) -> list[dict[str, Any]]:
    """The waterfall as a lender is told it: each number moved by itself, the same wherever it is asked for."""
    parts = screened.parts
    return [
        lender_step(
            step.part,
            veil.told(step.removes, "removes", canonical_question([step.part])),
            veil.told(step.unknown, "unknown", canonical_question([step.part])),
            veil.told(step.left, "met", canonical_question(parts[: place + 1])),
        )
        for place, step in enumerate(screened.waterfall)
    ]


def _asked(seeker: Seeker, snapshot: OpenSnapshot, node: Node, order: Order | None) -> bytes:
    """What a cursor belongs to; the office's key is in it, so that nobody else can make one."""
    sort = (order.spec.id, order.descending) if order else ()
    return fingerprint(seeker.key, seeker.caller.tenant, question_of(node), sort, snapshot.id)


def _facet_traits(snapshot: OpenSnapshot) -> list[Trait]:
    known = {trait.name: trait for trait in traits_of(snapshot)}
    return [known[name] for name in FACETS]


def _facet(snapshot: OpenSnapshot, name: str, counts: Sequence[int | None]) -> list[dict[str, Any]]:
    """Codes with firms, the largest group first; those that are too small to be told are left out."""
    codes = snapshot.columns.codes.get(name, ())
    found = [{"code": code, "firms": count} for code, count in zip(codes, counts, strict=False) if count]
    return sorted(found, key=lambda each: (-each["firms"], each["code"]))


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
    if item is not None and item.personal and not Viewer(caller.role).knows_identity:
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
