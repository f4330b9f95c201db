"""Makes an office a sandbox: an invented city, firms that always behave in a known way, one lender's key."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from models.errors import RefusedInput
from models.tables import Application, Client
from seed.city import write_deliveries
from service.access.auth import Role
from service.access.sandbox_keys import PREFIX
from service.books.rulebook import lenders
from service.office import Office
from service.sandbox.applications import apply, lender_role
from service.sandbox.book import MagicFirm, SandboxBook, sandbox_book
from service.sandbox.city import sandbox_city
from service.sandbox.firms import speak
from service.sandbox.mark import claim
from service.snapshot.office_stages import stages_in_force
from service.snapshot.shelf import Shelf
from service.usecases.build_snapshot import build_snapshot
from service.usecases.ingest_batch import ingest_batch
from service.usecases.manage_clients import add_client

#: Told (stage, done, total).
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class MadeSandbox:
    """``secret`` is told once, when the client is made; empty where it was there already."""

    lender: str
    client_id: str
    secret: str
    firms: tuple[MagicFirm, ...]


def make_sandbox(
    office: Office, lender: str, now: datetime, tell: Tell = lambda stage, done, total: None
) -> MadeSandbox:
    """Make ``office`` the sandbox of ``lender`` (empty: the first bank of the shelf), or find that it is.

    Run again it goes on where a run was stopped, gives consents that have run out anew, and keeps the key.
    ``RefusedInput`` for a lender that is not there or has no product for the firms, and for a folder in use.
    """
    chosen, book = _lender(lender), sandbox_book()
    claim(office, chosen)
    shelf = Shelf(office, 0)
    if shelf.newest() is None:
        _land(office, book, tell)
        tell("build", 0, 0)
        build_snapshot(office, book.as_of, now, stages=stages_in_force(office))
    speak(office, shelf.current(), book, chosen, now)
    for firm in book.firms.values():
        if firm.moves is not None and not _has_applied(office, firm, chosen):
            apply(office, shelf, book, firm, chosen, now)
    client_id = f"{PREFIX}{chosen}"
    return MadeSandbox(chosen, client_id, _key(office, client_id, chosen, now), tuple(book.firms.values()))


def _lender(lender: str) -> str:
    known = lenders()
    if lender and lender not in known:
        rule = "There is no such lender on the shelf."
        raise RefusedInput("unknown_lender", "lender", lender, rule, f"One of {', '.join(known)}.")
    return lender or next(each.id for each in known.values() if each.kind == Role.BANK)


def _land(office: Office, book: SandboxBook, tell: Tell) -> None:
    folder = office.work / "sandbox"
    shutil.rmtree(folder, ignore_errors=True)
    delivered = write_deliveries(sandbox_city(book), folder)
    for done, each in enumerate(delivered, start=1):
        ingest_batch(office, each.feed, each.path, received_at=each.received_at, covers_to=each.covers_to)
        tell("ingest", done, len(delivered))
    shutil.rmtree(folder)


def _has_applied(office: Office, firm: MagicFirm, lender: str) -> bool:
    query = select(func.count()).where(Application.firm == firm.uscc, Application.lender == lender)
    with office.read() as session:
        return bool(session.scalar(query))


def _key(office: Office, client_id: str, lender: str, now: datetime) -> str:
    with office.read() as session:
        if session.get(Client, client_id) is not None:
            return ""
    name = lenders()[lender].name
    return add_client(office, client_id, lender_role(lender), lender, (f"{name.zh}沙箱", f"{name.en}, sandbox"), now)
