"""Checkout in the shop's own form, by Henry's headless names: quote, look, collect a card, confirm."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api import answers
from django_henry_checkout.api.base import HenryView
from django_henry_checkout.api.bodies import ConfirmInput, QuoteInput, SessionInput
from django_henry_checkout.api.callers import shop_request, shown_secret
from django_henry_checkout.api.inputs import as_money
from django_henry_checkout.api.names import JSON
from django_henry_checkout.api.paying import pay_once
from django_henry_checkout.api.people import V0_NAMES, buyer_of_details, card_of, details_of_buyer
from django_henry_checkout.api.repeating import OnIntent, by_key
from django_henry_checkout.exceptions import CartNotFound, SessionNotFound
from django_henry_checkout.flows.access.callers import current_cart
from django_henry_checkout.flows.buyer.details import get_buyer
from django_henry_checkout.flows.cart.items import clean_metadata
from django_henry_checkout.flows.checkout.confirm import Payment, confirm_session, is_under_way
from django_henry_checkout.flows.checkout.inline import (
    begin_inline,
    find_inline_session,
    get_card_form,
    set_buyer,
)
from django_henry_checkout.flows.checkout.quotes import get_quote, quote_session
from django_henry_checkout.models import Cart, CheckoutSession, Order
from django_henry_checkout.types import Buyer


class SessionView(HenryView):
    """A call about the caller's checkout session: its token says which; others name it, or its cart."""

    field_names = V0_NAMES

    def session(self, *, session_id: str = "", cart_id: str = "") -> CheckoutSession:
        """Return the session that the call is about."""

        def read(text: str) -> UUID | None:
            return self.public_id(text, SessionNotFound) if text else None

        return find_inline_session(self.caller, session_id=read(session_id), cart_id=read(cart_id))

    def session_of_query(self) -> CheckoutSession:
        """Return the session that a GET is about: `sessionId` or `cartId` may name it."""
        query = self.request.query_params
        return self.session(session_id=query.get("sessionId", ""), cart_id=query.get("cartId", ""))


class QuoteView(SessionView):
    costs_a_call_to_henry = True

    def post(self, request: Request) -> Response:
        """Ask what a cart costs, shipped to somebody; a second call with the token brings the session up to date."""
        return by_key(self, request, self._quote)

    def _quote(self, _quoted_before: JSON | None) -> tuple[Response, JSON]:
        content = self.read(QuoteInput)
        buyer = buyer_of_details(content["shipping_details"])
        session, token = self._session(content.get("cart_id", ""))
        set_buyer(session, lambda _before: buyer, strict=False)
        quote = quote_session(session, coupons=content.get("coupons"), region=content.get("region"))
        return Response({"sessionToken": token, **answers.quote(session, quote)}), {}

    def _session(self, cart_id: str) -> tuple[CheckoutSession, str]:
        """Return the caller's session, or a new one with its token, which is shown this once."""
        if self.caller.session_id is not None:
            return self.session(cart_id=cart_id), shown_secret(self.request)
        cart = self._cart(cart_id)
        started = begin_inline(cart, user=cart.user)
        self.remember(started.order)
        return started.session, started.token

    def _cart(self, cart_id: str) -> Cart:
        if cart_id:
            return self.cart(cart_id)
        if self.caller.token_cart_id is not None:
            return self.cart(str(self.caller.token_cart_id))
        asks_by_cookie = self.caller.user_pk is not None or self.caller.cart_ids
        cart = current_cart(shop_request(self.request)) if asks_by_cookie else None
        if cart is None:
            raise CartNotFound
        return cart


class SessionProductsView(SessionView):
    def get(self, request: Request) -> Response:
        """Show what the session is about to buy."""
        session = self.session_of_query()
        return Response({"products": [answers.product(line) for line in session.order.lines.all()]})


class SessionShippingView(SessionView):
    def get(self, request: Request) -> Response:
        """Show where the session ships to, and which shipping methods are offered."""
        session = self.session_of_query()
        details = details_of_buyer(get_buyer(session.order))
        quote = get_quote(session)
        return Response(
            {
                "hasShipping": details is not None,
                "shippingDetails": details,
                "shippingMethods": [] if quote is None else answers.shipping_methods(quote),
            }
        )


class SessionCardView(SessionView):
    costs_a_call_to_henry = True

    def post(self, request: Request) -> Response:
        """Say how the shopper's card is collected: the modal's address, or the settings of the card element."""
        return by_key(self, request, self._prepare)

    def _prepare(self, _prepared_before: JSON | None) -> tuple[Response, JSON]:
        content = self.read(SessionInput)
        form = get_card_form(self.session(**content))
        shown = {"kind": form.kind, "modalUrl": form.modal_url or None, "settings": dict(form.settings)}
        return Response(shown), {}


class SessionConfirmView(SessionView):
    costs_a_call_to_henry = True

    def post(self, request: Request) -> Response:
        """Buy what was quoted; 202 while its outcome is not known. Needs an `Idempotency-Key`."""
        content = self.read(ConfirmInput)
        return pay_once(self, request, buy=partial(self._buy, content), show=_show)

    def _buy(self, content: dict[str, Any], on_intent: OnIntent) -> Order:
        session = self.session(session_id=content.get("session_id", ""), cart_id=content.get("cart_id", ""))
        details = content.get("shipping_details")
        if details is not None and not is_under_way(session.order):
            buyer: Buyer = buyer_of_details(details)
            set_buyer(session, lambda _before: buyer, strict=False)
        card = {"details": {"card_token": content["card_token"]}} if "card_token" in content else None
        if card is not None:
            named = ("name_on_card", "billing_address")
            card |= {name: content[name] for name in named if name in content}
        payment = Payment(
            card=card_of(card),
            accepted=as_money(content.get("accepted_total")),
            metadata=clean_metadata(content["metadata"]),
        )
        return confirm_session(session, payment, on_intent=on_intent)


def _show(order: Order) -> Response:
    content = answers.receipt(order, order.lines.all())
    content["shippingDetails"] = details_of_buyer(get_buyer(order))
    return Response(content, status=202 if is_outcome_unknown(order) else 200)


def is_outcome_unknown(order: Order) -> bool:
    """Whether a purchase of the order was sent, and nobody knows yet what became of it."""
    return not order.is_terminal and order.placed_at is None
