"""A trained model as it is handed to the registry: two artefacts, a card, and the catalogue it reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from models.errors import RefusedInput
from scoring.catalogue import Item
from scoring.derived import DERIVED
from scoring.feeds import Feed
from service.books.seedbook import catalogue, feeds, rule_set
from service.snapshot.folder import json_bytes
from service.web.strict_json import parse_strict

SCORECARD, CHALLENGER, CARD = "scorecard.json", "challenger.json", "card.json"
#: What decides a derived fact besides the items: the official tables.
_TABLES = ("sizes.yaml", "industries.yaml")
_NAME = re.compile(r"[a-z][a-z0-9-]{1,62}", re.ASCII)
_MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class ModelBundle:
    """One model before anybody signed it.

    ``name`` is what successive models of one purpose share (``pd``); at most one of a name is active.
    ``scorecard`` is the champion's artefact (``Scorecard.to_json``), ``challenger`` that of the model that runs beside
    it, if there is one. ``card`` is the model card: plain JSON values. ``catalogue_version`` is
    :func:`catalogue_version` of the facts the model reads; where they mean something else, the model is not loaded.
    ``RefusedInput`` for a name that is no name.
    """

    name: str
    scorecard: bytes
    challenger: bytes | None
    card: Mapping[str, Any]
    catalogue_version: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise RefusedInput(
                "bad_name",
                "name",
                self.name,
                "A model's name is lower-case letters, digits and hyphens, 2 to 63 of them, a letter first.",
                "Name it by its purpose, such as pd.",
            )

    @property
    def id(self) -> str:
        """First 20 hex digits of the scorecard's SHA-256: equal scorecards are one model."""
        return sha256(self.scorecard).hexdigest()[:20]

    def write(self, folder: Path) -> None:
        """Write the bundle as a new folder that :func:`read_bundle` reads; the card carries name and catalogue."""
        folder.mkdir(parents=True)
        card = {**self.card, "name": self.name, "catalogue_version": self.catalogue_version}
        (folder / SCORECARD).write_bytes(self.scorecard)
        if self.challenger is not None:
            (folder / CHALLENGER).write_bytes(self.challenger)
        (folder / CARD).write_bytes(json.dumps(card, ensure_ascii=False, indent=2, sort_keys=True).encode())


def read_bundle(folder: Path) -> ModelBundle:
    """The bundle in ``folder``: ``scorecard.json``, ``card.json`` with ``name`` and ``catalogue_version``, and where
    there is one ``challenger.json``. ``RefusedInput`` names the file that is missing or malformed.
    """
    raw = _read(folder / CARD)
    card = parse_strict(raw)
    for member in ("name", "catalogue_version"):
        if not isinstance(card, dict) or not isinstance(card.get(member), str):
            raise RefusedInput(
                "bad_card", f"{CARD}/{member}", str(folder), "A model card names its model and its catalogue.",
                "Train the model again with `rongqiao train`.",
            )  # fmt: skip
    challenger = _read(folder / CHALLENGER) if (folder / CHALLENGER).exists() else None
    return ModelBundle(card["name"], _read(folder / SCORECARD), challenger, card, card["catalogue_version"])


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise RefusedInput(
                "file_too_large", path.name, path.stat().st_size, f"A model file has at most {_MOST_BYTES} bytes.",
                "Check that it is a model.",
            )  # fmt: skip
        return path.read_bytes()
    except OSError as problem:
        raise RefusedInput(
            "unreadable_file", path.name, str(path), f"It cannot be read: {problem.strerror}.",
            "Name the folder that `rongqiao train` wrote.",
        ) from None  # fmt: skip


def catalogue_version(names: Iterable[str]) -> str:
    """SHA-256 over what the named facts mean here: items with their feeds, and derived facts with their tables.

    Names, legal bases and items the model does not read have no part in it, so an addition to the catalogue leaves
    models in force. ``RefusedInput`` for a name that is neither an item nor a derived fact.
    """
    items, derived = catalogue().items, set()
    meant: dict[str, Any] = {}
    for name in sorted(set(names)):
        base = name.partition(".")[0]
        if base in items:
            meant[name] = _item_meaning(items[base], feeds()[items[base].feed])
        elif name in DERIVED:
            derived.add(name)
        else:
            raise RefusedInput(
                "unknown_item", "item", name, "Neither the catalogue nor the derived facts have it.",
                "Train the model on facts of this catalogue.",
            )  # fmt: skip
    if derived:
        digests = rule_set().file_digests()
        meant["derived"] = {"facts": {name: DERIVED[name] for name in sorted(derived)}}
        meant["tables"] = {table: digests[table] for table in _TABLES}
    return sha256(json_bytes(meant, sort_keys=True)).hexdigest()


def _item_meaning(item: Item, feed: Feed) -> dict[str, Any]:
    kept = ("kind", "unit", "compute", "valid_for_months", "codes", "absent")
    columns = [(column.id, column.type, list(column.values)) for column in feed.columns]
    said = asdict(item)
    return {
        **{name: said[name] for name in kept},
        "feed": [feed.id, feed.absent_means_none, list(feed.key), feed.observed, feed.ends, columns],
    }
