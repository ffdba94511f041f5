"""Traces and metrics for OpenTelemetry, where it is installed; elsewhere all of this does nothing.

One trace leads from the shopper's click to the last receiver, though workers do the rest an hour later: the order
keeps the context of the request that began it. Names of accounts, receivers and outcomes are told, never personal data.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

try:
    from opentelemetry import metrics, trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:  # the extra `otel` is not installed
    IS_ON = False
else:
    IS_ON = True
    _tracer = trace.get_tracer("django_henry_checkout")
    _meter = metrics.get_meter("django_henry_checkout")
    _contexts = TraceContextTextMapPropagator()
    _requests = _meter.create_histogram(
        "henry_checkout.requests", unit="s", description="Calls to Henry, by account, method and outcome."
    )
    _observations = _meter.create_counter(
        "henry_checkout.observations", description="Answers about purchases that were applied, by source."
    )
    _deliveries = _meter.create_counter(
        "henry_checkout.deliveries", description="Receivers that ran, by receiver and outcome."
    )
    _webhooks = _meter.create_counter(
        "henry_checkout.webhooks",
        description="Webhooks that came, by account and whether they were believed.",
    )


def traceparent() -> str:
    """Return the W3C trace context of what runs now; "" if nothing is traced."""
    if not IS_ON:
        return ""
    carrier: dict[str, str] = {}
    _contexts.inject(carrier)
    return carrier.get("traceparent", "")


@contextmanager
def span(name: str, *, parent: str = "", **attributes: str) -> Iterator[None]:
    """Trace a block.

    Args:
        parent: the `traceparent` of the order that it is about. A worker's block becomes part of that trace; one
            within a request that is traced already is linked to it.
    """
    if not IS_ON:
        yield
        return
    told = {f"henry_checkout.{key}": value for key, value in attributes.items()}
    context = _contexts.extract({"traceparent": parent}) if parent else None
    links: list[Any] = []
    if context is not None and trace.get_current_span().get_span_context().is_valid:
        links = [trace.Link(trace.get_current_span(context).get_span_context())]
        context = None
    # An exception's text may be personal: only that there was one is told.
    with _tracer.start_as_current_span(
        f"henry_checkout.{name}",
        context=context,
        links=links,
        attributes=told,
        record_exception=False,
        set_status_on_exception=False,
    ) as started:
        try:
            yield
        except BaseException as error:
            started.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def record_request(seconds: float, *, account: str, method: str, outcome: str) -> None:
    """Note one call to Henry: `outcome` is an HTTP status, or the code of an error."""
    if IS_ON:
        _requests.record(seconds, {"account": account, "method": method, "outcome": outcome})


def record_observation(*, source: str, changed: bool) -> None:
    """Note an answer that was applied. People's names are no source."""
    if IS_ON:
        _observations.add(1, {"source": source.partition(":")[0], "changed": changed})


def record_delivery(*, receiver: str, outcome: str) -> None:
    """Note that a receiver ran: `done`, `failed` or `parked`."""
    if IS_ON:
        _deliveries.add(1, {"receiver": receiver, "outcome": outcome})


def record_webhook(*, account: str, is_valid: bool) -> None:
    """Note that a webhook came."""
    if IS_ON:
        _webhooks.add(1, {"account": account, "is_valid": is_valid})
