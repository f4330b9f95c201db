"""Client credentials in, a bearer token out; and from a token back to its caller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from models.errors import RefusedInput
from models.tables import Client, ClientKey, Token, UsedAssertion
from service.access.auth import Caller, Role, hashed, not_authenticated, same
from service.access.client_assertion import check_assertion, claimed_client, invalid
from service.access.sandbox_keys import check_office, secret_for
from service.office import Office

#: Compared against when the client does not exist, so that a wrong id takes as long as a wrong secret.
_NOBODY = hashed("")
#: Said once, not at every request: what a statement compiles to is found by the statement itself.
_CALLER = (
    select(Client.id, Client.role, Client.tenant, Client.disabled_at, Token.expires_at)
    .join(Token, Token.client_id == Client.id)
    .where(Token.sha256 == bindparam("sha256"))
)


@dataclass(frozen=True)
class IssuedToken:
    """What the token endpoint answers (RFC 6749 §5.1)."""

    access_token: str
    token_type: str
    expires_in: int


def issue_token(office: Office, client_id: str, secret: str, now: datetime, seconds: int) -> IssuedToken:
    """A new token for a client that knows its secret."""
    check_office(office, client_id, "client_id")
    with office.write() as session:
        client = session.get(Client, client_id)
        # A client with keys must use them: a leaked old secret would be the weaker door beside the stronger one.
        known = same(secret, client.secret_sha256 if client and client.secret_sha256 else _NOBODY)
        if client is None or not known or not client.secret_sha256 or client.disabled_at is not None:
            raise RefusedInput(
                "invalid_client",
                "client_id",
                client_id,
                "Client id and secret do not belong together.",
                "Check both; the office issues them.",
                status=401,
            )
        return _issued(office, session, client.id, now, seconds)


def issue_token_by_key(office: Office, assertion: str, audience: str, now: datetime, seconds: int) -> IssuedToken:
    """A new token for a client that proves itself with its key; each assertion buys one token, even under a race."""
    client_id = claimed_client(assertion)
    check_office(office, client_id, "client_assertion")
    with office.write() as session:
        client = session.get(Client, client_id)
        query = select(ClientKey).where(ClientKey.client_id == client_id, ClientKey.retired_at.is_(None))
        keys = {key.kid: key.jwk for key in session.scalars(query)}
        proved = check_assertion(assertion, keys, audience, now)
        if client is None or client.disabled_at is not None:
            raise invalid("The client is not in use.")
        session.execute(delete(UsedAssertion).where(UsedAssertion.expires_at <= now))
        # One writer at a time on SQLite, the primary key on PostgreSQL: of two with one `jti` one goes through.
        if session.get(UsedAssertion, (client_id, hashed(proved.jti))) is not None:
            raise invalid("This assertion was used before.")
        session.add(UsedAssertion(client_id=client_id, jti_sha256=hashed(proved.jti), expires_at=proved.expires_at))
        return _issued(office, session, client.id, now, seconds)


def _issued(office: Office, session: Session, client_id: str, now: datetime, seconds: int) -> IssuedToken:
    """Keep the token's hash; expired ones are swept out in the same transaction."""
    token = secret_for(office)
    session.execute(delete(Token).where(Token.expires_at <= now))
    session.add(
        Token(sha256=hashed(token), client_id=client_id, issued_at=now, expires_at=now + timedelta(seconds=seconds))
    )
    return IssuedToken(token, "Bearer", seconds)


def caller_of(office: Office, token: str, now: datetime) -> Caller:
    """The caller a token stands for; 401 when it is unknown, expired, another kind of office's, or its client was
    disabled."""
    check_office(office, token, "Authorization")
    with office.read() as session:
        found = caller_in(session, hashed(token), now)
    if found is None:
        raise unknown_token()
    return found


def caller_in(session: Session, token_sha256: str, now: datetime) -> Caller | None:
    """The caller whom the token with this hash stands for now; ``None`` for nobody."""
    found = session.connection().execute(_CALLER, {"sha256": token_sha256}).one_or_none()
    if found is None or found.disabled_at is not None or found.expires_at <= now:
        return None
    return Caller(found.id, Role(found.role), found.tenant)


def unknown_token() -> RefusedInput:
    """The 401 refusal of a token that stands for nobody."""
    return not_authenticated("The token is unknown or has expired.")
