"""The rules with the products that lenders published: in force without a build, and named by their own digest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from threading import Lock
from typing import Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.tables import ProductVersion
from service.books.rulebook import Rules, rules
from service.office import Office
from service.web.encode import encode

#: Rule sets kept, one per office and state of its shelf; an older one is made again when it is asked for.
_KEPT = 8
#: How many versions were ever activated, and retired: both only grow.
ACTIVATED, RETIRED = func.count(ProductVersion.activated_at), func.count(ProductVersion.retired_at)
_CHANGES = select(ACTIVATED, RETIRED)
_made: dict[tuple[object, ...], Rules] = {}
_lock = Lock()


def rules_of(office: Office, day: date) -> Rules:
    """The rules an office answers with on ``day``: the files, and what its lenders offer by then.

    Asked at every answer: one small query says whether anything was activated or retired since.
    """
    with office.read() as session:
        activated, retired = session.connection().execute(_CHANGES).one()
        return rules_at(session, office, (activated, retired), day)


def rules_at(session: Session, office: Office, mark: tuple[int, int], day: date) -> Rules:
    """:func:`rules_of`, where it is known how many versions were ever activated and retired (``mark``)."""
    if mark == (0, 0):
        return rules()
    key = (office.store.url, *mark, day)
    with _lock:
        if key not in _made:
            found = _made[key] = rules().with_products(_files(session, day))
            while len(_made) > _KEPT:
                _made.pop(next(iter(_made)))
            return found
        return _made[key]


def in_force(versions: Iterable[ProductVersion], day: date) -> ProductVersion | None:
    """Of the activated versions of one product: the latest that has begun by ``day``, else the next to begin.

    ``None`` where the latest that has begun is retired by then.
    """
    activated = sorted(
        (each for each in versions if each.effective_from is not None),
        key=lambda each: (each.effective_from, each.version),
    )
    begun = [each for each in activated if each.effective_from is not None and each.effective_from <= day]
    if begun:
        return None if begun[-1].retired_on is not None and begun[-1].retired_on <= day else begun[-1]
    return activated[0] if activated and activated[0].retired_on is None else None


def offered_document(version: ProductVersion) -> dict[str, Any]:
    """The document as the rule set holds it: its own, beginning on the day it was activated for."""
    until = (version.document.get("valid") or {}).get("until")
    valid = {"from": version.effective_from, **({"until": until} if until else {})}
    document: dict[str, Any] = orjson.loads(encode({**version.document, "valid": valid}))
    return document


def file_of(document: dict[str, Any]) -> bytes:
    """A product document as a file of the rule set; JSON is YAML."""
    return encode(document, indent=True) + b"\n"


def _files(session: Session, day: date) -> dict[str, bytes | None]:
    versions: dict[str, list[ProductVersion]] = {}
    for row in session.scalars(select(ProductVersion).where(ProductVersion.activated_at.is_not(None))):
        versions.setdefault(row.product_id, []).append(row)
    files: dict[str, bytes | None] = {}
    for product_id, listed in versions.items():
        chosen, path = in_force(listed, day), f"products/{product_id}.yaml"
        if chosen is not None:
            files[path] = file_of(offered_document(chosen))
        elif any(each.effective_from is not None and each.effective_from <= day for each in listed):
            files[path] = None
    return files
