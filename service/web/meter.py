"""What one process counts of its own work, as Prometheus reads it. Labels are route templates, never what was asked."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
#: Upper bounds in seconds. Reads are promised within 0.3, changes within 0.5.
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 10.0, 60.0)


class Meter:
    """A registry of its own, so that two applications in one process do not add up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "rongqiao_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "rongqiao_request_seconds", "Seconds to answer.", ("route",), buckets=_BOUNDS, registry=self.registry
        )
        self._gauges: dict[str, Gauge] = {}

    def add(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def tell(self, name: str, meaning: str, value: float) -> None:
        """Set the gauge ``rongqiao_<name>``."""
        if name not in self._gauges:
            self._gauges[name] = Gauge(f"rongqiao_{name}", meaning, registry=self.registry)
        self._gauges[name].set(value)

    def text(self) -> bytes:
        """Everything in the Prometheus text format 0.0.4."""
        return generate_latest(self.registry)
