"""Checkout by Diddo's names (diddo-checkout.md): links and QR codes, begin, address, shipping method, CST.

Failures have the statuses that its page declares for each call. An id that is unknown, or somebody else's, is
404 all the same, here as everywhere.
"""

from __future__ import annotations

import hashlib
from functools import partial
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from ulid import ULID

from django_henry_checkout.api import link_answers as answers
from django_henry_checkout.api.base import HenryView
from django_henry_checkout.api.bodies import ShippingInput, ShippingMethodInput
from django_henry_checkout.api.callers import shop_request
from django_henry_checkout.api.headless import SessionView
from django_henry_checkout.api.names import JSON
from django_henry_checkout.api.people import DIDDO_NAMES, CustomerInput, updated_buyer
from django_henry_checkout.api.pictures import negotiate
from django_henry_checkout.api.repeating import by_key
from django_henry_checkout.flows.access.callers import remember_cart
from django_henry_checkout.flows.access.customer_tokens import (
    create_customer_session,
    get_customer_session,
    revoke_customer_session,
    sign_customer_token,
)
from django_henry_checkout.flows.buyer.details import get_buyer, missing_parts
from django_henry_checkout.flows.cart.carts import find_cart
from django_henry_checkout.flows.cart.qr import MEDIA_TYPES, render_qr
from django_henry_checkout.flows.cart.templates import get_cart_to_pay, open_template
from django_henry_checkout.flows.checkout.inline import begin_inline, set_buyer
from django_henry_checkout.flows.checkout.quotes import choose_shipping, get_quote, quote_session
from django_henry_checkout.models import CheckoutSession, CustomerSession, Quote, SessionKind
from django_henry_checkout.types import Buyer, format_public_id, parse_public_id


def _read_id(text: str) -> UUID:
    """Read an id of a path, which on Diddo's page has a form of its own."""
    found = parse_public_id(text)
    if found is None:
        raise exceptions.ParseError("The id is neither a ULID nor a UUID.")
    return found


class QrView(HenryView):
    picture = ""

    def get(self, request: Request, cart_id: str) -> HttpResponse:
        """Show the QR code of a template cart's link: SVG or PNG, by the address or by `Accept`."""
        template = open_template(_read_id(cart_id))
        kind = self.picture or negotiate(request.headers.get("Accept", ""))
        scale = _scale(request.query_params.get("scale", "10"))
        target = request.build_absolute_uri(reverse("henry_checkout:link", args=[template.ulid]))
        body = render_qr(target, kind=kind, scale=scale)
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {
            "ETag": etag,
            "Cache-Control": "private, max-age=3600",
            "Vary": "Authorization" if self.picture else "Accept, Authorization",
        }
        known = {
            part.strip().removeprefix("W/") for part in request.headers.get("If-None-Match", "").split(",")
        }
        if known & {etag, "*"}:
            return HttpResponse(status=304, headers=headers)
        headers |= {
            "Content-Disposition": f'inline; filename="checkout-{template.ulid}.{kind}"',
            "X-Content-Type-Options": "nosniff",
        }
        if kind == "svg":
            headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
        return HttpResponse(body, content_type=MEDIA_TYPES[kind], headers=headers)


MAX_SCALE = 32


def _scale(text: str) -> int:
    if not text.isdecimal() or len(text) > 2 or not 1 <= int(text) <= MAX_SCALE:
        raise exceptions.ParseError(f"scale is the pixels of one module, from 1 to {MAX_SCALE}.")
    return int(text)


class BeginView(HenryView):
    costs_a_call_to_henry = True
    statuses = {402: 422, 409: 422, 410: 422}

    def post(self, request: Request, cart_id: str) -> Response:
        """Begin a checkout: of a fresh copy of a template, or of the caller's own cart."""
        public_id = _read_id(cart_id)
        return by_key(self, request, partial(self._begin, public_id))

    def _begin(self, public_id: UUID, begun_before: JSON | None) -> tuple[Response, JSON]:
        request, customer = self.request, get_customer_session(self.caller)
        user = request.user if self.caller.user_pk is not None else None
        if begun_before is None:
            cart = get_cart_to_pay(public_id, caller=self.caller, user=user, customer=customer)
        else:
            cart = find_cart(ULID.from_str(begun_before["cartId"]).to_uuid())
        started = begin_inline(cart, user=cart.user, kind=SessionKind.LINK)
        if shop_request(request).session.session_key and self.caller.uses_browser_session:
            remember_cart(shop_request(request), cart)
        self.remember(started.order)
        content = {
            "cartId": cart.ulid,
            "templateCartId": format_public_id(public_id) if public_id != cart.public_id else None,
            "status": "IN_PROGRESS",
            "paymentIntentId": started.session.ulid,
            "sessionToken": started.token,
            "orderId": started.order.ulid,
            "orderNumber": started.order.number,
            "expiresAt": started.session.expires_at.isoformat(),
            "cart": answers.cart(started.order, get_buyer(started.order), None),
        }
        return Response(content), {"cartId": cart.ulid}


def _show(session: CheckoutSession, buyer: Buyer, quote: Quote | None) -> Response:
    return Response(answers.cart(session.order, buyer, quote))


class ShippingView(SessionView):
    field_names = DIDDO_NAMES
    costs_a_call_to_henry = True
    statuses = {402: 422, 409: 422, 410: 422}

    def post(self, request: Request) -> Response:
        """Add to or change who buys and where to. Once the address is complete, shipping and taxes are worked out."""
        return by_key(self, request, self._set)

    def _set(self, _set_before: JSON | None) -> tuple[Response, JSON]:
        content = self.read(ShippingInput)
        session = self.session(
            session_id=content.get("payment_intent_id", ""), cart_id=content.get("cart_id", "")
        )
        changes = content["buyer_info"]
        buyer = set_buyer(session, lambda before: updated_buyer(before, changes), strict=True)
        quote = get_quote(session)
        if not missing_parts(buyer):
            quote = quote_session(session)
        return _show(session, buyer, quote), {}


class ShippingMethodView(SessionView):
    costs_a_call_to_henry = True
    statuses = {402: 400, 409: 400, 410: 400, 422: 400}

    def post(self, request: Request) -> Response:
        """Choose one of the offered shipping rates, by its whole number."""
        return by_key(self, request, self._choose)

    def _choose(self, _chosen_before: JSON | None) -> tuple[Response, JSON]:
        content = self.read(ShippingMethodInput)
        session = self.session(cart_id=content["cart_id"])
        quote = choose_shipping(session, content["shipping_method_id"])
        return _show(session, get_buyer(session.order), quote), {}


class CustomerTokenView(HenryView):
    statuses = {409: 400, 422: 400}
    field_names = DIDDO_NAMES

    def post(self, request: Request) -> Response:
        """Mint a customer session token for a page or an app; what is known of the customer fills in his checkout."""
        may_mint = self.caller.trusted_account or (
            self.caller.uses_browser_session and shop_request(request).session.session_key
        )
        if not may_mint:
            raise exceptions.NotAuthenticated("Only the shop's own server or pages mint customer tokens.")
        return by_key(self, request, self._mint)

    def _mint(self, minted_before: JSON | None) -> tuple[Response, JSON]:
        if minted_before is None:
            session = create_customer_session(
                updated_buyer(Buyer(), self.read(CustomerInput)),
                user=self.request.user if self.caller.user_pk is not None else None,
                account=self.caller.trusted_account or "default",
            )
        else:
            session = CustomerSession.objects.get(pk=minted_before["customer"])
        return Response({"cst": sign_customer_token(session)}), {"customer": session.pk}

    def delete(self, request: Request) -> Response:
        """Revoke the customer token that the call shows, and every other one of that customer's session."""
        if self.caller.customer_id is None:
            raise exceptions.NotAuthenticated("Show the customer token that is to be revoked.")
        revoke_customer_session(self.caller.customer_id)
        return Response(status=204)
