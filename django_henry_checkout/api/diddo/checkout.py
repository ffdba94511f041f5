"""Checkout by Diddo's names: begin, shipping address, shipping method (diddo-checkout.md 2 to 5)."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from ulid import ULID

from django_henry_checkout.api.common.base import StorefrontView
from django_henry_checkout.api.common.callers import django_request
from django_henry_checkout.api.common.camel_case import JSON
from django_henry_checkout.api.common.idempotency import idempotent_call
from django_henry_checkout.api.common.sessions import CheckoutSessionView
from django_henry_checkout.api.diddo.buyers import DIDDO_NAMES, update_buyer
from django_henry_checkout.api.diddo.inputs import ShippingInput, ShippingMethodInput, parse_path_id
from django_henry_checkout.api.diddo.responses import serialize_cart
from django_henry_checkout.flows.access.callers import remember_cart
from django_henry_checkout.flows.access.customer_tokens import get_customer_session
from django_henry_checkout.flows.buyer.details import get_buyer, missing_parts
from django_henry_checkout.flows.cart.carts import find_cart
from django_henry_checkout.flows.cart.templates import get_cart_to_pay
from django_henry_checkout.flows.checkout.inline import begin_inline, set_buyer
from django_henry_checkout.flows.checkout.quotes import choose_shipping, get_quote, quote_session
from django_henry_checkout.models import CheckoutSession, Quote, SessionKind
from django_henry_checkout.types import Buyer, format_public_id


class BeginCheckoutView(StorefrontView):
    calls_henry = True
    status_overrides = {402: 422, 409: 422, 410: 422}

    def post(self, request: Request, cart_id: str) -> Response:
        """Begin a checkout of the caller's cart, or of a new copy of a template."""
        public_id = parse_path_id(cart_id)
        return idempotent_call(self, request, partial(self._begin, public_id))

    def _begin(self, public_id: UUID, reference: JSON | None) -> tuple[Response, JSON]:
        request, customer = self.request, get_customer_session(self.caller)
        user = request.user if self.caller.user_pk is not None else None
        if reference is None:
            cart = get_cart_to_pay(public_id, caller=self.caller, user=user, customer=customer)
        else:
            cart = find_cart(ULID.from_str(reference["cartId"]).to_uuid())
        started = begin_inline(cart, user=cart.user, kind=SessionKind.LINK, request=django_request(request))
        if django_request(request).session.session_key and self.caller.uses_browser_session:
            remember_cart(django_request(request), cart)
        self.remember_order(started.order)
        content = {
            "cartId": cart.ulid,
            "templateCartId": format_public_id(public_id) if public_id != cart.public_id else None,
            "status": "IN_PROGRESS",
            "paymentIntentId": started.session.ulid,
            "sessionToken": started.token,
            "orderId": started.order.ulid,
            "orderNumber": started.order.number,
            "expiresAt": started.session.expires_at.isoformat(),
            "cart": serialize_cart(started.order, get_buyer(started.order), None),
        }
        return Response(content), {"cartId": cart.ulid}


class ShippingAddressView(CheckoutSessionView):
    field_names = DIDDO_NAMES
    calls_henry = True
    status_overrides = {402: 422, 409: 422, 410: 422}

    def post(self, request: Request) -> Response:
        """Add or change the buyer's details. Once the address is complete, shipping and taxes are quoted."""
        return idempotent_call(self, request, self._set_buyer)

    def _set_buyer(self, _reference: JSON | None) -> tuple[Response, JSON]:
        content = self.read_body(ShippingInput)
        session = self.get_session(
            session_id=content.get("payment_intent_id", ""), cart_id=content.get("cart_id", "")
        )
        changes = content["buyer_info"]
        buyer = set_buyer(session, lambda before: update_buyer(before, changes), strict=True)
        quote = get_quote(session)
        if not missing_parts(buyer):
            quote = quote_session(session)
        return _respond(session, buyer, quote), {}


class ShippingMethodView(CheckoutSessionView):
    field_names = DIDDO_NAMES
    calls_henry = True
    status_overrides = {402: 400, 409: 400, 410: 400, 422: 400}

    def post(self, request: Request) -> Response:
        """Choose one of the offered shipping methods by its id."""
        return idempotent_call(self, request, self._choose)

    def _choose(self, _reference: JSON | None) -> tuple[Response, JSON]:
        content = self.read_body(ShippingMethodInput)
        session = self.get_session(cart_id=content["cart_id"])
        quote = choose_shipping(session, content["shipping_method_id"])
        return _respond(session, get_buyer(session.order), quote), {}


def _respond(session: CheckoutSession, buyer: Buyer, quote: Quote | None) -> Response:
    return Response(serialize_cart(session.order, buyer, quote))
