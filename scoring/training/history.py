"""Whether the records reach back as far as an item looks.

A city's feeds begin one day. Before they have run for 24 months, a sum over 24 months is a sum over fewer, and a model
would learn a number that means something else when it scores. Such an item is unknown in the cohort.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from models.dates import add_months
from models.kinds import Kind
from scoring.catalogue import Compute, Item, Op
from scoring.feeds import FeedBook
from scoring.training.cohorts import Coverage

#: Items a derived fact is made of, where they look back over a window.
MADE_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"sales_growth": ("sales_12m", "sales_24m"), "size_class": ("sales_12m",)}
)


def reach(item: Item) -> int:
    """Months an item looks back from the day its feed is complete to; 0 for one that looks at what stands."""
    return item.compute.window_months * (2 if item.compute.op is Op.GROWTH else 1)


def windowed(factors: Iterable[str], items: Mapping[str, Item]) -> dict[str, list[Item]]:
    """The items with a window behind each factor; factors without one are left out."""
    found = {}
    for factor in factors:
        behind = [items[name] for name in MADE_OF.get(factor, (factor,)) if name in items and reach(items[name])]
        if behind:
            found[factor] = behind
    return found


def oldest_record(item: Item, feeds: FeedBook) -> Item:
    """The day of a firm's oldest record in the feed of ``item``, as an item of its own."""
    compute = Compute(Op.MIN, of=feeds[item.feed].observed)
    named = replace(item, id=f"oldest_{item.feed}", kind=Kind.DATE, codes=(), absent=None, compute=compute)
    return replace(named, valid_for_months=12_000)


def too_short(
    behind: Mapping[str, Iterable[Item]], oldest: Mapping[str, date], covered_to: Coverage
) -> tuple[str, ...]:
    """The factors whose feeds begin later than the item looks back, in the order given.

    ``oldest`` is the day of each feed's oldest record of any firm. A month is allowed for: monthly records carry the
    last day of their month.
    """

    def begins_late(item: Item) -> bool:
        if item.feed not in oldest:
            return True
        return oldest[item.feed] > add_months(covered_to[item.feed], -reach(item) + 1)

    return tuple(factor for factor, items in behind.items() if any(map(begins_late, items)))
