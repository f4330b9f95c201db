"""The catalogue: 5 dimensions, 16 categories, 139 items. Items are data; this module reads and checks them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from models.dates import parse_span
from models.errors import NotFound
from models.kinds import Kind
from models.marked import MarkedDict, marked
from scoring.feeds import ColumnType, Feed, FeedBook, Share


class Op(StrEnum):
    """The closed vocabulary an item is computed in. `docs/items.md` says what each does."""

    LATEST = "latest"
    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    EXISTS = "exists"
    DISTINCT = "distinct"
    HIGHEST = "highest"
    STREAK = "streak"
    MONTHS_OPEN = "months_open"
    MONTHS_SINCE = "months_since"
    GROWTH = "growth"
    TOP_SHARE = "top_share"
    SHARE = "share"


@dataclass(frozen=True)
class Compute:
    """How an item comes out of its feed.

    ``of`` is the column, ``per`` the denominator of a ratio within one record, ``by``/``top`` the grouping of
    ``top_share``, ``where`` column → accepted values, ``window_months`` the months that count (0: all time),
    ``current`` keeps only records whose truth has not ended, ``ended_months`` only those that ended in so many months
    (0: whenever), ``by_year`` also splits the result by year back, ``part_*`` the numerator of ``share``.
    """

    op: Op
    of: str = ""
    per: str = ""
    by: str = ""
    top: int = 0
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    window_months: int = 0
    current: bool = False
    ended_months: int = 0
    by_year: int = 0
    part_where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    part_or_negative: str = ""


@dataclass(frozen=True)
class Item:
    """One of the 139 facts of a profile. ``codes`` is the dictionary of a code item, ``absent`` first if it has one."""

    id: str
    code: str
    zh: str
    en: str
    dimension: str
    category: str
    kind: Kind
    unit: str
    agency: str
    feed: str
    compute: Compute
    share: Share
    personal: bool
    refresh_months: int
    valid_for_months: int
    direction: str
    repairable: bool
    use: tuple[str, ...]
    legal_basis: str
    codes: tuple[str, ...] = ()
    absent: str | None = None


@dataclass(frozen=True)
class Category:
    code: str
    id: str
    zh: str
    en: str
    dimension: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Dimension:
    id: str
    number: int
    zh: str
    en: str


@dataclass(frozen=True)
class Catalogue:
    """Dimensions in order, categories in order, items by id in catalogue order.

    ``further`` are facts computed like items for watch lists and side evaluations; they are none of the 139, stand in
    no profile and are never about persons.
    """

    version: str
    origin: Mapping[str, str]
    dimensions: tuple[Dimension, ...]
    categories: tuple[Category, ...]
    items: Mapping[str, Item]
    further: Mapping[str, Item] = field(default_factory=dict)

    def item(self, item_id: str) -> Item:
        """The item, or ``NotFound`` that says how to list them."""
        if item_id not in self.items:
            raise NotFound("item", item_id, "The catalogue has no such item.", "See GET /v1/catalogue.", "unknown_item")
        return self.items[item_id]

    def computed(self, fact: str) -> Item | None:
        """The item or further fact of this name, if there is one."""
        return self.items.get(fact) or self.further.get(fact)

    def of_feed(self, feed_id: str) -> tuple[Item, ...]:
        """Items computed from one feed, in catalogue order."""
        return tuple(item for item in self.items.values() if item.feed == feed_id)


def parse_catalogue(
    dimensions: Mapping[str, Any],
    categories: Iterable[Mapping[str, Any]],
    feeds: FeedBook,
    further: Mapping[str, Any] | None = None,
) -> Catalogue:
    """The catalogue from the documents of ``seed/catalogue``; ``DataFileError`` for the first fault."""
    dims = tuple(
        Dimension(id=raw["id"], number=int(raw["number"]), zh=raw["zh"], en=raw["en"])
        for raw in dimensions["dimensions"]
    )
    known = {dimension.id for dimension in dims}
    parsed: list[Category] = []
    items: dict[str, Item] = {}
    for document in categories:
        raw = marked(document)  # type: ignore[arg-type]
        if raw["dimension"] not in known:
            raise raw.wrong("dimension", "No such dimension.", f"One of {', '.join(sorted(known))}.")
        made = tuple(_parse_item(marked(spec), raw, feeds) for spec in raw["items"])
        for item, spec in zip(made, raw["items"], strict=True):
            if item.id in items:
                raise marked(spec).wrong("id", "An item id is used once.", "Choose another.")
            items[item.id] = item
        parsed.append(Category(raw["category"], raw["id"], raw["zh"], raw["en"], raw["dimension"], made))
    parsed.sort(key=lambda category: category.code)
    ordered = {item.id: item for category in parsed for item in category.items}
    more = _parse_further(marked(further), ordered, feeds) if further is not None else {}  # type: ignore[arg-type]
    return Catalogue(str(dimensions["version"]), dimensions["origin"], dims, tuple(parsed), ordered, more)


def _parse_further(document: MarkedDict, items: Mapping[str, Item], feeds: FeedBook) -> dict[str, Item]:
    made: dict[str, Item] = {}
    for raw in document["items"]:
        spec = marked(raw)
        item = _parse_item(spec, document, feeds)
        if item.id in items or item.id in made:
            raise spec.wrong("id", "An item id is used once.", "Choose another.")
        if item.kind is Kind.TEXT:
            raise spec.wrong("type", "A further fact fits a column.", "Choose another kind.")
        if item.personal or feeds[item.feed].personal:
            raise spec.wrong("feed", "A further fact is never about persons.", "Compute it from another feed.")
        made[item.id] = item
    return made


def _parse_item(spec: MarkedDict, category: MarkedDict, feeds: FeedBook) -> Item:
    for name in ("id", "code", "zh", "en", "type", "feed", "compute", "direction"):
        if name not in spec:
            raise spec.wrong(name, "An item must say this.", f"Add `{name}:`.")
    value = {**category["defaults"], **spec}
    if value["feed"] not in feeds:
        raise spec.wrong("feed", "No such feed is declared.", "Declare it under seed/feeds.")
    feed = feeds[value["feed"]]
    compute = parse_compute(marked(value["compute"]), spec, feed)
    kind = Kind(value["type"])
    absent = str(value["absent"]) if "absent" in value else None
    return Item(
        id=value["id"],
        code=value["code"],
        zh=value["zh"],
        en=value["en"],
        dimension=category["dimension"],
        category=category["category"],
        kind=kind,
        unit=value.get("unit", ""),
        agency=value["agency"],
        feed=feed.id,
        compute=compute,
        share=Share(value["share"]),
        personal=bool(value["personal"]),
        refresh_months=parse_span(value["refresh"]),
        valid_for_months=parse_span(value["valid_for"]),
        direction=value["direction"],
        repairable=bool(value["repairable"]),
        use=tuple(value["use"]),
        legal_basis=value["legal_basis"],
        codes=_codes(kind, feed, compute, absent),
        absent=absent,
    )


def _codes(kind: Kind, feed: Feed, compute: Compute, absent: str | None) -> tuple[str, ...]:
    """Dictionary of a code item: the feed's listed values in declared order, ``absent`` first.

    A code item over a text column (industry, district) has an open dictionary, filled per snapshot: empty here.
    """
    if kind is not Kind.CODE or feed.column(compute.of).type is not ColumnType.CODE:
        return ()
    values = feed.column(compute.of).values
    return (absent, *values) if absent is not None and absent not in values else values


def _parse_where(raw: Mapping[str, Any], spec: MarkedDict, feed: Feed) -> tuple[tuple[str, tuple[str, ...]], ...]:
    parsed = []
    for name, accepted in raw.items():
        if name not in feed.by_id:
            raise spec.wrong("compute", f"{name} is no column of {feed.id}.", "Name one of its columns.")
        values = accepted if isinstance(accepted, list) else [accepted]
        texts = tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
        column = feed.column(name)
        for text in texts:
            if column.type is ColumnType.CODE and text not in column.values:
                raise spec.wrong(
                    "compute", f"{text} is no value of {feed.id}.{name}.", f"One of {', '.join(column.values)}."
                )
        parsed.append((name, texts))
    return tuple(parsed)


def parse_compute(raw: MarkedDict, spec: MarkedDict, feed: Feed) -> Compute:
    """One ``compute`` over the records of ``feed``; ``DataFileError`` at ``spec``'s place for what does not fit."""
    known = {"op", "of", "per", "by", "top", "where", "window", "current", "ended", "by_year", "part"}
    for name in raw:
        if name not in known:
            raise spec.wrong("compute", f"{name} is no part of the vocabulary.", f"One of {', '.join(sorted(known))}.")
    try:
        op = Op(raw["op"])
    except ValueError:
        raise spec.wrong("compute", f"{raw['op']} is no operation.", f"One of {', '.join(Op)}.") from None
    part = dict(raw.get("part", {}))
    negative = part.pop("or_negative", "")
    for name in filter(None, (raw.get("of"), raw.get("per"), raw.get("by"), negative)):
        if name not in feed.by_id:
            raise spec.wrong("compute", f"{name} is no column of {feed.id}.", "Name one of its columns.")
    if (raw.get("current") or "ended" in raw) and not feed.ends:
        raise spec.wrong(
            "compute",
            f"{feed.id} has no column that ends a record's truth.",
            "Drop `current` and `ended`, or declare `ends`.",
        )
    if raw.get("current") and "ended" in raw:
        raise spec.wrong("compute", "No record is current and has ended.", "Keep `current` or `ended`.")
    return Compute(
        op=op,
        of=raw.get("of", ""),
        per=raw.get("per", ""),
        by=raw.get("by", ""),
        top=int(raw.get("top", 0)),
        where=_parse_where(raw.get("where", {}), spec, feed),
        window_months=parse_span(raw["window"]) if "window" in raw else 0,
        current=bool(raw.get("current", False)),
        ended_months=parse_span(raw["ended"]) if "ended" in raw else 0,
        by_year=int(raw.get("by_year", 0)),
        part_where=_parse_where(part, spec, feed),
        part_or_negative=negative,
    )
