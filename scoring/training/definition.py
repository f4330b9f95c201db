"""The definition of default as data: which records make one, who is asked about, and how long to wait.

The vocabulary is that of items (`docs/items.md`), so that events and exposures are computed by the same compiler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from models.dates import add_months, parse_span
from models.errors import RefusedInput
from models.kinds import Kind
from models.marked import MarkedDict, marked
from scoring.catalogue import Compute, Item, Op, parse_compute
from scoring.feeds import Feed, FeedBook

#: No event or exposure expires by age: how far back one counts is said by its own window.
_ALWAYS_MONTHS = 12_000


@dataclass(frozen=True)
class Records:
    """Records of one feed that mean something on a day: a default in force, or a debt.

    ``in_force`` is the item (a flag) that says so of a firm on a day. ``required``: without the feed no cohort is used;
    an event that is not required and not delivered is left out and named.
    """

    id: str
    zh: str
    en: str
    in_force: Item
    required: bool
    cite: str

    @property
    def feed(self) -> str:
        return self.in_force.feed

    def first_day(self, observed: str, months: int) -> Item:
        """The day of the first such record in the ``months`` that close on a day; ``observed`` is the feed's column."""
        compute = replace(self.in_force.compute, op=Op.MIN, of=observed, window_months=months, current=False)
        return replace(self.in_force, id=f"{self.in_force.id}_first", kind=Kind.DATE, compute=compute)


@dataclass(frozen=True)
class Definition:
    """A definition of default. Spans are months; ``least_known`` is a fraction of a model's items."""

    id: str
    version: str
    zh: str
    en: str
    window: int
    grace: int
    events: tuple[Records, ...]
    exposure: tuple[Records, ...]
    least_age: int
    least_known: float
    fresh: int

    def window_end(self, day: date) -> date:
        """The last day of the outcome window that opens after ``day``."""
        return add_months(day, self.window)

    def complete_to(self, day: date) -> date:
        """The day the agencies must be complete to before outcomes after ``day`` are told."""
        return add_months(day, self.window + self.grace)

    @property
    def required_feeds(self) -> tuple[str, ...]:
        """Feeds without which no outcome can be told."""
        return tuple(dict.fromkeys(event.feed for event in self.events if event.required))


def parse_definition(document: Mapping[str, Any], feeds: FeedBook) -> Definition:
    """One file of ``seed/defaults``; ``DataFileError`` for the first fault."""
    raw = marked(document)  # type: ignore[arg-type]
    need(raw, "id", "version", "label", "window", "grace", "events", "population")
    who = marked(raw["population"])
    need(who, "least_age", "least_known", "fresh", "exposure")
    events = tuple(_records(marked(spec), feeds, "event") for spec in raw["events"])
    exposure = tuple(_records(marked(spec), feeds, "exposure") for spec in who["exposure"])
    for field, part, holder in (("events", events, raw), ("exposure", exposure, who)):
        names = [records.id for records in part]
        if not names or len(set(names)) < len(names):
            raise holder.wrong(field, "At least one, and an id is used once.", "Name each apart.")
    if not any(event.required for event in events):
        raise raw.wrong("events", "Without a required feed every firm would look sound.", "Mark one `required: true`.")
    window = span(raw, "window")
    if window < 1:
        raise raw.wrong("window", "A window is at least a month.", "Write it like 12m.")
    return Definition(
        id=raw["id"],
        version=str(raw["version"]),
        zh=raw["label"]["zh"],
        en=raw["label"]["en"],
        window=window,
        grace=span(raw, "grace"),
        events=events,
        exposure=exposure,
        least_age=span(who, "least_age"),
        least_known=fraction(who, "least_known"),
        fresh=span(who, "fresh"),
    )


def _records(spec: MarkedDict, feeds: FeedBook, part: str) -> Records:
    need(spec, "id", "zh", "en", "feed", "compute", *(("required", "cite") if part == "event" else ()))
    if spec["feed"] not in feeds:
        raise spec.wrong("feed", "No such feed is declared.", "Name a feed of seed/feeds.")
    feed = feeds[spec["feed"]]
    if part == "event" and not feed.absent_means_none:
        raise spec.wrong("feed", "In this feed no record does not mean that nothing happened.", "Choose another feed.")
    need(marked(spec["compute"]), "op")
    compute = parse_compute(marked(spec["compute"]), spec, feed)
    if compute.op is not Op.EXISTS or not (compute.current or compute.window_months):
        raise spec.wrong(
            "compute",
            "It says on which days the records count: until they end, or for some months.",
            "Write {op: exists, current: true} or {op: exists, window: 3m}.",
        )
    item = _flag(f"default_{part}_{spec['id']}", spec, feed, compute)
    return Records(spec["id"], spec["zh"], spec["en"], item, bool(spec.get("required", False)), spec.get("cite", ""))


def _flag(name: str, spec: MarkedDict, feed: Feed, compute: Compute) -> Item:
    return Item(
        id=name,
        code="",
        zh=spec["zh"],
        en=spec["en"],
        dimension="",
        category="",
        kind=Kind.FLAG,
        unit="",
        agency=feed.agency,
        feed=feed.id,
        compute=compute,
        share=feed.share,
        personal=feed.personal,
        refresh_months=feed.refresh_months,
        valid_for_months=_ALWAYS_MONTHS,
        direction="neutral",
        repairable=False,
        use=(),
        legal_basis="",
    )


def need(raw: MarkedDict, *fields: str) -> None:
    """Raise ``DataFileError`` for the first of ``fields`` that ``raw`` does not say."""
    for name in fields:
        if name not in raw:
            raise raw.wrong(name, "The file must say this.", f"Add `{name}:`.")


def span(raw: MarkedDict, field: str) -> int:
    """Months of a span such as ``12m``."""
    try:
        return parse_span(str(raw[field]))
    except RefusedInput as problem:
        raise raw.wrong(field, problem.rule, problem.fix) from None


def fraction(raw: MarkedDict, field: str) -> float:
    """A number from 0 to 1. YAML keeps numbers with a point as text, so that no digit is lost."""
    try:
        value = Decimal(str(raw[field]))
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or not 0 <= value <= 1:
        raise raw.wrong(field, "A fraction lies between 0 and 1.", "Write it like 0.3.")
    return float(value)
