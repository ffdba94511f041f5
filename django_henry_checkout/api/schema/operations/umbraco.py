"""The operations of Umbraco's calls."""

from __future__ import annotations

from functools import partial

from django_henry_checkout.api.schema.operations.base import Operation, Operations
from django_henry_checkout.api.schema.parameters import MODE, ORIGIN, STORE
from django_henry_checkout.api.schema.problems import BEGIN, BODY, BUY, READ, WRITE
from django_henry_checkout.api.schema.shapes import umbraco as shapes
from django_henry_checkout.api.umbraco.hosted import PaymentTokenView
from django_henry_checkout.api.umbraco.inline import (
    ConfirmPaymentView,
    InitializePaymentView,
    LinkConfirmInput,
    PaymentMethodsView,
    ShippingMethodsView,
)

_payment = partial(Operation, tag="payments", parameters=(STORE,))

_FOUND = ("order_not_found", "not_found")
UMBRACO_OPERATIONS: Operations = {
    (PaymentTokenView, "GET"): _payment(
        id="renewToken",
        responses={200: shapes.PaymentToken},
        problems=(*READ, *BEGIN, *_FOUND, "bad_request", "origin_not_allowed"),
        parameters=(MODE, ORIGIN, STORE),
    ),
    (InitializePaymentView, "GET"): _payment(
        id="initializePayment",
        responses={200: shapes.PreparedPayment},
        problems=(*READ, *BEGIN, *_FOUND, "token_expired"),
    ),
    (ConfirmPaymentView, "POST"): _payment(
        id="confirmPayment",
        body=LinkConfirmInput,
        responses={200: shapes.Confirmation},
        problems=(
            *(*WRITE, *BODY, *_FOUND, *BUY),
            *("not_initialized", "payment_status_refused", "already_confirmed"),
        ),
        key="required",
    ),
    (PaymentMethodsView, "GET"): _payment(
        id="listPaymentMethods",
        responses={200: [shapes.PaymentMethod]},
        problems=(*READ, *_FOUND),
    ),
    (ShippingMethodsView, "GET"): _payment(
        id="listShippingMethods",
        responses={200: [shapes.ShippingMethod]},
        problems=(*READ, *_FOUND),
    ),
}
