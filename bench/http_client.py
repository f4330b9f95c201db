"""A small HTTP/1.1 client for load: one connection kept alive, requests as bytes, statuses and bodies back."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode


class Connection:
    """One connection; opened again when the server closed it."""

    def __init__(self, host: str, port: int):
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of one request; status 0 when the server answered nothing."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=2**22)
        try:
            self._writer.write(request)
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = _length(head)
            body = await self._reader.readexactly(length) if length else b""
        except (asyncio.IncompleteReadError, ConnectionError):
            await self.close()
            return 0, b""
        if b"connection: close" in head.lower():
            await self.close()
        return int(head[9:12]), body

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def request_bytes(
    method: str, path: str, headers: dict[str, str] | None = None, body: Any = None, raw: bytes | None = None
) -> bytes:
    """A request as it goes over the wire; ``body`` becomes JSON, ``raw`` goes as it is."""
    content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
    told = {"Host": "localhost", "Content-Length": str(len(content)), **(headers or {})}
    if body is not None:
        told.setdefault("Content-Type", "application/json")
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + content


async def token_of(connection: Connection, client_id: str, secret: str) -> dict[str, str]:
    """The header of a fresh token."""
    form = urlencode({"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}).encode()
    told = {"Content-Type": "application/x-www-form-urlencoded"}
    status, body = await connection.ask(request_bytes("POST", "/v1/oauth/token", told, raw=form))
    if status != 200:
        raise RuntimeError(f"no token for {client_id}: {status}")
    return {"Authorization": f"Bearer {json.loads(body)['access_token']}"}
