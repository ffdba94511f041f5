"""The page behind a cart link or QR code. A GET has no effect; the button begins the checkout."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from django_henry_checkout.exceptions import CartNotFound
from django_henry_checkout.flows.access.callers import get_caller, remember_cart, remember_order
from django_henry_checkout.flows.access.throttling import count_checkout_request
from django_henry_checkout.flows.cart.templates import get_cart_to_pay, open_template
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.types import parse_public_id
from django_henry_checkout.views.pages import checkout_page


@require_http_methods(["GET", "HEAD", "POST"])
@checkout_page
def landing(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Show the lines of a template cart. A POST begins the checkout of a copy on Henry's page."""
    public_id = parse_public_id(cart_id)
    if public_id is None:
        raise CartNotFound
    template = open_template(public_id)
    if request.method != "POST":
        context = {"cart": template, "lines": list(template.lines.all())}
        return render(request, "henry_checkout/link.html", context)
    count_checkout_request(request)
    user = request.user if request.user.is_authenticated else None
    cart = get_cart_to_pay(public_id, caller=get_caller(request), user=user)
    started = begin_checkout(cart, user=user, request=request)
    if user is None:
        remember_cart(request, cart)
    remember_order(request, started.order)
    response = redirect("henry_checkout:pay", order_id=started.order.ulid, token=started.token)
    response.status_code = 303  # so that a reload does not post again
    return response
