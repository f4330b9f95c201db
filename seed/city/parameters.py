"""Reads ``parameters.yaml``: every number of the demo city, and the feed declarations it must obey."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from scoring.feeds import FeedBook, parse_feeds

HERE = Path(__file__).parent
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Parameters = dict[str, Any]


def _read(path: Path) -> Any:
    # The loader is PyYAML's safe one, in C where it is built.
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)


@cache
def parameters() -> Parameters:
    """The numbers of the model, as in the file; callers do not change them."""
    data: Parameters = _read(HERE / "parameters.yaml")
    return data


@cache
def declared_feeds() -> FeedBook:
    """The feeds of ``seed/feeds``: the generator writes what they declare and nothing else."""
    return parse_feeds(_read(path) for path in sorted((HERE.parent / "feeds").glob("*.yaml")))
