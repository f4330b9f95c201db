"""Writes docs/coverage.md: every line of the five city texts beside the rule files or the feature that serve it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from service.books.documents import read_yaml
from service.books.rulebook import rule_files
from service.books.seedbook import SEED

PAGE = Path(__file__).parent.parent / "docs" / "coverage.md"
KINDS = ("benefit", "process", "target")
#: A citation of one of the five texts: file:line, or a range of lines.
CITATION = re.compile(r"\b(\d{3}):(\d+)(?:[–-](\d+))?")

HEAD = """# Coverage of the city texts

Made by `python -m bench.coverage` from `seed/source_lines.yaml` and the rule files; do not edit. A line is file:line of
the five texts. A benefit names the schemes and products that cite it; a way of working names what serves it and the gap
that remains; a target is the government's own figure.
"""


@dataclass(frozen=True)
class Line:
    """One thing a line of a text promises, sets up or aims at. ``feature`` and ``gap`` only for a way of working."""

    at: str
    city: str
    kind: str
    zh: str
    en: str
    feature: str = ""
    gap: str = ""


@cache
def _listed() -> Mapping[str, Any]:
    document: Mapping[str, Any] = read_yaml(SEED / "source_lines.yaml", SEED)
    return document


def sources() -> Mapping[str, Mapping[str, str]]:
    """The five texts by number: city and title."""
    named: Mapping[str, Mapping[str, str]] = _listed()["sources"]
    return named


def lines() -> list[Line]:
    """Every entry of ``seed/source_lines.yaml``, in file order."""
    return [Line(city=sources()[str(entry["at"])[:3]]["city"], **entry) for entry in _listed()["lines"]]


@cache
def cited() -> Mapping[str, list[str]]:
    """The rules that cite each line, by line. A scheme of one city does not serve another city's text."""
    found: dict[str, list[str]] = {}
    known = sources()
    for folder in ("schemes", "products"):
        for path in rule_files(folder):
            document = read_yaml(path, SEED)
            city = document.get("city", "national")
            said = _state(document)
            for at in dict.fromkeys(_citations(document)):
                if city == "national" or known[at[:3]]["city"] == city:
                    found.setdefault(at, []).append(f"`{document['id']}`{said}")
    return found


def _state(document: Mapping[str, Any]) -> str:
    states = {
        "terms not published": document.get("terms_published") is False,
        "announced only": document.get("planned") is True,
        "unconfirmed": document.get("confirmed") is False,
    }
    said = ", ".join(name for name, holds in states.items() if holds)
    return f" ({said})" if said else ""


def _citations(part: Any, name: str = "") -> Iterator[str]:
    """The lines named under ``cite`` or ``mentioned`` anywhere in a rule file; a range names each of its lines."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            yield from _citations(value, str(key))
    elif isinstance(part, list):
        for value in part:
            yield from _citations(value, name)
    elif name in ("cite", "mentioned") and isinstance(part, str):
        for text, first, last in CITATION.findall(part):
            if text in sources():
                for line in range(int(first), int(last or first) + 1):
                    yield f"{text}:{line}"


def render() -> str:
    """The page as text."""
    served, every = cited(), lines()
    parts = [HEAD]
    for number, source in sources().items():
        parts.append(f"\n## {number} {source['zh']}\n\n{source['en']}.\n")
        own = [line for line in every if line.at.startswith(number)]
        promised = {line.at for line in own if line.kind == "benefit"}
        parts.append("\n| line | 内容 | what | kind | served by | remains |\n|---|---|---|---|---|---|\n")
        # Beside a benefit on the same line, a rule serves the benefit, not the way of working.
        parts += [
            _row(line, [] if line.kind != "benefit" and line.at in promised else served.get(line.at, []))
            for line in own
        ]
    return "".join(parts)


def _row(line: Line, rules: list[str]) -> str:
    by = "; ".join(filter(None, (line.feature, ", ".join(sorted(rules)))))
    gap = line.gap or ("" if rules or line.kind != "benefit" else "no scheme or product cites it yet")
    return f"| {line.at} | {line.zh} | {line.en} | {line.kind} | {by or '—'} | {gap or '—'} |\n"


def main() -> None:
    PAGE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
