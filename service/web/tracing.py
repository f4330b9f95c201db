"""Traces by OpenTelemetry, where the extra ``otel`` is installed and ``OTEL_EXPORTER_OTLP_ENDPOINT`` says where to.

A span tells of a request by the template of its route, never by what was asked, and of a transaction by its kind alone.
Without the packages, or without the address, a span is nothing and costs next to nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

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
def span(name: str) -> Iterator[Span]:
    """A span around a block. What the block raises is marked as a failure by its type; its text is not kept."""
    if trace is None:
        yield Span()
        return
    tracer = trace.get_tracer(_NAME)
    with tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as inner:
        try:
            yield Span(inner)
        except BaseException as failure:
            inner.set_status(trace.Status(trace.StatusCode.ERROR, type(failure).__name__))
            raise


def start_tracing(environ: Mapping[str, str] = os.environ) -> bool:
    """Send spans in batches to the collector that ``environ`` names; whether there is one.

    Raises ``RefusedInput`` where one is named and the packages are not installed. Sampling, headers and further
    attributes follow OpenTelemetry's own variables.
    """
    if not environ.get(ENDPOINT):
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise RefusedInput(
            "no_tracing", ENDPOINT, None, "Traces need the packages of the extra otel.", "Install rongqiao[otel]."
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": _NAME}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True
