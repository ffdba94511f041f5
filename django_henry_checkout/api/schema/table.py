"""One entry for each view and method: what it takes, what it answers, which problems it can meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rest_framework.serializers import Serializer

from django_henry_checkout.api import bodies, inputs, people
from django_henry_checkout.api.schema import page_shapes as page
from django_henry_checkout.api.schema import shapes as shape
from django_henry_checkout.api.schema.parameters import (
    AFTER,
    CURSOR,
    LIMIT,
    MODE,
    ORIGIN,
    REF_ID,
    SCALE,
    SESSION_QUERY,
    STATUS,
    STORE,
    Parameter,
)
from django_henry_checkout.api.schema.problems import BEGIN, BODY, BUY, HENRY, KEY, LIVE, QUOTE, READ, WRITE

#: By the name of the view, which need not be imported here, and the method.
Calls = Mapping[tuple[str, str], "Operation"]
Shown = type[Serializer[Any]]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One call.

    Attributes:
        answers: by status; a list of one shape is a list of such objects, None has no body.
        key: whether an `Idempotency-Key` is "required", "optional" or "" (not read).
        pictures: whether a success is a picture.
    """

    id: str
    tag: str
    answers: Mapping[int, Shown | list[Shown] | None]
    problems: tuple[str, ...]
    body: Shown | None = None
    body_required: bool = True
    parameters: tuple[Parameter, ...] = ()
    key: str = ""
    pictures: bool = False
    callers: tuple[str, ...] = field(default=("session", "token", "bearer", "apiKey", "apiKeyHeader"))
    guests: bool = True


_CART = ("cart_not_found", *KEY)
_EDIT = (*_CART, *BODY, "cart_changed", "invalid_item")
_SHOP = ("session", "apiKey", "apiKeyHeader")


_cart = partial(Operation, tag="carts")

_EDITED = {200: shape.Cart}
_CARTS: Calls = {
    ("CartsView", "POST"): _cart(
        id="createCart",
        body=inputs.CartInput,
        body_required=False,
        answers={201: shape.CreatedCart},
        problems=(*WRITE, *BODY, *KEY, "invalid_item", "cart_full", "not_configured"),
        key="optional",
    ),
    ("CartView", "GET"): _cart(id="readCart", answers=_EDITED, problems=(*READ, "cart_not_found")),
    ("CartView", "DELETE"): _cart(
        id="deleteCart",
        answers={204: None},
        problems=(*WRITE, *_CART, "purchase_under_way"),
        key="optional",
    ),
    ("CartItemView", "POST"): _cart(
        id="addItem",
        body=inputs.AddItemInput,
        answers=_EDITED,
        problems=(*WRITE, *_EDIT, "cart_full"),
        key="optional",
    ),
    ("CartItemView", "PUT"): _cart(
        id="updateItem",
        body=inputs.UpdateItemInput,
        answers=_EDITED,
        problems=(*WRITE, *_EDIT, "line_not_found", "ambiguous_item"),
        key="optional",
    ),
    ("CartItemView", "DELETE"): _cart(
        id="removeItem",
        body=inputs.RemoveItemInput,
        answers=_EDITED,
        problems=(*WRITE, *_EDIT, "line_not_found", "ambiguous_item"),
        key="optional",
    ),
    ("CartMergeView", "POST"): _cart(
        id="mergeCart",
        body=inputs.MergeInput,
        answers=_EDITED,
        problems=(*WRITE, *_EDIT, "cart_full"),
        key="optional",
    ),
    ("CartLinkView", "PUT"): _cart(
        id="openLink",
        body=inputs.LinkInput,
        body_required=False,
        answers={200: shape.CartLink},
        problems=(*WRITE, *_CART, *BODY),
        key="optional",
        callers=_SHOP,
        guests=False,
    ),
    ("CartLinkView", "DELETE"): _cart(
        id="closeLink",
        answers={204: None},
        problems=(*WRITE, *_CART),
        key="optional",
        callers=_SHOP,
        guests=False,
    ),
    ("QrView", "GET"): _cart(
        id="readQr",
        answers={200: None, 304: None},
        problems=("bad_request", "token_invalid", "throttled", "cart_not_found", "link_closed"),
        parameters=(SCALE,),
        pictures=True,
    ),
}


_purchase = partial(Operation, tag="purchases")

_BOUGHT: dict[int, Any] = {200: page.PurchaseJob, 202: page.PurchaseJob}
_PURCHASES: Calls = {
    ("CartCheckoutView", "POST"): _purchase(
        id="beginHostedCheckout",
        body=bodies.CheckoutInput,
        answers={201: shape.HostedCheckout},
        problems=(
            *WRITE,
            *BODY,
            *BEGIN,
            "prefill_off",
            "not_supported",
            "invalid_buyer",
            "origin_not_allowed",
            *KEY,
        ),
        key="optional",
    ),
    ("ReceiptView", "POST"): _purchase(
        id="verifyReceipt",
        body=bodies.ReceiptInput,
        answers={200: shape.VerifiedReceipt},
        problems=(*WRITE, *BODY, "receipt_invalid"),
    ),
    ("CartPurchaseView", "POST"): _purchase(
        id="purchaseCart",
        body=bodies.PurchaseInput,
        answers=_BOUGHT,
        problems=(*WRITE, *BODY, *BEGIN, *BUY),
        key="required",
    ),
    ("CartPurchaseStatusView", "GET"): _purchase(
        id="readPurchase",
        answers={200: page.PurchaseJob},
        problems=(*READ, "purchase_not_found"),
        parameters=(REF_ID,),
    ),
}


_session = partial(Operation, tag="sessions")

_SESSIONS: Calls = {
    ("QuoteView", "POST"): _session(
        id="quote",
        body=bodies.QuoteInput,
        answers={200: shape.Quote},
        problems=(*WRITE, *BODY, *BEGIN, *LIVE, *QUOTE, "invalid_buyer", "invalid_item", *KEY),
        key="optional",
    ),
    ("SessionProductsView", "GET"): _session(
        id="listSessionProducts",
        answers={200: shape.SessionProducts},
        problems=(*READ, "session_not_named", "session_not_found"),
        parameters=SESSION_QUERY,
    ),
    ("SessionShippingView", "GET"): _session(
        id="readSessionShipping",
        answers={200: shape.SessionShipping},
        problems=(*READ, "session_not_named", "session_not_found"),
        parameters=SESSION_QUERY,
    ),
    ("SessionCardView", "POST"): _session(
        id="prepareCard",
        body=bodies.SessionInput,
        body_required=False,
        answers={200: shape.CardForm},
        problems=(*WRITE, *BODY, *LIVE, *HENRY, "untrusted_checkout_url", *KEY),
        key="optional",
    ),
    ("SessionConfirmView", "POST"): _session(
        id="confirmSession",
        body=bodies.ConfirmInput,
        answers={200: shape.Receipt, 202: shape.Receipt},
        problems=(*WRITE, *BODY, *LIVE, *BUY),
        key="required",
    ),
}


_link = partial(Operation, tag="links")

_SHOWN = {200: page.StoreCart}
_LINKS: Calls = {
    ("BeginView", "POST"): _link(
        id="beginCheckout",
        answers={200: page.BegunCheckout},
        problems=(*WRITE, *BEGIN, "bad_request", "link_closed", *KEY),
        key="optional",
    ),
    ("ShippingView", "POST"): _link(
        id="setShipping",
        body=bodies.ShippingInput,
        answers=_SHOWN,
        problems=(*WRITE, *BODY, *LIVE, *QUOTE, "invalid_buyer", *KEY),
        key="optional",
    ),
    ("ShippingMethodView", "POST"): _link(
        id="chooseShippingMethod",
        body=bodies.ShippingMethodInput,
        answers=_SHOWN,
        problems=(*WRITE, *BODY, *LIVE, *QUOTE, "quote_required", "shipping_method_not_offered", *KEY),
        key="optional",
    ),
    ("CustomerTokenView", "POST"): _link(
        id="mintCustomerToken",
        body=people.BuyerInfoInput,
        body_required=False,
        answers={200: page.CustomerToken},
        problems=(*WRITE, *BODY, "unauthenticated", "invalid_buyer", "not_configured", *KEY),
        key="optional",
        callers=_SHOP,
        guests=False,
    ),
    ("CustomerTokenView", "DELETE"): _link(
        id="revokeCustomerToken",
        answers={204: None},
        problems=(*WRITE, "unauthenticated"),
        callers=("bearer", "token"),
        guests=False,
    ),
}


_payment = partial(Operation, tag="payments", parameters=(STORE,))

_FOUND = ("order_not_found", "not_found")
_PAYMENTS: Calls = {
    ("TokenView", "GET"): _payment(
        id="renewToken",
        answers={200: page.PaymentToken},
        problems=(*READ, *BEGIN, *_FOUND, "bad_request", "origin_not_allowed"),
        parameters=(MODE, ORIGIN, STORE),
    ),
    ("InitializeView", "GET"): _payment(
        id="initializePayment",
        answers={200: page.PreparedPayment},
        problems=(*READ, *BEGIN, *_FOUND, "token_expired"),
    ),
    ("ConfirmView", "POST"): _payment(
        id="confirmPayment",
        body=bodies.LinkConfirmInput,
        answers={200: page.Confirmation},
        problems=(
            *(*WRITE, *BODY, *_FOUND, *BUY),
            *("not_initialized", "payment_status_refused", "already_confirmed"),
        ),
        key="required",
    ),
    ("PaymentMethodsView", "GET"): _payment(
        id="listPaymentMethods",
        answers={200: [page.PaymentMethod]},
        problems=(*READ, *_FOUND),
    ),
    ("ShippingMethodsView", "GET"): _payment(
        id="listShippingMethods",
        answers={200: [page.ShippingMethod]},
        problems=(*READ, *_FOUND),
    ),
}


_order = partial(Operation, tag="orders")

_ORDERS: Calls = {
    ("OrdersView", "GET"): _order(
        id="listOrders",
        answers={200: shape.OrderList},
        problems=(*READ, "invalid"),
        parameters=(LIMIT, STATUS, CURSOR),
    ),
    ("OrderView", "GET"): _order(
        id="readOrder", answers={200: shape.Order}, problems=(*READ, "order_not_found")
    ),
    ("OrderEventsView", "GET"): _order(
        id="listOrderEvents",
        answers={200: shape.OrderEventList},
        problems=(*READ, "order_not_found", "invalid"),
        parameters=(AFTER,),
    ),
}


_READ = Operation(
    id="readSchema",
    tag="description",
    answers={200: page.Description, 304: None},
    problems=("not_acceptable",),
    callers=(),
)
_DESCRIPTION: Calls = {("SchemaView", "GET"): _READ}


OPERATIONS: Mapping[tuple[str, str], Operation] = {
    **_CARTS,
    **_PURCHASES,
    **_SESSIONS,
    **_LINKS,
    **_PAYMENTS,
    **_ORDERS,
    **_DESCRIPTION,
}

TAGS = {
    "carts": "Carts of any merchant's products, and the links that sell them.",
    "purchases": "Buying a cart: on Henry's page, or by one call.",
    "sessions": "Buying in the shop's own form, by the names of Henry's headless API.",
    "links": "Checkouts that begin from a link or QR code, by Diddo's names.",
    "payments": "Paying an order, by Umbraco's names. Business failures are 400 there.",
    "orders": "What became of it.",
    "description": "This description.",
}
