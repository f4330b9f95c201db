"""What lenders are told of firms that a search found: the veil, traits and bands of cards, the count of the day."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from matching.atoms import KnownBits
from matching.cursors import fingerprint
from matching.facts import FactSpec, Source
from matching.screen import Order, sort_keys
from matching.search.veil import Trait, Veil
from models.errors import RefusedInput
from models.kinds import UNKNOWN_INT64, UNKNOWNS, Kind
from models.tables import AskedScreen
from service.access.auth import Action, Caller
from service.access.policy import Purpose
from service.audit.chain import Event
from service.audit.journal import record
from service.books.rulebook import market_terms
from service.books.seedbook import catalogue
from service.clock import day_of
from service.market.contacts import quarter_of
from service.market.seeker import Seeker
from service.snapshot.snapshots import OpenSnapshot
from service.web.encode import canonical

#: Traits of a card, those that are given up last first.
TRAITS = ("grade", "size_class", "industry_section", "district", "score_band", "age_band")
AGE_BANDS = (12, 36, 60, 120)
SCORE_BAND = 100
_TENTHS = 10
_KEPT = 24


class _Kept:
    """What is made once for a snapshot and asked again and again; the least used goes first."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[object, ...], Any] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[object, ...], make: Callable[[], Any]) -> Any:
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
                if len(self._made) > _KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return self._made[key]


_kept = _Kept()


def veil_of(snapshot: OpenSnapshot, secret: bytes) -> Veil:
    """The veil over a snapshot's firms under the office's key."""
    veil: Veil = _kept.get(
        (snapshot.folder, snapshot.id, secret, "veil"),
        lambda: Veil(snapshot.id, snapshot.uscc, secret, market_terms().release),
    )
    return veil


def known_bits(snapshot: OpenSnapshot) -> KnownBits:
    """Which values of each column are known."""
    known: KnownBits = _kept.get((snapshot.folder, snapshot.id, "known"), lambda: KnownBits(snapshot.columns.values))
    return known


def traits_of(snapshot: OpenSnapshot) -> Sequence[Trait]:
    """What cards show, those given up last first; a trait the snapshot does not hold is unknown for every firm."""
    traits: Sequence[Trait] = _kept.get(
        (snapshot.folder, snapshot.id, "traits"), lambda: [trait_of(snapshot, name) for name in TRAITS]
    )
    return traits


def trait_of(snapshot: OpenSnapshot, name: str) -> Trait:
    """One code fact, or a band of age or score, as places."""
    if name == "score_band":
        score = snapshot.columns.get("score")
        if score is None:
            return Trait(name, np.full(snapshot.firms, -1), 1)
        places = np.where(np.isnan(score), -1, np.nan_to_num(score) // SCORE_BAND).astype(np.int64)
        return Trait(name, places, max(1, int(places.max(initial=0)) + 1))
    if name == "age_band":
        months = snapshot.columns.get("firm_age_months")
        if months is None:
            return Trait(name, np.full(snapshot.firms, -1), 1)
        places = np.searchsorted(AGE_BANDS, months, side="right")
        return Trait(name, np.where(months == UNKNOWN_INT64, -1, places), len(AGE_BANDS) + 1)
    column = snapshot.columns.get(name)
    if column is None:
        return Trait(name, np.full(snapshot.firms, -1), 1)
    places = np.where(column == UNKNOWNS[Kind.CODE], -1, column.astype(np.int64))
    return Trait(name, places, max(1, len(snapshot.columns.codes[name])))


def value_of(snapshot: OpenSnapshot, trait: Trait, row: int) -> Any:
    """What a card shows of a trait: a code, a band of points or of months (its end ``None`` for the last)."""
    place = int(trait.places[row])
    if place < 0:
        return None
    if trait.name == "score_band":
        return [place * SCORE_BAND, (place + 1) * SCORE_BAND]
    if trait.name == "sort_band":
        return place + 1
    if trait.name != "age_band":
        return snapshot.columns.codes[trait.name][place]
    return [(0, *AGE_BANDS)[place], (*AGE_BANDS, None)[place]]


def sort_trait(snapshot: OpenSnapshot, order: Order) -> Trait:
    """In which tenth of the firms each one's value lies, from those that come first in the order."""
    key = (snapshot.folder, snapshot.id, order.spec.id, order.descending)
    trait: Trait = _kept.get(key, lambda: Trait("sort_band", _tenths(snapshot, order), _TENTHS))
    return trait


def _tenths(snapshot: OpenSnapshot, order: Order) -> npt.NDArray[np.int64]:
    column = snapshot.columns.get(order.spec.id)
    if column is None:
        return np.full(snapshot.firms, -1)
    keys = sort_keys(column, order)
    unknown = keys == (np.inf if keys.dtype.kind == "f" else np.iinfo(np.int64).max)
    known = np.sort(keys[~unknown])
    edges = known[[known.size * tenth // _TENTHS for tenth in range(1, _TENTHS)]] if known.size else known
    return np.where(unknown, -1, np.searchsorted(edges, keys, side="right"))


def in_registers(spec: FactSpec) -> bool:
    """Whether a public register says as much: then exact counts of it tell nothing new."""
    item = catalogue().items.get(spec.id)
    return spec.source is Source.ITEM and spec.share == "public" and item is not None and not item.personal


def count_screen(seeker: Seeker, purpose: Purpose, question: str, conditions: int, subject: str = "") -> None:
    """Put a lender's search into the journal and count it; refused (429) beyond the conditions of a day or a quarter.

    ``question``: what is asked, of which snapshot; the same one is counted once a day. The refusal is in the journal
    too. ``subject`` names a product or a saved screen.
    """
    sha256 = fingerprint(question).hex()
    try:
        spent = _counted(seeker, purpose, sha256, conditions, subject)
    except IntegrityError:
        # Another process counted the same screen at the same moment.
        spent = _counted(seeker, purpose, sha256, conditions, subject)
    if spent:
        raise RefusedInput(
            "screen_budget",
            "conditions",
            conditions,
            f"A lender asks {spent} of different screens, so that no firm can be singled out by many.",
            "Ask a screen of today again, or wait.",
            status=429,
        )


def _counted(seeker: Seeker, purpose: Purpose, sha256: str, conditions: int, subject: str) -> str:
    """The limit that is used up, in words; empty when the screen was counted."""
    lender, day, terms = seeker.caller.tenant, day_of(seeker.now), market_terms().release
    limits = (
        (day, terms.conditions_per_day, f"{terms.conditions_per_day} conditions a day"),
        (quarter_of(day), terms.conditions_per_quarter, f"{terms.conditions_per_quarter} conditions a quarter"),
    )
    spent = ""
    with seeker.office.write() as session:
        if session.get(AskedScreen, (lender, day, sha256)) is None:
            for since, most, words in limits:
                query = select(func.sum(AskedScreen.conditions)).where(AskedScreen.lender == lender)
                asked = session.scalar(query.where(AskedScreen.day >= since, AskedScreen.day <= day)) or 0
                if asked + conditions > most:
                    spent = spent or words
            if not spent:
                row = AskedScreen(lender=lender, day=day, screen_sha256=sha256, conditions=conditions)
                session.add(row)
                session.flush()
        record(session, _event(seeker.caller, purpose, seeker, sha256, subject, not spent))
    return spent


def _event(caller: Caller, purpose: Purpose, seeker: Seeker, sha256: str, subject: str, allowed: bool) -> Event:
    return Event(
        at=seeker.now,
        actor=caller.client_id,
        person=caller.person,
        role=caller.role.value,
        tenant=caller.tenant,
        action=Action.FIND_PROSPECTS.value,
        object_id=subject,
        purpose=purpose.value,
        result="allowed" if allowed else "denied",
        reason="" if allowed else "screen_budget",
        detail=canonical({"screen_sha256": sha256}).decode(),
        request_id=seeker.request_id,
    )
