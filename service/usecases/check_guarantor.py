"""May one firm stand for another? Never one of its own circle. And the circles of the city, for the office."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np

from matching.circles import Link, link_between
from models.errors import RefusedInput
from models.money import from_fen
from models.truth import Truth
from service.access.auth import Action, Caller
from service.access.reading import open_file
from service.books.seedbook import catalogue
from service.office import Office
from service.snapshot.snapshots import OpenSnapshot
from service.watching.guarantees import FEED, Guarantees, guarantees_of

#: The item a consent must cover: whoever is told that two firms are linked is told of a circle.
ITEM = "guarantee_circle"
_WORDS = {
    Link.NONE: ("未发现担保关联，可作为担保人。", "No link by guarantees: it may stand for the firm."),
    Link.ITSELF: ("企业不能为自己担保。", "A firm cannot stand for itself."),
    Link.CIRCLE: (
        "该企业已直接或间接接受本企业担保，新担保将形成担保圈。",
        "The firm stands for it already, itself or through others: the guarantee would come back to the firm.",
    ),
}
_UNKNOWN = ("尚无对外担保数据，无法判断。", "No bank has told of guarantees: this is not known.")


def check_guarantor(office: Office, snapshot: OpenSnapshot, uscc: str, guarantor: str) -> dict[str, Any]:
    """Whether ``guarantor`` may stand for the firm on the snapshot's day: met, unmet, or unknown without the records.

    ``NotFound`` for a firm, on either side, that the snapshot does not have.
    """
    for code in (uscc, guarantor):
        snapshot.row_of(code)
    link = _link(guarantees_of(office.lake, snapshot), uscc, guarantor)
    zh, en = _UNKNOWN if link is None else _WORDS[link]
    truth = Truth.UNKNOWN if link is None else Truth.MET if link is Link.NONE else Truth.UNMET
    return {
        "as_of": snapshot.as_of,
        "snapshot_id": snapshot.id,
        "uscc": uscc,
        "guarantor": guarantor,
        "truth": truth,
        "link": link,
        "zh": zh,
        "en": en,
        "feed": FEED,
        "cite": "004:19",
    }


def _link(known: Guarantees | None, uscc: str, guarantor: str) -> Link | None:
    if uscc == guarantor:
        return Link.ITSELF
    if known is None:
        return None
    firm, other = known.place_of(uscc), known.place_of(guarantor)
    return Link.NONE if firm is None or other is None else link_between(known.graph, firm, other)


def asked_guarantor(
    office: Office, snapshot: OpenSnapshot, caller: Caller, uscc: str, guarantor: str, purpose: str | None,
    now: datetime, request_id: str,
) -> dict[str, Any]:  # fmt: skip
    """As :func:`check_guarantor`, for a caller who may read both firms; both see it in their access log.

    ``RefusedInput`` (403) where a consent does not cover guarantee circles.
    """
    for code in dict.fromkeys((uscc, guarantor)):
        access = open_file(office, caller, code, purpose, Action.READ_GUARANTEES, now, request_id)
        if not access.viewer.knows(catalogue().items[ITEM]):
            raise RefusedInput(
                "consent_too_narrow", "consent", access.consent_id, "The answer tells of guarantee circles.",
                "Ask the firm for a consent over this dimension.", status=403,
            )  # fmt: skip
    return check_guarantor(office, snapshot, uscc, guarantor)


def list_circles(office: Office, snapshot: OpenSnapshot, limit: int) -> dict[str, Any]:
    """The city's guarantee circles, largest first: firms, direct pairs, yuan guaranteed inside, members in default, and
    members that would fail if their guarantees were called. ``circles`` is ``None`` where no bank told of guarantees.
    """
    known = guarantees_of(office.lake, snapshot)
    answer: dict[str, Any] = {"as_of": snapshot.as_of, "snapshot_id": snapshot.id, "circles": None, "items": []}
    if known is None:
        return answer
    circles = known.circles
    order = np.lexsort((np.arange(len(circles.size)), -circles.size))[:limit]
    items = []
    for number in order.tolist():
        places = circles.members(number)
        told = {
            "members": len(places),
            "firms": known.codes[places].astype(str).tolist(),
            "pairs": int(circles.pairs[number]),
            "amount_yuan": str(from_fen(int(circles.amount[number]))),
            "defaulted": int(known.defaulted[places].sum()),
            "failing": int(known.stress.fails[places].sum()),
            "may_fail": int(known.stress.may_fail[places].sum()),
            "longest_chain": int(known.chains[places].max()),
        }
        items.append(told)
    return {**answer, "circles": len(circles.size), "items": items}
