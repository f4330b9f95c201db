"""What a model is trained on, as data: its items, their directions, the definition of default, the split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Literal

from models.kinds import Kind
from models.marked import MarkedDict, marked
from scoring.catalogue import Catalogue, Item
from scoring.derived import DERIVED
from scoring.training.definition import Definition, Records, need

#: +1: the larger the value, the more likely a default; "auto": the binning finds the direction; 0: any shape.
Monotone = Literal[1, -1, 0, "auto"]
_MONOTONE: Mapping[str, Monotone] = MappingProxyType({"good": -1, "bad": 1, "neutral": "auto", "any": 0})
#: How the scorecard is learned: the champion's steps, or the classic weights of evidence.
Learner = Literal["additive", "woe"]
_POINTS = ("pdo", "base_score", "base_odds")
_SETTINGS: Mapping[Learner, tuple[str, ...]] = MappingProxyType(
    {"additive": (*_POINTS, "crosses", "steps"), "woe": _POINTS}
)


@dataclass(frozen=True)
class Factor:
    """One item or derived fact a model may use. ``lagged`` says why an item over default records gives nothing away."""

    id: str
    zh: str
    en: str
    kind: Kind
    direction: str
    lagged: str = ""

    @property
    def monotone(self) -> Monotone:
        """The constraint on the probability of default."""
        return _MONOTONE[self.direction]


@dataclass(frozen=True)
class TrainingPlan:
    """One file of ``seed/models``. ``prior`` is a yearly default rate as a fraction, ``None``: that of the set.

    ``held_out`` latest cohorts are measured on and never fitted; ``folds`` groups of firms keep a firm that is measured
    out of the fit. ``scorecard`` holds settings of the ``learner``.
    """

    id: str
    name: str
    version: str
    zh: str
    en: str
    default: Definition
    factors: tuple[Factor, ...]
    held_out: int
    folds: int
    least_defaults: int
    prior: float | None
    seed: int
    learner: Learner
    scorecard: Mapping[str, int]

    @property
    def kinds(self) -> dict[str, Kind]:
        """Kind of each factor, in the order of the file."""
        return {factor.id: factor.kind for factor in self.factors}

    @property
    def categorical(self) -> list[str]:
        """The factors that are categories."""
        return [factor.id for factor in self.factors if factor.kind is Kind.CODE]

    @property
    def monotone(self) -> dict[str, Monotone]:
        """The constraint on every numeric factor."""
        return {factor.id: factor.monotone for factor in self.factors if factor.kind is not Kind.CODE}


def parse_plan(
    document: Mapping[str, Any], catalogue: Catalogue, definitions: Mapping[str, Definition]
) -> TrainingPlan:
    """The plan of one model file; ``DataFileError`` with file and line for the first fault.

    Faults are also: another catalogue version, an item that does not exist, is personal, is a text or a date, or reads
    the records of a default event without saying why it gives nothing away.
    """
    raw = marked(document)  # type: ignore[arg-type]
    need(raw, "id", "name", "version", "label", "catalogue", "default", "cohorts", "seed", "scorecard", "items")
    if str(raw["catalogue"]) != catalogue.version:
        raise raw.wrong(
            "catalogue",
            f"The catalogue here is version {catalogue.version}; an id may mean another thing there.",
            "Check every item against this catalogue, then name its version.",
        )
    if raw["default"] not in definitions:
        raise raw.wrong("default", "No such definition of default.", f"One of {', '.join(definitions)}.")
    definition = definitions[raw["default"]]
    factors = tuple(_factor(marked(spec), catalogue, definition) for spec in raw["items"])
    names = [factor.id for factor in factors]
    if not names:
        raise raw.wrong("items", "A model needs an item.", "Name some.")
    for name, spec in zip(names, raw["items"], strict=True):
        if names.count(name) > 1:
            raise marked(spec).wrong("id", "An item stands once in a model.", "Remove one.")
    learner = raw.get("learner", "additive")
    if learner not in tuple(_SETTINGS):
        raise raw.wrong("learner", "No such way to learn a scorecard.", f"One of {', '.join(_SETTINGS)}.")
    split = marked(raw["cohorts"])
    need(split, "held_out", "folds", "least_defaults")
    return TrainingPlan(
        id=raw["id"],
        name=raw["name"],
        version=str(raw["version"]),
        zh=raw["label"]["zh"],
        en=raw["label"]["en"],
        default=definition,
        factors=factors,
        held_out=_whole(split, "held_out", 1),
        folds=_whole(split, "folds", 2),
        least_defaults=_whole(split, "least_defaults", 2),
        prior=None if raw.get("prior") is None else _rate(raw),
        seed=_whole(raw, "seed", 0),
        learner=learner,
        scorecard={
            name: _whole(marked(raw["scorecard"]), name, 0) for name in _settings(marked(raw["scorecard"]), learner)
        },
    )


def as_rate(text: str) -> float | None:
    """A yearly default rate strictly between 0 and 1, ``None`` for anything else."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return float(value) if value.is_finite() and 0 < value < 1 else None


def _rate(raw: MarkedDict) -> float:
    value = as_rate(str(raw["prior"]))
    if value is None:
        raise raw.wrong("prior", "A default rate is a fraction above 0 and below 1.", "Write it like 0.02, or null.")
    return value


def _whole(raw: MarkedDict, field: str, least: int) -> int:
    value = raw[field]
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise raw.wrong(field, f"A whole number of at least {least}.", f"Write {least} or more.")
    return value


def _settings(raw: MarkedDict, learner: Learner) -> tuple[str, ...]:
    known = _SETTINGS[learner]
    need(raw, *known)
    for name in raw:
        if name not in known:
            raise raw.wrong(name, "The scorecard has no such setting.", f"One of {', '.join(known)}.")
    return known


def _factor(spec: MarkedDict, catalogue: Catalogue, definition: Definition) -> Factor:
    need(spec, "id")
    for name in spec:
        if name not in ("id", "direction", "lagged"):
            raise spec.wrong(name, "An item of a model has no such field.", "One of id, direction, lagged.")
    name = spec["id"]
    item = catalogue.items.get(name)
    if item is None and name not in DERIVED:
        raise spec.wrong("id", "The catalogue has no such item, and no fact is derived by that name.", "Check the id.")
    kind = item.kind if item else DERIVED[name]
    direction = spec.get("direction", item.direction if item else None)
    if direction is None and kind is not Kind.CODE:
        raise spec.wrong("direction", "A derived fact says its direction here.", f"One of {', '.join(_MONOTONE)}.")
    if direction is not None and direction not in _MONOTONE:
        raise spec.wrong("direction", "No such direction.", f"One of {', '.join(_MONOTONE)}.")
    if item:
        _refuse_unfit(item, spec, definition)
    label = (item.zh, item.en) if item else (name, name.replace("_", " "))
    # A category has no order that a constraint could follow, whatever its item is called.
    way = "any" if kind is Kind.CODE or direction is None else direction
    return Factor(name, label[0], label[1], kind, way, spec.get("lagged", ""))


def _refuse_unfit(item: Item, spec: MarkedDict, definition: Definition) -> None:
    if item.personal or "score" not in item.use:
        raise spec.wrong("id", "The item is personal or not meant for scores.", "Leave it out.")
    if item.kind in (Kind.TEXT, Kind.DATE):
        raise spec.wrong("id", "A text or a day is no factor.", "Use a fact made of it, such as an age.")
    told_by = [event for event in definition.events if reads(item, event)]
    if told_by and not spec.get("lagged"):
        raise spec.wrong(
            "id",
            f"The item reads the records that make the default ({told_by[0].id}).",
            "Leave it out, or say under `lagged` why it tells only of the time before the day.",
        )


def reads(item: Item, event: Records) -> bool:
    """Whether ``item`` looks at what makes ``event`` a default: its feed, and the columns that tell it if any do."""
    if item.feed != event.feed:
        return False
    telling = {name for name, _ in event.in_force.compute.where}
    asked = {item.compute.of, *(name for name, _ in (*item.compute.where, *item.compute.part_where))}
    return not telling or bool(telling & asked)
