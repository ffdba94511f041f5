"""The operations of Diddo's calls."""

from __future__ import annotations

from functools import partial

from django_henry_checkout.api.diddo.checkout import (
    BeginCheckoutView,
    ShippingAddressView,
    ShippingMethodView,
)
from django_henry_checkout.api.diddo.customer_tokens import CustomerTokenView
from django_henry_checkout.api.diddo.inputs import BuyerInfoInput, ShippingInput, ShippingMethodInput
from django_henry_checkout.api.diddo.qr import QrCodeView
from django_henry_checkout.api.schema.operations.base import SHOP, Operation, Operations
from django_henry_checkout.api.schema.parameters import SCALE
from django_henry_checkout.api.schema.problems import BEGIN, BODY, KEY, LIVE, QUOTE, WRITE
from django_henry_checkout.api.schema.shapes import diddo as shapes

_link = partial(Operation, tag="links")

_SHOWN = {200: shapes.StoreCart}
DIDDO_OPERATIONS: Operations = {
    (QrCodeView, "GET"): Operation(
        tag="carts",
        id="readQr",
        responses={200: None, 304: None},
        problems=("bad_request", "token_invalid", "throttled", "cart_not_found", "link_closed"),
        parameters=(SCALE,),
        is_image=True,
    ),
    (BeginCheckoutView, "POST"): _link(
        id="beginCheckout",
        responses={200: shapes.BegunCheckout},
        problems=(*WRITE, *BEGIN, "bad_request", "link_closed", *KEY),
        key="optional",
    ),
    (ShippingAddressView, "POST"): _link(
        id="setShipping",
        body=ShippingInput,
        responses=_SHOWN,
        problems=(*WRITE, *BODY, *LIVE, *QUOTE, "invalid_buyer", *KEY),
        key="optional",
    ),
    (ShippingMethodView, "POST"): _link(
        id="chooseShippingMethod",
        body=ShippingMethodInput,
        responses=_SHOWN,
        problems=(*WRITE, *BODY, *LIVE, *QUOTE, "quote_required", "shipping_method_not_offered", *KEY),
        key="optional",
    ),
    (CustomerTokenView, "POST"): _link(
        id="mintCustomerToken",
        body=BuyerInfoInput,
        body_required=False,
        responses={200: shapes.CustomerToken},
        problems=(*WRITE, *BODY, "unauthenticated", "invalid_buyer", "not_configured", *KEY),
        key="optional",
        callers=SHOP,
        guests=False,
    ),
    (CustomerTokenView, "DELETE"): _link(
        id="revokeCustomerToken",
        responses={204: None},
        problems=(*WRITE, "unauthenticated"),
        callers=("bearer", "token"),
        guests=False,
    ),
}
