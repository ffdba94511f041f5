"""Headless checkout, in the shop's own form: quote, products, shipping, card, confirm."""

from __future__ import annotations

from functools import partial
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api.common.callers import django_request, get_secret
from django_henry_checkout.api.common.camel_case import JSON
from django_henry_checkout.api.common.idempotency import OnIntent, idempotent_call, idempotent_purchase
from django_henry_checkout.api.common.sessions import CheckoutSessionView
from django_henry_checkout.api.henry.buyers import (
    V0_NAMES,
    parse_card,
    parse_shipping_details,
    serialize_shipping_details,
)
from django_henry_checkout.api.henry.inputs import ConfirmInput, QuoteInput, SessionInput, parse_money
from django_henry_checkout.api.henry.responses import (
    serialize_product,
    serialize_quote,
    serialize_receipt,
    serialize_shipping_methods,
)
from django_henry_checkout.exceptions import CartNotFound
from django_henry_checkout.flows.access.callers import current_cart
from django_henry_checkout.flows.buyer.details import get_buyer
from django_henry_checkout.flows.cart.items import clean_metadata
from django_henry_checkout.flows.checkout.confirm import Payment, confirm_session, is_under_way
from django_henry_checkout.flows.checkout.inline import begin_inline, get_card_form, set_buyer
from django_henry_checkout.flows.checkout.quotes import get_quote, quote_session
from django_henry_checkout.models import Cart, CheckoutSession, Order


class HeadlessView(CheckoutSessionView):
    """A call about a checkout session, with the buyer's fields named as in Henry's v0."""

    field_names = V0_NAMES


class QuoteView(HeadlessView):
    calls_henry = True

    def post(self, request: Request) -> Response:
        """Quote a cart for a shipping address; a second call with the token updates the quote of its session."""
        return idempotent_call(self, request, self._quote)

    def _quote(self, _reference: JSON | None) -> tuple[Response, JSON]:
        content = self.read_body(QuoteInput)
        buyer = parse_shipping_details(content["shipping_details"])
        session, token = self._get_or_begin_session(content.get("cart_id", ""))
        set_buyer(session, lambda _before: buyer, strict=False)
        quote = quote_session(session, coupons=content.get("coupons"), region=content.get("region"))
        return Response({"sessionToken": token, **serialize_quote(session, quote)}), {}

    def _get_or_begin_session(self, cart_id: str) -> tuple[CheckoutSession, str]:
        """Return the caller's session, or a new one, with its token."""
        if self.caller.session_id is not None:
            return self.get_session(cart_id=cart_id), get_secret(self.request)
        cart = self._find_cart(cart_id)
        started = begin_inline(cart, user=cart.user, request=django_request(self.request))
        self.remember_order(started.order)
        return started.session, started.token

    def _find_cart(self, cart_id: str) -> Cart:
        if cart_id:
            return self.get_cart(cart_id)
        if self.caller.token_cart_id is not None:
            return self.get_cart(str(self.caller.token_cart_id))
        has_cookie = self.caller.user_pk is not None or self.caller.cart_ids
        cart = current_cart(django_request(self.request)) if has_cookie else None
        if cart is None:
            raise CartNotFound
        return cart


class SessionProductsView(HeadlessView):
    def get(self, request: Request) -> Response:
        """List the products of the session's order."""
        session = self.get_session_from_query()
        return Response({"products": [serialize_product(line) for line in session.order.lines.all()]})


class SessionShippingView(HeadlessView):
    def get(self, request: Request) -> Response:
        """Read the shipping details of the session, and the shipping methods on offer."""
        session = self.get_session_from_query()
        details = serialize_shipping_details(get_buyer(session.order))
        quote = get_quote(session)
        return Response(
            {
                "hasShipping": details is not None,
                "shippingDetails": details,
                "shippingMethods": [] if quote is None else serialize_shipping_methods(quote),
            }
        )


class SessionCardView(HeadlessView):
    calls_henry = True

    def post(self, request: Request) -> Response:
        """Prepare the collection of the shopper's card: the URL of the modal, or the settings of the card element."""
        return idempotent_call(self, request, self._prepare)

    def _prepare(self, _reference: JSON | None) -> tuple[Response, JSON]:
        content = self.read_body(SessionInput)
        form = get_card_form(self.get_session(**content))
        body = {"kind": form.kind, "modalUrl": form.modal_url or None, "settings": dict(form.settings)}
        return Response(body), {}


class SessionConfirmView(HeadlessView):
    calls_henry = True

    def post(self, request: Request) -> Response:
        """Buy the quoted order; 202 while the outcome is unknown. Requires an `Idempotency-Key`."""
        content = self.read_body(ConfirmInput)
        return idempotent_purchase(self, request, buy=partial(self._buy, content), respond=_respond)

    def _buy(self, content: dict[str, Any], on_intent: OnIntent) -> Order:
        session = self.get_session(
            session_id=content.get("session_id", ""), cart_id=content.get("cart_id", "")
        )
        details = content.get("shipping_details")
        if details is not None and not is_under_way(session.order):
            buyer = parse_shipping_details(details)
            set_buyer(session, lambda _before: buyer, strict=False)
        card = {"details": {"card_token": content["card_token"]}} if "card_token" in content else None
        if card is not None:
            optional = ("name_on_card", "billing_address")
            card |= {name: content[name] for name in optional if name in content}
        payment = Payment(
            card=parse_card(card),
            accepted=parse_money(content.get("accepted_total")),
            metadata=clean_metadata(content["metadata"]),
        )
        return confirm_session(session, payment, request=django_request(self.request), on_intent=on_intent)


def _respond(order: Order) -> Response:
    content = serialize_receipt(order, order.lines.all())
    content["shippingDetails"] = serialize_shipping_details(get_buyer(order))
    return Response(content, status=202 if is_outcome_unknown(order) else 200)


def is_outcome_unknown(order: Order) -> bool:
    """Whether a purchase of the order was sent and its outcome is not known yet."""
    return not order.is_terminal and order.placed_at is None
