"""The market of a campaign: eligible firms of a snapshot and the campaign's products, under its quotas and pots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.cost import Cost, cost_of, quote
from matching.market import FairShare, Limits, Market, matched_fairly
from matching.market.market import OPEN, limits_of
from matching.products import Product
from models.errors import RefusedInput
from models.kinds import UNKNOWN_INT64
from models.money import to_fen
from service.books.rulebook import offers, parameters
from service.market.campaign_spec import CampaignSpec, Quota
from service.market.campaign_summary import summary_of
from service.market.campaign_value import best_of, ranking
from service.snapshot.snapshots import OpenSnapshot

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Granted:
    """A pair that is granted or under way: it stays on every later version and draws on its limits first."""

    uscc: str
    product: str
    fen: int


@dataclass(frozen=True)
class Drawn:
    """The list: snapshot row (-1: no longer there), product, fen and place of each pair, and what is told of it."""

    pairs: tuple[tuple[int, str, str, int, int], ...]
    summary: dict[str, Any]


def products_of(spec: CampaignSpec, snapshot: OpenSnapshot) -> tuple[Product, ...]:
    """The campaign's products; ``RefusedInput`` for one that is unknown, has no terms, or was not in the build."""
    made = tuple(offers().products.get_or_refuse(one) for one in spec.product_ids)
    for product in made:
        if product.terms is None or product.id not in snapshot.rule_ids:
            rule = "Its terms are not published." if product.terms is None else "The last build did not match it."
            raise RefusedInput("bad_campaign", "products", product.id, rule, "Leave it out, or build again.")
    strange = {quota.id for quota in spec.lenders} - {product.lender.id for product in made}
    if strange:
        rule = "A lender's quota is for a lender of the campaign."
        raise RefusedInput("bad_campaign", "lenders", sorted(strange)[0], rule, "Leave it out.")
    return made


def draw(
    spec: CampaignSpec,
    snapshot: OpenSnapshot,
    caps: Mapping[str, int],
    needs: Mapping[str, int],
    granted: Sequence[Granted],
) -> Drawn:
    """The list under the spec. ``caps``: contacts left of firms that said how many; ``needs``: fen of open needs."""
    products = products_of(spec, snapshot)
    costs = _costs(snapshot, products)
    likes = -np.array([float(cost.all_in_annual_rate or 0) for cost in costs])
    row, product = _shortlisted(*_eligible(spec, snapshot, products), likes, spec.list_most)
    known = {(one.uscc, one.product) for one in granted}
    free = np.array(
        [(snapshot.firm_at(at), products[p].id) not in known for at, p in zip(row.tolist(), product, strict=True)],
        np.bool_,
    ).reshape(row.shape)
    row, product = row[free], product[free]
    ranked = ranking(snapshot, products, costs, row, product)
    rows, firm = np.unique(row, return_inverse=True)
    codes = tuple(snapshot.firm_at(at) for at in rows.tolist())
    fen = _amounts(spec, snapshot, products, row, product, needs)
    held_by: dict[str, set[str]] = {}
    for one in granted:
        held_by.setdefault(one.uscc, set()).add(one.product)
    room = [min(spec.contacts_each, caps.get(code, spec.contacts_each)) - len(held_by.get(code, ())) for code in codes]
    market = Market(
        firms=codes,
        products=tuple(each.id for each in products),
        firm=firm.astype(np.int64),
        product=product,
        likes=likes[product],
        values=ranked.standing,
        caps=np.maximum(np.array(room, np.int64), 0),
        limits=_limits(spec, products, product, fen, granted),
    )
    shares = _shares(spec, snapshot, rows)
    held = matched_fairly(market, shares)
    summary = summary_of(market, held, shares, spec.bound)
    told = {"listed": int(held.sum()) + len(granted), "ranking": ranked.said}
    return Drawn(_listed(market, held, rows, fen, products, snapshot, granted), summary | told)


def pairs_at_most(spec: CampaignSpec, snapshot: OpenSnapshot) -> int:
    """How many pairs :func:`draw` would weigh at most: counted, not looked at."""
    met = (snapshot.met[snapshot.rule_ids.index(each.id)] for each in products_of(spec, snapshot))
    return sum(min(int(np.bitwise_count(bits).sum()), spec.candidates_each) for bits in met)


def _eligible(spec: CampaignSpec, snapshot: OpenSnapshot, products: Sequence[Product]) -> tuple[Ints, Ints]:
    """Rows and products of the pairs: firms in business that meet every condition, the best of each product."""
    live = snapshot.columns.get("live")
    in_business = np.ones(snapshot.firms, np.bool_) if live is None else live != 0
    rows, places = [], []
    for place, product in enumerate(products):
        met = np.unpackbits(snapshot.met[snapshot.rule_ids.index(product.id)], count=snapshot.firms).astype(np.bool_)
        found = best_of(snapshot, np.flatnonzero(met & in_business), spec.candidates_each)
        rows.append(found)
        places.append(np.full(found.size, place))
    return np.concatenate(rows).astype(np.int64), np.concatenate(places).astype(np.int64)


def _shortlisted(row: Ints, product: Ints, likes: Floats, most: int) -> tuple[Ints, Ints]:
    """Each firm's ``most`` cheapest products; of equal cost, the first of the campaign."""
    order = np.lexsort((product, -likes[product], row))
    starts = np.flatnonzero(np.r_[True, np.diff(row[order]) > 0]) if row.size else np.zeros(0, np.int64)
    rank = np.arange(row.size) - np.repeat(starts, np.diff(np.r_[starts, row.size]))
    kept = order[rank < most]
    return row[kept], product[kept]


def _costs(snapshot: OpenSnapshot, products: Sequence[Product]) -> list[Cost]:
    """What each product costs at its usual amount and term on the snapshot's day."""
    made = []
    for product in products:
        assert product.terms is not None
        quoted = quote(
            product, product.terms.amount.typical, int(product.terms.months.typical), snapshot.as_of, parameters()
        )
        made.append(cost_of(product, quoted))
    return made


def _amounts(
    spec: CampaignSpec, snapshot: OpenSnapshot, products: Sequence[Product], row: Ints, product: Ints,
    needs: Mapping[str, int],
) -> Ints:  # fmt: skip
    """Fen of each pair: the firm's open need, else a share of its sales, else the least; within the product's span."""
    sales = np.asarray(snapshot.columns.values["sales_12m"])[row]
    millionths = int(spec.sales_share * 1_000_000)
    wanted = np.where(sales == UNKNOWN_INT64, 0, np.maximum(sales, 0) // 1_000_000 * millionths)
    for at, each in enumerate(row.tolist()):
        if needs and (need := needs.get(snapshot.firm_at(each))) is not None:
            wanted[at] = need
    spans = [each.terms.amount for each in products if each.terms is not None]
    low, high = (np.array([to_fen(getattr(span, end)) for span in spans], np.int64) for end in ("low", "high"))
    # Whole thousands of yuan, as needs are spoken of; the ends of the span are such already or count as they are.
    rounded = wanted // 100_000 * 100_000
    made: Ints = np.clip(rounded, low[product], high[product])
    return made


def _limits(
    spec: CampaignSpec, products: Sequence[Product], product: Ints, fen: Ints, granted: Sequence[Granted]
) -> tuple[Limits, ...]:
    """Quotas of products and lenders, and pots, less what is granted; ``RefusedInput`` where less than that is left."""
    lenders = tuple(dict.fromkeys(each.lender.id for each in products))
    house = np.array([lenders.index(each.lender.id) for each in products], np.int64)
    lender_of = {each.id: each.lender.id for each in products}
    every = {quota.id: quota for quota in spec.lenders}
    whole = tuple(every.get(lender, Quota(lender, None, None)) for lender in lenders)
    made = []
    for kind, quotas, group, owner in (
        ("product", spec.products, product, {one: one for one in spec.product_ids}),
        ("lender", whole, house[product], lender_of),
    ):
        names = tuple(quota.id for quota in quotas)
        for unit, use in (("firms", np.ones(fen.size, np.int64)), ("fen", fen)):
            most = [int(OPEN) if getattr(quota, unit) is None else int(getattr(quota, unit)) for quota in quotas]
            for one in granted:
                at = names.index(owner[one.product]) if one.product in owner else -1
                if at >= 0 and most[at] != OPEN:
                    most[at] -= 1 if unit == "firms" else one.fen
            _refuse_below(kind, unit, names, most)
            made.append(limits_of(f"{kind}_{unit}", group, use, most, names))
    for pot in spec.pots:
        inside = np.array([each.id in pot.products for each in products])
        share = int(pot.share * 1_000_000)
        left = pot.fen - sum(_part(one.fen, share) for one in granted if one.product in pot.products)
        _refuse_below("pot", "fen", (pot.id,), [left])
        made.append(limits_of("pot", np.where(inside[product], 0, -1), _part(fen, share), [left], (pot.id,)))
    return tuple(made)


def _part(fen: Any, share: int) -> Any:
    """A share, in millionths, of fen, rounded up, so that a pot is never overdrawn by rounding."""
    return -(-fen * share // 1_000_000)


def _refuse_below(kind: str, unit: str, names: Sequence[str], left: Sequence[int]) -> None:
    for name, most in zip(names, left, strict=True):
        if most < 0:
            raise RefusedInput(
                "quota_below_granted",
                f"{kind}_{unit}",
                name,
                "More than this quota is granted or under way already.",
                f"Raise it by at least {-most} {unit}.",
                status=409,
            )


def _shares(spec: CampaignSpec, snapshot: OpenSnapshot, rows: Ints) -> tuple[FairShare, ...]:
    made = []
    for fair in spec.fair:
        places = np.asarray(snapshot.columns.values[fair.by])[rows]
        for place, code in enumerate(snapshot.columns.codes[fair.by]):
            members = places == place
            if fair.value in ("", code) and members.any():
                made.append(FairShare(f"{fair.by}:{code}", members, float(fair.least)))
    return tuple(made)


def _listed(
    market: Market, held: Bools, rows: Ints, fen: Ints, products: Sequence[Product], snapshot: OpenSnapshot,
    granted: Sequence[Granted],
) -> tuple[tuple[int, str, str, int, int], ...]:  # fmt: skip
    """Pairs with what is granted first, then in the lender's order, numbered within each product."""
    made: list[tuple[int, str, str, int, int]] = []
    count: dict[str, int] = {}
    at_row = dict(zip(snapshot.uscc.tolist(), range(snapshot.firms), strict=True)) if granted else {}

    def add(row: int, uscc: str, product: str, amount: int) -> None:
        count[product] = count.get(product, 0) + 1
        made.append((row, uscc, product, amount, count[product]))

    for one in sorted(granted, key=lambda each: (each.product, each.uscc)):
        add(at_row.get(one.uscc.encode(), -1), one.uscc, one.product, one.fen)
    rank = market.priority()
    chosen = np.flatnonzero(held)
    for pair in chosen[np.argsort(rank[chosen])].tolist():
        firm = int(market.firm[pair])
        add(int(rows[firm]), market.firms[firm], products[int(market.product[pair])].id, int(fen[pair]))
    return tuple(made)
