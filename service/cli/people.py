"""Commands about who may ask: systems of lenders, firms and agencies (`client`), and people who sign in (`person`)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer

from models.errors import RefusedInput
from service.access.auth import Role
from service.asking import asked_code
from service.books.rulebook import agencies, lenders
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.clock import utc_now
from service.usecases import manage_clients, manage_people
from service.web.strict_json import parse_strict

client = typer.Typer(help="Systems that may call: list, add, keys and secrets, shut out.", no_args_is_help=True)
person = typer.Typer(help="People who sign in: list, add, new password, shut out.", no_args_is_help=True)

ClientId = Annotated[str, typer.Argument(metavar="CLIENT", help="Id of the client.")]
PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="Id of the person.")]
WhichRole = Annotated[Role, typer.Option("--role", help="What it may do.")]
Tenant = Annotated[
    str, typer.Option("--tenant", help="Whom it stands for: lender id, code of the firm, agency id; staff: nobody.")
]
_MOST_KEY_BYTES = 10_000


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(client, name="client")
    app.add_typer(person, name="person")


@client.command("list")
def list_clients(as_json: AsJson = False) -> None:
    """Every client, how it proves itself, and its keys."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        found = manage_clients.list_clients(office)
    t = out.t

    def proof(each: Mapping[str, Any]) -> str:
        in_force = ", ".join(key["kid"] for key in each["keys"] if key["retired_at"] is None)
        return in_force or t.word("proof", each["proves_itself_by"])

    _list(out, found, t.name, t("caller.proof"), proof)


@client.command("add")
def add_client(
    client_id: ClientId,
    role: WhichRole,
    tenant: Tenant = "",
    zh: Annotated[str, typer.Option(help="Its name in Chinese.")] = "",
    en: Annotated[str, typer.Option(help="Its name in English.")] = "",
    as_json: AsJson = False,
) -> None:
    """A new client; its secret is told this once."""
    with office_of(settings_of()) as office:
        secret = manage_clients.add_client(office, client_id, role, _tenant(role, tenant), (zh, en), utc_now())
    _tell_secret(Out(as_json), client_id, secret)


@client.command("renew")
def renew_secret(client_id: ClientId, as_json: AsJson = False) -> None:
    """A new secret in place of the old one, which dies at once with its tokens."""
    with office_of(settings_of()) as office:
        secret = manage_clients.renew_secret(office, client_id, utc_now())
    _tell_secret(Out(as_json), client_id, secret)


@client.command("add-key")
def add_key(
    client_id: ClientId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The public key as a JSON Web Key.")],
    kid: Annotated[str, typer.Option(help="Id of the key, as assertions will name it.")],
    as_json: AsJson = False,
) -> None:
    """Register a public key. From the first one on the client proves itself by key, and its secret is gone."""
    jwk = _read_key(file)
    with office_of(settings_of()) as office:
        manage_clients.add_key(office, client_id, kid, jwk, utc_now())
    _done(Out(as_json), "client.key_added", client_id, kid=kid)


@client.command("retire-key")
def retire_key(
    client_id: ClientId, kid: Annotated[str, typer.Option(help="Id of the key.")], as_json: AsJson = False
) -> None:
    """Take a key out of use; tokens bought before die at once."""
    with office_of(settings_of()) as office:
        manage_clients.retire_key(office, client_id, kid, utc_now())
    _done(Out(as_json), "client.key_retired", client_id, kid=kid)


@client.command("disable")
def disable_client(client_id: ClientId, as_json: AsJson = False) -> None:
    """Shut a client out at once, its tokens included."""
    with office_of(settings_of()) as office:
        manage_clients.disable_client(office, client_id, utc_now())
    _done(Out(as_json), "client.disabled", client_id)


@person.command("list")
def list_people(as_json: AsJson = False) -> None:
    """Everybody who may sign in."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        found = manage_people.list_people(office)
    t = out.t

    def powers(each: Mapping[str, Any]) -> str:
        return ", ".join(t.word("power", power) for power in each["powers"])

    _list(out, found, itemgetter("name"), t("caller.powers"), powers)


@person.command("add")
def add_person(
    person_id: PersonId,
    name: Annotated[str, typer.Option(help="Name of the person.")],
    role: WhichRole,
    tenant: Tenant = "",
    power: Annotated[
        list[str] | None, typer.Option(help="For people of a firm: view, apply, consent; once for each.")
    ] = None,
    subject: Annotated[
        str, typer.Option(help="How the city's identity provider calls the person, who then has no password here.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """A new person. The password is read from the terminal or from standard input; the second factor is told once."""
    out, settings, powers = Out(as_json), settings_of(), tuple(power or ())
    stands_for = _tenant(role, tenant)
    if subject:
        vouched = (settings.oidc_issuer, subject)
        with office_of(settings) as office:
            manage_people.register_person(office, person_id, name, role, stands_for, powers, vouched, utc_now())
        _done(out, "person.registered", person_id)
        return
    password = _password(out)
    with office_of(settings) as office:
        made = manage_people.add_person(office, person_id, name, role, stands_for, powers, password, utc_now())
    if as_json:
        out.json({"id": person_id, "second_factor": made.secret, "uri": made.uri})
        return
    out.line(out.t("person.added", id=person_id))
    out.pairs([(out.t("person.secret"), made.secret), (out.t("person.uri"), made.uri)])
    out.line(out.t("caller.once"))


@person.command("password")
def change_password(person_id: PersonId, as_json: AsJson = False) -> None:
    """A new password, read from the terminal or from standard input; every session of the person ends."""
    out = Out(as_json)
    password = _password(out)
    with office_of(settings_of()) as office:
        manage_people.change_password(office, person_id, password, utc_now())
    _done(out, "person.password_changed", person_id)


@person.command("disable")
def disable_person(person_id: PersonId, as_json: AsJson = False) -> None:
    """Shut a person out at once, open sessions included."""
    with office_of(settings_of()) as office:
        manage_people.disable_person(office, person_id, utc_now())
    _done(Out(as_json), "person.disabled", person_id)


def _list(
    out: Out,
    found: Sequence[Mapping[str, Any]],
    name: Callable[[Mapping[str, Any]], str],
    heading: str,
    cell: Callable[[Mapping[str, Any]], str],
) -> None:
    """Systems or people in one table; ``cell`` fills the column under ``heading``, which only they have."""
    if out.as_json:
        out.json({"items": found, "next_cursor": None})
        return
    t = out.t
    out.table(
        [t("caller.id"), t("caller.name"), t("caller.role"), t("caller.tenant"), heading, t("caller.state")],
        [
            (
                each["id"],
                name(each),
                t.word("role", each["role"]),
                each["tenant"],
                cell(each),
                t.word("caller_state", "disabled" if each["disabled_at"] else "in_use"),
            )
            for each in found
        ],
        whole=(0,),
    )


def _password(out: Out) -> str:
    """Asked for twice on a terminal, else one line of standard input; never an argument, which others could list."""
    if sys.stdin.isatty():
        asked: str = typer.prompt(out.t("person.password"), hide_input=True, confirmation_prompt=True, err=True)
        return asked
    return sys.stdin.readline().rstrip("\r\n")


def _tenant(role: Role, tenant: str) -> str:
    """The tenant in its one spelling; ``RefusedInput`` for a lender, firm or agency that there is not."""
    known = {Role.BANK: lenders(), Role.GUARANTOR: lenders(), Role.AGENCY: agencies()}.get(role)
    if tenant and known is not None and tenant not in known:
        raise RefusedInput(
            "bad_client", "tenant", tenant, "Nobody is called so here.", f"One of: {', '.join(sorted(known))}."
        )
    return asked_code(tenant) if tenant and role is Role.FIRM else tenant


def _read_key(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            body = opened.read(_MOST_KEY_BYTES)
    except OSError as problem:
        raise RefusedInput(
            "unreadable_file", "file", str(file), f"It cannot be read: {problem.strerror}.", "Check the path."
        ) from None
    jwk = parse_strict(body)
    if not isinstance(jwk, dict):
        raise RefusedInput("bad_key", "jwk", None, "A JSON Web Key is an object.", "Give the public key alone.")
    return jwk


def _tell_secret(out: Out, client_id: str, secret: str) -> None:
    if out.as_json:
        out.json({"client_id": client_id, "client_secret": secret})
        return
    out.pairs([(out.t("caller.id"), client_id), (out.t("client.secret"), secret)])
    out.line(out.t("caller.once"))


def _done(out: Out, key: str, who: str, **more: str) -> None:
    if out.as_json:
        out.json({"id": who, "done": key.partition(".")[2], **more})
    else:
        out.line(out.t(key, id=who, **more))
