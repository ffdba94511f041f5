"""The hosted checkout: form, receipt, and the page after cancelling.

It sets no cookies: a frame on another site would not send them back. Instead each page has a hidden `attempt` that
distinguishes a second click on Pay from a second payment.
"""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse

from django_henry_checkout.sandbox.engine import cards, orders, pricing, signed_links
from django_henry_checkout.sandbox.engine.catalogue import PRODUCTS_BY_SLUG, Merchant, product_for_link
from django_henry_checkout.sandbox.engine.state import Cart, Line, Order, PricedLine
from django_henry_checkout.sandbox.engine.store import AlreadyPaidError, store
from django_henry_checkout.sandbox.pages import countries
from django_henry_checkout.sandbox.pages.forms import PREFILL_FIELDS, CheckoutForm
from django_henry_checkout.sandbox.pages.page import (
    PageOptions,
    add_query_parameter,
    render_notice,
    render_page,
)
from django_henry_checkout.sandbox.v0 import wire as v0_wire


def _with_cart(
    view: Callable[[HttpRequest, Cart, PageOptions], HttpResponse], *methods: str
) -> Callable[..., HttpResponse]:
    """Return a view that gets the cart of its path, or answers 404."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, cart_id: str, **kwargs: str) -> HttpResponse:
        if request.method not in methods:
            return HttpResponseNotAllowed(methods)
        cart = store.carts.get(cart_id)
        page = PageOptions.from_request(request)
        if cart is None:
            return render_notice(page, "missing", status=404)
        return view(request, cart, page, **kwargs)

    return wrapped


def checkout_by_link(request: HttpRequest) -> HttpResponse:
    """Show the checkout of a signed v0 link. The link expires, but a paid order remains visible."""
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(("GET", "HEAD", "POST"))
    page = PageOptions.from_request(request)
    link = signed_links.read_token(page.session)
    cart = store.carts.get(link.cart_id) if link else None
    if link is None or cart is None:
        return render_notice(page, "missing", status=404)
    if link.is_expired and not store.paid_order(cart):
        return render_notice(page, "expired", status=410)
    return _checkout(request, cart, page)


# The form


def _checkout_by_id(request: HttpRequest, cart: Cart, page: PageOptions) -> HttpResponse:
    if cart.user_id:
        # Carts of v0 can be opened by a signed link only.
        return render_notice(page, "missing", status=404)
    return _checkout(request, cart, page)


def _checkout(request: HttpRequest, cart: Cart, page: PageOptions) -> HttpResponse:
    order = store.paid_order(cart)
    if order:
        return _show_paid(request, order, page)
    if not cart.lines:
        return render_notice(page, "empty")
    form = _build_form(request, cart)
    if request.method != "POST" or request.POST.get("action") == "update":
        return _show_form(request, cart, page, form=form)
    if request.POST.get("seen") != compute_fingerprint(cart):
        form.add_error(
            None, "Your cart or a price changed in the meantime. Check the new total, then pay again."
        )
    if not form.is_valid():
        return _show_form(request, cart, page, form=form, status=422)
    card = cards.find_test_card(form.cleaned_data["card_number"])
    if card.problem:
        form.add_error("card_number", cards.DECLINE_MESSAGES[card.problem])
        return _show_form(request, cart, page, form=form, status=402)
    return _pay(request, cart, page, form=form)


def _build_form(request: HttpRequest, cart: Cart) -> CheckoutForm:
    merchants = pricing.list_merchants(cart.lines)
    shipping = {merchant.host: pricing.list_shipping_options(merchant, cart.lines) for merchant in merchants}
    initial: dict[str, str] = {"country": "US"}
    for index, merchant in enumerate(merchants):
        lines = _lines_of_merchant(cart, merchant)
        initial[f"shipping_{index}"] = pricing.choose_option(shipping[merchant.host], lines).id
    if request.method == "POST":
        if request.POST.get("action") != "update":
            return CheckoutForm(request.POST, rules=cart.rules, shipping=shipping, now=store.now())
        # "Update the total" keeps the input, except for the card, but does not validate it.
        initial |= {name: str(value) for name, value in request.POST.items() if not name.startswith("card_")}
    else:
        initial |= {
            PREFILL_FIELDS[key]: str(value)[:120]
            for key, value in request.GET.items()
            if key in PREFILL_FIELDS
        }
    return CheckoutForm(rules=cart.rules, shipping=shipping, now=store.now(), initial=initial)


def compute_fingerprint(cart: Cart) -> str:
    """Return a hash of the items and prices, so that shoppers only pay for what the page showed them."""
    items = [
        (line.link, line.quantity, list(line.options), pricing.product_for_line(line).price)
        for line in cart.lines
    ]
    return hashlib.sha256(repr(items).encode()).hexdigest()[:16]


def _pay(request: HttpRequest, cart: Cart, page: PageOptions, *, form: CheckoutForm) -> HttpResponse:
    attempt = request.POST.get("attempt", "")[:64]
    card = cards.find_test_card(form.cleaned_data["card_number"])
    payment = orders.Payment(via="hosted", card_plan=card.plan, attempt=attempt)
    try:
        order = orders.place_order(store, cart, buyer=form.buyer(), payment=payment, choices=form.choices)
    except AlreadyPaidError as error:
        return _show_paid(request, error.order, page)
    return HttpResponseRedirect(_receipt_url(order, page))


def _show_paid(request: HttpRequest, order: Order, page: PageOptions) -> HttpResponse:
    """Redirect a second click on Pay to its receipt; otherwise report that the cart is paid."""
    attempt = request.POST.get("attempt", "")
    if attempt and attempt == order.attempt:
        return HttpResponseRedirect(_receipt_url(order, page))
    return render_notice(page, "paid", status=409 if request.method == "POST" else 200, order=order)


def _receipt_url(order: Order, page: PageOptions) -> str:
    return reverse("receipt", args=[order.cart_id, order.ref_id]) + page.query


def _show_form(
    request: HttpRequest, cart: Cart, page: PageOptions, *, form: CheckoutForm, status: int = 200
) -> HttpResponse:
    priced = pricing.price_lines(cart.lines, choices=form.choices)
    default_labels = [countries.DEFAULT_LABELS.province, countries.DEFAULT_LABELS.postal]
    labels = {code: [labels.province, labels.postal] for code, labels in countries.LABELS.items()}
    context = {
        "page": page,
        "cart": cart,
        "form": form,
        "groups": _build_groups(cart, priced, form),
        "count": sum(line.quantity for line in cart.lines),
        "totals": pricing.compute_totals(priced, cart.rules),
        "rules": cart.rules,
        "action": request.get_full_path(),
        "cancel_url": page.cancel_url or reverse("closed", args=[cart.cart_id]) + page.query,
        "attempt": request.POST.get("attempt") or uuid.uuid4().hex,
        "seen": compute_fingerprint(cart),
        "labels": {"": default_labels, **labels},
    }
    return render_page("checkout.html", context, status=status)


def _build_groups(cart: Cart, priced: list[PricedLine], form: CheckoutForm) -> list[dict[str, Any]]:
    """Return the order summary and the shipping options of each merchant."""
    return [
        {
            "merchant": merchant,
            "field": f"shipping_{index}",
            "lines": [_line_context(line) for line in priced if line.host == merchant.host],
            "options": _list_options(cart, merchant, form.choices.get(merchant.host, "")),
        }
        for index, merchant in enumerate(pricing.list_merchants(cart.lines))
    ]


def _line_context(priced: PricedLine) -> dict[str, Any]:
    slug = product_for_link(priced.line.link).slug
    return {
        "priced": priced,
        "picture": f"/pictures/{slug if slug in PRODUCTS_BY_SLUG else 'parcel'}.svg",
        "options": " · ".join(priced.line.options),
    }


def _list_options(cart: Cart, merchant: Merchant, choice: str) -> list[dict[str, Any]]:
    lines = _lines_of_merchant(cart, merchant)
    options = pricing.list_shipping_options(merchant, cart.lines)
    chosen = pricing.choose_option(options, lines, choice)
    return [
        {
            "option": option,
            "cost": sum(
                (line.shipping for line in pricing.price_lines(lines, choices={merchant.host: option.id})),
                pricing.ZERO,
            ),
            "is_chosen": option.id == chosen.id,
        }
        for option in options
    ]


def _lines_of_merchant(cart: Cart, merchant: Merchant) -> list[Line]:
    return [line for line in cart.lines if product_for_link(line.link).merchant.host == merchant.host]


# After the form


def _receipt(request: HttpRequest, cart: Cart, page: PageOptions, ref_id: str = "") -> HttpResponse:
    order = store.orders.get(ref_id)
    if order is None or order.cart_id != cart.cart_id or not order.is_paid:
        return render_notice(page, "missing", status=404)
    context = {
        "page": page,
        "order": order,
        "status": v0_wire.order_status(order) if order.user_id else orders.current_status(store, order),
        "lines": [_line_context(line) for line in order.lines],
        "totals": pricing.compute_totals(order.lines, order.rules),
        "done_url": _return_url(page, order)
        or reverse("closed", args=[cart.cart_id]) + (f"{page.query}&done=1" if page.query else "?done=1"),
        "redirects_automatically": bool(page.return_url) and not page.is_embedded,
    }
    return render_page("receipt.html", context)


def _return_url(page: PageOptions, order: Order) -> str:
    """Return where the shopper returns to. For v0 it has `orderId`, which is the sandbox's own convention."""
    if not page.return_url or not order.order_id:
        return page.return_url
    return add_query_parameter(page.return_url, "orderId", order.order_id)


def _closed(request: HttpRequest, cart: Cart, page: PageOptions) -> HttpResponse:
    kind = "done" if request.GET.get("done") else "closed"
    checkout_url = ("/" if cart.user_id else reverse("checkout", args=[cart.cart_id])) + page.query
    return render_notice(page, kind, retry_url=checkout_url)


checkout = _with_cart(_checkout_by_id, "GET", "HEAD", "POST")
receipt = _with_cart(_receipt, "GET", "HEAD")
closed = _with_cart(_closed, "GET", "HEAD")
