"""A firm without identity, as a lender that was asked sees it without consent: bands, with enough firms alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from service.books.rulebook import market_terms
from service.market.release import traits_of, value_of
from service.snapshot.snapshots import OpenSnapshot


def need_card(snapshot: OpenSnapshot, row: int) -> dict[str, Any]:
    """What is told of the firm at ``row``: one trait after the other, as long as at least the smallest group of firms
    shares all that is told; the rest is left out, and the card says what.

    It carries no id of the firm, so that it cannot be laid beside the cards of a search.
    """
    least = market_terms().release.smallest_group
    alike = np.ones(snapshot.firms, np.bool_)
    told: dict[str, Any] = {}
    left_out = []
    for trait in traits_of(snapshot):
        narrower = alike & (trait.places == trait.places[row])
        if int(narrower.sum()) < least:
            told[trait.name] = None
            left_out.append(trait.name)
            continue
        alike, told[trait.name] = narrower, value_of(snapshot, trait, row)
    return {**told, "left_out": left_out}
