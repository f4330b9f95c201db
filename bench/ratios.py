"""What a measurement reports: our value, the peer's value, the ratio and the aim. Absolute times are machine-bound."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import ModuleType
from typing import Any, TypeVar

Result = TypeVar("Result")
Input = TypeVar("Input")
#: What is done, and the inputs it is done with one by one.
Side = tuple[Callable[[Any], object], Sequence[Any]]


@dataclass(frozen=True)
class Claim:
    """One line. ``ratio`` is read with ``aim``: ``<= 25`` or ``>= 4``; no aim means the figure is only reported."""

    what: str
    ours: str
    peer: str
    ratio: float | None = None
    aim: str = ""

    @property
    def verdict(self) -> str:
        """``ok`` or ``missed`` against the aim, empty without one."""
        if self.ratio is None or not self.aim:
            return ""
        sign, bound = self.aim.split()
        reached = self.ratio <= float(bound) if sign == "<=" else self.ratio >= float(bound)
        return "ok" if reached else "missed"

    @property
    def sentence(self) -> str:
        """The line as prose, for documents."""
        if self.ratio is None:
            return f"{self.what}: {self.ours}"
        aim = f" (aim {self.aim}: {self.verdict})" if self.aim else ""
        return f"{self.what}: {self.ours} against {self.peer}, ratio {self.ratio:.3g}{aim}"


def milliseconds(seconds: float) -> str:
    """A time as the tables show it."""
    return f"{seconds * 1e3:,.3g} ms" if seconds < 1 else f"{seconds:,.4g} s"


def best(work: Callable[[], Result], repeats: int = 5) -> tuple[float, Result]:
    """Seconds of the fastest of ``repeats`` runs, and the last result."""
    fastest, result = float("inf"), None
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest, result  # type: ignore[return-value]


def in_turn(works: Mapping[str, Callable[[], object]], rounds: int = 5) -> dict[str, float]:
    """Seconds of the fastest run of each, taken in turn so that a busy moment does not fall on one of them alone."""
    fastest = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            fastest[name] = min(fastest[name], best(work, 1)[0])
    return fastest


def timed(work: Callable[[Input], object], inputs: Iterable[Input], repeats: int = 1) -> list[float]:
    """Seconds of ``work`` on each input, the fastest of ``repeats`` runs."""
    return [best(lambda each=each: work(each), repeats)[0] for each in inputs]  # type: ignore[misc]


def medians(sides: Mapping[str, Side], rounds: int) -> dict[str, float]:
    """Median seconds per input of each side. Sides take turns round by round; an input's fastest round counts."""
    fastest = {name: [float("inf")] * len(inputs) for name, (_, inputs) in sides.items()}
    for _ in range(rounds):
        for name, (work, inputs) in sides.items():
            fastest[name] = list(map(min, fastest[name], timed(work, inputs)))
    return {name: median(times) for name, times in fastest.items()}


def peer(module: str, package: str) -> ModuleType | None:
    """The peer's module, or ``None`` after a line that says it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        print(f"  {package} is not installed: skipped (make bench installs it)", flush=True)
        return None


def show(claims: Iterable[Claim]) -> None:
    """Prints the claims as a table."""
    head = ("what", "ours", "peer", "ratio", "aim", "")
    rows = [(c.what, c.ours, c.peer, "" if c.ratio is None else f"{c.ratio:,.3g}", c.aim, c.verdict) for c in claims]
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    for row in [head, *rows]:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(flush=True)
