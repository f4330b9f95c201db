"""Draws up a version of a campaign from the current snapshot. Drawn up again alike, it is the same version."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.tables import Campaign, CampaignRow, CampaignVersion
from service.access.auth import Action, Caller
from service.audit.journal import record
from service.books.rulebook import offers
from service.cases.parties import actor_of, case_event, content_digest
from service.clock import day_of
from service.market.campaign_market import Drawn, draw
from service.market.campaign_rows import campaign_of, granted_of, ids_of, inputs_of, named
from service.market.campaign_spec import CampaignSpec
from service.office import Office
from service.snapshot.snapshots import OpenSnapshot


@dataclass(frozen=True)
class DrawnUp:
    """``changed`` is false when the newest version says exactly this already: nothing was written."""

    id: str
    version: int
    changed: bool


def draw_up_campaign(
    office: Office, snapshot: OpenSnapshot, caller: Caller, spec: CampaignSpec, now: datetime, request_id: str
) -> DrawnUp:
    """Store the list under ``spec`` as the newest version of the quarter's campaign of that name.

    Rows of which a lender told an outcome stay, unless it declined. ``RefusedInput`` (409, ``quota_below_granted``) for
    a quota or pot below what is granted or under way.
    """
    with office.read() as session:
        given = inputs_of(session, spec, day_of(now))
    # Worked out without a lock, since it may take seconds; what is under way is compared again before it is stored.
    drawn = draw(spec, snapshot, given.caps, given.needs, given.granted)
    with office.write() as session:
        row = session.scalars(named(spec).with_for_update()).one_or_none()
        if row is None:
            row = Campaign(id=f"k_{uuid.uuid4().hex}", quarter=spec.quarter, name=spec.name, version=0)
            session.add(row)
            session.flush()
        elif (granted := granted_of(session, row)) != given.granted:
            # Something was told meanwhile: the list is drawn again around it.
            drawn = draw(spec, snapshot, given.caps, given.needs, granted)
        content = _digest(spec, snapshot, drawn)
        newest = session.get(CampaignVersion, (row.id, row.version))
        if newest is not None and newest.content_sha256 == content:
            return DrawnUp(row.id, row.version, False)
        row.version += 1
        session.add(
            CampaignVersion(
                campaign_id=row.id,
                version=row.version,
                spec=spec.as_data(),
                snapshot_id=snapshot.id,
                summary=drawn.summary,
                content_sha256=content,
                drawn_up_by=actor_of(caller),
                drawn_up_at=now,
                published_by="",
            )
        )
        session.flush()
        _store(session, row, snapshot, drawn)
        said = {"version": row.version, "content_sha256": content}
        record(session, case_event(caller, Action.DRAW_UP_CAMPAIGN, "", row.id, now, request_id, said))
        return DrawnUp(row.id, row.version, True)


def _digest(spec: CampaignSpec, snapshot: OpenSnapshot, drawn: Drawn) -> str:
    pairs = [pair[1:] for pair in drawn.pairs]
    return content_digest({"spec": spec.as_data(), "snapshot": snapshot.id, "pairs": pairs})


def _store(session: Session, campaign: Campaign, snapshot: OpenSnapshot, drawn: Drawn) -> None:
    known = ids_of(session, campaign_of(session, campaign.id).id)
    for at, uscc, product, fen, place in drawn.pairs:
        session.add(
            CampaignRow(
                campaign_id=campaign.id,
                version=campaign.version,
                id=known.get((uscc, product)) or f"r_{uuid.uuid4().hex}",
                lender=offers().products[product].lender.id,
                product=product,
                uscc=uscc,
                firm_name=str(snapshot.value("firm_name", at) or "") if at >= 0 else "",
                place=place,
                fen=fen,
                card=_card(snapshot, at) if at >= 0 else dict.fromkeys(_CARD),
            )
        )


#: What a row tells of a firm without its identity.
_CARD = ("size_class", "district", "industry_section", "grade")


def _card(snapshot: OpenSnapshot, row: int) -> dict[str, Any]:
    return {name: snapshot.value(name, row) for name in _CARD}
