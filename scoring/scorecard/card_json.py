"""The one file form of a scorecard: canonical JSON, readable, and refused whole when anything in it is off."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from models.errors import RefusedInput
from scoring.scorecard.bins import Bins, CategoryBins, NumberBins
from scoring.scorecard.card import FORMAT, Calibration, Cross, Line, Scale, Scorecard, Training
from scoring.scorecard.faults import bad_card

_Made = TypeVar("_Made")

#: Far above any card; a file of this size is not read further.
LARGEST_FILE = 16_000_000


def to_json(card: Scorecard) -> bytes:
    """Canonical JSON of the card: sorted keys, no blanks, UTF-8; every number reads back to the same bits."""
    content = {
        "format": card.format,
        "scale": {"pdo": card.scale.pdo, "base_score": card.scale.base_score, "base_odds": card.scale.base_odds},
        "calibration": {"intercept": card.calibration.intercept, "slope": card.calibration.slope},
        "training": {
            "rows": card.training.rows,
            "bad": card.training.bad,
            "bad_rate": card.training.bad_rate,
            "prior": card.training.prior,
        },
        "base": card.base,
        "lines": [
            {
                "name": line.name,
                "direction": line.direction,
                "bins": _bins_out(line.bins),
                "points": line.points,
                "shares": line.shares,
                "rates": line.rates,
            }
            for line in card.lines
        ],
        "crosses": [
            {
                "names": cross.names,
                "directions": cross.directions,
                "bins": [_bins_out(bins) for bins in cross.bins],
                "points": cross.points,
                "shares": cross.shares,
            }
            for cross in card.crosses
        ],
    }
    return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def from_json(content: bytes) -> Scorecard:
    """The card. ``RefusedInput`` for another format, a missing, unknown or repeated key, a number that is not finite,
    and for everything the parts refuse: edges that do not ascend, points against a direction, tables of a wrong size.
    """
    if len(content) > LARGEST_FILE:
        raise bad_card("file", len(content), f"A scorecard has at most {LARGEST_FILE} bytes.")
    try:
        read = json.loads(content, object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError as error:
        raise bad_card("file", "nesting", "The file is nested too deeply.") from error
    except ValueError as error:
        raise bad_card("file", str(error), "The file is no JSON.") from error
    try:
        return _card(_Keys("file", read))
    except RefusedInput:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise bad_card("file", str(error), "A value has the wrong form.") from error


def _bins_out(bins: Bins) -> Mapping[str, object]:
    if isinstance(bins, CategoryBins):
        return {"groups": bins.groups}
    return {"edges": bins.edges, "specials": bins.specials}


class _Keys:
    """One JSON object whose keys are taken by name; a key left over or absent refuses the file."""

    def __init__(self, where: str, read: object):
        if not isinstance(read, dict):
            raise bad_card(where, type(read).__name__, "An object belongs here.")
        self._where = where
        self._read = read

    def exactly(self, *names: str) -> tuple[Any, ...]:
        """The values of exactly these keys."""
        if set(self._read) != set(names):
            raise bad_card(self._where, sorted(set(self._read) ^ set(names)), "Exactly the format's keys are allowed.")
        return tuple(self._read[name] for name in names)

    def has(self, name: str) -> bool:
        """Whether the key is there."""
        return name in self._read


def _card(keys: _Keys) -> Scorecard:
    names = ("format", "scale", "calibration", "training", "base", "lines", "crosses")
    if not keys.has("format"):
        raise bad_card("format", None, f"This version reads {FORMAT}.")
    form, scale, calibration, training, base, lines, crosses = keys.exactly(*names)
    if form != FORMAT:
        raise bad_card("format", form, f"This version reads {FORMAT}.")
    pdo, base_score, base_odds = _Keys("scale", scale).exactly("pdo", "base_score", "base_odds")
    intercept, slope = _Keys("calibration", calibration).exactly("intercept", "slope")
    rows, bad, bad_rate, prior = _Keys("training", training).exactly("rows", "bad", "bad_rate", "prior")
    return Scorecard(
        lines=_each("lines", lines, _line),
        crosses=_each("crosses", crosses, _cross),
        base=_whole(base),
        scale=Scale(_number(pdo), _number(base_score), _number(base_odds)),
        calibration=Calibration(_number(intercept), _number(slope)),
        training=Training(_whole(rows), _whole(bad), _number(bad_rate), _number(prior)),
    )


def _line(read: object) -> Line:
    names = ("name", "direction", "bins", "points", "shares", "rates")
    name, direction, bins, points, shares, rates = _Keys("lines", read).exactly(*names)
    return Line(
        name=_text(name),
        bins=_bins(bins),
        direction=_whole(direction),
        points=_each("points", points, _whole),
        shares=_each("shares", shares, _number),
        rates=_each("rates", rates, lambda rate: None if rate is None else _number(rate)),
    )


def _cross(read: object) -> Cross:
    names, directions, bins, points, shares = _Keys("crosses", read).exactly(
        "names", "directions", "bins", "points", "shares"
    )
    first, second = _each("names", names, _text)
    low, high = _each("directions", directions, _whole)
    across, down = _each("bins", bins, _bins)
    return Cross(
        names=(first, second),
        bins=(across, down),
        directions=(low, high),
        points=_each("points", points, lambda row: _each("points", row, _whole)),
        shares=_each("shares", shares, lambda row: _each("shares", row, _number)),
    )


def _bins(read: object) -> Bins:
    keys = _Keys("bins", read)
    if keys.has("groups"):
        (groups,) = keys.exactly("groups")
        return CategoryBins(_each("groups", groups, lambda group: _each("groups", group, _text)))
    edges, specials = keys.exactly("edges", "specials")
    return NumberBins(_each("edges", edges, _number), _each("specials", specials, _number))


def _each(field: str, read: object, make: Callable[[object], _Made]) -> tuple[_Made, ...]:
    if not isinstance(read, list):
        raise bad_card(field, type(read).__name__, "A list belongs here.")
    return tuple(map(make, read))


def _number(read: object) -> float:
    if type(read) not in (int, float):
        raise bad_card("number", read, "A number belongs here.")
    made = float(read)  # type: ignore[arg-type]
    if made in (float("inf"), float("-inf")):
        raise bad_card("number", read, "A number is finite.")
    return made


def _whole(read: object) -> int:
    if type(read) is not int:
        raise bad_card("number", read, "A whole number belongs here.")
    return read


def _text(read: object) -> str:
    if not isinstance(read, str):
        raise bad_card("text", read, "A text belongs here.")
    return read


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise bad_card("file", [key for key, _ in pairs], "A key may come only once.")
    return made


def _no_constant(name: str) -> NoReturn:
    raise bad_card("file", name, "A number is finite.")
