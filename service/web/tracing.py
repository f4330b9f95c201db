"""Traces by OpenTelemetry, where the extra ``otel`` is installed and ``OTEL_EXPORTER_OTLP_ENDPOINT`` says where to.

A span tells of a request by the template of its route, never by what was asked, and of a transaction by its kind alone.
Without the packages, or without the address, a span is nothing and costs next to nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext

from models.errors import RefusedInput

try:
    from opentelemetry import trace
except ImportError:  # the extra is not installed
    trace = None  # type: ignore[assignment]

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_NAME = "rongqiao"


class Span:
    """What is being traced; takes attributes that are known later."""

    def __init__(self, inner: object | None = None):
        self._inner = inner

    def set(self, **attributes: str | int) -> None:
        """Attributes by name, ``_`` for ``.``; nothing that belongs to a firm or a person."""
        if self._inner is not None:
            self._inner.set_attributes({name.replace("_", "."): told for name, told in attributes.items()})  # type: ignore[attr-defined]

    def rename(self, name: str) -> None:
        """A name that is known only now."""
        if self._inner is not None:
            self._inner.update_name(name)  # type: ignore[attr-defined]


@contextmanager
def span(name: str, *, holds_others: bool = False) -> Iterator[Span]:
    """A span around a block. What the block raises is marked as a failure by its type; its text is not kept.

    ``holds_others``: spans begun in the block are parts of it. Such a block begins and ends in one context; another may
    end in another thread, as the one transaction of a request with a key does.
    """
    if trace is None:
        yield Span()
        return
    inner = trace.get_tracer(_NAME).start_span(name)
    current = trace.use_span(inner, record_exception=False, set_status_on_exception=False)
    try:
        with current if holds_others else nullcontext():
            yield Span(inner)
    except BaseException as failure:
        inner.set_status(trace.Status(trace.StatusCode.ERROR, type(failure).__name__))
        raise
    finally:
        inner.end()


def start_tracing(environ: Mapping[str, str] = os.environ) -> bool:
    """Send spans in batches to the collector that ``environ`` names; whether there is one.

    Raises ``RefusedInput`` where one is named and the packages are not installed. Sampling, headers and further
    attributes follow OpenTelemetry's own variables.
    """
    if not tracing_asked(environ):
        return False
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": _NAME}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True


def tracing_asked(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a collector is named; ``RefusedInput`` where one is and the packages are not installed."""
    if not environ.get(ENDPOINT):
        return False
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace.export  # noqa: F401
    except ImportError:
        raise RefusedInput(
            "no_tracing", ENDPOINT, None, "Traces need the packages of the extra otel.", "Install rongqiao[otel]."
        ) from None
    return True


def stop_tracing() -> None:
    """Send what waits to be sent, before a process ends that does not end as Python's own do."""
    if trace is not None and hasattr(provider := trace.get_tracer_provider(), "shutdown"):
        provider.shutdown()
