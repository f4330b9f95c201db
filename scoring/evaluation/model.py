"""What an evaluation model consists of. Points are integers in thousandths of a point (milli-points) throughout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from models.kinds import Kind

MILLI = 1000


class BandKind(StrEnum):
    """What a band is called in a data file. Several share one :data:`Rule`."""

    INTERVAL = "interval"
    THRESHOLD = "threshold"
    LINEAR = "linear"
    RATIO = "ratio"
    CUMULATIVE = "cumulative"
    BOOLEAN = "boolean"
    CODES = "codes"
    QUOTED = "quoted"


@dataclass(frozen=True)
class Steps:
    """``points[k]`` where exactly ``k`` of the rising ``cuts`` are at or below the stored value."""

    cuts: tuple[int | float, ...]
    points: tuple[int, ...]


@dataclass(frozen=True)
class Ratio:
    """``steps`` over item / ``per``. A known ``per`` of 0 or less gives ``none``; without ``none``, unknown."""

    per: str
    per_kind: Kind
    steps: Steps
    none: int | None


@dataclass(frozen=True)
class Linear:
    """Straight from ``(start, at_start)`` to ``(end, at_end)``, level outside, rounded half to even."""

    start: int | float
    end: int | float
    at_start: int
    at_end: int


@dataclass(frozen=True)
class Cumulative:
    """``per`` points for each unit, down to ``least`` or up to ``most``.

    ``by_year`` holds (auxiliary column, points per unit) of each year back when older records weigh less; then the
    item's own column is not read.
    """

    per: int
    least: int
    most: int
    by_year: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Table:
    """Points of each code of a code item; ``default`` is the item's dictionary in the catalogue."""

    points: Mapping[str, int]
    default: tuple[str, ...]


Rule = Steps | Ratio | Linear | Cumulative | Table


@dataclass(frozen=True)
class Band:
    """One line of the model: an item turned into points.

    ``worst`` and ``best`` are the fewest and most points the rule can give. ``expected`` is what an unknown item counts
    for, see docs/decisions/0005-evaluation-arithmetic.md.
    """

    id: str
    zh: str
    en: str
    dimension: str
    item: str
    item_kind: Kind
    kind: BandKind
    rule: Rule
    worst: int
    best: int
    expected: int
    group: str = ""
    cite: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns the rule reads."""
        match self.rule:
            case Cumulative(by_year=years) if years:
                return tuple(name for name, _ in years)
            case Ratio(per=per):
                return (self.item, per)
        return (self.item,)


@dataclass(frozen=True)
class Group:
    """Bands whose points together stay between ``least`` and ``most``."""

    id: str
    zh: str
    en: str
    least: int
    most: int


@dataclass(frozen=True)
class Dimension:
    """A part of the score: ``base`` plus its bands and groups, never below 0 nor above ``most``."""

    id: str
    zh: str
    en: str
    most: int
    base: int
    bands: tuple[Band, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True, kw_only=True)
class Test:
    """A fact that holds of a firm when the stored value is one of ``codes``, or is ``at_least``.

    ``default`` is the item's dictionary where the columns bring none.
    """

    item: str
    kind: Kind
    codes: tuple[str, ...] = ()
    at_least: int = 1
    default: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Veto(Test):
    """A fact that forces the lowest grade."""

    id: str
    zh: str
    en: str
    cite: str


@dataclass(frozen=True)
class Review:
    """Who is looked at by hand before a quarter is published: every firm of ``grades`` and a share of the others.

    ``rates`` gives grades a share of their own.
    """

    grades: tuple[str, ...]
    share: float
    rates: Mapping[str, float] = field(default_factory=dict)

    def rate(self, grade: str) -> float:
        """The share of the firms of ``grade`` that is drawn."""
        return 1.0 if grade in self.grades else self.rates.get(grade, self.share)


@dataclass(frozen=True)
class Card:
    """What every model says about itself, scored or imported."""

    id: str
    version: str
    zh: str
    en: str
    legal_basis: str
    origin: str
    valid_from: date
    valid_until: date | None
    enabled: bool

    def state(self, as_of: date) -> str:
        """``used``, ``off`` (switched off), ``not_yet`` or ``expired`` on that day."""
        if not self.enabled:
            return "off"
        if as_of < self.valid_from:
            return "not_yet"
        return "expired" if self.valid_until is not None and as_of > self.valid_until else "used"


@dataclass(frozen=True, kw_only=True)
class PointsTable:
    """What turns items into points and a grade.

    ``grades`` runs from best to worst; ``cuts[k]`` is the fewest milli-points of ``grades[k]``. A grade needs
    ``needs_coverage`` of the points to rest on known items. ``not_scored`` names the codes of the item ``status``
    (dictionary ``status_codes``) that are shown without a score. ``not_held`` lists what the model ought to ask and no
    feed delivers. ``official_cap`` maps an official grade to the best grade still possible here.
    """

    card: Card
    dimensions: tuple[Dimension, ...]
    vetoes: tuple[Veto, ...]
    grades: tuple[str, ...]
    cuts: tuple[int, ...]
    needs_coverage: float
    status: str
    status_codes: tuple[str, ...]
    not_scored: tuple[str, ...]
    not_held: tuple[str, ...]
    official_cap: Mapping[str, str] = field(default_factory=dict)

    @property
    def most(self) -> int:
        """The most milli-points there are."""
        return sum(dimension.most for dimension in self.dimensions)

    @property
    def bands(self) -> tuple[Band, ...]:
        return tuple(band for dimension in self.dimensions for band in dimension.bands)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the model reads, each once."""
        names = [name for band in self.bands for name in band.columns] + [veto.item for veto in self.vetoes]
        return tuple(dict.fromkeys(names))

    def below(self, grade: str) -> int:
        """The most milli-points that still give ``grade`` and nothing better; the top grade has no such limit."""
        place = self.grades.index(grade)
        return self.cuts[place - 1] - 1 if place else self.most


@dataclass(frozen=True, kw_only=True)
class Model(PointsTable):
    """The financing evaluation of one kind of subject (``enterprise`` or ``sole_proprietor``)."""

    applies_to: str
    peers: int
    review: Review


@dataclass(frozen=True, kw_only=True)
class SideModel(PointsTable):
    """A model evaluated beside the financing evaluation, of which it changes nothing.

    Of the models of one ``purpose`` at most one evaluates a firm: one of whom every test of ``among`` holds.
    ``shown_to`` names audiences (``office``, ``firm``, ``lender``). A ``personal`` model evaluates a person through the
    firm: only where that person's consent is recorded, for the office alone, and never in aggregates. ``proposed``
    says that the weights are ours.
    """

    purpose: str
    among: tuple[Test, ...]
    shown_to: frozenset[str]
    aggregated: bool
    personal: bool
    proposed: bool


@dataclass(frozen=True)
class Official:
    """The official evaluation: a grade imported as the item ``imports``; its own table may not be held."""

    card: Card
    imports: str
    grades: tuple[str, ...]
    standard: str
    table_held: bool
    note_zh: str
    note_en: str


@dataclass(frozen=True)
class ModelBook:
    """All models: those that score, at most one per kind of subject and day, the official slot if there is one, and
    those evaluated beside.
    """

    scored: tuple[Model, ...]
    official: Official | None
    sides: tuple[SideModel, ...] = ()

    def model_for(self, subject: str, as_of: date) -> int:
        """Place in ``scored`` of the model for ``enterprise`` or ``sole_proprietor`` on that day; -1 if none."""
        for place, model in enumerate(self.scored):
            if model.applies_to == subject and model.card.state(as_of) == "used":
                return place
        return -1
