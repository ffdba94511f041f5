"""The one page of the shop. `/?mode=popup&layout=...&csp=strict&coop=same-origin&twice=1` says what it is like."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template import engines
from django.urls import include, path
from moneyed import Money

from django_henry_checkout.flows.access.callers import current_cart_or_new
from django_henry_checkout.flows.cart.carts import add_item
from django_henry_checkout.types import LineItem

PAGE = """{% load henry_checkout static %}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Shop</title>{% henry_checkout_assets %}</head>
<body><main><h1>Shop</h1><p id="note">One jar of honey.</p>
<div id="place">{% if frame %}{% henry_checkout_frame cart %}{% else %}{% henry_checkout_button cart mode=mode phone=phone %}{% endif %}</div>
{% if twice %}<div id="second">{% henry_checkout_button other mode=mode label="Second" %}</div>{% endif %}
<a href="#note">A link after it</a></main></body></html>"""

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'"
)
HONEY = LineItem(
    link="https://alpine.example/products/boots", title="Honey", unit_price=Money("100.00", "USD"), quantity=1
)
BREAD = LineItem(
    link="https://clay.example/products/mug", title="Bread", unit_price=Money("20.00", "USD"), quantity=1
)


def page(request: HttpRequest) -> HttpResponse:
    cart = current_cart_or_new(request)
    if not cart.lines.exists() and "empty" not in request.GET:
        add_item(cart, HONEY)
    query = request.GET
    context = {
        "cart": cart,
        "mode": query.get("mode", "iframe"),
        "frame": "frame" in query,
        "phone": "phone" in query,
        "twice": "twice" in query,
        "other": cart,
    }
    return HttpResponse(engines["django"].from_string(PAGE).render(context, request))


def after(request: HttpRequest, order_id: str = "") -> HttpResponse:
    return HttpResponse(f"<!doctype html><title>Order</title><main>Thank you for order {order_id}</main>")


def headers_of_the_query(get_response: Callable[[HttpRequest], HttpResponseBase]) -> object:
    """Give the shop's page the policies that its query asks for."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.path == "/":
            if request.GET.get("csp") == "strict":
                response.headers["Content-Security-Policy"] = STRICT
            if "coop" in request.GET:
                response.headers["Cross-Origin-Opener-Policy"] = request.GET["coop"]
        return response

    return middleware


urlpatterns = [
    path("", page),
    path("after/<str:order_id>", after, name="after"),
    path("henry/", include("django_henry_checkout.urls")),
]
