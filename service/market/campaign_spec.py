"""What is asked of a campaign: products, quotas, pots, fair shares. Read from a mapping, written back as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from models.errors import RefusedInput
from models.money import parse_yuan, to_fen

Part = TypeVar("Part")
#: What fair shares can be asked by: facts of the profile.
FAIR_BY = ("district", "size_class")


@dataclass(frozen=True)
class Quota:
    """Most firms and most fen of a product or a lender; ``None``: no limit."""

    id: str
    firms: int | None
    fen: int | None


@dataclass(frozen=True)
class Pot:
    """Money of a guarantor or a subsidy that the rows of some products draw on: a share of each row's amount."""

    id: str
    products: tuple[str, ...]
    fen: int
    share: Decimal


@dataclass(frozen=True)
class Fair:
    """Of the eligible firms of each district (size class), or of the one named by ``value``, at least so many in the
    hundredths of ``least`` get a place."""

    by: str
    value: str
    least: Decimal


@dataclass(frozen=True)
class CampaignSpec:
    """One request. ``contacts_each``: most lenders before one firm; ``list_most``: products considered for a firm,
    cheapest first; ``candidates_each``: firms considered for a product, best first; ``sales_share``: a firm without an
    open need is put down for this share of twelve months' sales, within the product's amounts. ``bound``: whether the
    linear programme is solved for the optimality report.
    """

    quarter: date
    name: str
    products: tuple[Quota, ...]
    lenders: tuple[Quota, ...]
    pots: tuple[Pot, ...]
    fair: tuple[Fair, ...]
    contacts_each: int
    list_most: int
    candidates_each: int
    sales_share: Decimal
    bound: bool

    @property
    def product_ids(self) -> tuple[str, ...]:
        return tuple(quota.id for quota in self.products)

    def as_data(self) -> dict[str, Any]:
        """JSON of it; :func:`read_spec` of the same says the same."""
        said = asdict(self)
        for quota in (*said["products"], *said["lenders"], *said["pots"]):
            fen = quota.pop("fen")
            quota["yuan"] = None if fen is None else f"{fen // 100}.{fen % 100:02d}"
        for share in said["fair"]:
            share["least"] = str(share["least"])
        for pot in said["pots"]:
            pot["share"] = str(pot["share"])
        return {**said, "quarter": self.quarter.isoformat(), "sales_share": str(self.sales_share)}


def read_spec(said: Mapping[str, Any]) -> CampaignSpec:
    """The request a mapping makes. ``RefusedInput`` names the member that is wrong."""
    known = set(CampaignSpec.__dataclass_fields__)
    if strange := sorted(set(said) - known):
        raise _refused(strange[0], said[strange[0]], f"A campaign has {', '.join(sorted(known))}.")
    products = _parts(said, "products", _quota)
    if not products:
        raise _refused("products", [], "At least one product.")
    spec = CampaignSpec(
        quarter=_quarter(said.get("quarter")),
        name=_text(said.get("name"), "name", 80),
        products=products,
        lenders=_parts(said, "lenders", _quota),
        pots=_parts(said, "pots", _pot),
        fair=_parts(said, "fair", _fair),
        contacts_each=_whole(said.get("contacts_each", 3), "contacts_each", 1, 20),
        list_most=_whole(said.get("list_most", 15), "list_most", 1, 300),
        candidates_each=_whole(said.get("candidates_each", 5_000), "candidates_each", 1, 100_000),
        sales_share=_share(said.get("sales_share", "0.1"), "sales_share"),
        bound=bool(said.get("bound", True)),
    )
    for pot in spec.pots:
        if strange := sorted(set(pot.products) - set(spec.product_ids)):
            raise _refused("pots", strange[0], "A pot is for products of the campaign.")
    return spec


def _parts(said: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any]], Part]) -> tuple[Part, ...]:
    listed = said.get(name, [])
    if not isinstance(listed, list | tuple) or not all(isinstance(one, Mapping) for one in listed):
        raise _refused(name, listed, "A list of objects.")
    made = tuple(read(one) for one in listed)
    keys = [getattr(one, "id", one) for one in made]
    if len(set(keys)) != len(keys):
        raise _refused(name, [str(key) for key in keys], "Each is named once.")
    return made


def _quota(said: Mapping[str, Any]) -> Quota:
    firms = said.get("firms")
    return Quota(
        _text(said.get("id"), "id", 80),
        None if firms is None else _whole(firms, "firms", 0, 10_000_000),
        None if said.get("yuan") is None else _fen(said["yuan"], "yuan"),
    )


def _pot(said: Mapping[str, Any]) -> Pot:
    return Pot(
        _text(said.get("id"), "id", 80),
        tuple(_text(one, "pots.products", 80) for one in said.get("products", ())),
        _fen(said.get("yuan"), "yuan"),
        _share(said.get("share", "1"), "share"),
    )


def _fair(said: Mapping[str, Any]) -> Fair:
    if said.get("by") not in FAIR_BY:
        raise _refused("fair.by", said.get("by"), f"One of {', '.join(FAIR_BY)}.")
    return Fair(str(said["by"]), str(said.get("value", "") or ""), _share(said.get("least"), "fair.least"))


def _quarter(said: object) -> date:
    try:
        day = date.fromisoformat(str(said))
    except ValueError:
        raise _refused("quarter", said, "The first day of a quarter, like 2025-01-01.") from None
    if day.day != 1 or day.month not in (1, 4, 7, 10):
        raise _refused("quarter", said, "The first day of a quarter, like 2025-01-01.")
    return day


def _text(said: object, field: str, longest: int) -> str:
    if not isinstance(said, str) or not said.strip() or len(said) > longest:
        raise _refused(field, said, f"A text of 1 to {longest} characters.")
    return said.strip()


def _whole(said: object, field: str, low: int, high: int) -> int:
    if not isinstance(said, int) or isinstance(said, bool) or not low <= said <= high:
        raise _refused(field, said, f"A whole number from {low} to {high}.")
    return said


def _fen(said: object, field: str) -> int:
    fen = to_fen(parse_yuan(str(said), field))
    if fen < 0:
        raise _refused(field, said, "Not below zero.")
    return fen


def _share(said: object, field: str) -> Decimal:
    try:
        share = Decimal(str(said))
    except InvalidOperation:
        share = Decimal(-1)
    if not 0 <= share <= 1:
        raise _refused(field, said, "A share from 0 to 1.")
    return share


def _refused(field: str, value: object, rule: str) -> RefusedInput:
    return RefusedInput("bad_campaign", field, value, rule, "Correct the campaign.")
