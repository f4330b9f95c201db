"""Tells stories to processes and kills them with SIGKILL at random moments; counts what was lost."""

from __future__ import annotations

import json
import os
import random
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.stories import STORIES
from bench.story import Story, copy_home, write_city
from service.audit.journal import verify
from service.database_copy import check_integrity
from service.office import opened

ROOT = Path(__file__).parent.parent


@dataclass
class Tally:
    """What a story came to. ``wrong`` says what was not as it must be; empty is what survived means."""

    story: str
    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    rounds: int = 0
    wrong: list[str] = field(default_factory=list)


class Teller:
    """Forks a process for each part of a story, from one that has imported everything."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._server = subprocess.Popen(
            [sys.executable, "-m", "bench.story_child", str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._left = b""

    def begin(self, story: Story, home: Path, first: int = 0, last: int = 0, **more: Any) -> int:
        """Start at step ``first``; the process that does it."""
        told = {"story": story.name, "home": str(home), "first": first, "last": last or story.steps, **more}
        self.send(json.dumps(told))
        return int(self.hear("pid"))

    def send(self, line: str = "") -> None:
        assert self._server.stdin is not None
        self._server.stdin.write(line.encode() + b"\n")
        self._server.stdin.flush()

    def line(self, until: float | None = None) -> str | None:
        """The next line; ``None`` when there is none by the moment ``until`` (monotonic)."""
        assert self._server.stdout is not None
        while b"\n" not in self._left:
            if until is not None:
                wait = max(0.0, until - time.monotonic())
                if not self._ready(wait):
                    return None
            piece = os.read(self._server.stdout.fileno(), 65536)
            if not piece:
                raise RuntimeError("the process that forks the stories is gone")
            self._left += piece
        line, self._left = self._left.split(b"\n", 1)
        return line.decode()

    def _ready(self, seconds: float) -> bool:
        """Whether something can be read in time. Not by ``select``, which takes no descriptor over 1023."""
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._server.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
            return bool(waiting.select(seconds))

    def hear(self, word: str) -> str:
        """The next line, which begins with ``word``; the rest of it."""
        line = self.line() or ""
        if not line.startswith(word):
            raise RuntimeError(f"{line!r} where {word!r} was to come")
        return line.removeprefix(word).strip()

    def close(self) -> None:
        self._server.communicate()


@contextmanager
def a_teller(folder: Path) -> Iterator[Teller]:
    """A teller over a synthetic city written into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    write_city(folder)
    teller = Teller(folder)
    try:
        yield teller
    finally:
        teller.close()


def survive(teller: Teller, story: Story, kills: int, seed: int) -> Tally:
    """Kill the story ``kills`` times, always going on where its last acknowledgment was, and hold it against a run
    nobody disturbed.
    """
    dice, tally = random.Random(f"{story.name} {seed}"), Tally(story.name)
    base = teller.folder / story.name
    base.mkdir()
    with story.beside(base):
        _survive(teller, story, kills, dice, base, tally)
    return tally


def _survive(teller: Teller, story: Story, kills: int, dice: random.Random, base: Path, tally: Tally) -> None:
    begin = base / "begin"
    story.prepare(begin, teller.folder)
    whole = copy_home(begin, base / "whole")
    pace = _undisturbed(teller, story, whole)
    with opened(whole) as office:
        expected = story.seen(office)
    while tally.kills < kills:
        home = copy_home(begin, base / f"round-{tally.rounds}")
        tally.rounds += 1
        acked: dict[int, str] = {}
        killed = 0
        while len(acked) < story.steps:
            cut = Cut.drawn(dice, pace) if tally.kills < kills else None
            died = _tell(teller, story, home, acked, cut, pace)
            killed += died
            tally.kills += died
            with opened(home) as office:
                missing = story.missing(office, acked)
            if missing:
                tally.lost += len(missing)
                tally.wrong.append(f"{story.name}: acknowledged and gone after kill {tally.kills}: {missing[0]}")
        tally.acknowledged += len(acked)
        tally.wrong += _faults(story, home, expected, killed)
        shutil.rmtree(home)


@dataclass
class Pace:
    """Seconds the opening of the office takes, and a step: they change as the machine gets busier and quieter."""

    opening: float
    step: float

    def took(self, seconds: float) -> None:
        """Learn from a step that was seen whole."""
        self.step += (seconds - self.step) / 3


@dataclass(frozen=True)
class Cut:
    """The moment of a kill: ``seconds`` after a line. Line 0 is the beginning, 1 the open office, 2 the first
    acknowledgment.

    Counted from what was done, not in time alone, a busy machine neither skips moments nor tells half a story between
    two kills: each costs about one step.
    """

    line: int
    seconds: float

    @classmethod
    def drawn(cls, dice: random.Random, pace: Pace) -> Cut:
        """Anywhere in the opening, the first step or the second."""
        line = dice.choice((0, 1, 1, 2, 2))
        # A little more than it takes: the moments around an acknowledgment belong to it.
        return cls(line, dice.random() * 1.2 * (pace.step if line else pace.opening))


def _undisturbed(teller: Teller, story: Story, home: Path) -> Pace:
    """Tell the whole story; how long its parts take."""
    started = time.monotonic()
    teller.begin(story, home)
    teller.hear("ready")
    ready = time.monotonic()
    for _ in range(story.steps):
        teller.hear("ack")
    told = time.monotonic()
    teller.line()
    if teller.hear("exit") != "0":
        raise RuntimeError(f"the story {story.name} does not end well even undisturbed")
    return Pace(ready - started, (told - ready) / story.steps)


def _tell(teller: Teller, story: Story, home: Path, acked: dict[int, str], cut: Cut | None, pace: Pace) -> bool:
    """Go on with the story until it ends or is cut off; whether it was killed."""
    child = teller.begin(story, home, len(acked))
    lines, last = 0, time.monotonic()
    until = last + cut.seconds if cut and cut.line == 0 else None
    while (line := teller.line(until)) is not None:
        word, _, rest = line.partition(" ")
        if word == "ack":
            _keep(acked, rest)
            pace.took(time.monotonic() - last)
        if word == "exit":
            if rest != "0":
                raise RuntimeError(f"{story.name} ended with status {rest} though nobody killed it")
            return False
        lines, last = lines + 1, time.monotonic()
        if cut and lines == cut.line:
            until = last + cut.seconds
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    while True:
        word, _, rest = (teller.line() or "").partition(" ")
        if word == "ack":
            _keep(acked, rest)
        if word == "exit":
            return int(rest) == signal.SIGKILL


def _keep(acked: dict[int, str], rest: str) -> None:
    step, _, said = rest.partition(" ")
    acked[int(step)] = said


def _faults(story: Story, home: Path, expected: Any, kills: int) -> list[str]:
    found = []
    with opened(home) as office:
        check_integrity(office.store)
        if story.seen(office) != expected:
            found.append(f"{story.name}: not what an undisturbed run ends in")
        if story.repeats(office) > kills:
            found.append(f"{story.name}: {story.repeats(office)} effects twice after {kills} kills")
        if broken := verify(office).broken:
            found.append(f"{story.name}: the journal breaks at entry {broken.seq}: {broken.fault}")
    return found


def survive_all(folder: Path, kills: int, seed: int, only: tuple[str, ...] = tuple(STORIES)) -> list[Tally]:
    """Every story, with its share of ``kills``."""
    share, more = divmod(kills, len(only))
    with a_teller(folder) as teller:
        return [survive(teller, STORIES[name], share + (place < more), seed) for place, name in enumerate(only)]
