"""The hosted checkout page: what a shopper sees between the shop and the paid order.

It sets no cookie: inside a frame of another site a cookie would not come back. The hidden `attempt` of each page
tells a second click on Pay from a second payment instead.
"""

from __future__ import annotations

import functools
import hashlib
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse

from django_henry_checkout.sandbox.engine import cards, orders, pricing
from django_henry_checkout.sandbox.engine import signed_links as links
from django_henry_checkout.sandbox.engine.catalogue import BY_SLUG, Merchant, product_for
from django_henry_checkout.sandbox.engine.state import Cart, Order, PricedLine
from django_henry_checkout.sandbox.engine.store import AlreadyBoughtError, store
from django_henry_checkout.sandbox.pages import countries as places
from django_henry_checkout.sandbox.pages.forms import PREFILL, CheckoutForm
from django_henry_checkout.sandbox.v0 import wire as v0_wire

# A form may lead to any origin: after Pay a scenario can send the shopper on to "the bank", and browsers apply
# `form-action` to redirects too.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "form-action 'self' https: http:; base-uri 'none'"
)


@dataclass(frozen=True)
class Visit:
    """How the page was opened: its look, where it stands, and where the shopper came from."""

    theme: str
    is_embedded: bool
    return_url: str
    session: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Visit:
        theme = request.GET.get("theme", "")
        return cls(
            theme=theme if theme in ("dark", "light") else "",
            is_embedded=request.GET.get("embed") == "true",
            return_url=_absolute_url(request.GET.get("returnUrl", "")),
            session=_token(request.GET.get("session", "")),
        )

    @property
    def query(self) -> str:
        """The same look for the next page."""
        kept = {
            "session": self.session,
            "theme": self.theme,
            "embed": "true" if self.is_embedded else "",
            "returnUrl": self.return_url,
        }
        found = urlencode({key: value for key, value in kept.items() if value})
        return f"?{found}" if found else ""

    @property
    def target_origin(self) -> str:
        if not self.return_url:
            return store.options.message_origin
        parts = urlsplit(self.return_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def cancel_url(self) -> str:
        """`status=cancelled` is the sandbox's own convention."""
        if not self.return_url:
            return ""
        parts = urlsplit(self.return_url)
        query = [*parse_qsl(parts.query, keep_blank_values=True), ("status", "cancelled")]
        return urlunsplit(parts._replace(query=urlencode(query)))


def _absolute_url(given: str) -> str:
    """Keep an absolute http or https URL; anything else is treated as if it had not been given."""
    if len(given) > 2000 or not given.isprintable() or set(given) & set(" \\\"'<>"):
        return ""
    try:
        parts = urlsplit(given)
        usable = parts.scheme in ("http", "https") and parts.hostname and not parts.username
        _ = parts.port
    except ValueError:
        return ""
    return given if usable else ""


def _token(given: str) -> str:
    return given if re.fullmatch(r"[\w.-]{1,1000}", given, re.ASCII) else ""


def page(template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render a page. It may be framed by any shop, so there is no X-Frame-Options."""
    context = {"messages": store.scenario.messages, **context}
    response = HttpResponse(render_to_string(f"sandbox/{template}", context), status=status)
    response["Content-Security-Policy"] = _POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "strict-origin-when-cross-origin"
    response["Cache-Control"] = "no-store"
    return response


def _with_cart(
    view: Callable[[HttpRequest, Cart, Visit], HttpResponse], *methods: str
) -> Callable[..., HttpResponse]:
    @functools.wraps(view)
    def found(request: HttpRequest, cart_id: str, **rest: str) -> HttpResponse:
        if request.method not in methods:
            return HttpResponseNotAllowed(methods)
        cart = store.carts.get(cart_id)
        visit = Visit.of(request)
        if cart is None:
            return page("notice.html", {"visit": visit, "kind": "missing"}, status=404)
        return view(request, cart, visit, **rest)

    return found


def by_link(request: HttpRequest) -> HttpResponse:
    """The checkout behind a link of v0, which dies; what was paid through it can still be seen."""
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(("GET", "HEAD", "POST"))
    visit = Visit.of(request)
    link = links.read(visit.session)
    cart = store.carts.get(link.cart_id) if link else None
    if link is None or cart is None:
        return page("notice.html", {"visit": visit, "kind": "missing"}, status=404)
    if link.is_expired and not store.bought_order(cart):
        return page("notice.html", {"visit": visit, "kind": "expired"}, status=410)
    return _checkout(request, cart, visit)


# The form


def _by_id(request: HttpRequest, cart: Cart, visit: Visit) -> HttpResponse:
    if cart.user_id:
        # A cart of v0 opens through its link only.
        return page("notice.html", {"visit": visit, "kind": "missing"}, status=404)
    return _checkout(request, cart, visit)


def _checkout(request: HttpRequest, cart: Cart, visit: Visit) -> HttpResponse:
    order = store.bought_order(cart)
    if order:
        return _bought(request, order, visit)
    if not cart.lines:
        return page("notice.html", {"visit": visit, "kind": "empty", "cart": cart})
    form = _form(request, cart)
    if request.method != "POST" or request.POST.get("action") == "update":
        return _show(request, cart, visit, form=form)
    if request.POST.get("seen") != fingerprint(cart):
        form.add_error(
            None, "Your cart or a price changed in the meantime. Check the new total, then pay again."
        )
    if not form.is_valid():
        return _show(request, cart, visit, form=form, status=422)
    card = cards.card_for(form.cleaned_data["card_number"])
    if card.problem:
        form.add_error("card_number", cards.PROBLEMS[card.problem])
        return _show(request, cart, visit, form=form, status=402)
    return _pay(request, cart, visit, form=form)


def _form(request: HttpRequest, cart: Cart) -> CheckoutForm:
    merchants = pricing.merchants_of(cart.lines)
    shipping = {each.host: pricing.shipping_options(each, cart.lines) for each in merchants}
    initial: dict[str, str] = {"country": "US"}
    for at, merchant in enumerate(merchants):
        own = [line for line in cart.lines if product_for(line.link).merchant.host == merchant.host]
        initial[f"shipping_{at}"] = pricing.chosen_option(shipping[merchant.host], own).id
    if request.method == "POST":
        if request.POST.get("action") != "update":
            return CheckoutForm(request.POST, rules=cart.rules, shipping=shipping, now=store.now())
        # "Update totals" keeps what was typed but judges nothing yet.
        initial |= {name: str(value) for name, value in request.POST.items() if not name.startswith("card_")}
    else:
        initial |= {PREFILL[key]: str(value)[:120] for key, value in request.GET.items() if key in PREFILL}
    return CheckoutForm(rules=cart.rules, shipping=shipping, now=store.now(), initial=initial)


def fingerprint(cart: Cart) -> str:
    """Changes when the goods of a cart or their prices change, so that nobody pays for what they did not see."""
    seen = [
        (line.link, line.quantity, list(line.options), pricing.product_of(line).price) for line in cart.lines
    ]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _pay(request: HttpRequest, cart: Cart, visit: Visit, *, form: CheckoutForm) -> HttpResponse:
    attempt = request.POST.get("attempt", "")[:64]
    card = cards.card_for(form.cleaned_data["card_number"])
    payment = orders.Payment(via="hosted", card_plan=card.plan, attempt=attempt)
    try:
        order = orders.place_order(store, cart, buyer=form.buyer(), payment=payment, choices=form.choices)
    except AlreadyBoughtError as bought:
        return _bought(request, bought.order, visit)
    return HttpResponseRedirect(_receipt_url(order, visit))


def _bought(request: HttpRequest, order: Order, visit: Visit) -> HttpResponse:
    """A second click on Pay sees its own receipt; anybody else is told that the cart is paid."""
    attempt = request.POST.get("attempt", "")
    if attempt and attempt == order.attempt:
        return HttpResponseRedirect(_receipt_url(order, visit))
    context = {"visit": visit, "kind": "bought", "order": order}
    return page("notice.html", context, status=409 if request.method == "POST" else 200)


def _receipt_url(order: Order, visit: Visit) -> str:
    return reverse("receipt", args=[order.cart_id, order.ref_id]) + visit.query


def _show(
    request: HttpRequest, cart: Cart, visit: Visit, *, form: CheckoutForm, status: int = 200
) -> HttpResponse:
    priced = pricing.price(cart.lines, choices=form.choices)
    country_labels = {code: [labels.province, labels.postal] for code, labels in places.LABELS.items()}
    context = {
        "visit": visit,
        "cart": cart,
        "form": form,
        "groups": _groups(cart, priced, form),
        "count": sum(line.quantity for line in cart.lines),
        "totals": pricing.totals(priced, cart.rules),
        "rules": cart.rules,
        "action": request.get_full_path(),
        "cancel_url": visit.cancel_url or reverse("closed", args=[cart.cart_id]) + visit.query,
        "attempt": request.POST.get("attempt") or uuid.uuid4().hex,
        "seen": fingerprint(cart),
        "labels": {"": [places.DEFAULT_LABELS.province, places.DEFAULT_LABELS.postal], **country_labels},
    }
    return page("checkout.html", context, status=status)


def _groups(cart: Cart, priced: list[PricedLine], form: CheckoutForm) -> list[dict[str, Any]]:
    """The summary and the shipping choice, merchant by merchant."""
    return [
        {
            "merchant": merchant,
            "field": f"shipping_{at}",
            "lines": [line_view(line) for line in priced if line.host == merchant.host],
            "options": _option_views(cart, merchant, form.choices.get(merchant.host, "")),
        }
        for at, merchant in enumerate(pricing.merchants_of(cart.lines))
    ]


def line_view(priced: PricedLine) -> dict[str, Any]:
    slug = product_for(priced.line.link).slug
    return {
        "priced": priced,
        "picture": f"/pictures/{slug if slug in BY_SLUG else 'parcel'}.svg",
        "options": " · ".join(priced.line.options),
    }


def _option_views(cart: Cart, merchant: Merchant, chosen: str) -> list[dict[str, Any]]:
    own = [line for line in cart.lines if product_for(line.link).merchant.host == merchant.host]
    options = pricing.shipping_options(merchant, cart.lines)
    current = pricing.chosen_option(options, own, chosen)
    return [
        {
            "option": option,
            "cost": sum(
                (line.shipping for line in pricing.price(own, choices={merchant.host: option.id})),
                pricing.ZERO,
            ),
            "is_chosen": option.id == current.id,
        }
        for option in options
    ]


# After it


def _receipt(request: HttpRequest, cart: Cart, visit: Visit, ref_id: str = "") -> HttpResponse:
    order = store.orders.get(ref_id)
    if order is None or order.cart_id != cart.cart_id or not order.is_paid:
        return page("notice.html", {"visit": visit, "kind": "missing"}, status=404)
    context = {
        "visit": visit,
        "order": order,
        "status": v0_wire.order_status(order) if order.user_id else orders.status_now(store, order),
        "lines": [line_view(line) for line in order.lines],
        "totals": pricing.totals(order.lines, order.rules),
        "done_url": _return_url(visit, order)
        or reverse("closed", args=[cart.cart_id]) + _with_done(visit.query),
        "returns_alone": bool(visit.return_url) and not visit.is_embedded,
    }
    return page("receipt.html", context)


def _return_url(visit: Visit, order: Order) -> str:
    """The way back; for a v0 order with `orderId`, by which alone v0 finds it. The sandbox's own convention."""
    if not visit.return_url or not order.order_id:
        return visit.return_url
    parts = urlsplit(visit.return_url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("orderId", order.order_id)]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _with_done(query: str) -> str:
    return f"{query}&done=1" if query else "?done=1"


def _closed(request: HttpRequest, cart: Cart, visit: Visit) -> HttpResponse:
    kind = "done" if request.GET.get("done") else "closed"
    again = ("/" if cart.user_id else reverse("checkout", args=[cart.cart_id])) + visit.query
    return page("notice.html", {"visit": visit, "kind": kind, "again": again})


checkout = _with_cart(_by_id, "GET", "HEAD", "POST")
receipt = _with_cart(_receipt, "GET", "HEAD")
closed = _with_cart(_closed, "GET", "HEAD")
