"""Facts: everything a condition may ask. Items come from the catalogue, the other facts from ``seed/facts.yaml``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from math import isfinite
from typing import Protocol, TypeVar

from models.dates import parse_date
from models.errors import RefusedInput
from models.kinds import Kind, Scalar
from models.marked import MarkedDict, marked
from models.money import parse_yuan

#: Whole numbers and decimals stay well inside int64 and inside what float64 tells apart.
LARGEST = 10**15
Number = TypeVar("Number", int, float)
_WHOLE = re.compile(r"-?\d{1,16}", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,16}(\.\d{1,12})?", re.ASCII)


class Source(StrEnum):
    """Where a fact's value comes from: the profile, the snapshot build, the need, the loan, the claim asked about.

    A claim is what a firm states of the year or event an award is claimed for; unknown unless stated.
    """

    ITEM = "item"
    DERIVED = "derived"
    NEED = "need"
    LOAN = "loan"
    CLAIM = "claim"


#: What a caller states beside the firm's own columns: one value for the question, whoever the firm is.
STATED = (Source.NEED, Source.LOAN, Source.CLAIM)


@dataclass(frozen=True)
class FactSpec:
    """One fact. ``codes`` is the closed dictionary of a code fact; empty means the snapshot brings the dictionary.

    ``share`` is public, authorised or self_reported. ``settled_by`` (and ``settled_by_zh``) says which document or
    authorisation makes an unknown value known. ``origin`` is agency and feed of an item, else the source's name.
    ``matchable`` is false for facts that are shown but never asked (names, free text).
    """

    id: str
    kind: Kind
    unit: str
    source: Source
    zh: str
    en: str
    codes: tuple[str, ...] = ()
    share: str = "public"
    settled_by: str = ""
    settled_by_zh: str = ""
    origin: str = ""
    matchable: bool = True


class ItemLike(Protocol):
    """What an item of the catalogue must say about itself to become a fact."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def unit(self) -> str: ...
    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...
    @property
    def codes(self) -> tuple[str, ...]: ...
    @property
    def share(self) -> str: ...
    @property
    def agency(self) -> str: ...
    @property
    def feed(self) -> str: ...
    @property
    def use(self) -> tuple[str, ...]: ...


class FactBook(Mapping[str, FactSpec]):
    """Facts by id, in the order given. Iterates like a dict; a missing id raises ``KeyError``."""

    def __init__(self, specs: Iterable[FactSpec]):
        self._specs: dict[str, FactSpec] = {}
        for spec in specs:
            if spec.id in self._specs:
                raise RefusedInput("double_fact", "fact", spec.id, "A fact id is used once.", "Rename one of the two.")
            self._specs[spec.id] = spec

    def __getitem__(self, fact_id: str) -> FactSpec:
        return self._specs[fact_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def of_source(self, *sources: Source) -> tuple[FactSpec, ...]:
        """The facts that come from any of ``sources``."""
        return tuple(spec for spec in self._specs.values() if spec.source in sources)

    def read_values(self, raw: Mapping[str, object], field: str = "facts") -> dict[str, Scalar | None]:
        """Typed values from what a caller wrote (JSON): money as text or whole yuan, dates as ISO text.

        ``None`` is unknown. ``RefusedInput`` names the first fact that is unknown to the book or ill-typed.
        """
        read: dict[str, Scalar | None] = {}
        for name, value in raw.items():
            if name not in self._specs:
                raise RefusedInput(
                    "unknown_fact", field, name, "There is no such fact.", f"Did you mean {self.near(name)}?"
                )
            read[name] = None if value is None else read_value(self._specs[name], value, f"{field}.{name}")
        return read

    def near(self, name: str, limit: int = 3) -> str:
        """Up to ``limit`` fact ids that look like ``name``, for error messages."""
        return ", ".join(get_close_matches(name, self._specs, n=limit, cutoff=0.4)) or "one of GET /v1/catalogue"


def read_value(spec: FactSpec, raw: object, field: str) -> Scalar:
    """The value ``raw`` stands for under the fact's kind, exactly as storable; ``RefusedInput`` otherwise.

    Money is yuan (whole number or text with at most two decimals), a ratio is a fraction, a date is ISO text.
    A JSON float is accepted where the stored form is a float, never for money or counts.
    """
    match spec.kind:
        case Kind.FLAG if isinstance(raw, bool):
            return raw
        case Kind.CODE if isinstance(raw, str) and raw:
            if spec.codes and raw not in spec.codes:
                raise _refused(spec, raw, field, f"One of {', '.join(spec.codes)}.", "It is no value of {}.")
            return raw
        case Kind.DATE if isinstance(raw, date):
            return raw
        case Kind.DATE if isinstance(raw, str):
            return parse_date(raw, field)
        case Kind.MONEY if isinstance(raw, (str, int, Decimal)) and not isinstance(raw, bool):
            return parse_yuan(str(raw), field)
        case Kind.COUNT | Kind.MONTHS if _is_whole(raw):
            return _bounded(spec, int(str(raw)), field)
        case Kind.NUMBER | Kind.RATIO if _is_number(raw):
            return _bounded(spec, float(str(raw)), field)
    raise _refused(spec, raw, field, _HOW[spec.kind], "{} is a " + f"{spec.kind}.")


_HOW: Mapping[Kind, str] = {
    Kind.FLAG: "Write true or false.",
    Kind.CODE: "Write one of its codes as text.",
    Kind.DATE: "Write it like 2024-10-31.",
    Kind.MONEY: 'Write yuan as a whole number or as text like "1234.50".',
    Kind.COUNT: "Write a whole number.",
    Kind.MONTHS: "Write a whole number of months.",
    Kind.NUMBER: 'Write a finite number like "12.5".',
    Kind.RATIO: 'Write a finite fraction like "0.05".',
    Kind.TEXT: "Ask another fact; text cannot be compared.",
}


def _is_whole(raw: object) -> bool:
    return (isinstance(raw, int) and not isinstance(raw, bool)) or (
        isinstance(raw, str) and bool(_WHOLE.fullmatch(raw))
    )


def _is_number(raw: object) -> bool:
    if isinstance(raw, float):
        return isfinite(raw)
    if isinstance(raw, Decimal):
        return raw.is_finite()
    return _is_whole(raw) or (isinstance(raw, str) and bool(_DECIMAL.fullmatch(raw)))


def _bounded(spec: FactSpec, number: Number, field: str) -> Number:
    if abs(number) > LARGEST:
        raise _refused(spec, number, field, "Check the unit.", "{} never exceeds " + f"{LARGEST}.")
    return number


def _refused(spec: FactSpec, raw: object, field: str, fix: str, rule: str) -> RefusedInput:
    return RefusedInput("bad_value", field, raw, rule.format(spec.id), fix)


def item_facts(
    items: Iterable[ItemLike], agencies: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[FactSpec, ...]:
    """Catalogue items as facts. ``agencies`` gives the zh and en names that ``settled_by`` shows; ids without it."""
    return tuple(_item_fact(item, (agencies or {}).get(item.agency, {})) for item in items)


def _item_fact(item: ItemLike, agency: Mapping[str, str]) -> FactSpec:
    zh, en = agency.get("zh", item.agency), agency.get("en", item.agency)
    settled = {
        "authorised": (f"The firm's authorisation to ask {en}: {item.en}", f"企业授权查询{zh}：{item.zh}"),
        "self_reported": (f"The firm's own statement with proof: {item.en}", f"企业申报并附证明：{item.zh}"),
    }.get(str(item.share), (f"Delivery by {en}: {item.en}", f"{zh}归集：{item.zh}"))
    return FactSpec(
        id=item.id,
        kind=item.kind,
        unit=item.unit,
        source=Source.ITEM,
        zh=item.zh,
        en=item.en,
        codes=item.codes,
        share=str(item.share),
        settled_by=settled[0],
        settled_by_zh=settled[1],
        origin=f"{item.agency}:{item.feed}",
        matchable="match" in item.use and item.kind is not Kind.TEXT,
    )


def parse_facts(
    document: Mapping[str, object], items: Sequence[FactSpec] = (), claims: Iterable[object] = ()
) -> FactBook:
    """The book of ``items``, of the facts that ``seed/facts.yaml`` declares, and of further ``claims``.

    ``claims`` are the documents of ``seed/claim_facts``: a list of facts each, which join the section ``claim``.
    """
    specs = list(items)
    seen = {spec.id for spec in specs}
    listed_by = {source: [document.get(source.value, [])] for source in Source if source is not Source.ITEM}
    listed_by[Source.CLAIM] += claims
    for source, listed in ((source, entries) for source, lists in listed_by.items() for entries in lists):
        assert isinstance(listed, list)
        for entry in listed:
            raw = marked(entry)
            spec = _parse_fact(raw, source)
            if (source is Source.CLAIM) is not spec.id.startswith("claim_"):
                raise raw.wrong("id", "Facts of a claim, and they alone, begin with claim_.", "Rename it.")
            if spec.id in seen:
                raise raw.wrong("id", "A fact id is used once, items included.", "Choose another.")
            seen.add(spec.id)
            specs.append(spec)
    return FactBook(specs)


def _parse_fact(raw: MarkedDict, source: Source) -> FactSpec:
    known = {"id", "kind", "unit", "zh", "en", "codes", "share", "settled_by", "settled_by_zh"}
    for name in raw:
        if name not in known:
            raise raw.wrong(name, "A fact has no such part.", f"One of {', '.join(sorted(known))}.")
    for name in ("id", "kind", "zh", "en", "settled_by", "settled_by_zh"):
        if not raw.get(name):
            raise raw.wrong(name, "A fact must say this.", f"Add `{name}:`.")
    if raw["kind"] not in tuple(Kind) or raw["kind"] == Kind.TEXT:
        raise raw.wrong("kind", "A fact has a kind that fits a column.", f"One of {', '.join(Kind)} but text.")
    kind = Kind(raw["kind"])
    if "codes" in raw and kind is not Kind.CODE:
        raise raw.wrong("codes", "Only a code fact has codes.", "Drop them.")
    return FactSpec(
        id=raw["id"],
        kind=kind,
        unit=raw.get("unit", ""),
        source=source,
        zh=raw["zh"],
        en=raw["en"],
        codes=tuple(raw.get("codes", ())),
        share=raw.get("share", "public"),
        settled_by=raw["settled_by"],
        settled_by_zh=raw["settled_by_zh"],
        origin=source.value,
    )
