"""Which office a key is for: keys of a sandbox say so, and are taken by a sandbox only."""

from __future__ import annotations

from models.errors import RefusedInput
from service.access.auth import new_secret
from service.office import Office

#: How ids, secrets and tokens of a sandbox's clients begin, and no other office's.
PREFIX = "sandbox_"
#: The header of every answer of a sandbox.
LABEL = {"X-Rongqiao-Sandbox": "true"}


def secret_for(office: Office) -> str:
    """A new random secret or token, marked where the office is a sandbox."""
    return PREFIX + new_secret() if office.is_sandbox else new_secret()


def check_office(office: Office, credential: str, field: str) -> None:
    """Raise the 401 refusal for a client id or token that is another kind of office's. The credential is not repeated.

    What is unknown here anyway is refused too, so that a mistaken address is named as that and not as a wrong secret.
    """
    if credential.startswith(PREFIX) == office.is_sandbox:
        return
    if office.is_sandbox:
        code, rule = "production_key", f"This office is a sandbox; its keys begin with {PREFIX}, and this one does not."
        fix = "Use the sandbox's key here, or send this one to the office it is for."
    else:
        code, rule = "sandbox_key", "This is a sandbox's key, and this office is not a sandbox."
        fix = "Send it to the sandbox's address, or use the key this office gave you."
    raise RefusedInput(code, field, None, rule, fix, status=401)
