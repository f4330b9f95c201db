"""Feeds and items made for tests: every operation, on open and closed worlds, with and without ties on a day."""

from __future__ import annotations

from typing import Any


def _text(name: str) -> dict[str, str]:
    return {"zh": name, "en": name}


def _feed(id_: str, absence: str, key: list[str], **more: Any) -> dict[str, Any]:
    columns = {
        "number": {"type": "text", "required": True},
        "on": {"type": "date", "required": True},
        "kind": {"type": "code", "values": ["low", "middle", "high"]},
        "party": {"type": "text"},
        "amount_yuan": {"type": "money"},
        "sure_yuan": {"type": "money", "required": True},
        "weight": {"type": "decimal"},
        "heads": {"type": "integer"},
        "ok": {"type": "flag"},
        "until": {"type": "date"},
        "due": {"type": "month"},
    }
    return {
        "id": id_,
        **_text(id_),
        "agency": "tax",
        "share": "public",
        "period": "event",
        "refresh": "1m",
        "absence": absence,
        "key": key,
        "observed": "on",
        "ends": "until",
        "columns": {name: {**spec, **_text(name)} for name, spec in columns.items()},
        **more,
    }


FEEDS = [
    _feed("open_feed", "unknown", ["uscc", "number", "on"]),
    _feed("closed_feed", "none", ["uscc", "number"], publicity=True),
    _feed("daily_feed", "unknown", ["uscc", "on"]),
]

_COMPUTES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "latest_money": ("money", {"op": "latest", "of": "amount_yuan"}, {"absent": 0}),
    "latest_kind": ("code", {"op": "latest", "of": "kind", "window": "12m"}, {"absent": "none"}),
    "latest_low": ("date", {"op": "latest", "of": "due", "where": {"kind": "low"}, "current": True}, {}),
    "latest_party": ("text", {"op": "latest", "of": "party"}, {}),
    "latest_party_code": ("code", {"op": "latest", "of": "party", "where": {"ok": True}}, {}),
    "latest_ok": ("flag", {"op": "latest", "of": "ok"}, {}),
    "latest_weight": ("number", {"op": "latest", "of": "weight"}, {}),
    "latest_heads": ("count", {"op": "latest", "of": "heads"}, {"absent": 0}),
    "latest_ratio": ("ratio", {"op": "latest", "of": "amount_yuan", "per": "sure_yuan"}, {}),
    "latest_rate": ("ratio", {"op": "latest", "of": "weight", "per": "heads"}, {}),
    "count_all": ("count", {"op": "count"}, {}),
    "count_years": ("count", {"op": "count", "window": "36m", "by_year": 3}, {}),
    "count_high": ("count", {"op": "count", "where": {"kind": ["high", "middle"], "ok": False}, "window": "7m"}, {}),
    "count_heads": ("number", {"op": "count", "where": {"heads": ["1", "2", "30"]}}, {}),
    "sum_money": ("money", {"op": "sum", "of": "amount_yuan", "window": "24m"}, {}),
    "sum_years": ("money", {"op": "sum", "of": "amount_yuan", "window": "24m", "by_year": 2}, {}),
    "sum_weight": ("number", {"op": "sum", "of": "weight", "current": True}, {}),
    "sum_heads": ("count", {"op": "sum", "of": "heads"}, {}),
    "mean_money": ("money", {"op": "mean", "of": "amount_yuan"}, {}),
    "mean_weight": ("number", {"op": "mean", "of": "weight", "window": "12m"}, {}),
    "mean_heads": ("number", {"op": "mean", "of": "heads"}, {}),
    "least": ("money", {"op": "min", "of": "amount_yuan"}, {}),
    "greatest": ("number", {"op": "max", "of": "weight", "window": "3m"}, {}),
    "last_due": ("date", {"op": "max", "of": "due", "current": True}, {}),
    "fewest": ("count", {"op": "min", "of": "heads"}, {}),
    "exists_low": ("flag", {"op": "exists", "where": {"kind": "low", "party": ["a'甲", "b'甲", "c'甲"]}}, {}),
    "distinct_party": ("count", {"op": "distinct", "of": "party", "window": "12m"}, {}),
    "distinct_kind": ("count", {"op": "distinct", "of": "kind"}, {}),
    "highest_kind": ("code", {"op": "highest", "of": "kind", "window": "12m"}, {"absent": "none"}),
    "streak": ("months", {"op": "streak", "window": "36m"}, {}),
    "long_streak": ("months", {"op": "streak", "window": "75m", "where": {"ok": True}}, {}),
    "months_open": ("months", {"op": "months_open", "current": True}, {}),
    "months_since": ("months", {"op": "months_since"}, {}),
    "growth_money": ("ratio", {"op": "growth", "of": "amount_yuan", "window": "12m"}, {}),
    "growth_weight": ("ratio", {"op": "growth", "of": "weight", "window": "6m"}, {}),
    "top_party": ("ratio", {"op": "top_share", "of": "amount_yuan", "by": "party", "top": 2, "window": "12m"}, {}),
    "top_weight": ("ratio", {"op": "top_share", "of": "weight", "by": "party", "top": 1, "window": "12m"}, {}),
    "share_negative": ("ratio", {"op": "share", "part": {"kind": "low", "or_negative": "amount_yuan"}}, {}),
    "share_low": ("ratio", {"op": "share", "part": {"kind": "low"}, "where": {"ok": True}}, {}),
}

DIMENSIONS = {
    "version": "test",
    "origin": {"en": "synthetic"},
    "dimensions": [{"id": "only", "number": 1, **_text("only")}],
}


def _items() -> list[dict[str, Any]]:
    made = []
    for feed, valid_for in (("open_feed", "18m"), ("closed_feed", "12m"), ("daily_feed", "120m")):
        for name, (kind, compute, more) in _COMPUTES.items():
            item = {"id": f"{feed}_{name}", "code": name, **_text(name), "type": kind, "feed": feed}
            made.append({**item, "compute": compute, "direction": "neutral", "valid_for": valid_for, **more})
    return made


CATEGORY = {
    "category": "C01",
    "id": "only",
    **_text("only"),
    "dimension": "only",
    "defaults": {
        "agency": "tax",
        "share": "public",
        "personal": False,
        "refresh": "1m",
        "repairable": False,
        "use": ["show"],
        "legal_basis": "synthetic",
    },
    "items": _items(),
}
