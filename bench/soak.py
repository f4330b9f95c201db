"""``python -m bench.soak`` (``make soak``): kills, load and bad requests, held against what must not happen.

``--kills 1000`` over all stories, ``--seconds 600`` of load, ``--firms 2000`` of a synthetic city, ``--seed 1``;
``--write`` puts the table into docs/soak.md. Exit 1 when something was lost, doubled or failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from bench.kills import Tally, survive_all
from bench.load import MIX, LoadReport, hold_load
from bench.servers import demo_city
from service.clock import today

PAGE = Path(__file__).parent.parent / "docs" / "soak.md"
#: Private memory may wander by this share of its peak over the second half of the load.
MOST_GROWTH = 0.05


def faults(tallies: list[Tally], load: LoadReport) -> list[str]:
    """Everything that must not happen and did; the reason to exit with 1."""
    found = [each for tally in tallies for each in tally.wrong]
    found += (
        [f"{load.mix.errors} of {load.mix.requests} answers of the mix were errors: {load.mix.first_error}"]
        if load.mix.errors
        else []
    )
    found += [f"{load.bad.failures} of {load.bad.requests} bad requests were 5xx"] if load.bad.failures else []
    found += [f"{load.lost} acknowledged consents are gone"] if load.lost else []
    return found


def table(tallies: list[Tally], load: LoadReport) -> list[str]:
    """The figures, as lines of Markdown."""
    kills, lost = sum(tally.kills for tally in tallies), sum(tally.lost for tally in tallies)
    mix = ", ".join(f"{kind} {share} %" for kind, share in MIX.items())
    lines = [
        "| what | figure |",
        "|---|---|",
        f"| `kill -9` survived | {kills} of {kills}, records lost {lost}, "
        f"not as an undisturbed run {sum(len(tally.wrong) for tally in tallies)} |",
        *(
            f"| of these in {tally.story} | {tally.kills} kills, {tally.acknowledged} steps acknowledged, "
            f"{tally.lost} lost |"
            for tally in tallies
        ),
        f"| mix | {mix}; {load.connections} connections; {load.firms} firms |",
        f"| requests in {load.mix.lasted:.0f} s | {load.mix.requests}, errors {load.mix.errors} |",
        f"| requests per second | {load.mix.rate:.0f} |",
        f"| all: p50, p99 | {load.mix.at(50):.1f} ms, {load.mix.at(99):.1f} ms |",
        *(
            f"| {kind}: p50, p99 | {load.mix.at(50, kind):.1f} ms, {load.mix.at(99, kind):.1f} ms |"
            for kind in MIX
            if kind in load.mix.seconds
        ),
        f"| bare FastAPI route, same client | {load.bare.rate:.0f} per second, p50 {load.bare.at(50):.1f} ms, "
        f"p99 {load.bare.at(99):.1f} ms; the mix costs {load.bare.rate / load.mix.rate:.1f} times as much |",
        f"| private memory of the server | peak {load.memory.peak:.0f} MB, over the second half "
        f"{load.memory.second_half:+.1f} MB ({load.memory.growth:+.1%}; flat within {MOST_GROWTH:.0%}: "
        f"{'yes' if abs(load.memory.growth) <= MOST_GROWTH else 'no'}) |",
        f"| bad requests tried | {load.bad.requests}, 5xx or no answer {load.bad.failures} |",
        f"| consents acknowledged under load | {load.acknowledged}, lost {load.lost} |",
        f"| backup | {load.backup_bytes / 1e6:.0f} MB in {load.backup_seconds:.1f} s |",
        f"| time to restore, checked | {load.restore_seconds:.1f} s |",
    ]
    return lines


def page(lines: list[str], busy: float) -> str:
    """docs/soak.md."""
    told = (
        f"Measured on {today():%Y-%m-%d} on {os.cpu_count()} cores that also ran the client"
        + (
            f" and other work (load average {busy:.1f}): rates and times say nothing about a quiet machine"
            if busy > 3
            else ""
        )
        + ". Synthetic city, SQLite. `make soak` repeats it with 1,000 kills and ten minutes of load and exits 1 when "
        "something is lost, doubled or failed; `ARGS=--write` writes this page."
    )
    return "\n".join(
        [
            "# Soak",
            "",
            told,
            "",
            *lines,
            "",
            "A kill comes at a random moment of a story (`bench/stories.py`): taking deliveries, building, giving and",
            "revoking consents, reading under the journal, working on jobs, backing up, a need on its way from the",
            "firm's statement to the loan, requests under a key, webhooks to a server that refuses some. The client",
            "does a step again until it is acknowledged. Each round must end in what an undisturbed run ends in, byte",
            "for byte where files are concerned, with the database and the audit chain whole. Readings may stand in",
            "the journal twice when their answer was lost, and webhooks may arrive twice, never more often than there",
            "were kills.",
            "",
            "Every reading of a firm is a write: the journal's entry is on disk before the answer is begun. The mix is",
            "therefore bound by how fast the disk flushes as well as by what is computed.",
            "",
        ]
    )


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--firms", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(words)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        tallies = survive_all(Path(scratch) / "stories", asked.kills, asked.seed)
        print(f"{sum(tally.kills for tally in tallies)} kills in {time.monotonic() - started:.0f} s", flush=True)
        home = Path(scratch) / "home"
        demo_city(home, asked.firms)
        load = hold_load(home, asked.seconds)
        busy = os.getloadavg()[2]
    lines = table(tallies, load)
    print("\n".join(lines))
    if asked.write:
        PAGE.write_text(page(lines, busy), encoding="utf-8")
    found = faults(tallies, load)
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
