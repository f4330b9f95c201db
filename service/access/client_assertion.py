"""``private_key_jwt`` (RFC 7523 §3, FAPI 2): a client signs who it is, to whom, until when, and never twice. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from models.errors import RefusedInput

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("PS256", "ES256")
#: An assertion lives at most this long, so that what must be remembered against replay stays small.
LONGEST = timedelta(minutes=5)
#: Clocks of two machines may differ by this much.
SKEW = timedelta(seconds=30)
_SMALLEST_RSA = 2048


@dataclass(frozen=True)
class Assertion:
    """A proof that held: who, which one, and until when it must be remembered."""

    client_id: str
    jti: str
    expires_at: datetime


def claimed_client(text: str) -> str:
    """Whom an assertion claims to be, before anything is proved; ``invalid_client`` when that cannot be read."""
    try:
        token = jws.extract_compact(text.encode("ascii"))
        claims = _claims_of(token.payload)
    except (JoseError, ValueError, UnicodeError):
        raise invalid("The assertion is no signed JWT.") from None
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 64:
        raise invalid("The assertion names no client in `sub`.")
    return subject


def check_assertion(text: str, keys: Mapping[str, Mapping[str, Any]], audience: str, now: datetime) -> Assertion:
    """Prove an assertion against the client's public ``keys`` (JWK by ``kid``).

    Accepted: PS256 or ES256 by a key of the client named in the header; ``iss`` and ``sub`` the client; ``aud`` this
    very service; not expired, not for later, living five minutes at most; a ``jti``. Raises ``invalid_client``.
    """
    client_id = claimed_client(text)
    try:
        header = jws.extract_compact(text.encode("ascii")).headers()
        jwk = keys.get(str(header.get("kid", "")))
        if header.get("alg") not in ALGORITHMS or jwk is None:
            raise invalid(f"It is signed with {' or '.join(ALGORITHMS)} by a registered key, named in `kid`.")
        claims = jwt.decode(text, read_key(jwk), algorithms=list(ALGORITHMS)).claims
    except JoseError:
        raise invalid("The signature of the assertion is not the client's.") from None
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise invalid("`iss` and `sub` are both the client id.")
    if claims.get("aud") not in (audience, [audience]):
        raise invalid(f"`aud` is {audience}.")
    expires, issued, jti = _moment(claims, "exp"), _moment(claims, "iat"), claims.get("jti")
    if not issued - SKEW <= now < expires + SKEW or expires - issued > LONGEST:
        raise invalid(f"It holds from `iat` to `exp`, {LONGEST.seconds // 60} minutes at most, and now is outside.")
    if "nbf" in claims and _moment(claims, "nbf") - SKEW > now:
        raise invalid("`nbf` lies in the future.")
    if not isinstance(jti, str) or not 16 <= len(jti) <= 200:
        raise invalid("`jti` is a text of 16 to 200 characters, new each time.")
    return Assertion(client_id, jti, expires + SKEW)


def read_key(jwk: Mapping[str, Any]) -> RSAKey | ECKey:
    """A public key that may prove a client: RSA of at least 2048 bits, or EC P-256. ``RefusedInput`` for any other."""
    try:
        if jwk.get("kty") == "RSA":
            rsa = RSAKey.import_key(dict(jwk))
            if rsa.is_private or rsa.raw_value.key_size < _SMALLEST_RSA:
                raise _bad_key(f"An RSA key is public and has at least {_SMALLEST_RSA} bits.")
            return rsa
        if jwk.get("kty") == "EC" and jwk.get("crv") == "P-256":
            curve = ECKey.import_key(dict(jwk))
            if curve.is_private:
                raise _bad_key("A private key was given; it must not leave the bank.")
            return curve
    except (JoseError, ValueError, TypeError, KeyError):
        raise _bad_key("This is no JSON Web Key.") from None
    raise _bad_key("A key is RSA, or EC on the curve P-256.")


def _claims_of(payload: bytes) -> dict[str, Any]:
    claims = orjson.loads(payload)
    if not isinstance(claims, dict):
        raise ValueError("no object")
    return claims


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 4e10:
        raise invalid(f"`{name}` is a moment in seconds since 1970.")
    return datetime.fromtimestamp(value, UTC)


def invalid(rule: str) -> RefusedInput:
    """The refusal a client that did not prove itself gets."""
    return RefusedInput(
        "invalid_client", "client_assertion", None, rule, "See RFC 7523, section 3, and docs/security.md.", status=401
    )


def _bad_key(rule: str) -> RefusedInput:
    return RefusedInput("bad_key", "jwk", None, rule, "Make one with: openssl ecparam -name prime256v1 -genkey.")
