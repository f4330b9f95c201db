"""Traces: a request is told by its route's template and its transactions by their kind, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from models.errors import RefusedInput
from service.web import tracing
from service.web.tracing import ENDPOINT, span, start_tracing
from tests.shell import a_code, a_shell


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield kept
    provider.shutdown()


def test_a_request_and_its_transactions_are_spans_that_name_nobody(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    shell = a_shell(tmp_path)
    headers = shell.asks("office")
    spans.clear()
    firm = a_code(4711)
    answer = shell.http.get(f"/v1/firms/{firm}", params={"as_of": "2024-10-31"}, headers=headers)
    told = spans.get_finished_spans()
    request = next(each for each in told if each.name == "GET /v1/firms/{uscc}")
    assert dict(request.attributes or {}) == {
        "http.route": "/v1/firms/{uscc}",
        "http.request.method": "GET",
        "http.response.status": answer.status_code,
        "request.id": answer.headers["x-request-id"],
    }
    assert {each.name for each in told} == {"GET /v1/firms/{uscc}", "read", "write"}
    assert firm not in " ".join(each.to_json() for each in told)


def test_a_failure_is_told_by_its_type_and_not_by_its_text(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="of a firm"), span("write"):
        raise ValueError("the data of a firm")
    (failed,) = spans.get_finished_spans()
    assert failed.status.description == "ValueError"
    assert "of a firm" not in failed.to_json()


def test_the_transaction_of_a_keyed_request_ends_in_another_context_and_is_part_of_its_request(
    spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    with span("request", holds_others=True):
        transaction = span("write")
        copy_context().run(transaction.__enter__)
        transaction.__exit__(None, None, None)
    write, request = spans.get_finished_spans()
    assert (write.name, request.name) == ("write", "request")
    assert write.parent is not None
    assert write.parent.span_id == request.context.span_id
    assert caplog.text == ""


def test_without_an_address_nothing_is_sent_and_without_the_packages_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert start_tracing({}) is False
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(RefusedInput) as refused:
        start_tracing({ENDPOINT: "http://127.0.0.1:4318"})
    assert refused.value.fix == "Install rongqiao[otel]."
    monkeypatch.setattr(tracing, "trace", None)
    with span("read") as nothing:
        nothing.rename("anything")
        nothing.set(http_route="/x")
