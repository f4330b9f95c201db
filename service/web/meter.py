"""What is counted of the requests, as Prometheus reads it. Labels are route templates, never what was asked.

One process counts for itself. Of several workers each writes its counts into a folder that they share, and whichever is
asked adds them up, those of workers that have ended included: a counter never falls while the server runs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from uuid import uuid4

import orjson
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
#: Upper bounds in seconds. Reads are promised within 0.3, changes within 0.5.
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 10.0, 60.0)
_NAMES = (*map(str, _BOUNDS), "+Inf")


@dataclass
class _Seconds:
    """How long one route took: answers by the first bound they came within, and all seconds together."""

    within: list[int] = field(default_factory=lambda: [0] * len(_NAMES))
    total: float = 0.0

    def add(self, other: _Seconds) -> None:
        self.within = [ours + theirs for ours, theirs in zip(self.within, other.within, strict=True)]
        self.total += other.total


@dataclass(eq=False)
class _Counts(Collector):
    """Requests by route, method and status; seconds by route."""

    requests: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    seconds: defaultdict[str, _Seconds] = field(default_factory=lambda: defaultdict(_Seconds))

    def add(self, other: _Counts) -> None:
        self.requests.update(other.requests)
        for route, seconds in other.seconds.items():
            self.seconds[route].add(seconds)

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "rongqiao_requests", "Requests answered.", labels=("route", "method", "status")
        )  # fmt: skip
        for told, number in self.requests.items():
            requests.add_metric(told, number)
        yield requests
        took = HistogramMetricFamily("rongqiao_request_seconds", "Seconds to answer.", labels=("route",))
        for route, seconds in self.seconds.items():
            took.add_metric((route,), list(zip(_NAMES, accumulate(seconds.within), strict=True)), seconds.total)
        yield took

    def written(self) -> bytes:
        return orjson.dumps(
            {
                "requests": [[*told, number] for told, number in self.requests.items()],
                "seconds": [[route, each.within, each.total] for route, each in self.seconds.items()],
            }
        )


def _read(text: bytes) -> _Counts:
    document = orjson.loads(text)
    counts = _Counts(Counter({tuple(told): number for *told, number in document["requests"]}))
    counts.seconds.update({route: _Seconds(within, total) for route, within, total in document["seconds"]})
    return counts


class Meter:
    """The counts of one application; used by one thread at a time, that of its event loop."""

    def __init__(self) -> None:
        self._counts = _Counts()
        self._gauges = CollectorRegistry()
        self._told: dict[str, Gauge] = {}
        self._folder: Path | None = None
        self._name = uuid4().hex
        self._changed = False

    def share(self, folder: Path) -> None:
        """Count together with the other processes that share ``folder``."""
        self._folder = folder

    def add(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._counts.requests[route, method, str(status)] += 1
        took = self._counts.seconds[route]
        took.within[bisect_left(_BOUNDS, seconds)] += 1
        took.total += seconds
        self._changed = True

    def tell(self, name: str, meaning: str, value: float) -> None:
        """Set the gauge ``rongqiao_<name>``."""
        if name not in self._told:
            self._told[name] = Gauge(f"rongqiao_{name}", meaning, registry=self._gauges)
        self._told[name].set(value)

    def publish(self) -> None:
        """Let the other processes see what this one counted; nothing to do where nobody shares or nothing changed."""
        if self._folder is None or not self._changed:
            return
        unfinished = self._folder / self._name
        unfinished.write_bytes(self._counts.written())
        unfinished.replace(self._folder / f"{self._name}.json")
        self._changed = False

    def text(self) -> bytes:
        """Everything in the Prometheus text format 0.0.4."""
        self.publish()
        counts = self._counts
        if self._folder is not None:
            counts = _Counts()
            for path in self._folder.glob("*.json"):
                counts.add(_read(path.read_bytes()))
        counted = CollectorRegistry()
        counted.register(counts)
        return generate_latest(counted) + generate_latest(self._gauges)
