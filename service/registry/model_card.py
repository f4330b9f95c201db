"""A model card as a page of Markdown: whatever the card says, in its order, as headings, lists and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_MOST_DEPTH = 6


def card_page(card: Mapping[str, Any]) -> str:
    """The card for people to read. Members are named as in ``card.json``; lists of objects become tables."""
    lines = [f"# {_cell(card.get('name', 'model'))}", ""]
    lines += _members(card, 2)
    return "\n".join(lines).rstrip("\n") + "\n"


def _members(mapping: Mapping[str, Any], depth: int) -> list[str]:
    plain = {name: value for name, value in mapping.items() if not isinstance(value, (Mapping, list, tuple))}
    lines = [f"- {_cell(name)}: {_cell(value)}" for name, value in plain.items()]
    lines += [""] if lines else []
    for name, value in mapping.items():
        if name in plain or not value:
            continue
        lines += [f"{'#' * min(depth, _MOST_DEPTH)} {_cell(name)}", ""]
        lines += _members(value, depth + 1) if isinstance(value, Mapping) else _entries(value)
    return lines


def _entries(entries: Sequence[Any]) -> list[str]:
    if not all(isinstance(entry, Mapping) for entry in entries):
        return [*(f"- {_cell(entry)}" for entry in entries), ""]
    headers = list(dict.fromkeys(name for entry in entries for name in entry))
    rows = [[_cell(entry.get(name)) for name in headers] for entry in entries]
    return [_row([_cell(name) for name in headers]), _row(["---"] * len(headers)), *map(_row, rows), ""]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace("|", "\\|").replace("\n", " ")
