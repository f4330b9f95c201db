"""Campaigns as answers: a version, a row as its reader may see it, the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.money import from_fen
from models.tables import Campaign, CampaignOutcome, CampaignReceipt, CampaignRow, CampaignVersion
from service.books.rulebook import offers
from service.market.campaign_rows import DECLINED, STATES


def version_answer(
    campaign: Campaign,
    version: CampaignVersion,
    rows: int,
    receipts: Sequence[CampaignReceipt],
    *,
    lender: str | None,
    rows_sha256: str | None,
) -> dict[str, Any]:
    """One version; what was asked and how good it is are the office's. ``lender``: who reads it, ``None``: staff."""
    staff = lender is None
    return {
        "id": campaign.id,
        "quarter": campaign.quarter,
        "name": campaign.name,
        "version": version.version,
        "newest_version": campaign.version if staff else version.version,
        "rows": rows,
        "rows_sha256": rows_sha256,
        "content_sha256": version.content_sha256,
        "drawn_up_at": version.drawn_up_at,
        "drawn_up_by": version.drawn_up_by if staff else None,
        "published_at": version.published_at,
        "published_by": version.published_by if staff and version.published_at else None,
        "snapshot_id": version.snapshot_id,
        "spec": version.spec if staff else None,
        "summary": version.summary if staff else None,
        "ranking": _ranking(version.summary.get("ranking"), lender),
        "receipts": [
            {"lender": each.lender, "received_at": each.received_at, "rows_sha256": each.content_sha256}
            for each in receipts
        ],
    }


def _ranking(said: Mapping[str, Any] | None, lender: str | None) -> dict[str, Any] | None:
    """How firms were put in order; a lender reads it of its own products, without what is known of the firms' risk."""
    if said is None or lender is None:
        return None if said is None else dict(said)
    mine = [each for each in said["products"] if offers().products[each["id"]].lender.id == lender]
    own = [{name: each[name] for name in ("id", "rate", "margin", "loss_given_default")} for each in mine]
    return {**said, "products": own}


def row_answer(row: CampaignRow, outcome: CampaignOutcome | None, known: bool) -> dict[str, Any]:
    """One row; ``known``: its reader may know who the firm is."""
    return {
        "row": row.id,
        "lender": row.lender,
        "product": row.product,
        "place": row.place,
        "amount_yuan": from_fen(row.fen),
        **row.card,
        "uscc": row.uscc if known else None,
        "name": row.firm_name if known else None,
        "state": outcome.state if outcome else STATES[0],
        "approved_yuan": _yuan(outcome.approved_fen if outcome else None),
        "drawn_yuan": _yuan(outcome.drawn_fen if outcome else None),
        "reason": outcome.reason or None if outcome else None,
        "told_at": outcome.told_at if outcome else None,
    }


def report_answer(rows: Sequence[CampaignRow], outcomes: Mapping[str, CampaignOutcome]) -> dict[str, Any]:
    """Counts, yuan and conversion in all, and by lender, product, district and size class."""
    cuts: dict[str, Callable[[CampaignRow], str]] = {
        "by_lender": lambda row: row.lender,
        "by_product": lambda row: row.product,
        "by_district": lambda row: row.card.get("district") or "unknown",
        "by_size_class": lambda row: row.card.get("size_class") or "unknown",
    }
    made: dict[str, Any] = {"all": _figures(rows, outcomes)}
    for name, key in cuts.items():
        groups: dict[str, list[CampaignRow]] = {}
        for row in rows:
            groups.setdefault(key(row), []).append(row)
        made[name] = [{"group": group, **_figures(groups[group], outcomes)} for group in sorted(groups)]
    return made


def _figures(rows: Sequence[CampaignRow], outcomes: Mapping[str, CampaignOutcome]) -> dict[str, Any]:
    told = [outcomes[row.id] for row in rows if row.id in outcomes]
    reached = Counter(each.state for each in told)
    approved = [each.approved_fen or 0 for each in told if each.state in ("approved", "drawn")]
    return {
        "rows": len(rows),
        "firms": len({row.uscc for row in rows}),
        "asked_yuan": from_fen(sum(row.fen for row in rows)),
        **{state: reached[state] for state in (*STATES[1:], DECLINED)},
        "approved_rows": len(approved),
        "approved_yuan": from_fen(sum(approved)),
        "drawn_yuan": from_fen(sum(each.drawn_fen or 0 for each in told if each.state == "drawn")),
        "contacted_share": len(told) / len(rows) if rows else None,
        "conversion": reached["drawn"] / len(rows) if rows else None,
        "declined_by": dict(sorted(Counter(each.reason for each in told if each.state == DECLINED).items())),
    }


def _yuan(fen: int | None) -> Any:
    return None if fen is None else from_fen(fen)
