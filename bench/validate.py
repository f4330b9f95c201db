"""``python -m bench.validate [id …]``: validates on the shipped data sets and renews the figures of docs/validation.md.

Figures are kept in ``docs/validation.json``; sets that are not named keep theirs. The page between its two marks is
made from that file alone. ``--page`` only renews the page; ``--without=ebm,toad`` leaves contenders out and says so.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service.labels import labels
from service.learning.validation_tables import as_markdown, sections, summary
from service.settings import Settings

DOCS = Path(__file__).parent.parent / "docs"
PAGE, FIGURES = DOCS / "validation.md", DOCS / "validation.json"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def kept() -> dict[str, dict[str, Any]]:
    """The figures of the last runs by data set."""
    return dict(json.loads(FIGURES.read_text(encoding="utf-8"))) if FIGURES.exists() else {}


def render(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """The generated part of the page: a summary, then each data set."""
    english = labels("en")
    parts = [as_markdown([summary(figures.values(), english)], 2)]
    parts += [as_markdown(sections(each, english), 2) for each in figures.values()]
    return f"{BEGIN}\n" + "\n".join(parts).rstrip() + f"\n{END}"


def renew_page(text: str, figures: Mapping[str, Mapping[str, Any]]) -> str:
    """The page with its generated part replaced."""
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return before + render(figures) + after


def main(names: list[str]) -> int:
    """Run the named sets, all without a name; 2 for an unknown one."""
    from service.adapters.datasets import shipped

    known = shipped()
    asked = [name for name in names if not name.startswith("--")]
    without = {part for name in names if name.startswith("--without=") for part in name.partition("=")[2].split(",")}
    unknown = [name for name in asked if name not in known]
    if unknown:
        print(f"No such data set: {', '.join(unknown)}. There are: {', '.join(known)}.", file=sys.stderr)
        return 2
    figures = kept()
    for name in [] if "--page" in names else asked or known:
        start = time.perf_counter()
        figures[name] = _validated(name, without)
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
        text = json.dumps({each: figures[each] for each in known if each in figures}, ensure_ascii=False, indent=1)
        FIGURES.write_text(text + "\n", encoding="utf-8")
    PAGE.write_text(renew_page(PAGE.read_text(encoding="utf-8"), kept()), encoding="utf-8")
    return 0


def _validated(name: str, without: set[str]) -> dict[str, Any]:
    from service.cli.validation import Rivals, field_of
    from service.learning.validation_answer import as_data
    from service.usecases.validate_model import Field, Plan, read_dataset, validate_model

    every = field_of(Rivals.AUTO)
    field = Field(
        [each for each in every.contenders if each.id not in without],
        [*every.absent, *(f"{each.source} (not run)" for each in every.contenders if each.id in without)],
    )
    with tempfile.TemporaryDirectory() as home:
        described, table, notices = read_dataset(name, Settings().data, Path(home))
        return as_data(validate_model(described, table, field, Plan(), notices=notices))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
