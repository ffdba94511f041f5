"""Traces and metrics for OpenTelemetry. Without the extra `otel` all of this does nothing.

One trace covers an order from the shopper's click to the last receiver, even if workers continue it an hour
later: the order stores the context of the request that began it. Attributes are accounts, receivers and outcomes,
never personal data.
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
        "henry_checkout.observations", description="Observations of purchases that were applied, by source."
    )
    _deliveries = _meter.create_counter(
        "henry_checkout.deliveries", description="Runs of receivers, by receiver and outcome."
    )
    _webhooks = _meter.create_counter(
        "henry_checkout.webhooks",
        description="Webhooks that were received, by account and whether they were valid.",
    )


def traceparent() -> str:
    """Return the W3C trace context of the current span; "" if there is none."""
    if not IS_ON:
        return ""
    carrier: dict[str, str] = {}
    _contexts.inject(carrier)
    return carrier.get("traceparent", "")


@contextmanager
def span(name: str, *, parent: str = "", **attributes: str) -> Iterator[None]:
    """Trace a block.

    Args:
        name: name of the span, without the prefix "henry_checkout.".
        parent: the `traceparent` of the order. In a worker the span joins that trace; inside another trace,
            such as that of a request, it is linked to it.
        attributes: attributes of the span, without the prefix; no personal data.
    """
    if not IS_ON:
        yield
        return
    prefixed = {f"henry_checkout.{key}": value for key, value in attributes.items()}
    context = _contexts.extract({"traceparent": parent}) if parent else None
    links: list[Any] = []
    if context is not None and trace.get_current_span().get_span_context().is_valid:
        links = [trace.Link(trace.get_current_span(context).get_span_context())]
        context = None
    # The text of an exception may hold personal data: only its type is recorded.
    with _tracer.start_as_current_span(
        f"henry_checkout.{name}",
        context=context,
        links=links,
        attributes=prefixed,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield
        except BaseException as error:
            current.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def record_request(seconds: float, *, account: str, method: str, outcome: str) -> None:
    """Record one call to Henry; `outcome` is an HTTP status, or the code of an error."""
    if IS_ON:
        _requests.record(seconds, {"account": account, "method": method, "outcome": outcome})


def record_observation(*, source: str, changed: bool) -> None:
    """Record an observation that was applied; the name of a person is cut off `source` ("staff:ada")."""
    if IS_ON:
        _observations.add(1, {"source": source.partition(":")[0], "changed": changed})


def record_delivery(*, receiver: str, outcome: str) -> None:
    """Record one run of a receiver; `outcome` is `done`, `failed` or `dead`."""
    if IS_ON:
        _deliveries.add(1, {"receiver": receiver, "outcome": outcome})


def record_webhook(*, account: str, is_valid: bool) -> None:
    """Record one webhook that was received."""
    if IS_ON:
        _webhooks.add(1, {"account": account, "is_valid": is_valid})
