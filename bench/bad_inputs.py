"""Requests nobody should send. Each must be refused with a 4xx, whoever sends it and however often."""

from __future__ import annotations

import random
from collections.abc import Iterator

from bench.http_client import request_bytes

_VALUES = (
    "", "x", "null", "-1", "1e400", "NaN", "%00", "%ff%fe", "../../etc/passwd", "'; drop table batch; --", "{{7*7}}",
    "<script>", "9" * 400, "０１２", "\u202e", "2024-02-30", "0000-00-00", "1;2", "true", "[]", "%2e%2e%2f",
)  # fmt: skip
_BODIES = (
    b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"a":NaN}', b'{"a":1,"a":2}', b'{"kind":{"kind":{}}}', b"[" * 5000,
    b'{"n":' + b"9" * 5000 + b"}", b'{"text":"' + b"x" * 100_000 + b'"}', b'{"kind":"build","as_of":"31.10.2024"}',
    b'{"conditions":{"fact":"size_class","op":"like","value":"%"}}', b'{"lender":1e999}', b'{"__proto__":{"a":1}}',
)  # fmt: skip
_PATHS = (
    "/v1/firms/{}", "/v1/firms/{}/profile", "/v1/firms/{}/options", "/v1/firms/{}/score", "/v1/firms/{}/nothing",
    "/v1/products/{}/prospects", "/v1/prospects/{}", "/v1/receipts/{}", "/v1/jobs/{}", "/v1/batches/{}",
    "/v1/parameters/{}", "/v1/consents?cursor={}", "/v1/reviews?limit={}", "/v1/audit?cursor={}", "/{}",
)  # fmt: skip
_POSTS = (
    "/v1/prospects/search", "/v1/jobs", "/v1/firms/91210100MA0UXYT71A/consents", "/v1/oauth/token",
    "/v1/schemes/sy-first-loan-subsidy-2024/evaluate", "/v1/firms/91210100MA0UXYT71A/what-if",
    "/v1/feeds/tax_credit_rating/batches", "/v1/consents/x/revocation", "/v1/reviews/x/decision",
)  # fmt: skip


def bad_requests(tokens: list[dict[str, str]], seed: int) -> Iterator[bytes]:
    """Without end: wrong paths, parameters, bodies, types and headers, from callers of every kind and from nobody."""
    dice = random.Random(seed)
    while True:
        headers = dict(dice.choice([{}, {"Authorization": "Bearer x"}, *tokens]))
        if dice.random() < 0.5:
            path = dice.choice(_PATHS).format(_on_the_wire(dice.choice(_VALUES)))
            yield request_bytes(dice.choice(["GET", "GET", "DELETE", "PUT"]), path, headers)
        else:
            headers["Content-Type"] = dice.choice(["application/json", "text/plain", "multipart/form-data", "x"])
            headers |= dice.choice([{}, {"Idempotency-Key": "k" * 300}, {"X-Purpose": "curiosity"}, {"Accept": "\x7f"}])
            yield request_bytes("POST", dice.choice(_POSTS), headers, raw=dice.choice(_BODIES))


def _on_the_wire(value: str) -> str:
    """The value as a path may carry it: what would end the request line is escaped, nothing else."""
    return "".join(f"%{byte:02x}" if byte > 126 or byte < 33 else chr(byte) for byte in value.encode())
