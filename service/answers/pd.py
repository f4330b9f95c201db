"""The probability of default of one firm as answers: the figure with its range and model, and its lines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from models.errors import RefusedInput
from scoring.evaluation.model import MILLI
from scoring.scorecard.card import Scorecard
from scoring.scorecard.inputs import Floats, Inputs
from scoring.scorecard.interval import pd_interval
from scoring.scorecard.reasons import Reached, Reason, reasons
from service.access.disclosure import Shown, Viewer
from service.access.scope import shown_fact
from service.answers.rules import plain
from service.books.rulebook import facts, pd_scale
from service.books.seedbook import catalogue
from service.registry.scoring import kinds_of
from service.registry.shelf import ModelShelf
from service.snapshot.snapshots import OpenSnapshot

_DAYS_OF_MONTH = 30.4375
_NOTES = {
    "no_model": ("当日没有启用的违约概率模型，违约概率未知。", "No model was in force: the probability is unknown."),
    "not_evaluated": ("该企业不在评价范围，违约概率未知。", "The firm is not evaluated: the probability is unknown."),
    "scored": ("未来十二个月违约概率。", "Probability of default within twelve months."),
}


def pd_answer(snapshot: OpenSnapshot, row: int, models: ModelShelf) -> dict[str, Any]:
    """The probability with points and grade as the build kept them, the model that gave them, and the range that
    unknown and old items leave open.

    ``low`` and ``high`` are ``None`` where the model can no longer be read.
    """
    registered = registered_model(snapshot)
    held = {name: value for name, value in snapshot.facts(row).items() if name.startswith("pd")}
    known = held.get("pd") is not None
    state = "scored" if known else "not_evaluated" if registered else "no_model"
    zh, en = _NOTES[state]
    low, high = _range(snapshot, row, models) if known else (None, None)
    return {
        "state": state,
        "model": registered,
        "pd": held.get("pd"),
        "low": low,
        "high": high,
        "points": held.get("pd_points"),
        "grade": held.get("pd_grade"),
        "capped_by": _capped_by(snapshot, row) if known else None,
        "coverage": held.get("pd_coverage"),
        "thin_file": held.get("pd_thin"),
        "note": {"zh": zh, "en": en},
    }


def _range(snapshot: OpenSnapshot, row: int, models: ModelShelf) -> tuple[float | None, float | None]:
    """Where nine in ten firms with the same known items would lie, were everything known and fresh and the model
    learned from all firms there could be; how many and how fresh is data (``seed/pd.yaml``).
    """
    registered, scale = registered_model(snapshot), pd_scale()
    if registered is None:
        return None, None
    try:
        model = models.by_id(registered["id"])
    except RefusedInput:
        return None, None
    card = model.scorecard
    inputs = Inputs.from_columns(snapshot.columns.row(row), kinds_of(card.items))
    found = pd_interval(
        card,
        inputs,
        _ages(snapshot, row, card),
        scale.level,
        half_life_months=scale.half_life_months,
        thin_below=scale.thin_below,
        own_error=None if model.error is None else model.error.at(card.score(inputs, contributions=False).points),
    )
    return float(found.low[0]), float(found.high[0])


def _ages(snapshot: OpenSnapshot, row: int, card: Scorecard) -> dict[str, Floats]:
    """Months since each item of the model was observed; what is worked out afresh at every build has no age."""
    readings = snapshot.readings(row)
    days = {name: readings[name].age_days for name in card.items if name in readings}
    return {name: np.array([age / _DAYS_OF_MONTH]) for name, age in days.items() if age is not None}


def registered_model(snapshot: OpenSnapshot) -> dict[str, str] | None:
    """Name, id and version of the model that scored this snapshot; ``None`` where none did."""
    name = pd_scale().model
    found = snapshot.manifest["inputs"].get("registered_models", {}).get(name)
    return None if found is None else {"name": name, **found}


def _capped_by(snapshot: OpenSnapshot, row: int) -> dict[str, Any] | None:
    """The official grade that holds the firm's grade down, ``None`` where it makes no difference."""
    scale, official = pd_scale(), snapshot.value("official_grade", row)
    at_most = scale.official_cap.get(str(official))
    own = scale.grades[int(scale.places(snapshot.columns.values["pd"][row : row + 1])[0])]
    if at_most is None or scale.grades.index(own) >= scale.grades.index(at_most):
        return None
    return {"official_grade": official, "at_most": at_most, "without": own, "cite": scale.cite}


def pd_lines(snapshot: OpenSnapshot, row: int, models: ModelShelf, viewer: Viewer) -> dict[str, Any]:
    """The lines the points are made of, best first: they and ``base`` sum to the points exactly, as text.

    ``lines_missing`` says why there are none although the firm has a probability: the model that gave it cannot be
    trusted any more. Lines of items that a lender's consent does not open are one line without items.
    """
    registered = registered_model(snapshot)
    if registered is None or snapshot.value("pd", row) is None:
        return {"base": None, "lines": [], "lines_missing": ""}
    try:
        card = models.by_id(registered["id"]).scorecard
    except RefusedInput as refused:
        return {"base": None, "lines": [], "lines_missing": str(refused)}
    kinds = kinds_of(card.items)
    inputs = Inputs.from_columns(snapshot.columns.row(row), kinds)
    scored = card.score(inputs)
    assert scored.contributions is not None
    why = {reason.line: reason for reason in reasons(card, inputs)}
    made, hidden = [], []
    for label, milli in zip(scored.lines, scored.contributions[:, 0].tolist(), strict=True):
        names = label.split(" × ")
        if any(shown_fact(viewer, name, catalogue().items) is Shown.HIDDEN for name in names):
            hidden.append((int(milli), why[label].lost))
            continue
        items = [_item(name, snapshot, row, viewer) for name in names]
        made.append({"items": items, "points": _exact(int(milli)), **_reason(why[label], viewer)})
    if hidden:
        points, lost = (sum(column) for column in zip(*hidden, strict=True))
        nothing = {"reached": [], "better": [], "gain": _exact(0)}
        made.append({"items": [], "points": _exact(points), "lost": _exact(lost), **nothing})
    made.sort(key=lambda line: -Decimal(str(line["points"])))
    return {"base": _exact(scored.base), "lines": made, "lines_missing": ""}


def _reason(reason: Reason, viewer: Viewer) -> dict[str, Any]:
    """What the line costs against the best it can give, and the nearest range that would give more.

    A range of a masked item would tell roughly what the item is: it is left out.
    """
    masked = any(shown_fact(viewer, each.item, catalogue().items) is not Shown.FULL for each in reason.reached)
    shown = not masked and reason.better is not None
    return {
        "lost": _exact(reason.lost),
        "reached": [] if masked else [_reached(each) for each in reason.reached],
        "better": [_reached(each) for each in reason.better or ()] if shown else [],
        "gain": _exact(reason.gain),
    }


def _reached(place: Reached) -> dict[str, Any]:
    return {
        "item": place.item,
        "kind": place.kind,
        "from": place.low,
        "below": place.high,
        "values": list(place.values),
    }


def _exact(milli: int) -> str:
    return format(Decimal(milli) / MILLI, ".3f")


def _item(name: str, snapshot: OpenSnapshot, row: int, viewer: Viewer) -> dict[str, Any]:
    """One fact a line reads: names from the catalogue, and its value as the viewer may see it."""
    item = catalogue().items.get(name)
    named = item or facts().get(name)
    value = snapshot.value(name, row) if name in snapshot.columns.values else None
    masked = shown_fact(viewer, name, catalogue().items) is not Shown.FULL
    return {
        "id": name,
        "zh": named.zh if named else name,
        "en": named.en if named else name,
        "known": value is not None,
        "masked": masked,
        "value": None if masked else plain(value),
    }
