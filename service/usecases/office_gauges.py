"""What somebody on call watches of an office besides its requests: how old its data are, and how long its journal."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import orjson
from sqlalchemy import func, select

from models.tables import AuditHead, Batch, Snapshot
from service.office import Office
from service.usecases.read_audit import ANCHORS


class Gauge(NamedTuple):
    """A number under a name; ages are seconds, NaN for what never happened."""

    name: str
    meaning: str
    value: float


def office_gauges(office: Office, now: datetime) -> list[Gauge]:
    """The gauges at ``now``."""
    with office.read() as session:
        newest = session.scalars(select(Snapshot).order_by(Snapshot.as_of.desc(), Snapshot.seq.desc()).limit(1)).first()
        built = session.scalar(select(func.max(Snapshot.built_at)))
        received = session.scalar(select(func.max(Batch.received_at)))
        head = session.get(AuditHead, 1)
    return [
        Gauge("snapshot_firms", "Firms of the snapshot that answers.", newest.firms if newest else 0),
        Gauge("snapshot_built_age_seconds", "Since the latest build.", _age(built, now)),
        Gauge("batch_age_seconds", "Since the latest delivery.", _age(received, now)),
        Gauge("audit_entries", "Entries of the audit journal.", head.seq if head else 0),
        Gauge("audit_anchor_age_seconds", "Since the journal's end was last signed.", _age(_anchored(office), now)),
    ]


def _age(moment: datetime | None, now: datetime) -> float:
    return float("nan") if moment is None else (now - moment).total_seconds()


def _anchored(office: Office) -> datetime | None:
    """The moment of the last anchor; its signature is looked at by ``audit verify``, not here."""
    try:
        last = (office.home / ANCHORS).read_bytes().splitlines()[-1]
        return datetime.fromisoformat(orjson.loads(last)["at"])
    except (OSError, IndexError, ValueError, KeyError, TypeError):
        return None
