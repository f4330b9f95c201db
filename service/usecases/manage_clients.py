"""Systems that may call: made, given a new secret or key, disabled. Each change is in the journal with itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.errors import NotFound, RefusedInput
from models.tables import Client, ClientKey, Token
from service.access.auth import Role, hashed
from service.access.client_assertion import read_key
from service.access.enrolling import check_id, check_tenant
from service.access.sandbox_keys import PREFIX, secret_for
from service.audit.journal import record
from service.audit.told import told
from service.office import Office


def add_client(office: Office, client_id: str, role: Role, tenant: str, names: tuple[str, str], now: datetime) -> str:
    """A new client; its secret, told this once and kept as a hash only."""
    check_id("bad_client", "client_id", client_id)
    check_tenant("bad_client", role, tenant)
    if client_id.startswith(PREFIX) != office.is_sandbox:
        rule = f"Ids of a sandbox's clients begin with {PREFIX}, and no others do."
        raise _refused("client_id", client_id, rule, "Choose another id.")
    secret = secret_for(office)
    with office.write() as session:
        if session.get(Client, client_id) is not None:
            raise _refused("client_id", client_id, "There is such a client already.", "Choose another id.")
        session.add(
            Client(id=client_id, secret_sha256=hashed(secret), role=role.value, tenant=tenant, zh=names[0], en=names[1])
        )
        _tell(session, client_id, "add_client", now, {"role": role.value, "tenant": tenant})
    return secret


def list_clients(office: Office) -> list[dict[str, Any]]:
    """Every client with its keys; neither secrets nor their hashes."""
    with office.read() as session:
        keys: dict[str, list[dict[str, Any]]] = {}
        for key in session.scalars(select(ClientKey).order_by(ClientKey.added_at, ClientKey.kid)):
            told = {"kid": key.kid, "added_at": key.added_at, "retired_at": key.retired_at}
            keys.setdefault(key.client_id, []).append(told)
        return [
            {
                "id": client.id,
                "role": client.role,
                "tenant": client.tenant,
                "zh": client.zh,
                "en": client.en,
                "proves_itself_by": "secret" if client.secret_sha256 else "key",
                "keys": keys.get(client.id, []),
                "disabled_at": client.disabled_at,
            }
            for client in session.scalars(select(Client).order_by(Client.id))
        ]


def renew_secret(office: Office, client_id: str, now: datetime) -> str:
    """A new secret in place of the old; tokens bought with the old one die at once. Refused where a key is in force:
    a secret beside it would be the weaker door."""
    secret = secret_for(office)
    with office.write() as session:
        client = _client(session, client_id)
        in_force = select(ClientKey.kid).where(ClientKey.client_id == client_id, ClientKey.retired_at.is_(None))
        if session.scalars(in_force).first() is not None:
            raise _refused("client_id", client_id, "This client proves itself by key.", "Add a new key, or retire all.")
        client.secret_sha256 = hashed(secret)
        session.execute(delete(Token).where(Token.client_id == client_id))
        _tell(session, client_id, "renew_secret", now, {})
    return secret


def add_key(office: Office, client_id: str, kid: str, jwk: Mapping[str, Any], now: datetime) -> None:
    """Register a public key. From the first one on the client proves itself by key, and its secret is gone."""
    read_key(jwk)
    if not 0 < len(kid) <= 64:
        raise _refused("kid", kid, "A key has an id of 1 to 64 characters.", "Name it, as the assertions will.")
    with office.write() as session:
        client = _client(session, client_id)
        if session.get(ClientKey, (client_id, kid)) is not None:
            raise _refused("kid", kid, "This client had a key with this id.", "Ids are not used again; choose another.")
        client.secret_sha256 = ""
        session.add(ClientKey(client_id=client_id, kid=kid, jwk=dict(jwk), added_at=now))
        _tell(session, client_id, "add_client_key", now, {"kid": kid})


def retire_key(office: Office, client_id: str, kid: str, now: datetime) -> None:
    """Take a key out of use; tokens bought before die at once, since any of them may be the thief's."""
    with office.write() as session:
        _client(session, client_id)
        key = session.get(ClientKey, (client_id, kid))
        if key is None:
            raise NotFound("kid", kid, "This client has no such key.", "List its keys: `rongqiao client list`.")
        if key.retired_at is None:
            key.retired_at = now
            session.execute(delete(Token).where(Token.client_id == client_id))
            _tell(session, client_id, "retire_client_key", now, {"kid": kid})


def disable_client(office: Office, client_id: str, now: datetime) -> None:
    """Shut a client out at once, its tokens included. Its past stays in the journal."""
    with office.write() as session:
        client = _client(session, client_id)
        if client.disabled_at is None:
            client.disabled_at = now
            session.execute(delete(Token).where(Token.client_id == client_id))
            _tell(session, client_id, "disable_client", now, {})


def _client(session: Session, client_id: str) -> Client:
    found = session.get(Client, client_id)
    if found is None:
        raise NotFound("client_id", client_id, "There is no such client.", "List them: `rongqiao client list`.")
    return found


def _tell(session: Session, client_id: str, action: str, now: datetime, detail: Mapping[str, str]) -> None:
    record(session, told(action, now, object_id=client_id, detail=detail))


def _refused(field: str, value: object, rule: str, fix: str) -> RefusedInput:
    return RefusedInput("bad_client", field, value, rule, fix)
