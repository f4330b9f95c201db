"""Bank systems prove themselves by a signed assertion: what holds, what does not, and that none is used twice."""

from __future__ import annotations

import base64
import hmac
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from models.errors import RefusedInput
from models.tables import AuditEntry
from service.access.auth import Role
from service.access.client_assertion import TYPE, read_key
from service.usecases.manage_clients import add_client, add_key, disable_client, renew_secret, retire_key
from tests.shell import Shell, a_shell, is_problem

AUDIENCE = "http://127.0.0.1:8000/v1/oauth/token"
EC = ECKey.generate_key("P-256")
OTHER = ECKey.generate_key("P-256")
RSA = RSAKey.generate_key(2048)
NOW = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)
AT = int(NOW.timestamp())


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = a_shell(tmp_path)
    add_client(shell.office, "bank-1", Role.BANK, "a", ("甲银行", "Bank A"), NOW)
    add_key(shell.office, "bank-1", "ec", EC.as_dict(private=False), NOW)
    add_key(shell.office, "bank-1", "rsa", RSA.as_dict(private=False), NOW)
    return shell


def claims(number: int = 0, **changed: Any) -> dict[str, Any]:
    made = {"iss": "bank-1", "sub": "bank-1", "aud": AUDIENCE, "iat": AT, "exp": AT + 300, "jti": f"{number:032d}"}
    return {name: value for name, value in (made | changed).items() if value is not None}


def signed(said: dict[str, Any], key: Any = EC, kid: str = "ec", alg: str = "ES256") -> str:
    return jwt.encode({"alg": alg, "kid": kid}, said, key, algorithms=[alg])


def asks(shell: Shell, assertion: str, **form: str) -> Any:
    sent = {"grant_type": "client_credentials", "client_assertion_type": TYPE, "client_assertion": assertion} | form
    return shell.http.post("/v1/oauth/token", data=sent)


def test_a_signed_assertion_buys_one_token(shell: Shell) -> None:
    for number, (key, kid, alg) in enumerate(((EC, "ec", "ES256"), (RSA, "rsa", "PS256"))):
        assertion = signed(claims(number), key, kid, alg)
        answer = asks(shell, assertion)
        assert answer.status_code == 200, answer.text
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert shell.http.get("/v1/feeds", headers=headers).status_code == 200
        again = is_problem(asks(shell, assertion), 401, "invalid_client")
        assert again["error"] == "invalid_client"
        assert "used before" in again["rule"]


def test_of_many_at_once_one_gets_the_token(shell: Shell) -> None:
    assertion = signed(claims(7))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: asks(shell, assertion).status_code, range(8)))
    assert sorted(answers) == [200] + [401] * 7


def _raw(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode()


def _none_alg() -> str:
    return f"{_raw({'alg': 'none', 'kid': 'ec'})}.{_raw(claims(9))}."


def _swapped_to_hmac() -> str:
    """The public key as the secret of an HMAC: what a verifier that trusts the header would accept."""
    head = f"{_raw({'alg': 'HS256', 'kid': 'rsa'})}.{_raw(claims(9))}"
    mac = hmac.new(RSA.as_pem(private=False), head.encode(), "sha256").digest()
    return f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    ("assertion", "said"),
    [
        (_none_alg(), "signed with"),
        (_swapped_to_hmac(), "signed with"),
        (signed(claims(9), OTHER), "signature"),
        (signed(claims(9), EC, "unknown"), "registered key"),
        (signed(claims(9), EC, "rsa"), "signature"),
        (signed(claims(9), RSA, "rsa", "RS256"), "signed with"),
        (signed(claims(9, aud="https://elsewhere.example/token")), "`aud`"),
        (signed(claims(9, aud=[AUDIENCE, "https://elsewhere.example"])), "`aud`"),
        (signed(claims(9, iss="bank-2")), "`iss`"),
        (signed(claims(9, exp=AT - 31, iat=AT - 100)), "`exp`"),
        (signed(claims(9, exp=AT + 301)), "5 minutes"),
        (signed(claims(9, iat=AT + 60, exp=AT + 300)), "`iat`"),
        (signed(claims(9, nbf=AT + 60)), "`nbf`"),
        (signed(claims(9, exp=None)), "`exp`"),
        (signed(claims(9, exp="soon")), "`exp`"),
        (signed(claims(9, exp=True)), "`exp`"),
        (signed(claims(9, jti=None)), "`jti`"),
        (signed(claims(9, jti="short")), "`jti`"),
        (signed(claims(9, sub=None)), "`sub`"),
        (signed(claims(9, sub="nobody", iss="nobody")), "registered key"),
        ("", "no signed JWT"),
        ("a.b.c", "no signed JWT"),
        ("é.é.é", "no signed JWT"),
        (signed(claims(9))[:-8], "signature"),
    ],
    ids=lambda value: "" if "." in value else value,
)
def test_what_is_no_proof_buys_nothing(shell: Shell, assertion: str, said: str) -> None:
    problem = is_problem(asks(shell, assertion), 401, "invalid_client")
    assert said in problem["rule"]
    assert assertion[:60] not in str(problem) or not assertion


def test_a_good_assertion_of_the_wrong_type_is_malformed(shell: Shell) -> None:
    is_problem(asks(shell, signed(claims(3)), client_assertion_type="saml"), 400)


def test_a_client_with_a_key_has_no_secret_any_more(shell: Shell) -> None:
    secret = add_client(shell.office, "bank-2", Role.BANK, "b", ("乙银行", "Bank B"), NOW)
    form = {"grant_type": "client_credentials", "client_id": "bank-2", "client_secret": secret}
    assert shell.http.post("/v1/oauth/token", data=form).status_code == 200
    add_key(shell.office, "bank-2", "k", EC.as_dict(private=False), NOW)
    is_problem(shell.http.post("/v1/oauth/token", data=form), 401, "invalid_client")
    is_problem(shell.http.post("/v1/oauth/token", data=form | {"client_secret": " "}), 401, "invalid_client")


def test_a_key_is_rotated_without_a_gap_and_the_old_one_dies_with_its_tokens(shell: Shell) -> None:
    bought = {"Authorization": f"Bearer {asks(shell, signed(claims(1))).json()['access_token']}"}
    add_key(shell.office, "bank-1", "new", OTHER.as_dict(private=False), NOW)
    assert asks(shell, signed(claims(2))).status_code == 200, "both hold while the bank changes over"
    assert asks(shell, signed(claims(3), OTHER, "new")).status_code == 200
    retire_key(shell.office, "bank-1", "ec", NOW)
    is_problem(asks(shell, signed(claims(4))), 401)
    is_problem(shell.http.get("/v1/feeds", headers=bought), 401)
    assert asks(shell, signed(claims(5), OTHER, "new")).status_code == 200
    with pytest.raises(RefusedInput, match="Ids are not used again"):
        add_key(shell.office, "bank-1", "ec", EC.as_dict(private=False), NOW)


def test_a_disabled_client_and_an_old_secret_are_dead_at_once(shell: Shell) -> None:
    secret = add_client(shell.office, "bank-2", Role.BANK, "b", ("乙银行", "Bank B"), NOW)
    form = {"grant_type": "client_credentials", "client_id": "bank-2"}
    bought = shell.http.post("/v1/oauth/token", data=form | {"client_secret": secret}).json()["access_token"]
    renewed = renew_secret(shell.office, "bank-2", NOW)
    is_problem(shell.http.get("/v1/feeds", headers={"Authorization": f"Bearer {bought}"}), 401)
    is_problem(shell.http.post("/v1/oauth/token", data=form | {"client_secret": secret}), 401)
    assert shell.http.post("/v1/oauth/token", data=form | {"client_secret": renewed}).status_code == 200
    disable_client(shell.office, "bank-2", NOW)
    is_problem(shell.http.post("/v1/oauth/token", data=form | {"client_secret": renewed}), 401)
    disable_client(shell.office, "bank-1", NOW)
    is_problem(asks(shell, signed(claims(1))), 401)
    with shell.office.read() as session:
        told = [row.action for row in session.query(AuditEntry).order_by(AuditEntry.seq)]
    assert told == [
        "add_client",
        "add_client_key",
        "add_client_key",
        "add_client",
        "renew_secret",
        "disable_client",
        "disable_client",
    ]


@pytest.mark.filterwarnings("ignore:.*1024.*", "ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize(
    ("jwk", "said"),
    [
        (EC.as_dict(private=True), "private"),
        (RSA.as_dict(private=True), "public"),
        (RSAKey.generate_key(1024).as_dict(private=False), "2048"),
        (ECKey.generate_key("P-384").as_dict(private=False), "P-256"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "RSA, or EC"),
        ({"kty": "RSA"}, "no JSON Web Key"),
        ({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, "no JSON Web Key"),
        ({}, "RSA, or EC"),
    ],
    ids=["ec private", "rsa private", "rsa 1024", "p-384", "secret", "rsa empty", "no point", "empty"],
)
def test_a_key_that_would_be_weak_is_refused(jwk: dict[str, Any], said: str) -> None:
    with pytest.raises(RefusedInput, match=said):
        read_key(jwk)
