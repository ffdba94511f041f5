"""The operations of Henry's calls."""

from __future__ import annotations

from functools import partial
from typing import Any

from django_henry_checkout.api.henry.carts import (
    CartItemView,
    CartLinkView,
    CartMergeView,
    CartsView,
    CartView,
)
from django_henry_checkout.api.henry.checkout import HostedCheckoutView, ReceiptView
from django_henry_checkout.api.henry.headless import (
    QuoteView,
    SessionCardView,
    SessionConfirmView,
    SessionProductsView,
    SessionShippingView,
)
from django_henry_checkout.api.henry.inputs import (
    AddItemInput,
    CartInput,
    CheckoutInput,
    ConfirmInput,
    LinkInput,
    MergeInput,
    PurchaseInput,
    QuoteInput,
    ReceiptInput,
    RemoveItemInput,
    SessionInput,
    UpdateItemInput,
)
from django_henry_checkout.api.henry.orders import OrderEventsView, OrdersView, OrderView
from django_henry_checkout.api.henry.purchases import CartPurchaseStatusView, CartPurchaseView
from django_henry_checkout.api.schema.operations.base import SHOP, Operation, Operations
from django_henry_checkout.api.schema.parameters import AFTER, CURSOR, LIMIT, REF_ID, SESSION_QUERY, STATUS
from django_henry_checkout.api.schema.problems import BEGIN, BODY, BUY, HENRY, KEY, LIVE, QUOTE, READ, WRITE
from django_henry_checkout.api.schema.shapes import henry as shapes
from django_henry_checkout.api.schema.shapes.purchases import PurchaseJob

_CART = ("cart_not_found", *KEY)
_EDIT = (*_CART, *BODY, "cart_changed", "invalid_item")


_cart = partial(Operation, tag="carts")

_EDITED = {200: shapes.Cart}
_CARTS: Operations = {
    (CartsView, "POST"): _cart(
        id="createCart",
        body=CartInput,
        body_required=False,
        responses={201: shapes.CreatedCart},
        problems=(*WRITE, *BODY, *KEY, "invalid_item", "cart_full", "not_configured"),
        key="optional",
    ),
    (CartView, "GET"): _cart(id="readCart", responses=_EDITED, problems=(*READ, "cart_not_found")),
    (CartView, "DELETE"): _cart(
        id="deleteCart",
        responses={204: None},
        problems=(*WRITE, *_CART, "purchase_under_way"),
        key="optional",
    ),
    (CartItemView, "POST"): _cart(
        id="addItem",
        body=AddItemInput,
        responses=_EDITED,
        problems=(*WRITE, *_EDIT, "cart_full"),
        key="optional",
    ),
    (CartItemView, "PUT"): _cart(
        id="updateItem",
        body=UpdateItemInput,
        responses=_EDITED,
        problems=(*WRITE, *_EDIT, "line_not_found", "ambiguous_item"),
        key="optional",
    ),
    (CartItemView, "DELETE"): _cart(
        id="removeItem",
        body=RemoveItemInput,
        responses=_EDITED,
        problems=(*WRITE, *_EDIT, "line_not_found", "ambiguous_item"),
        key="optional",
    ),
    (CartMergeView, "POST"): _cart(
        id="mergeCart",
        body=MergeInput,
        responses=_EDITED,
        problems=(*WRITE, *_EDIT, "cart_full"),
        key="optional",
    ),
    (CartLinkView, "PUT"): _cart(
        id="openLink",
        body=LinkInput,
        body_required=False,
        responses={200: shapes.CartLink},
        problems=(*WRITE, *_CART, *BODY),
        key="optional",
        callers=SHOP,
        guests=False,
    ),
    (CartLinkView, "DELETE"): _cart(
        id="closeLink",
        responses={204: None},
        problems=(*WRITE, *_CART),
        key="optional",
        callers=SHOP,
        guests=False,
    ),
}


_purchase = partial(Operation, tag="purchases")

_BOUGHT: dict[int, Any] = {200: PurchaseJob, 202: PurchaseJob}
_PURCHASES: Operations = {
    (HostedCheckoutView, "POST"): _purchase(
        id="beginHostedCheckout",
        body=CheckoutInput,
        responses={201: shapes.HostedCheckout},
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
    (ReceiptView, "POST"): _purchase(
        id="verifyReceipt",
        body=ReceiptInput,
        responses={200: shapes.VerifiedReceipt},
        problems=(*WRITE, *BODY, "receipt_invalid"),
    ),
    (CartPurchaseView, "POST"): _purchase(
        id="purchaseCart",
        body=PurchaseInput,
        responses=_BOUGHT,
        problems=(*WRITE, *BODY, *BEGIN, *BUY),
        key="required",
    ),
    (CartPurchaseStatusView, "GET"): _purchase(
        id="readPurchase",
        responses={200: PurchaseJob},
        problems=(*READ, "purchase_not_found"),
        parameters=(REF_ID,),
    ),
}


_session = partial(Operation, tag="sessions")

_SESSIONS: Operations = {
    (QuoteView, "POST"): _session(
        id="quote",
        body=QuoteInput,
        responses={200: shapes.Quote},
        problems=(*WRITE, *BODY, *BEGIN, *LIVE, *QUOTE, "invalid_buyer", "invalid_item", *KEY),
        key="optional",
    ),
    (SessionProductsView, "GET"): _session(
        id="listSessionProducts",
        responses={200: shapes.SessionProducts},
        problems=(*READ, "session_not_named", "session_not_found"),
        parameters=SESSION_QUERY,
    ),
    (SessionShippingView, "GET"): _session(
        id="readSessionShipping",
        responses={200: shapes.SessionShipping},
        problems=(*READ, "session_not_named", "session_not_found"),
        parameters=SESSION_QUERY,
    ),
    (SessionCardView, "POST"): _session(
        id="prepareCard",
        body=SessionInput,
        body_required=False,
        responses={200: shapes.CardForm},
        problems=(*WRITE, *BODY, *LIVE, *HENRY, "untrusted_checkout_url", *KEY),
        key="optional",
    ),
    (SessionConfirmView, "POST"): _session(
        id="confirmSession",
        body=ConfirmInput,
        responses={200: shapes.Receipt, 202: shapes.Receipt},
        problems=(*WRITE, *BODY, *LIVE, *BUY),
        key="required",
    ),
}


_order = partial(Operation, tag="orders")

_ORDERS: Operations = {
    (OrdersView, "GET"): _order(
        id="listOrders",
        responses={200: shapes.OrderList},
        problems=(*READ, "invalid"),
        parameters=(LIMIT, STATUS, CURSOR),
    ),
    (OrderView, "GET"): _order(
        id="readOrder", responses={200: shapes.Order}, problems=(*READ, "order_not_found")
    ),
    (OrderEventsView, "GET"): _order(
        id="listOrderEvents",
        responses={200: shapes.OrderEventList},
        problems=(*READ, "order_not_found", "invalid"),
        parameters=(AFTER,),
    ),
}

HENRY_OPERATIONS: Operations = {**_CARTS, **_PURCHASES, **_SESSIONS, **_ORDERS}
