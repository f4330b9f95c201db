"""An office with a shorter shelf: a copy of `seed/` with some schemes taken out, for a server that is started there."""

from __future__ import annotations

import shutil
from pathlib import Path

from service.books.rule_set import read_rule_set
from service.books.rulebook import Rules
from service.books.seedbook import SEED


def shelf_of(folder: Path, offers: int) -> Path:
    """A folder whose package ``seed`` offers a firm so many products and schemes; every product stays.

    A process that is started there, with this project on its path, reads this one in place of the project's.
    """
    copy = folder / "seed"
    shutil.copytree(SEED, copy, ignore=shutil.ignore_patterns("__pycache__"))
    whole = Rules(read_rule_set(copy)).local_offers
    terms = [product.terms for product in whole.products.values() if product.terms]
    leant_on = {each.guarantee.scheme for each in terms if each.guarantee}
    files = {path.stem: path for path in (copy / "schemes").rglob("*.yaml")}
    kept = dict(whole.schemes)
    while len(whole.products) + len(kept) > offers:
        # A scheme that followed another one stays as long as that one does.
        following = {scheme.superseded_by for scheme in kept.values()}
        scheme = next(each for each in sorted(kept) if each not in leant_on | following)
        del kept[scheme]
        files[scheme].unlink()
        files.get(f"{scheme}.cases", files[scheme]).unlink(missing_ok=True)
    left = Rules(read_rule_set(copy)).local_offers
    if len(left.products) + len(left.schemes) != offers:
        raise RuntimeError(f"{len(left.products)} products and {len(left.schemes)} schemes are left, not {offers}")
    return folder
