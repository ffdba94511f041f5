"""What a link or a QR code opens: a page with a button. Looking at it begins nothing."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from django_henry_checkout.exceptions import CartNotFound
from django_henry_checkout.flows.limits import count_page
from django_henry_checkout.flows.sessions import begin_checkout
from django_henry_checkout.flows.shoppers import caller_of, remember_cart, remember_order
from django_henry_checkout.flows.templates import live_cart, open_template
from django_henry_checkout.types import parse_public_id
from django_henry_checkout.views.pages import page


@require_http_methods(["GET", "HEAD", "POST"])
@page
def landing(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Show what a template holds; the button begins to pay a copy of it on Henry's page."""
    public_id = parse_public_id(cart_id)
    if public_id is None:
        raise CartNotFound
    template = open_template(public_id)
    if request.method != "POST":
        context = {"cart": template, "lines": list(template.lines.all())}
        return render(request, "henry_checkout/link.html", context)
    count_page(request)
    user = request.user if request.user.is_authenticated else None
    cart = live_cart(public_id, caller=caller_of(request), user=user)
    begun = begin_checkout(cart, user=user)
    if user is None:
        remember_cart(request, cart)
    remember_order(request, begun.order)
    response = redirect("henry_checkout:pay", order_id=begun.order.ulid, token=begun.token)
    response.status_code = 303  # so that a reload does not post again
    return response
