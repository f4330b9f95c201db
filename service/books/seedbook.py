"""Opens ``seed/`` once and hands out typed books; the rest of the product never reads its files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import seed
from scoring.catalogue import Catalogue, parse_catalogue
from scoring.feeds import FeedBook, parse_feeds
from service.books.rule_set import RuleSet, read_rule_set

SEED = Path(seed.__file__).parent
FURTHER = "catalogue/further.yaml"


@cache
def rule_set() -> RuleSet:
    """The rule files of this process, read once."""
    return read_rule_set(SEED)


@cache
def feeds() -> FeedBook:
    """Every declared feed."""
    return feeds_of(rule_set())


@cache
def catalogue() -> Catalogue:
    """The 139 items."""
    return catalogue_of(rule_set(), feeds())


def feeds_of(files: RuleSet) -> FeedBook:
    """The feeds a rule set declares."""
    return parse_feeds(files.documents("feeds"))


def catalogue_of(files: RuleSet, feed_book: FeedBook) -> Catalogue:
    """The items a rule set declares. Rule sets of receipts from before there were further facts have none."""
    categories = [files.document(name) for name in files.files if name.startswith("catalogue/c")]
    further = files.document(FURTHER) if FURTHER in files.files else None
    return parse_catalogue(files.document("catalogue/dimensions.yaml"), categories, feed_book, further)
