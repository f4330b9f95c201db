"""Options and prospects over HTTP with 8 clients against bare routes of the same HTTP server, and the memory of four.

Alone: ``python -m bench.http [FIRMS] [--keep DIR]``, with another size, on the city that is kept there. An invented
city, as `rongqiao demo` builds it, and an office that offers ``OFFERS`` products and schemes.
Each client is a process of its own; the journal's entry of every reading is on disk before its answer begins. Memory is
the proportional set size: what processes share counts once.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import numpy as np

from bench.fewer_offers import shelf_of
from bench.http_client import Connection, request_bytes, token_of
from bench.load import Timed
from bench.ratios import Claim, show
from bench.servers import bare_server, demo_city, server_of
from service.access.auth import Caller, Role
from service.access.policy import Purpose
from service.books.seedbook import catalogue
from service.clock import day_of
from service.office import Office, opened
from service.settings import DEMO_CLIENTS_FILE
from service.snapshot.snapshots import open_snapshot
from service.usecases.consent import Wanted, consent_text, give_consent

CLIENTS = 8
#: Every side is asked for so long, in turn, so often.
SECONDS, ROUNDS = 2.5, 2
WORKERS = 4
FIRMS = 2_000
#: Products and schemes that are offered: what the aim is set for.
OFFERS = 50
#: Firms that the bank asks about in turn.
FIRMS_ASKED = 40
NEED = "term_months=12&purpose=working_capital"
SCREEN = {
    "all": [{"fact": "sales_12m", "op": "ge", "value": "1000"}, {"fact": "penalty_serious", "op": "le", "value": 0}]
}


@dataclass
class Side:
    """Who is asked what. ``once``: no request is sent twice; ``used`` is how many of them were sent."""

    what: str
    address: tuple[str, int]
    requests: list[bytes]
    timed: Timed
    once: bool = False
    used: int = 0


def office_with(home: Path, firms: int) -> None:
    """A demo city of so many firms at ``home``, unless there is one, with consents of some firms to a bank."""
    if not (home / "lake").exists():
        demo_city(home, firms)
    with opened(home) as office:
        clients = json.loads((home / DEMO_CLIENTS_FILE).read_text(encoding="utf-8"))["clients"]
        bank = next(each["tenant"] for each in clients if each["client_id"] == "demo-bank-1")
        now = datetime.now(UTC)
        today, dimensions = day_of(now), tuple(each.id for each in catalogue().dimensions)
        wanted = Wanted(bank, Purpose.PRE_LOAN, dimensions, True, today, today + timedelta(days=30))
        read = replace(wanted, text_sha256=consent_text(wanted, today)["text_sha256"])
        for code in asked_firms(office):
            give_consent(office, Caller("bench", Role.FIRM, code), read, now, "bench-http")


def asked_firms(office: Office) -> list[str]:
    """Firms spread over the whole range of scores."""
    snapshot = open_snapshot(office)
    return [snapshot.firm_at(int(row)) for row in np.linspace(0, snapshot.firms - 1, FIRMS_ASKED)]


def every_firm(office: Office) -> list[str]:
    """All firms, in an order that has nothing to do with their scores."""
    snapshot = open_snapshot(office)
    order = np.random.default_rng(7).permutation(snapshot.firms)
    return [snapshot.firm_at(int(row)) for row in order]


def _client(pipe: Pipe, address: tuple[str, int], requests: list[bytes], seconds: float) -> None:
    """One connection that asks again as soon as it is answered, in a process of its own."""

    async def ask() -> Timed:
        connection, timed = Connection(*address), Timed()
        started = time.monotonic()
        for request in itertools.cycle(requests):
            asked = time.perf_counter()
            status, body = await connection.ask(request)
            timed.add("", status, time.perf_counter() - asked, body)
            if time.monotonic() > started + seconds:
                break
        await connection.close()
        timed.lasted = time.monotonic() - started
        return timed

    pipe.send(asyncio.run(ask()))


def ask_together(side: Side, seconds: float) -> None:
    """``CLIENTS`` at once; what came back is added to the side."""
    fork, pipes = multiprocessing.get_context("fork"), []
    for number in range(CLIENTS):
        ours, theirs = fork.Pipe()
        # Each begins elsewhere; of what is sent once each has its own.
        mine = side.requests[side.used + number :: CLIENTS] if side.once else side.requests[number * 5 :]
        mine = mine if side.once else mine + side.requests[: number * 5]
        process = fork.Process(target=_client, args=(theirs, side.address, mine, seconds))
        process.start()
        pipes.append((process, ours))
    lasted, most = 0.0, 0
    for process, pipe in pipes:
        found: Timed = pipe.recv()
        process.join()
        if found.errors:
            raise RuntimeError(f"{side.what}: {found.errors} answers were not what was asked for: {found.first_error}")
        side.timed.seconds.setdefault("", []).extend(found.seconds[""])
        side.timed.statuses.update(found.statuses)
        lasted, most = max(lasted, found.lasted), max(most, len(found.seconds[""]))
    side.timed.lasted += lasted
    side.used += most * CLIENTS
    if side.once and side.used > len(side.requests):
        raise RuntimeError(f"{side.what}: the city has too few firms to ask about each once")


async def _tokens(address: tuple[str, int], home: Path) -> dict[str, dict[str, str]]:
    clients = json.loads((home / DEMO_CLIENTS_FILE).read_text(encoding="utf-8"))["clients"]
    secrets = {each["client_id"]: each["client_secret"] for each in clients}
    connection = Connection(*address)
    names = {"firm": "demo-firm-1", "bank": "demo-bank-1", "office": "demo-analyst"}
    found = {role: await token_of(connection, name, secrets[name]) for role, name in names.items()}
    await connection.close()
    return {**found, "bank": {**found["bank"], "X-Purpose": Purpose.PRE_LOAN.value}}


def sides_of(home: Path, address: tuple[str, int]) -> list[Side]:
    """What is asked of the office."""
    tokens = asyncio.run(_tokens(address, home))
    with opened(home) as office:
        codes, every = asked_firms(office), every_firm(office)
    clients = json.loads((home / DEMO_CLIENTS_FILE).read_text(encoding="utf-8"))["clients"]
    own = next(each["tenant"] for each in clients if each["client_id"] == "demo-firm-1")

    def options(role: str, firms: list[str], amount: str) -> list[bytes]:
        paths = (f"/v1/firms/{code}/options?{NEED}&amount_yuan={amount}" for code in firms)
        return [request_bytes("GET", path, tokens[role]) for path in paths]

    search = request_bytes("POST", "/v1/prospects/search", tokens["office"], {"conditions": SCREEN, "limit": 20})
    # An amount of this run alone, so that no receipt of another run is there.
    amount = str(3_000_000 + time.time_ns() // 10**6 % 10**8)
    return [
        Side("options asked again, by the firm itself", address, options("firm", [own], amount), Timed()),
        Side(f"options asked again, by a bank, {len(codes)} firms", address, options("bank", codes, amount), Timed()),
        Side("first options of each firm, by the office", address, options("office", every, amount), Timed(), True),
        Side("prospects", address, [search], Timed()),
    ]


def _answer(address: tuple[str, int], request: bytes) -> bytes:
    async def ask() -> tuple[int, bytes]:
        connection = Connection(*address)
        found = await connection.ask(request)
        await connection.close()
        return found

    status, body = asyncio.run(ask())
    if status != 200:
        raise RuntimeError(f"not answered: {status} {body[:300]!r}")
    return body


def over_http(home: Path, scratch: Path) -> list[Claim]:
    """One process of the office beside the bare routes, asked in turn."""
    with server_of(home, start_in=shelf_of(scratch, OFFERS)) as (host, port, _):
        sides = sides_of(home, (host, port))
        body = _answer((host, port), sides[0].requests[0])
        said = f"{len(json.loads(body)['options'])} options, {len(body) / 1000:,.0f} kB"
        whole = scratch / "answer.json"
        whole.write_bytes(body)
        with bare_server(whole) as bare:
            made = Side("bare", bare, [request_bytes("GET", "/document")], Timed())
            ready = Side("bytes", bare, [request_bytes("GET", "/bytes")], Timed())
            for side in sides:
                for request in () if side.once else side.requests:
                    _answer(side.address, request)
            for _ in range(ROUNDS):
                for side in (made, *sides, ready):
                    ask_together(side, SECONDS)
    load = f"load average {os.getloadavg()[0]:.1f}"
    claims = [Claim(f"bare route, the same document ({said}), {CLIENTS} clients, {load}", _told(made.timed), "")]
    for side in sides:
        of_options = side.what.startswith("options")
        ratio, aim = side.timed.rate / made.timed.rate, ">= 0.5" if of_options else ""
        claims.append(Claim(f"{side.what} / bare route", _told(side.timed), _told(made.timed), ratio, aim))
    for side in sides[:2]:
        ratio = side.timed.rate / ready.timed.rate
        claims.append(Claim(f"{side.what} / ready-made bytes", _told(side.timed), _told(ready.timed), ratio))
    return claims


def _told(timed: Timed) -> str:
    return f"{timed.rate:,.0f} a second, p50 {timed.at(50):.1f} ms, p95 {timed.at(95):.1f} ms"


def _processes(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _processes(int(child))


def _shared_out_mb(pid: int) -> float:
    """Proportional set size of a server with all its workers."""
    found = 0
    for each in _processes(pid):
        rollup = dict(line.split(":", 1) for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()[1:])
        found += int(rollup["Pss"].split()[0])
    return found / 1024


def memory(home: Path) -> Claim:
    """A server of four workers and one of one, after the same requests on each worker."""
    found: dict[int, float] = {}
    for workers in (1, WORKERS):
        with server_of(home, workers) as (host, port, pid):
            # Each connection goes to whichever worker takes it: enough of them for every worker to be asked.
            for _ in range(2):
                for side in sides_of(home, (host, port)):
                    ask_together(side, 1.5)
            found[workers] = _shared_out_mb(pid)
    one, four = found[1], found[WORKERS]
    return Claim(f"memory of {WORKERS} workers / of one", f"{four:,.0f} MB", f"{one:,.0f} MB", four / one, "<= 2")


def measured(home: Path) -> list[Claim]:
    """Both, on a built office with clients."""
    with tempfile.TemporaryDirectory() as scratch:
        return [*over_http(home, Path(scratch)), memory(home)]


def run() -> list[Claim]:
    """The measurement of ``make bench``."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        office_with(home, FIRMS)
        return measured(home)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("firms", nargs="?", type=int, default=FIRMS)
    parser.add_argument("--keep", type=Path, help="use the built office in this folder, or make one there")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = chosen.keep or Path(scratch) / "home"
        office_with(home, chosen.firms)
        show(measured(home))


if __name__ == "__main__":
    main()
