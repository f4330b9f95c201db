"""Load on a real server over HTTP: a stated mix held for a while, bad requests, memory, the way back from a backup."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from bench.bad_inputs import bad_requests
from bench.http_client import Connection, request_bytes, token_of
from bench.servers import bare_server, server_of
from models.tables import Consent
from service.access.policy import Purpose
from service.books.rulebook import lenders, offers
from service.books.seedbook import catalogue
from service.clock import day_of
from service.office import opened
from service.settings import DEMO_CLIENTS_FILE
from service.snapshot.snapshots import open_snapshot
from service.usecases.backup_office import backup_office, restore_office
from service.usecases.consent import Wanted, consent_text

#: What is asked, in parts of a hundred.
MIX = {"profile": 40, "options": 35, "prospects": 20, "consent": 5}


@dataclass
class Timed:
    """What came back: seconds by kind of request, and how often each status."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    lasted: float = 0.0
    first_error: str = ""

    def add(self, kind: str, status: int, seconds: float, body: bytes) -> None:
        self.seconds.setdefault(kind, []).append(seconds)
        self.statuses[status] += 1
        if not 200 <= status < 300 and not self.first_error:
            self.first_error = f"{kind} {status} {body[:300]!r}"

    @property
    def requests(self) -> int:
        return self.statuses.total()

    @property
    def errors(self) -> int:
        """Answers that were not what was asked for."""
        return sum(count for status, count in self.statuses.items() if not 200 <= status < 300)

    @property
    def failures(self) -> int:
        """Answers that say that we failed, and no answers."""
        return sum(count for status, count in self.statuses.items() if status >= 500 or not status)

    @property
    def rate(self) -> float:
        return self.requests / self.lasted

    def at(self, percent: float, kind: str = "") -> float:
        """Milliseconds within which ``percent`` of the answers came."""
        every = self.seconds.get(kind, []) if kind else [each for some in self.seconds.values() for each in some]
        return float(np.percentile(every, percent) * 1000)


@dataclass(frozen=True)
class Memory:
    """Private memory of the server in MB, and how it grew over the second half of the load."""

    peak: float
    second_half: float

    @property
    def growth(self) -> float:
        return self.second_half / self.peak if self.peak else 0.0


@dataclass(frozen=True)
class LoadReport:
    """One run of load. ``acknowledged`` consents were answered 201; ``lost`` of these are not in the database."""

    firms: int
    connections: int
    mix: Timed
    bare: Timed
    bad: Timed
    memory: Memory
    acknowledged: int
    lost: int
    backup_seconds: float
    backup_bytes: int
    restore_seconds: float


class Askers:
    """Makes the requests of the mix for one connection, from what a demo office tells its clients."""

    def __init__(self, home: Path, tokens: dict[str, dict[str, str]], firms: list[str], seed: int):
        self._tokens, self._firms, self._dice = tokens, firms, random.Random(seed)
        self._number = seed * 100_000
        self._open = ""
        deck = [kind for kind, share in MIX.items() if kind != "consent" for _ in range(share // 5)]
        self._dice.shuffle(deck)
        # Spread over the connections, so that even a short hold meets every kind.
        deck.insert(3 * (seed - 1) % (len(deck) + 1), "consent")
        self._deck = itertools.cycle(deck)
        clients = json.loads((home / DEMO_CLIENTS_FILE).read_text(encoding="utf-8"))["clients"]
        self._firm = next(each["tenant"] for each in clients if each["client_id"] == "demo-firm-1")
        bank = next(each["tenant"] for each in clients if each["client_id"] == "demo-bank-1")
        self._products = [
            each.id for each in offers().products.values() if each.terms is not None and each.lender.id == bank
        ]
        self.acknowledged: list[str] = []

    def next(self) -> tuple[str, bytes]:
        """A kind of the mix, and its request."""
        kind = next(self._deck)
        if kind == "consent":
            return kind, self._consent()
        if kind == "prospects":
            product = self._dice.choice(self._products)
            return kind, request_bytes("GET", f"/v1/products/{product}/prospects?limit=20", self._tokens["bank"])
        firm = self._dice.choice(self._firms)
        return kind, request_bytes("GET", f"/v1/firms/{firm}/{kind}", self._tokens["office"])

    def heard(self, kind: str, status: int, body: bytes) -> None:
        """Remember which consents were acknowledged."""
        if kind == "consent" and status == 201:
            self._open = json.loads(body)["id"]
            self.acknowledged.append(self._open)

    def _consent(self) -> bytes:
        """Give one that was not given yet, or take the last one back."""
        if self._open:
            consent, self._open = self._open, ""
            return request_bytes("POST", f"/v1/consents/{consent}/revocation", self._tokens["firm"])
        self._number += 1
        today = day_of(datetime.now(UTC))
        lender = sorted(lenders())[self._number % len(lenders())]
        dimensions = tuple(each.id for each in catalogue().dimensions)
        until = today + timedelta(days=1 + self._number // len(lenders()) % 60)
        wanted = Wanted(lender, Purpose.PRE_LOAN, dimensions, bool(self._number % 2), today, until)
        body = {
            "lender": lender,
            "purpose": wanted.purpose.value,
            "dimensions": list(dimensions),
            "personal": wanted.personal,
            "valid_from": today.isoformat(),
            "valid_until": until.isoformat(),
            "text_sha256": consent_text(wanted, today)["text_sha256"],
        }
        return request_bytes("POST", f"/v1/firms/{self._firm}/consents", self._tokens["firm"], body)


async def _keep_asking(
    ends: float, connection: Connection, timed: Timed, following: Callable[[], tuple[str, bytes]],
    heard: Callable[[str, int, bytes], None],
) -> None:  # fmt: skip
    while time.monotonic() < ends:
        kind, request = following()
        started = time.perf_counter()
        status, body = await connection.ask(request)
        timed.add(kind, status, time.perf_counter() - started, body)
        heard(kind, status, body)
    await connection.close()


async def _held(seconds: float, askers: Callable[[Timed, float], list[Awaitable[None]]]) -> Timed:
    timed, started = Timed(), time.monotonic()
    await asyncio.gather(*askers(timed, started + seconds))
    timed.lasted = time.monotonic() - started
    return timed


def _private_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def _watch_memory(pid: int, every: float, seen: list[float]) -> None:
    while True:
        seen.append(_private_mb(pid))
        await asyncio.sleep(every)


def _nothing(kind: str, status: int, body: bytes) -> None:
    return None


async def _run(home: Path, seconds: float, connections: int, host: str, port: int, pid: int) -> dict[str, Any]:
    snapshot_firms = _firm_codes(home)
    first = Connection(host, port)
    clients = json.loads((home / DEMO_CLIENTS_FILE).read_text(encoding="utf-8"))["clients"]
    secrets = {each["client_id"]: each["client_secret"] for each in clients}
    names = {"office": "demo-analyst", "bank": "demo-bank-1", "firm": "demo-firm-1"}
    tokens = {role: await token_of(first, name, secrets[name]) for role, name in names.items()}
    tokens["bank"]["X-Purpose"] = Purpose.PRE_LOAN.value
    await first.close()
    askers = [Askers(home, tokens, snapshot_firms, seed) for seed in range(1, 2 * connections + 1)]

    def mixed(timed: Timed, ends: float, first: int = 0) -> list[Awaitable[None]]:
        used = askers[first : first + connections]
        return [_keep_asking(ends, Connection(host, port), timed, each.next, each.heard) for each in used]

    def opening(timed: Timed, ends: float) -> list[Awaitable[None]]:
        return mixed(timed, ends, connections)

    def badly(timed: Timed, ends: float) -> list[Awaitable[None]]:
        found = [bad_requests(list(tokens.values()), seed) for seed in range(connections)]
        return [
            _keep_asking(ends, Connection(host, port), timed, lambda bad=bad: ("bad", next(bad)), _nothing)
            for bad in found
        ]

    await _held(min(3.0, seconds / 5), opening)  # reads what is read once
    memory: list[float] = []
    watching = asyncio.ensure_future(_watch_memory(pid, max(0.2, seconds / 200), memory))
    mix = await _held(seconds, mixed)
    watching.cancel()
    bad = await _held(max(1.5, seconds / 10), badly)
    half = memory[len(memory) // 2 :]
    grew = float(np.polyfit(np.arange(len(half)), half, 1)[0] * len(half)) if len(half) > 2 else 0.0
    kept = [consent for each in askers for consent in each.acknowledged]
    return {"mix": mix, "bad": bad, "memory": Memory(max(memory), grew), "kept": kept}


async def _run_bare(seconds: float, connections: int, host: str, port: int) -> Timed:
    request = request_bytes("GET", "/bare")

    def bare(timed: Timed, ends: float) -> list[Awaitable[None]]:
        return [
            _keep_asking(ends, Connection(host, port), timed, lambda: ("bare", request), _nothing)
            for _ in range(connections)
        ]

    return await _held(seconds, bare)


def _firm_codes(home: Path) -> list[str]:
    with opened(home) as office:
        snapshot = open_snapshot(office)
        return [snapshot.firm_at(row) for row in range(snapshot.firms)]


def hold_load(home: Path, seconds: float, connections: int = 8) -> LoadReport:
    """Hold the mix on the demo office in ``home`` for so many seconds, then bad requests, then back up and restore."""
    with server_of(home) as (host, port, pid):
        found = asyncio.run(_run(home, seconds, connections, host, port, pid))
    with bare_server() as (host, port):
        bare = asyncio.run(_run_bare(max(2.0, seconds / 10), connections, host, port))
    with opened(home) as office, tempfile.TemporaryDirectory() as scratch:
        with office.read() as session:
            known = set(session.scalars(select(Consent.id)))
        started = time.perf_counter()
        report = backup_office(office, Path(scratch) / "office.tar", datetime.now(UTC))
        backed_up = time.perf_counter()
        restore_office(Path(scratch) / "office.tar", Path(scratch) / "restored")
        restored = time.perf_counter()
    return LoadReport(
        firms=len(_firm_codes(home)),
        connections=connections,
        mix=found["mix"],
        bare=bare,
        bad=found["bad"],
        memory=found["memory"],
        acknowledged=len(found["kept"]),
        lost=len(set(found["kept"]) - known),
        backup_seconds=backed_up - started,
        backup_bytes=report.bytes,
        restore_seconds=restored - backed_up,
    )
