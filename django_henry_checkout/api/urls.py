"""The URLs of the storefront API."""

from __future__ import annotations

from django.urls import path

from django_henry_checkout.api.diddo import checkout as diddo
from django_henry_checkout.api.diddo.customer_tokens import CustomerTokenView
from django_henry_checkout.api.diddo.qr import QrCodeView
from django_henry_checkout.api.henry import carts, checkout, headless, orders, purchases
from django_henry_checkout.api.schema import auto  # noqa: F401 - registers the description of the views
from django_henry_checkout.api.schema.view import SchemaView
from django_henry_checkout.api.umbraco import hosted, inline

urlpatterns = [
    path("schema", SchemaView.as_view(), name="api-schema"),
    path("cart", carts.CartsView.as_view(), name="api-carts"),
    path("cart/checkout", checkout.HostedCheckoutView.as_view(), name="api-cart-checkout"),
    path("cart/purchase", purchases.CartPurchaseView.as_view(), name="api-cart-purchase"),
    path("cart/purchase/status", purchases.CartPurchaseStatusView.as_view(), name="api-cart-purchase-status"),
    path("cart/<str:cart_id>", carts.CartView.as_view(), name="api-cart"),
    path("cart/<str:cart_id>/item", carts.CartItemView.as_view(), name="api-cart-item"),
    path("cart/<str:cart_id>/merge", carts.CartMergeView.as_view(), name="api-cart-merge"),
    path("cart/<str:cart_id>/link", carts.CartLinkView.as_view(), name="api-cart-link"),
    # Fixed segments come before ids.
    path("checkout/shipping", diddo.ShippingAddressView.as_view(), name="api-shipping"),
    path("checkout/shipping/method", diddo.ShippingMethodView.as_view(), name="api-shipping-method"),
    path("checkout/cst", CustomerTokenView.as_view(), name="api-cst"),
    path("checkout/receipt", checkout.ReceiptView.as_view(), name="api-receipt"),
    path("checkout/begin/<str:cart_id>", diddo.BeginCheckoutView.as_view(), name="api-begin"),
    path("checkout/session/quote", headless.QuoteView.as_view(), name="api-session-quote"),
    path("checkout/session/products", headless.SessionProductsView.as_view(), name="api-session-products"),
    path("checkout/session/shipping", headless.SessionShippingView.as_view(), name="api-session-shipping"),
    path("checkout/session/card", headless.SessionCardView.as_view(), name="api-session-card"),
    path("checkout/session/confirm", headless.SessionConfirmView.as_view(), name="api-session-confirm"),
    path("checkout/<str:cart_id>/qr", QrCodeView.as_view(), name="api-qr"),
    path("checkout/<str:cart_id>/qr.png", QrCodeView.as_view(image_format="png"), name="api-qr-png"),
    path("checkout/<str:cart_id>/qr.svg", QrCodeView.as_view(image_format="svg"), name="api-qr-svg"),
    path("checkout/<str:order_id>/token", hosted.PaymentTokenView.as_view(), name="api-token"),
    path("checkout/<str:order_id>/initialize", inline.InitializePaymentView.as_view(), name="api-initialize"),
    path("checkout/<str:order_id>/confirm", inline.ConfirmPaymentView.as_view(), name="api-confirm"),
    path(
        "checkout/<str:order_id>/paymentmethods",
        inline.PaymentMethodsView.as_view(),
        name="api-payment-methods",
    ),
    path(
        "checkout/<str:order_id>/shippingmethods",
        inline.ShippingMethodsView.as_view(),
        name="api-shipping-methods",
    ),
    path("orders", orders.OrdersView.as_view(), name="api-orders"),
    path("orders/<str:order_id>", orders.OrderView.as_view(), name="api-order"),
    path("orders/<str:order_id>/events", orders.OrderEventsView.as_view(), name="api-order-events"),
]
