"""One trace from the click to the last receiver, without personal data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from django_henry_checkout import telemetry
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.purchase.lifecycle import refresh_purchase
from django_henry_checkout.models import Delivery, Order, OrderBuyer, Purchase
from django_henry_checkout.signals import purchase_completed
from django_henry_checkout.testing.builders import build_cart
from django_henry_checkout.testing.drain import drain
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Source
from tests.support.shop import shop_settings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]

_spans = InMemorySpanExporter()
_metrics = InMemoryMetricReader()


@pytest.fixture(scope="module", autouse=True)
def _sdk() -> None:
    """Set up the SDK, which a process can do only once."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(_spans))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([_metrics]))


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    _spans.clear()
    yield _spans
    _spans.clear()


def click(sandbox: Sandbox) -> tuple[Order, int]:
    """Begin a checkout within a traced request, and pay it; return the order and the trace's id."""
    with trace.get_tracer("shop").start_as_current_span("POST /henry/buy") as request:
        order = begin_checkout(build_cart()).order
        trace_id = request.get_span_context().trace_id
    sandbox.pay(order.henry_cart_id)
    return order, trace_id


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == f"henry_checkout.{name}"]


def test_workers_continue_the_trace_of_the_click(sandbox: Sandbox, spans: InMemorySpanExporter) -> None:
    order, trace_id = click(sandbox)
    _other, other_id = click(sandbox)
    drain(sandbox)
    assert Order.objects.get(pk=order.pk).status == "completed"
    for name in ("observation", "receiver"):
        ids = [span.context.trace_id for span in named(spans, name) if span.context]
        assert set(ids) == {trace_id, other_id}, name
        assert ids.count(trace_id) == ids.count(other_id) > 1
    receivers = {str((span.attributes or {})["henry_checkout.receiver"]) for span in named(spans, "receiver")}
    assert receivers == set(Delivery.objects.values_list("receiver", flat=True))


def test_a_span_inside_another_trace_is_linked(sandbox: Sandbox, spans: InMemorySpanExporter) -> None:
    _order, trace_id = click(sandbox)
    with trace.get_tracer("shop").start_as_current_span("GET /completed") as request:
        refresh_purchase(Purchase.objects.get(), source=Source.RETURN_PAGE)
        mine = request.get_span_context().trace_id
    (span,) = named(spans, "observation")
    assert span.context is not None
    assert span.context.trace_id == mine != trace_id
    assert [link.context.trace_id for link in span.links] == [trace_id]


def test_only_the_type_of_an_error_is_recorded(sandbox: Sandbox, spans: InMemorySpanExporter) -> None:
    def fail(**kwargs: object) -> None:
        raise ValueError("ada@shop.example")

    purchase_completed.connect(fail, dispatch_uid="fails")
    try:
        click(sandbox)
        drain(sandbox, may_stay_open=True)
    finally:
        purchase_completed.disconnect(fail, dispatch_uid="fails")
    failed = [span for span in named(spans, "receiver") if not span.status.is_ok]
    assert {(span.status.description, len(span.events)) for span in failed} == {("ValueError", 0)}


def test_no_personal_data_is_recorded(sandbox: Sandbox, spans: InMemorySpanExporter) -> None:
    click(sandbox)
    drain(sandbox)
    buyer = OrderBuyer.objects.get()
    recorded = "".join(span.to_json() for span in spans.get_finished_spans()) + str(
        _metrics.get_metrics_data()
    )
    for canary in (buyer.email, buyer.last_name, buyer.phone, shop_settings(sandbox)["API_KEY"]):
        assert canary not in recorded
    for name in ("requests", "observations", "deliveries"):
        assert f"henry_checkout.{name}" in recorded


def test_without_a_trace_nothing_is_stored(sandbox: Sandbox) -> None:
    assert telemetry.traceparent() == ""
    assert begin_checkout(build_cart()).order.traceparent == ""
