"""Opens ``seed/`` once and hands out typed books; the rest of the product never reads its files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import seed
from scoring.catalogue import Catalogue, parse_catalogue
from scoring.feeds import FeedBook, parse_feeds
from service.documents import read_yaml

SEED = Path(seed.__file__).parent


@cache
def feeds() -> FeedBook:
    """Every declared feed."""
    return parse_feeds(read_yaml(path, SEED) for path in sorted((SEED / "feeds").glob("*.yaml")))


@cache
def catalogue() -> Catalogue:
    """The 139 items."""
    folder = SEED / "catalogue"
    categories = [read_yaml(path, SEED) for path in sorted(folder.glob("c*.yaml"))]
    return parse_catalogue(read_yaml(folder / "dimensions.yaml", SEED), categories, feeds())
