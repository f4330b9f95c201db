"""Signatures of Standard Webhooks (1.0): HMAC-SHA256 over id, moment and body. Pure.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
#: The office's key all secrets are derived from: its database holds none.
KEY_FILE = "webhook.key"


def secret_of(key: bytes, endpoint_id: str, version: int) -> str:
    """The endpoint's secret of that version: 256 bits in base 64 after ``whsec_``."""
    made = hmac.new(key, f"webhook\n{endpoint_id}\n{version}".encode(), hashlib.sha256).digest()
    return PREFIX + base64.b64encode(made).decode()


def secrets_of(
    keys: Sequence[bytes], endpoint_id: str, version: int, previous_until: datetime | None, now: datetime
) -> tuple[str, ...]:
    """The secrets that sign at ``now``, the current one first; two while a rotation lasts.

    Of each of the office's ``keys``, the one in use first: a secret of before signs until its key is retired.
    """
    rotating = previous_until is not None and now < previous_until and version > 1
    return tuple(secret_of(key, endpoint_id, each) for key in keys for each in (version, version - 1)[: 1 + rotating])


def signature(secret: str, webhook_id: str, moment: int, body: bytes) -> str:
    """``v1,`` and the signature in base 64. ``moment`` is in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{webhook_id}.{moment}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers_of(secrets: Sequence[str], webhook_id: str, moment: int, body: bytes) -> dict[str, str]:
    """The three headers; one signature for each secret, with a space between."""
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": " ".join(signature(each, webhook_id, moment, body) for each in secrets),
    }
