"""Writes docs/acceptance.md from docs/acceptance.yaml and the figures of the last ``make bench``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).parent.parent / "docs"
HEAD = """# Acceptance

Made by `python -m bench.acceptance` from `docs/acceptance.yaml` and `docs/measured.json`; do not edit.
What tenders and standards ask (most were seen by opening and table of contents only) and what the project set out to do
itself, the feature that answers, the tests that hold it, and what was measured.

| asked | 要求 | source | feature | state | tests | measured |
|---|---|---|---|---|---|---|
"""


def rows() -> list[dict[str, Any]]:
    """The asks, in file order."""
    return list(yaml.safe_load((DOCS / "acceptance.yaml").read_text(encoding="utf-8")))


def figures() -> dict[str, str]:
    """Measured sentences by name; empty before the first ``make bench``."""
    path = DOCS / "measured.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def render() -> str:
    """The page as text."""
    known = figures()
    body = [
        "| {en} | {zh} | {source} | {feature} | {state} | {tests} | {measured} |".format(
            en=_cell(row["ask"]["en"]),
            zh=_cell(row["ask"]["zh"]),
            source=_cell(row["source"]),
            feature=_cell(row["feature"]),
            state=row["state"],
            tests=", ".join(f"`{test}`" for test in row["tests"]) or "—",
            measured=_cell(known.get(row.get("measured", ""), "—")),
        )
        for row in rows()
    ]
    return HEAD + "\n".join(body) + "\n"


def _cell(text: str) -> str:
    """A bar would end the cell."""
    return text.replace("|", "\\|")


def main() -> None:
    (DOCS / "acceptance.md").write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
