"""Feeds: what each agency delivers. A feed is data; this module reads its declaration and checks it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from models.dates import parse_span
from models.errors import DataFileError, NotFound, RefusedInput
from models.marked import MarkedDict, marked


class ColumnType(StrEnum):
    TEXT = "text"
    CODE = "code"
    INTEGER = "integer"
    DECIMAL = "decimal"
    MONEY = "money"
    DATE = "date"
    MONTH = "month"
    FLAG = "flag"


class Share(StrEnum):
    """Who may see a fact: everyone, those the firm authorised, or what the firm itself said."""

    PUBLIC = "public"
    AUTHORISED = "authorised"
    SELF_REPORTED = "self_reported"


@dataclass(frozen=True)
class Column:
    """One column of a feed file. Money is yuan in files, integer fen in storage; a month is stored as its last day."""

    id: str
    type: ColumnType
    zh: str
    en: str
    required: bool = False
    values: tuple[str, ...] = ()
    pattern: str = ""
    max_length: int = 0
    min: float | None = None
    max: float | None = None

    @property
    def stored(self) -> str:
        """Name in storage: ``amount_yuan`` is kept as ``amount_fen``."""
        if self.type is ColumnType.MONEY and self.id.endswith("_yuan"):
            return self.id.removesuffix("_yuan") + "_fen"
        return self.id

    @property
    def unit(self) -> str:
        if self.type is ColumnType.MONEY:
            return "yuan"
        return {ColumnType.DATE: "YYYY-MM-DD", ColumnType.MONTH: "YYYY-MM"}.get(self.type, "")


#: Columns every feed has besides its own. ``revision`` defaults to 1.
USCC = Column("uscc", ColumnType.TEXT, "统一社会信用代码", "unified social credit code", required=True)
REVISION = Column("revision", ColumnType.INTEGER, "修订号", "revision", min=1, max=1_000_000)
WITHDRAWN_ON = Column("withdrawn_on", ColumnType.DATE, "撤回日期", "withdrawn on")
PUBLIC_UNTIL = Column("public_until", ColumnType.DATE, "公示截止日期", "lawful publicity ends on")


@dataclass(frozen=True)
class Feed:
    """One kind of source record from one agency.

    ``key`` is the natural key, ``observed`` the column that says when the record was true in the world, ``ends`` the
    column that ends its truth. ``absent_means_none`` is the closed-world promise: once delivered, no record means none.
    """

    id: str
    zh: str
    en: str
    agency: str
    share: Share
    period: str
    refresh_months: int
    absent_means_none: bool
    key: tuple[str, ...]
    observed: str
    columns: tuple[Column, ...]
    ends: str = ""
    personal: bool = False
    publicity: bool = False
    by_id: Mapping[str, Column] = field(default_factory=dict, repr=False, compare=False)

    @property
    def file_columns(self) -> tuple[Column, ...]:
        """Columns a delivered file may have, in template order."""
        extra = (REVISION, WITHDRAWN_ON, PUBLIC_UNTIL) if self.publicity else (REVISION, WITHDRAWN_ON)
        return (USCC, *self.columns, *extra)

    def column(self, name: str) -> Column:
        """The column called ``name``; ``uscc`` and the common columns included."""
        return self.by_id[name]


class FeedBook(dict[str, Feed]):
    """All feeds by id."""

    def get_or_refuse(self, feed_id: str) -> Feed:
        """The feed, or ``NotFound`` that says how to list them."""
        if feed_id not in self:
            raise NotFound(
                "feed", feed_id, "No such feed is declared.", "List them with `rongqiao feeds`.", "unknown_feed"
            )
        return self[feed_id]


_PERIODS = ("event", "month", "quarter", "year")


def parse_feeds(documents: Iterable[list[Mapping[str, Any]]]) -> FeedBook:
    """Feeds from the documents of ``seed/feeds``; ``DataFileError`` for the first fault."""
    book = FeedBook()
    for document in documents:
        for raw in document:
            feed = _parse_feed(marked(dict(raw) if not isinstance(raw, MarkedDict) else raw))
            if feed.id in book:
                raise marked(raw).wrong("id", "A feed id is used once.", "Choose another.")  # type: ignore[arg-type]
            book[feed.id] = feed
    return book


def _parse_feed(raw: MarkedDict) -> Feed:
    for name in ("id", "zh", "en", "agency", "share", "period", "refresh", "absence", "key", "observed", "columns"):
        if name not in raw:
            raise raw.wrong(name, "A feed must say this.", f"Add `{name}:`.")
    if raw["period"] not in _PERIODS:
        raise raw.wrong("period", f"A period is one of {', '.join(_PERIODS)}.", "Choose one.")
    if raw["absence"] not in ("none", "unknown"):
        raise raw.wrong("absence", "What no record means is `none` or `unknown`.", "Choose one.")
    columns = tuple(_parse_column(name, marked(spec), raw) for name, spec in raw["columns"].items())
    feed = Feed(
        id=raw["id"],
        zh=raw["zh"],
        en=raw["en"],
        agency=raw["agency"],
        share=Share(raw["share"]),
        period=raw["period"],
        refresh_months=parse_span(raw["refresh"]),
        absent_means_none=raw["absence"] == "none",
        key=tuple(raw["key"]),
        observed=raw["observed"],
        columns=columns,
        ends=raw.get("ends", ""),
        personal=bool(raw.get("personal", False)),
        publicity=bool(raw.get("publicity", False)),
    )
    feed.by_id.update({column.id: column for column in feed.file_columns})  # type: ignore[attr-defined]
    for name in (*feed.key, feed.observed, *([feed.ends] if feed.ends else [])):
        if name not in feed.by_id:
            raise raw.wrong("key", f"{name} is named but is no column.", "Declare it under columns.")
    if feed.by_id[feed.observed].type not in (ColumnType.DATE, ColumnType.MONTH):
        raise raw.wrong("observed", "The observed column is a date or a month.", "Name such a column.")
    return feed


def _parse_column(name: str, spec: MarkedDict, feed: MarkedDict) -> Column:
    try:
        column = Column(
            id=name,
            type=ColumnType(spec["type"]),
            zh=spec["zh"],
            en=spec["en"],
            required=bool(spec.get("required", False)),
            values=tuple(str(value) for value in spec.get("values", ())),
            pattern=spec.get("pattern", ""),
            max_length=int(spec.get("max_length", 0)),
            min=float(spec["min"]) if "min" in spec else None,
            max=float(spec["max"]) if "max" in spec else None,
        )
    except (KeyError, ValueError) as problem:
        raise DataFileError(
            feed.file,
            spec.line or feed.line,
            name,
            dict(spec),
            f"The column is not well declared ({problem}).",
            "See another column.",
        ) from None
    if column.type is ColumnType.CODE and not column.values:
        raise spec.wrong("values", f"{name} is a code, so its values are listed.", "Add `values: [...]`.")
    if column.pattern:
        re.compile(column.pattern)
    return column


def refuse_unknown_columns(feed: Feed, header: Iterable[str]) -> None:
    """Raise ``RefusedInput`` for the first header name the feed does not have."""
    known = {column.id for column in feed.file_columns} | {column.zh for column in feed.file_columns}
    for name in header:
        if name not in known:
            raise RefusedInput(
                "unknown_column",
                "column",
                name,
                f"Feed {feed.id} has no such column.",
                f"Its columns: {', '.join(column.id for column in feed.file_columns)}.",
            )
