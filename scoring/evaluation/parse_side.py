"""Reads models that are evaluated beside the financing evaluation, and keeps them beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.marked import MarkedDict, marked
from scoring import prepaid
from scoring.catalogue import Catalogue
from scoring.evaluation.model import SideModel, Test
from scoring.evaluation.parse_band import kind_of
from scoring.evaluation.parse_parts import codes_of, flag, need, overlap, table_of, test_of

AUDIENCES = ("office", "firm", "lender")
_KNOWN = {
    "id", "kind", "use", "purpose", "version", "label", "legal_basis", "origin", "proposed", "valid_from",
    "valid_until", "enabled", "shown_to", "aggregated", "personal", "among", "not_scored", "needs_coverage", "grades",
    "vetoes", "dimensions", "not_held",
}  # fmt: skip
#: What only the financing evaluation has: whom it scores, whom it compares, what caps it, who is reviewed.
_OF_THE_SCORE = ("applies_to", "peers", "official_cap", "review")


def parse_side(raw: MarkedDict, catalogue: Catalogue, derived_codes: Mapping[str, tuple[str, ...]]) -> SideModel:
    """One side model; ``DataFileError`` at its line for a fault, a claim to the score among them.

    ``derived_codes``: the dictionary of ``prepaid_industry``, whose codes in ``among`` are not checked without it.
    """
    if raw["use"] != "side":
        raise raw.wrong("use", "A model is evaluated beside the financing evaluation, or is it.", "`side`, or nothing.")
    for name in raw:
        if name in _OF_THE_SCORE:
            raise raw.wrong(name, "A side model sets no score, grade or order of the financing evaluation.", "Drop it.")
        if name not in _KNOWN:
            raise raw.wrong(name, "A side model has no such part.", f"One of {', '.join(sorted(_KNOWN))}.")
    need(raw, "purpose", "proposed", "shown_to", "aggregated", "personal", "among")
    shown_to = codes_of(raw, "shown_to", AUDIENCES)
    personal = flag(raw, "personal")
    if personal and shown_to != ("office",):
        raise raw.wrong("shown_to", "An evaluation of a person is shown to the office alone.", "Write [office].")
    if personal and flag(raw, "aggregated"):
        raise raw.wrong("aggregated", "Evaluations of persons are not aggregated.", "Write false.")
    return SideModel(
        **table_of(raw, catalogue),
        purpose=raw["purpose"],
        among=tuple(_test(marked(spec), catalogue, derived_codes) for spec in raw["among"]),
        shown_to=frozenset(shown_to),
        aggregated=flag(raw, "aggregated"),
        personal=personal,
        proposed=flag(raw, "proposed"),
    )


def _test(raw: MarkedDict, catalogue: Catalogue, derived_codes: Mapping[str, tuple[str, ...]]) -> Test:
    need(raw, "item")
    name = raw["item"]
    if name in prepaid.KINDS:
        return test_of(raw, prepaid.KINDS[name], derived_codes.get(name) or tuple(raw.get("in") or ()))
    item = catalogue.computed(name)
    return test_of(raw, kind_of(name, raw, catalogue), item.codes if item else ())


def check_beside(raw: MarkedDict, side: SideModel, others: Sequence[SideModel], grades: frozenset[str]) -> None:
    """``DataFileError`` unless ``side`` goes with the ``others`` and cannot be taken for the financing evaluation.

    ``grades`` are those of the financing evaluation.
    """
    if grades & set(side.grades):
        taken = ", ".join(sorted(grades & set(side.grades)))
        raise raw.wrong("grades", f"{taken}: grades of the financing evaluation.", "Name these grades otherwise.")
    for other in others:
        if other.card.id == side.card.id:
            raise raw.wrong("id", "An id is used once.", "Choose another; a later version may carry its year.")
        if other.purpose == side.purpose and overlap(other.card, side.card) and not _apart(other, side):
            fix = "Switch one off, let one end before the other begins, or let `among` name other codes."
            raise raw.wrong("among", f"{other.card.id} evaluates the same firms for this purpose.", fix)


def _apart(one: SideModel, other: SideModel) -> bool:
    """Whether no firm can be of both: some code item is asked by both, for codes they do not share."""
    return any(
        mine.item == theirs.item and mine.codes and theirs.codes and not set(mine.codes) & set(theirs.codes)
        for mine in one.among
        for theirs in other.among
    )
