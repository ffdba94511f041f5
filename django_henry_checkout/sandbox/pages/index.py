"""The front page: base URLs, test cards and control calls."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from django_henry_checkout.sandbox.engine.cards import TEST_CARDS
from django_henry_checkout.sandbox.engine.catalogue import PRODUCTS_BY_SLUG
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.pages.checkout import checkout_by_link
from django_henry_checkout.sandbox.pages.page import PageOptions, render_notice, render_page

_SAMPLES = ("shoreline-mug", "h1-headphones", "wooden-train", "summit-shell-jacket")
_CONTROL_CALLS = (
    ("POST", "/__sandbox__/reset", "Delete every cart, order and recorded request; reset the clock and the scenario."),
    ("POST", "/__sandbox__/scenario", "Set outcomes, prices, timing, dialect and a schedule of faults."),
    ("POST", "/__sandbox__/clock", "Advance the clock: {\"advanceSeconds\": 60}."),
    ("POST", "/__sandbox__/pay", "Pay without a browser: {\"cartId\": \"crt_…\"}, in v0 {\"userId\": \"…\"}."),
    ("POST", "/__sandbox__/card", "Store a test card for a user of v0: {\"userId\": \"…\"}."),
    ("GET", "/__sandbox__/orders", "List the paid orders."),
    ("POST", "/__sandbox__/orders", "Create many paid orders at once: {\"count\": 2000}."),
    ("POST", "/__sandbox__/webhooks", "Register webhook endpoints; GET lists the webhooks that were sent."),
    ("POST", "/__sandbox__/webhooks/send", "Send a webhook manually: {\"refId\": \"…\"}."),
    ("GET", "/__sandbox__/requests", "List the last 5,000 requests."),
    ("GET", "/__sandbox__/catalogue", "List the products with their pictures."),
)  # fmt: skip


def index(request: HttpRequest) -> HttpResponse:
    """Show the front page or, with a `session`, the checkout of a v0 link."""
    if "session" in request.GET:
        return checkout_by_link(request)
    context = {
        "page": PageOptions.from_request(request),
        "bases": [request.build_absolute_uri("/v1"), request.build_absolute_uri("/v0")],
        "element": f"{request.build_absolute_uri(reverse('card-element'))}?origin=…",
        "cards": TEST_CARDS,
        "calls": _CONTROL_CALLS,
        "samples": [PRODUCTS_BY_SLUG[slug] for slug in _SAMPLES],
        "carts": len(store.carts),
        "orders": sum(1 for order in list(store.orders.values()) if order.is_paid),
    }
    return render_page("index.html", context)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Show that there is no such page."""
    return render_notice(PageOptions.from_request(request), "not-found", status=404)
