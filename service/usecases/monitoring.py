"""What the office watches: coverage, grades, freshness by agency, matches. Computed once for each snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from sqlalchemy import func, select

from matching.bulk import ones
from matching.products import Product
from matching.schemes import Scheme
from models.kinds import UNKNOWN_INT32, Kind
from models.tables import Batch
from scoring.catalogue import Item
from scoring.evaluation.evaluate import State
from scoring.spread import ZHEJIANG_SHARES, GroupSpread, counted, known_count, score_bands, spread_by
from service.books.rulebook import agencies, industries, offers
from service.books.seedbook import catalogue, feeds
from service.office import Office
from service.snapshot.snapshots import OpenSnapshot

_GROUPED = ("size_class", "district", "industry_section")


def overview(office: Office, snapshot: OpenSnapshot) -> dict[str, Any]:
    """The office in one screen: firms, how many are live, scored and graded, feeds delivered, the latest batch."""
    latest = select(func.max(Batch.received_at))
    statuses = select(Batch.status, func.count()).group_by(Batch.status)
    with office.read() as session:
        last_received = session.scalar(latest)
        batches: dict[str, int] = {status: count for status, count in session.execute(statuses)}  # noqa: C416
    return {**_overview(snapshot), "last_received_at": last_received, "batches": batches}


@lru_cache(maxsize=4)
def _overview(snapshot: OpenSnapshot) -> dict[str, Any]:
    states = snapshot.scores["state"]
    score, coverage = snapshot.columns.values["score"], snapshot.columns.values["coverage"]
    private = snapshot.columns.values["private_owned"]
    known_private = int(np.count_nonzero(private >= 0))
    delivered = snapshot.manifest["feeds"]
    return {
        **_head(snapshot),
        "firms": snapshot.firms,
        "live": int(np.count_nonzero(snapshot.columns.values["live"] == 1)),
        "states": {state.name.lower(): int(np.count_nonzero(states == state)) for state in State},
        "scored": int(np.count_nonzero(~np.isnan(score))),
        "graded": int(np.count_nonzero(snapshot.columns.values["grade"] >= 0)),
        "mean_coverage": None if np.isnan(coverage).all() else float(np.nanmean(coverage)),
        "private_share": int(np.count_nonzero(private == 1)) / known_private if known_private else None,
        "records": sum(feed["records"] for feed in delivered.values()),
        "feeds_declared": len(feeds()),
        "feeds_delivered": len(delivered),
    }


@lru_cache(maxsize=4)
def grades(snapshot: OpenSnapshot) -> dict[str, Any]:
    """Score and grade distribution: overall, beside the published Zhejiang spread, and by size, district, industry."""
    columns, codes = snapshot.columns.values, snapshot.columns.codes
    grade, dictionary, score = columns["grade"], codes.get("grade", ()), columns["score"]
    counts = counted(grade, dictionary)
    graded = sum(count for code, count in counts.items() if code is not None)
    return {
        **_head(snapshot),
        "grades": [
            {
                "grade": code,
                "firms": count,
                "share": count / graded if graded else None,
                "zhejiang_share": ZHEJIANG_SHARES.get(code),
            }
            for code, count in counts.items()
            if code is not None
        ],
        "not_graded": counts[None],
        "score_bands": [{"low": low, "high": high, "firms": firms} for low, high, firms in score_bands(score)],
        **{
            f"by_{name.removesuffix('_class').removeprefix('industry_')}": _groups(
                name, spread_by(columns[name], codes.get(name, ()), grade, dictionary, score)
            )
            for name in _GROUPED
        },
    }


def _groups(name: str, spreads: Iterable[GroupSpread]) -> list[dict[str, Any]]:
    sections = industries().sections
    return [
        {
            "group": spread.group,
            **(
                {"zh": sections[spread.group].zh, "en": sections[spread.group].en}
                if name == "industry_section" and spread.group is not None and spread.group in sections
                else {}
            ),
            "firms": spread.firms,
            "grades": spread.grades,
            "median_score": spread.median_score,
        }
        for spread in spreads
    ]


@lru_cache(maxsize=4)
def coverage(snapshot: OpenSnapshot) -> dict[str, Any]:
    """How many firms each item is known for and how fresh it is, by agency."""
    by_agency: dict[str, list[dict[str, Any]]] = {}
    for item in catalogue().items.values():
        if item.id in snapshot.manifest["items"]:
            by_agency.setdefault(item.agency, []).append(_item(snapshot, item))
    return {
        **_head(snapshot),
        "agencies": [
            {
                "agency": agency,
                "zh": agencies()[agency]["zh"],
                "en": agencies()[agency]["en"],
                "mean_known_share": sum(item["known_share"] or 0 for item in items) / len(items),
                "feeds": _feeds(snapshot, agency),
                "items": items,
            }
            for agency, items in by_agency.items()
        ],
    }


def _item(snapshot: OpenSnapshot, item: Item) -> dict[str, Any]:
    observed = snapshot.observed[item.id]
    if item.kind is Kind.TEXT:
        known = int(np.count_nonzero(observed != UNKNOWN_INT32))
    else:
        known = known_count(item.kind, snapshot.columns.values[item.id])
    days = observed[observed != UNKNOWN_INT32]
    today = (snapshot.as_of - date(1970, 1, 1)).days
    return {
        "id": item.id,
        "zh": item.zh,
        "en": item.en,
        "known": known,
        "known_share": known / snapshot.firms if snapshot.firms else None,
        "median_age_days": float(np.median(today - days)) if len(days) else None,
    }


def _feeds(snapshot: OpenSnapshot, agency: str) -> list[dict[str, Any]]:
    delivered = snapshot.manifest["feeds"]
    made = []
    for feed in feeds().values():
        if feed.agency != agency:
            continue
        said = delivered.get(feed.id)
        covered = date.fromisoformat(said["covered_to"]) if said else None
        made.append(
            {
                "feed": feed.id,
                "zh": feed.zh,
                "en": feed.en,
                "delivered": said is not None,
                "covered_to": covered,
                "days_behind": (snapshot.as_of - covered).days if covered else None,
                "batches": said["batches"] if said else 0,
                "records": said["records"] if said else 0,
            }
        )
    return made


@lru_cache(maxsize=4)
def matches(snapshot: OpenSnapshot) -> dict[str, Any]:
    """How many firms meet each product's and scheme's conditions on the firm, and how many are open."""
    book = offers()
    places = {rule: place for place, rule in enumerate(snapshot.rule_ids)}
    made = []
    rules: list[Product | Scheme] = [*book.products.values(), *book.schemes.values()]
    for rule in rules:
        if rule.id not in places:
            continue  # younger than the snapshot
        met = ones(snapshot.met[places[rule.id]])
        made.append(
            {
                "id": rule.id,
                "kind": "product" if rule.id in book.products else "scheme",
                "offers": rule.offers,
                "zh": rule.name.zh,
                "en": rule.name.en,
                "met": met,
                "unknown": ones(snapshot.open[places[rule.id]]) - met,
                "met_share": met / snapshot.firms if snapshot.firms else None,
            }
        )
    return {**_head(snapshot), "firms": snapshot.firms, "matches": made}


def _head(snapshot: OpenSnapshot) -> dict[str, Any]:
    return {"as_of": snapshot.as_of, "snapshot_id": snapshot.id}
