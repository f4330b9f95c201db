"""People who may sign in: made with password and second factor, changed, shut out. Each change is in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.errors import NotFound, RefusedInput
from models.tables import Person, SignIn
from service.access.auth import Role
from service.access.enrolling import check_id, check_tenant
from service.access.opaque import office_key
from service.access.second_factor import enrolment_uri, hash_password, new_second_factor, sealed
from service.audit.journal import record
from service.audit.told import told
from service.office import Office
from service.usecases.sign_in import SECOND_FACTOR_KEY

#: What staff of a firm may do for it.
POWERS = ("view", "apply", "consent")


@dataclass(frozen=True)
class Enrolled:
    """The second factor, told this once: the secret, and the same as an authenticator app reads it."""

    secret: str
    uri: str


def add_person(
    office: Office,
    person_id: str,
    name: str,
    role: Role,
    tenant: str,
    powers: tuple[str, ...],
    password: str,
    now: datetime,
) -> Enrolled:
    """A new person with a password and a second factor; ``RefusedInput`` for an id in use, a weak password, a power
    that is none, or powers of somebody who is not of a firm."""
    _check(person_id, role, tenant, powers)
    hashed, secret = hash_password(password, person_id), new_second_factor()
    with office.write() as session:
        _check_new(session, person_id)
        session.add(
            Person(
                id=person_id,
                name=name,
                role=role.value,
                tenant=tenant,
                powers=sorted(powers),
                password_hash=hashed,
                second_factor=sealed(secret, office_key(office.home, SECOND_FACTOR_KEY)),
                last_step=0,
                failures=0,
            )
        )
        _tell(session, person_id, "add_person", now, {"role": role.value, "tenant": tenant, "powers": sorted(powers)})
    return Enrolled(secret, enrolment_uri(secret, person_id))


def register_person(
    office: Office,
    person_id: str,
    name: str,
    role: Role,
    tenant: str,
    powers: tuple[str, ...],
    vouched: tuple[str, str],
    now: datetime,
) -> None:
    """A new person whom the city's identity provider vouches for: ``vouched`` is its issuer and the subject it says.

    Such a person has neither password nor code here. ``RefusedInput`` as for :func:`add_person`.
    """
    _check(person_id, role, tenant, powers)
    issuer, subject = vouched
    if not issuer or not subject:
        raise _refused(
            "subject", subject, "The provider says who vouches and for whom.", "Set RONGQIAO_OIDC_ISSUER and --subject."
        )
    with office.write() as session:
        _check_new(session, person_id)
        if session.scalar(select(Person.id).where(Person.issuer == issuer, Person.subject == subject)) is not None:
            raise _refused("subject", subject, "Somebody is registered under this subject.", "List them.")
        session.add(
            Person(
                id=person_id, name=name, role=role.value, tenant=tenant, powers=sorted(powers), issuer=issuer,
                subject=subject,
            )
        )  # fmt: skip
        _tell(session, person_id, "add_person", now, {"role": role.value, "tenant": tenant, "powers": sorted(powers)})


def list_people(office: Office) -> list[dict[str, Any]]:
    """Everybody who may sign in or might once; nothing of what they sign in with."""
    with office.read() as session:
        return [
            {
                "id": person.id,
                "name": person.name,
                "role": person.role,
                "tenant": person.tenant,
                "powers": person.powers,
                "signs_in": "provider" if person.issuer else "here",
                "locked_until": person.locked_until,
                "disabled_at": person.disabled_at,
            }
            for person in session.scalars(select(Person).order_by(Person.id))
        ]


def change_password(office: Office, person_id: str, password: str, now: datetime) -> None:
    """A new password; every session of the person ends, the waiting too."""
    hashed = hash_password(password, person_id)
    with office.write() as session:
        person = _person(session, person_id)
        if person.issuer:
            raise _refused("person", person_id, "This person signs in with the provider.", "Change it there.")
        person.password_hash, person.failures, person.locked_until = hashed, 0, None
        session.execute(delete(SignIn).where(SignIn.person_id == person_id))
        _tell(session, person_id, "change_password", now, {})


def disable_person(office: Office, person_id: str, now: datetime) -> None:
    """Shut a person out at once, open sessions included. The past stays in the journal."""
    with office.write() as session:
        person = _person(session, person_id)
        if person.disabled_at is None:
            person.disabled_at = now
            session.execute(delete(SignIn).where(SignIn.person_id == person_id))
            _tell(session, person_id, "disable_person", now, {})


def _check(person_id: str, role: Role, tenant: str, powers: tuple[str, ...]) -> None:
    check_id("bad_person", "person", person_id)
    if strange := [power for power in powers if power not in POWERS]:
        raise _refused("powers", strange[0], "There is no such power.", f"Some of: {', '.join(POWERS)}.")
    if bool(powers) != (role is Role.FIRM):
        raise _refused("powers", list(powers), "A firm's people have powers, nobody else has.", "See the glossary.")
    check_tenant("bad_person", role, tenant)


def _check_new(session: Session, person_id: str) -> None:
    if session.get(Person, person_id) is not None:
        raise _refused("person", person_id, "There is such a person already.", "Choose another id.")


def _person(session: Session, person_id: str) -> Person:
    found = session.get(Person, person_id)
    if found is None:
        raise NotFound("person", person_id, "There is no such person.", "List them: `rongqiao person list`.")
    return found


def _tell(session: Session, person_id: str, action: str, now: datetime, detail: dict[str, object]) -> None:
    record(session, told(action, now, object_id=person_id, detail=detail))


def _refused(field: str, value: object, rule: str, fix: str) -> RefusedInput:
    return RefusedInput("bad_person", field, value, rule, fix)
