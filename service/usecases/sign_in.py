"""People sign in with password and second factor, hold a session, and sign out. Every attempt is in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.errors import RefusedInput
from models.tables import Person, SignIn
from service.access.auth import Caller, Role, hashed, new_secret, not_authenticated, same
from service.access.key_ring import office_keys
from service.access.second_factor import password_fits, step_of, unsealed, wait_after
from service.audit.chain import Event
from service.audit.journal import record
from service.office import Office

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=8)
#: A session's last use is written at most this often: reading a page is not worth a write each time.
_SEEN_EVERY = timedelta(minutes=1)
SECOND_FACTOR_KEY = "second-factor.key"


@dataclass(frozen=True)
class Begun:
    """A session's two secrets, told once: ``token`` for the cookie, ``csrf`` for forms and the X-CSRF-Token header."""

    token: str
    csrf: str


def sign_in(office: Office, person_id: str, password: str, code: str, now: datetime, request_id: str) -> Begun:
    """Begin a session. One refusal for every reason, equally slow, so that it tells nothing about who exists.

    After five failures in a row a person waits a minute, then two, four … up to a day; a right password does not
    shorten it. A code works once.
    """
    with office.read() as session:
        known = session.get(Person, person_id)
    kept = known.password_hash if known else ""
    # Before the transaction: argon2 is slow on purpose, and nobody else can write meanwhile.
    right = password_fits(password, kept)
    with office.write() as session:
        person = session.get(Person, person_id, with_for_update=True)
        fits = right and person is not None and person.password_hash == kept
        step = _step(office, person, code, now) if person else None
        reason = _why_not(person, fits, step, now)
        if person is not None and reason not in ("locked", "disabled"):
            person.failures = 0 if not reason else person.failures + 1
            wait = wait_after(person.failures)
            person.locked_until = now + wait if wait else None
        begun = None
        if person is not None and step is not None and not reason:
            person.last_step = step
            begun = begin(session, person.id, now)
        _tell(session, person, reason, now, request_id)
    if begun is None:
        raise RefusedInput(
            "sign_in_refused",
            "person",
            None,
            "Person, password and code do not belong together, or the person has to wait.",
            "Check all three; after five failures wait a minute, then twice as long each time.",
            status=401,
        )
    return begun


def sign_in_by_provider(office: Office, issuer: str, subject: str, now: datetime, request_id: str) -> Begun:
    """Begin a session of the person the city's provider vouches for; refused for who is not known here."""
    with office.write() as session:
        person = session.scalars(select(Person).where(Person.issuer == issuer, Person.subject == subject)).one_or_none()
        reason = "unknown" if person is None else "disabled" if person.disabled_at is not None else ""
        begun = begin(session, person.id, now) if person is not None and not reason else None
        _tell(session, person, reason, now, request_id)
    if begun is None:
        raise RefusedInput(
            "sign_in_refused",
            "person",
            None,
            "The provider knows you, this office does not.",
            "Ask the office to register you: `rongqiao person add`.",
            status=401,
        )
    return begun


def begin(session: Session, person_id: str, now: datetime) -> Begun:
    """A new session of a person who has proved who they are; its id is new, whatever the browser sent."""
    begun = Begun(new_secret(), new_secret())
    session.execute(delete(SignIn).where((SignIn.seen_at <= now - IDLE) | (SignIn.began_at <= now - LONGEST)))
    session.add(
        SignIn(
            sha256=hashed(begun.token), person_id=person_id, csrf_sha256=hashed(begun.csrf), began_at=now, seen_at=now
        )
    )
    return begun


def person_of(office: Office, token: str, now: datetime) -> tuple[Caller, str]:
    """The caller of a session and the hash of its CSRF secret; 401 when it has ended or its person was disabled."""
    with office.read() as session:
        found = session.get(SignIn, hashed(token))
        person = session.get(Person, found.person_id) if found else None
    if (
        found is None
        or person is None
        or person.disabled_at is not None
        or now - found.seen_at >= IDLE
        or now - found.began_at >= LONGEST
    ):
        raise not_authenticated("The session is unknown or has ended.")
    if now - found.seen_at >= _SEEN_EVERY:
        with office.write() as session:
            kept = session.get(SignIn, found.sha256)
            if kept is not None:
                kept.seen_at = now
    caller = Caller(person.id, Role(person.role), person.tenant, person.id, frozenset(person.powers))
    return caller, found.csrf_sha256


def csrf_fits(given: str, kept_hash: str) -> bool:
    """Whether a form or header carries the session's own CSRF secret."""
    return bool(given) and same(given, kept_hash)


def sign_out(office: Office, token: str, now: datetime, request_id: str) -> None:
    """End a session for good; ending one that is over changes nothing."""
    with office.write() as session:
        found = session.get(SignIn, hashed(token))
        if found is None:
            return
        person = session.get(Person, found.person_id)
        session.delete(found)
        record(session, _event(person, "sign_out", "done", "", now, request_id))


def _step(office: Office, person: Person, code: str, now: datetime) -> int | None:
    if not person.second_factor:
        return None
    secret = unsealed(person.second_factor, office_keys(office.home, SECOND_FACTOR_KEY))
    return step_of(code, secret, now, person.last_step)


def _why_not(person: Person | None, fits: bool, step: int | None, now: datetime) -> str:
    if person is None:
        return "unknown"
    if person.disabled_at is not None:
        return "disabled"
    if person.locked_until is not None and now < person.locked_until:
        return "locked"
    if not fits:
        return "password"
    return "" if step is not None else "code"


def _tell(session: Session, person: Person | None, reason: str, now: datetime, request_id: str) -> None:
    record(session, _event(person, "sign_in", "denied" if reason else "allowed", reason, now, request_id))


def _event(person: Person | None, action: str, result: str, reason: str, now: datetime, request_id: str) -> Event:
    # What was typed as the name of nobody may be a password in the wrong field: it is not kept.
    actor = person.id if person else "nobody"
    return Event(
        at=now,
        actor=actor,
        person=actor,
        role=person.role if person else "",
        tenant=person.tenant if person else "",
        action=action,
        result=result,
        reason=reason,
        request_id=request_id,
    )
