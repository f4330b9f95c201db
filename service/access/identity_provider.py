"""The city's identity provider (OpenID Connect, code flow with PKCE): the edge that talks to it, and what it proves.

authlib makes the requests; joserfc checks the ID token. Whoever the provider names must be known here already: it says
who somebody is, the office says what they may do.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from models.errors import RefusedInput

ALGORITHMS = ("RS256", "PS256", "ES256")
_SECONDS = 10
_KEYS_LIVE = 3600.0
_SKEW = 30


@dataclass(frozen=True)
class Provider:
    """How the provider knows this office. ``secret`` is empty for a public client, which PKCE alone protects."""

    issuer: str
    client_id: str
    secret: str
    redirect_uri: str


@dataclass(frozen=True)
class Errand:
    """What a browser carries to the provider and back: sealed in a cookie, so that the answer fits the question."""

    state: str
    nonce: str
    verifier: str


class Discovery:
    """What the provider publishes about itself, fetched when needed and kept for an hour; keys again for a new one."""

    def __init__(self, issuer: str):
        self.issuer = issuer
        self._lock = Lock()
        self._document: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._fetched = float("-inf")

    def endpoint(self, name: str) -> str:
        """An address of the provider; 503 where it cannot be reached or names another issuer."""
        with self._lock:
            if time.monotonic() - self._fetched > _KEYS_LIVE:
                self._fetch()
            return str(self._document[name])

    def keys(self, again: bool = False) -> KeySet:
        """The provider's signing keys, fetched ``again`` when a token names one that is not among them."""
        with self._lock:
            if again or self._keys is None or time.monotonic() - self._fetched > _KEYS_LIVE:
                self._fetch()
            assert self._keys is not None
            return self._keys

    def _fetch(self) -> None:
        document = _get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != self.issuer:
            raise unreachable("It names itself by another issuer than the one that is set.")
        try:
            self._keys = KeySet.import_key_set(_get(document["jwks_uri"]))  # type: ignore[arg-type]
            self._document = {name: document[name] for name in ("authorization_endpoint", "token_endpoint")}
        except (KeyError, ValueError, JoseError):
            raise unreachable("What it publishes about itself is not complete.") from None
        self._fetched = time.monotonic()


def begin_errand(provider: Provider, discovery: Discovery) -> tuple[str, Errand]:
    """Where to send the browser, and what it must bring back."""
    errand = Errand(generate_token(32), generate_token(32), generate_token(64))
    with _session(provider) as session:
        address, _ = session.create_authorization_url(
            discovery.endpoint("authorization_endpoint"),
            state=errand.state,
            nonce=errand.nonce,
            code_verifier=errand.verifier,
        )
    return address, errand


def end_errand(provider: Provider, discovery: Discovery, errand: Errand, query: str, now: datetime) -> str:
    """The subject the provider vouches for. Raises ``provider_refused`` for an answer that does not hold."""
    with _session(provider, state=errand.state) as session:
        try:
            token = session.fetch_token(
                discovery.endpoint("token_endpoint"),
                authorization_response=f"{provider.redirect_uri}?{query}",
                code_verifier=errand.verifier,
                timeout=_SECONDS,
            )
        except requests.RequestException:
            raise unreachable("It does not answer.") from None
        except (AuthlibBaseError, ValueError):
            raise refused("The provider did not accept the code, or the answer belongs to another sign-in.") from None
    text = token.get("id_token")
    if not isinstance(text, str):
        raise refused("The provider sent no ID token.")
    return _subject(_claims(text, discovery), provider, errand, now)


def _claims(text: str, discovery: Discovery) -> Mapping[str, Any]:
    for again in (False, True):
        try:
            return jwt.decode(text, discovery.keys(again), algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError):
            continue
    raise refused("The ID token is not signed by a key of the provider.")


def _subject(claims: Mapping[str, Any], provider: Provider, errand: Errand, now: datetime) -> str:
    audience, seconds = claims.get("aud"), now.timestamp()
    expires, issued, subject = claims.get("exp"), claims.get("iat"), claims.get("sub")
    holds = (
        claims.get("iss") == provider.issuer
        and audience in (provider.client_id, [provider.client_id])
        and claims.get("nonce") == errand.nonce
        and isinstance(expires, int | float)
        and isinstance(issued, int | float)
        and issued - _SKEW <= seconds < expires + _SKEW
    )
    if not holds or not isinstance(subject, str) or not 0 < len(subject) <= 200:
        raise refused("The ID token is for somebody else, another sign-in, or another time.")
    return subject


def _session(provider: Provider, **more: str) -> OAuth2Session:
    return OAuth2Session(
        provider.client_id,
        provider.secret or None,
        scope="openid",
        redirect_uri=provider.redirect_uri,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if provider.secret else "none",
        **more,
    )


def _get(address: str) -> dict[str, Any]:
    try:
        answer = requests.get(address, timeout=_SECONDS, allow_redirects=False)
        found = answer.json() if answer.ok else None
    except (requests.RequestException, ValueError):
        raise unreachable("It does not answer.") from None
    if not isinstance(found, dict):
        raise unreachable("It does not answer as a provider does.")
    return found


def unreachable(rule: str) -> RefusedInput:
    """The 503 refusal while the provider cannot be asked."""
    fix = "Try again; if it goes on, the operator checks RONGQIAO_OIDC_ISSUER."
    return RefusedInput("provider_unreachable", "provider", None, rule, fix, status=503)


def refused(rule: str) -> RefusedInput:
    """The 401 refusal of an answer that proves nothing."""
    return RefusedInput("provider_refused", "provider", None, rule, "Begin again at /sign-in.", status=401)
