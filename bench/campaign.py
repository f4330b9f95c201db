"""A campaign of 20,000 firms and 300 products: seconds, blocking pairs, and distance from the LP bound."""

from __future__ import annotations

import numpy as np

from bench.ratios import Claim, best, milliseconds
from matching.market import FairShare, Market, blocking_pairs, bound, matched_fairly, reach
from matching.market.market import limits_of

FIRMS, PRODUCTS, LENDERS, LIST, DISTRICTS = 20_000, 300, 25, 15, 13
#: Of the firms of every district, so many are to be on the list; about half of all firms can.
FAIR = 0.5


def invented(amounts: bool, seed: int = 1) -> Market:
    """Firms with 15 random products each and one size of loan; heads, and sums and a guarantee pot if asked for.

    What a lender sees in a firm and a firm in a product is partly shared by all: good firms are wanted by everybody.
    """
    random = np.random.default_rng(seed)
    firm = np.repeat(np.arange(FIRMS), LIST)
    product = np.argpartition(random.random((FIRMS, PRODUCTS)), LIST, axis=1)[:, :LIST].ravel()
    fen = (np.exp(random.normal(13.5, 0.8, FIRMS)) // 1000 * 100_000).astype(np.int64)[firm]
    names = tuple(f"p{at}" for at in range(PRODUCTS))
    house = product % LENDERS
    ones = np.ones(firm.size)
    limits = [
        limits_of("product_firms", product, ones, np.full(PRODUCTS, 120), names),
        limits_of("lender_firms", house, ones, np.full(LENDERS, 1_300), [f"b{at}" for at in range(LENDERS)]),
    ]
    if amounts:
        most = np.full(PRODUCTS, int(100 * fen.mean()))
        limits.append(limits_of("product_fen", product, fen, most, names))
        limits.append(limits_of("pot", np.where(product < 60, 0, -1), fen // 5, [int(2_000 * fen.mean()) // 5], ["g"]))
    return Market(
        tuple(f"f{at}" for at in range(FIRMS)),
        names,
        firm,
        product,
        random.random(PRODUCTS)[product] + random.random(firm.size),
        random.random(FIRMS)[firm] + 0.5 * random.random(firm.size),
        np.full(FIRMS, 3),
        tuple(limits),
    )


def run() -> list[Claim]:
    """Seconds, blocking pairs and the share of the bound: head counts alone, then with sums and a pot, then fairly."""
    claims = []
    for name, amounts, fair in (("head counts", False, False), ("sums and a pot", True, False), ("fair", True, True)):
        market = invented(amounts)
        districts = np.arange(FIRMS) % DISTRICTS
        shares = [FairShare(f"d{at}", districts == at, FAIR) for at in range(DISTRICTS)] if fair else []
        seconds, held = best(lambda one=market, with_=shares: matched_fairly(one, with_), 1)  # type: ignore[misc]
        blocks = blocking_pairs(market, held)
        said = f"{milliseconds(seconds)}, {int(held.sum()):,} rows, {np.unique(market.firm[held]).size:,} firms, "
        said += f"{blocks.pairs.size} pairs block, {blocks.behind:,} stand behind a larger one"
        if amounts:
            sums = next(each for each in market.limits if each.kind == "product_fen")
            said += f", {sums.use[held].sum() / 1e11:,.2f} billion yuan"
        if fair:
            found = reach(market, shares, held)
            said += f", {sum(one.reached < one.wanted for one in found)} of {DISTRICTS} districts short"
        else:
            solved, most = best(lambda one=market, of=held: bound(one, 0.5 * one.likes + 0.5 * one.values, of), 1)  # type: ignore[misc]
            said += f", {most.share:.1%} of the LP bound ({milliseconds(solved)}; at most {most.loose:.2%} above the"
            said += f" programme), which a list for weight alone reaches to {most.heaviest / most.best:.1%}"
        claims.append(Claim(f"campaign of {FIRMS:,} invented firms x {PRODUCTS} products, {name}", said, "-"))
    return claims
