"""Commands of products: the shelf, versions, preview; and, for a house, draft, submit, activate, retire."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from service.access.auth import Caller, Role
from service.asking import asked_day
from service.books.documents import read_yaml
from service.cli.answers import in_words
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out, cell
from service.clock import today, utc_now
from service.market.published import rules_of
from service.market.seeker import Seeker
from service.office import Office
from service.snapshot.shelf import Shelf
from service.usecases.activate_product import activate_product, retire_product
from service.usecases.draft_product import ProductWritten, draft_product, submit_draft
from service.usecases.preview_product import preview_product
from service.usecases.read_products import compare_versions, list_versions, read_version
from service.web.encode import encode

products = typer.Typer(help="Products: the shelf, and what lenders publish on it.", no_args_is_help=True)
ProductId = Annotated[str, typer.Argument(metavar="PRODUCT_ID")]
Version = Annotated[int, typer.Argument(metavar="VERSION", min=1)]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A product in the form of seed/products (YAML or JSON).")]
Lender = Annotated[str, typer.Option(help="The house you stand for; you act as the person of this terminal.")]


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(products, name="products")


@contextmanager
def _office() -> Iterator[Office]:
    with office_of(settings_of()) as office:
        yield office


def _house(lender: str) -> Caller:
    return Caller("terminal", Role.BANK, lender, person=getpass.getuser()[:64])


def _document(file: Path) -> dict[str, Any]:
    read = read_yaml(file)
    document: dict[str, Any] = orjson.loads(encode(read)) if isinstance(read, dict) else {}
    return document


@products.command("list")
def list_shelf(as_json: AsJson = False) -> None:
    """Every product that is offered today."""
    out, t = Out(as_json), Out(as_json).t
    with _office() as office:
        shelf = rules_of(office, today()).offers.products
    lines = [
        {"id": each.id, "zh": each.name.zh, "en": each.name.en, "lender": each.lender.id, "offers": each.offers}
        for each in shelf.values()
    ]
    if as_json:
        out.json({"items": lines, "next_cursor": None})
        return
    heads = [t(f"product.{name}") for name in ("id", "name", "lender", "offers")]
    out.table(
        heads,
        [(each["id"], t.name(each), each["lender"], t.word("offers", each["offers"])) for each in lines],
        whole=(0,),
    )


@products.command("versions")
def versions(product_id: ProductId, as_json: AsJson = False) -> None:
    """The versions of a product that a lender published, newest first."""
    out, t = Out(as_json), Out(as_json).t
    with _office() as office:
        found = list_versions(office, Caller("terminal", Role.OFFICE), product_id, today())
    if as_json:
        out.json({"items": found, "next_cursor": None})
        return
    names = ("version", "state", "offered", "author", "activated_by", "effective_from", "retired_on")
    out.table([t(f"product.{name}") for name in names], [[each[name] for name in names] for each in found])


@products.command("show")
def show(product_id: ProductId, version: Version, as_json: AsJson = False) -> None:
    """One version with its document (JSON either way: it is a document)."""
    with _office() as office:
        Out(as_json).json(read_version(office, Caller("terminal", Role.OFFICE), product_id, version, today()))


@products.command("diff")
def diff(
    product_id: ProductId,
    version: Version,
    against: Annotated[int, typer.Argument(metavar="AGAINST", min=1)],
    as_json: AsJson = False,
) -> None:
    """What differs between two versions."""
    out, t = Out(as_json), Out(as_json).t
    with _office() as office:
        answer = compare_versions(office, Caller("terminal", Role.OFFICE), product_id, version, against)
    if as_json:
        out.json(answer)
        return
    names = ("place", "before", "after")
    out.table([t(f"product.{name}") for name in names], [[each[name] for name in names] for each in answer["changes"]])


@products.command("preview")
def preview(file: File, as_json: AsJson = False) -> None:
    """How many firms a product would find, what each condition alone removes, and with a guarantee."""
    out, t, document = Out(as_json), Out(as_json).t, _document(file)
    with _office() as office:
        seeker = Seeker(Shelf(office), Caller("terminal", Role.OFFICE), None, utc_now())
        answer = preview_product(seeker, str(document.get("id", "")), document, None)
    if as_json:
        out.json(answer)
        return
    out.heading(t("product.hits", hits=cell(answer["hits"]), now=cell(answer["hits_now"]), among=cell(answer["among"])))
    out.table(
        [t("prospect.condition"), t("prospect.removes"), t("prospect.unknown"), t("prospect.left")],
        [
            (in_words(out, each["condition"]), each["removes"], each["unknown"], each["left"])
            for each in answer["waterfall"]
        ],
        numbers=(1, 2, 3),
    )
    for each in answer["with_guarantee"]:
        out.line(t("product.with_guarantee", scheme=t.name(each), hits=cell(each["hits"])))


@products.command("draft")
def draft(
    file: File,
    lender: Lender,
    cases: Annotated[Path | None, typer.Option(help="Its cases, in the form of .cases.yaml.")] = None,
    as_json: AsJson = False,
) -> None:
    """Keep a product, or a new version of one, as a draft."""
    written = ProductWritten(_document(file), _document(cases) if cases else None)
    with _office() as office:
        _tell(Out(as_json), draft_product(office, _house(lender), written, utc_now(), ""))


@products.command("submit")
def submit(product_id: ProductId, version: Version, lender: Lender, as_json: AsJson = False) -> None:
    """Close a draft, for a second person to activate."""
    with _office() as office:
        _tell(Out(as_json), submit_draft(office, _house(lender), product_id, version, utc_now(), ""))


@products.command("activate")
def activate(
    product_id: ProductId,
    version: Version,
    lender: Lender,
    since: Annotated[str, typer.Option("--from", help="First day (YYYY-MM-DD).")],
    as_json: AsJson = False,
) -> None:
    """Offer a submitted version from a day on; whoever wrote it may not."""
    day = asked_day(since, "from")
    with _office() as office:
        _tell(Out(as_json), activate_product(office, _house(lender), product_id, version, day, utc_now(), ""))


@products.command("retire")
def retire(
    product_id: ProductId,
    version: Version,
    lender: Lender,
    on: Annotated[str, typer.Option(help="First day without it (YYYY-MM-DD).")],
    as_json: AsJson = False,
) -> None:
    """Offer a version no more from a day on."""
    day = asked_day(on, "on")
    with _office() as office:
        _tell(Out(as_json), retire_product(office, _house(lender), product_id, version, day, utc_now(), ""))


def _tell(out: Out, answer: dict[str, Any]) -> None:
    if out.as_json:
        out.json(answer)
        return
    t = out.t
    out.line(t("product.told", product=answer["product"], version=answer["version"], state=answer["state"]))
    for each in answer["untried"]:
        out.line(f"  {t('product.untried')}: {each}")
