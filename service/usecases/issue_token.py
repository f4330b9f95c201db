"""Client credentials in, a bearer token out; and from a token back to its caller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from models.errors import RefusedInput
from models.tables import Client, Token
from service.auth import Caller, Role, hashed, new_secret, not_authenticated, same
from service.office import Office

#: Compared against when the client does not exist, so that a wrong id takes as long as a wrong secret.
_NOBODY = hashed("")


@dataclass(frozen=True)
class IssuedToken:
    """What the token endpoint answers (RFC 6749 §5.1)."""

    access_token: str
    token_type: str
    expires_in: int


def issue_token(office: Office, client_id: str, secret: str, now: datetime, seconds: int) -> IssuedToken:
    """A new token for the client; expired ones are swept out in the same transaction."""
    token = new_secret()
    with office.write() as session:
        client = session.get(Client, client_id)
        known = same(secret, client.secret_sha256 if client else _NOBODY)
        if client is None or not known or client.disabled_at is not None:
            raise RefusedInput(
                "invalid_client",
                "client_id",
                client_id,
                "Client id and secret do not belong together.",
                "Check both; the office issues them.",
                status=401,
            )
        session.execute(delete(Token).where(Token.expires_at <= now))
        expires = now + timedelta(seconds=seconds)
        session.add(Token(sha256=hashed(token), client_id=client.id, issued_at=now, expires_at=expires))
    return IssuedToken(token, "Bearer", seconds)


def caller_of(office: Office, token: str, now: datetime) -> Caller:
    """The caller a token stands for; 401 when it is unknown, expired, or its client was disabled."""
    query = (
        select(Client.id, Client.role, Client.tenant, Client.disabled_at, Token.expires_at)
        .join(Token, Token.client_id == Client.id)
        .where(Token.sha256 == hashed(token))
    )
    with office.read() as session:
        found = session.execute(query).one_or_none()
    if found is None or found.disabled_at is not None or found.expires_at <= now:
        raise not_authenticated("The token is unknown or has expired.")
    return Caller(found.id, Role(found.role), found.tenant)
