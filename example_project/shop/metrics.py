"""How the shop's checkouts stand, for Prometheus: `GET /metrics`. Copy it into your shop, and guard it as you like."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from django_henry_checkout import shop

NUMBERS = {
    "open_purchases": "Purchases that are followed.",
    "in_doubt": "Purchases that were sent and whose outcome is unknown.",
    "stuck": "Purchases that Henry has not finished in time.",
    "needs_review": "Orders that wait for a person.",
    "dead_deliveries": "Deliveries whose receiver failed too often.",
    "rejected_webhooks": "Webhooks that could not be applied.",
}


class HenryCollector:
    """Queries the database on each scrape: any web server may respond, wherever the workers run."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges."""
        found = shop.collect_metrics()
        for name, text in NUMBERS.items():
            yield GaugeMetricFamily(f"henry_{name}", text, getattr(found, name))
        yield GaugeMetricFamily(
            "henry_oldest_open_seconds", "Age of the oldest open purchase.", found.oldest_open.total_seconds()
        )
        yield from _queues(found)
        yield from _accounts(found)


def _queues(found: shop.QueueMetrics) -> Iterator[GaugeMetricFamily]:
    due = GaugeMetricFamily("henry_due", "Rows that are due now, by queue.", labels=["queue"])
    lag = GaugeMetricFamily("henry_lag_seconds", "How long the oldest of them is due.", labels=["queue"])
    for name in ("polls", "deliveries", "webhooks"):
        queue = getattr(found, name)
        due.add_metric([name], queue.due)
        lag.add_metric([name], queue.lag.total_seconds())
    yield from (due, lag)


def _accounts(found: shop.QueueMetrics) -> Iterator[GaugeMetricFamily]:
    rate = GaugeMetricFamily("henry_poll_rate", "Questions a second that are allowed.", labels=["account"])
    paused = GaugeMetricFamily("henry_paused", "1 while an account is not asked.", labels=["account"])
    broken = GaugeMetricFamily(
        "henry_circuit_open", "1 while Henry does not answer an account.", labels=["account"]
    )
    for state in found.accounts:
        rate.add_metric([state.account], state.rate)
        paused.add_metric([state.account], state.is_paused)
        broken.add_metric([state.account], state.circuit_open)
    yield from (rate, paused, broken)


registry = CollectorRegistry()
registry.register(HenryCollector())


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer Prometheus, who shows the token that METRICS_TOKEN says."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
        raise Http404
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
