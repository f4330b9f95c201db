"""Commands about consents of persons to be evaluated through the firm they lead."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.asking import asked_code, asked_day
from service.cli.context import office_of, settings_of
from service.cli.models import By
from service.cli.output import AsJson, Out
from service.clock import utc_now
from service.registry.store import STAFF, check_person
from service.snapshot.shelf import Shelf
from service.usecases import person_consent as use

group = typer.Typer(help="Consents of persons to be evaluated through the firm they lead.", no_args_is_help=True)
Uscc = Annotated[str, typer.Argument(metavar="USCC", help="Code of the firm.")]
Person = Annotated[str, typer.Option(help="Name of the legal representative.")]
GivenOn = Annotated[str, typer.Option("--given-on", help="Day it is or was signed (YYYY-MM-DD).")]


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(group, name="person-consent")


@group.command("text")
def text(uscc: Uscc, person: Person, given_on: GivenOn, as_json: AsJson = False) -> None:
    """The words to be signed, and the digest that names them."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        words = use.consent_words(Shelf(office).current(), asked_code(uscc), person, asked_day(given_on, "given_on"))
    if as_json:
        out.json(words)
        return
    out.line(out.t.name(words))
    out.line(f"sha256 {words['text_sha256']}")


@group.command("record")
def record(
    uscc: Uscc,
    person: Person,
    given_on: GivenOn,
    text_sha256: Annotated[str, typer.Option("--text", metavar="SHA256", help="Digest of the words that were signed.")],
    document: Annotated[str, typer.Option(help="Where the signed paper is kept.")],
    by: By,
    as_json: AsJson = False,
) -> None:
    """Keep a consent; from the next build on the person may be evaluated, for the office alone."""
    signed = use.PersonSigned(asked_code(uscc), person, asked_day(given_on, "given_on"), text_sha256, document)
    out = Out(as_json)
    with office_of(settings_of()) as office:
        with office.read() as session:
            check_person(session, "by", by, STAFF)
        _show(out, [use.record_person_consent(office, Shelf(office).current(), signed, by, utc_now())])


@group.command("list")
def list_consents(uscc: Uscc, as_json: AsJson = False) -> None:
    """Every consent recorded for a firm, the newest first."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        found = use.list_person_consents(office, asked_code(uscc))
    if as_json:
        out.json({"items": found, "next_cursor": None})
    else:
        _show(out, found)


@group.command("withdraw")
def withdraw(
    consent: Annotated[str, typer.Argument(metavar="ID", help="Id of the consent.")], by: By, as_json: AsJson = False
) -> None:
    """End a consent at once; nothing computed under it is shown any more."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        with office.read() as session:
            check_person(session, "by", by, STAFF)
        _show(out, [use.withdraw_person_consent(office, consent, by, utc_now())])


def _show(out: Out, consents: list[dict[str, Any]]) -> None:
    if out.as_json:
        out.json(consents[0])
        return
    t = out.t
    out.table(
        [t("person_consent.id"), t("person_consent.person"), t("person_consent.given_on"), t("person_consent.document"),
         t("person_consent.stands")],
        [(each["id"], each["person"], each["given_on"], each["document"], each["stands"]) for each in consents],
        whole=(0,),
    )  # fmt: skip
