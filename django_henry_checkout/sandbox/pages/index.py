"""The front page, the static files and the product pictures."""

from __future__ import annotations

from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.urls import reverse

from django_henry_checkout.sandbox.engine import cards
from django_henry_checkout.sandbox.engine.catalogue import BY_SLUG
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.pages import checkout as hosted
from django_henry_checkout.sandbox.pages import pictures
from django_henry_checkout.sandbox.pages.checkout import Visit, page

_STATIC = Path(__file__).parents[1] / "static" / "sandbox"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
# Read once: only these names are served, so no path of a request ever reaches the file system.
_FILES = {file.name: file.read_bytes() for file in _STATIC.iterdir() if file.suffix in _TYPES}
_CONTROL_CALLS = (
    ("POST", "/__sandbox__/reset", "Forget every cart, order and request; the clock and the scenario too."),
    ("POST", "/__sandbox__/scenario", "Set outcomes, prices, timing, dialect and a schedule of faults."),
    ("POST", "/__sandbox__/clock", "Move time forward: {\"advanceSeconds\": 60}."),
    ("POST", "/__sandbox__/pay", "Pay without a browser: {\"cartId\": \"crt_…\"}, in v0 {\"userId\": \"…\"}."),
    ("POST", "/__sandbox__/card", "Store a test card for a user of v0: {\"userId\": \"…\"}."),
    ("GET", "/__sandbox__/orders", "What was really bought."),
    ("POST", "/__sandbox__/orders", "Make many paid orders at once: {\"count\": 2000}."),
    ("POST", "/__sandbox__/webhooks", "Say where webhooks go; GET shows what was sent."),
    ("POST", "/__sandbox__/webhooks/send", "Send a webhook by hand: {\"refId\": \"…\"}."),
    ("GET", "/__sandbox__/requests", "What the sandbox was asked, the last 5,000."),
    ("GET", "/__sandbox__/catalogue", "The goods with their pictures."),
)  # fmt: skip


def index(request: HttpRequest) -> HttpResponse:
    """The front page; with a `session` it is the checkout, as the links of v0 have it."""
    if "session" in request.GET:
        return hosted.by_link(request)
    samples = [
        BY_SLUG[slug] for slug in ("shoreline-mug", "h1-headphones", "wooden-train", "summit-shell-jacket")
    ]
    context = {
        "visit": Visit.of(request),
        "bases": [request.build_absolute_uri("/v1"), request.build_absolute_uri("/v0")],
        "element": f"{request.build_absolute_uri(reverse('card-element'))}?origin=…",
        "cards": cards.CARDS,
        "calls": _CONTROL_CALLS,
        "samples": samples,
        "carts": len(store.carts),
        "orders": sum(1 for order in list(store.orders.values()) if order.is_paid),
    }
    return page("index.html", context)


def static(request: HttpRequest, name: str) -> HttpResponse:
    content = _FILES.get(name)
    if content is None:
        return HttpResponseNotFound("Not found", content_type="text/plain")
    response = HttpResponse(content, content_type=_TYPES[Path(name).suffix])
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-cache"
    return response


def picture(request: HttpRequest, slug: str) -> HttpResponse:
    drawn = pictures.picture_for(slug)
    if drawn is None:
        return HttpResponseNotFound("No such picture", content_type="text/plain")
    response = HttpResponse(drawn, content_type="image/svg+xml")
    response["Cache-Control"] = "public, max-age=300"
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def favicon(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(_FILES["mark.svg"], content_type="image/svg+xml")
    response["Cache-Control"] = "public, max-age=3600"
    return response


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page("notice.html", {"visit": Visit.of(request), "kind": "nowhere"}, status=404)
