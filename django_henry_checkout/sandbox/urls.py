"""Every address of the sandbox."""

from __future__ import annotations

from django.urls import path, re_path

from django_henry_checkout.sandbox import control, hosted, pages, v1_carts, v1_products, v1_purchases

urlpatterns = [
    path("", pages.index),
    path("favicon.ico", pages.favicon),
    path("static/<str:name>", pages.static),
    path("pictures/<slug:slug>.svg", pages.picture),
    # The hosted checkout
    path("cart/<str:cart_id>", hosted.checkout, name="checkout"),
    path("cart/<str:cart_id>/receipt/<str:ref_id>", hosted.receipt, name="receipt"),
    path("cart/<str:cart_id>/closed", hosted.closed, name="closed"),
    # v1 REST; fixed paths stand before those with an id
    path("v1/cart", v1_carts.collection),
    path("v1/cart/checkout/status", v1_purchases.quote_status),
    path("v1/cart/purchase/status", v1_purchases.buy_status),
    path("v1/cart/<str:cart_id>", v1_carts.one),
    path("v1/cart/<str:cart_id>/item", v1_carts.item),
    path("v1/cart/<str:cart_id>/details", v1_purchases.quote),
    path("v1/cart/<str:cart_id>/purchase", v1_purchases.buy),
    path("v1/orders", v1_purchases.order_list),
    path("v1/product/search", v1_products.find),
    path("v1/product/search/status", v1_products.find_status),
    path("v1/product/details", v1_products.show),
    path("v1/product/details/status", v1_products.show_status),
    re_path(r"^v1/", v1_carts.not_found),
    # Control
    path("__sandbox__/reset", control.reset),
    path("__sandbox__/scenario", control.scenario),
    path("__sandbox__/clock", control.clock),
    path("__sandbox__/requests", control.requests),
    path("__sandbox__/orders", control.paid_orders),
    path("__sandbox__/pay", control.pay),
    path("__sandbox__/catalogue", control.catalogue),
    path("__sandbox__/health", control.health),
]
handler404 = "django_henry_checkout.sandbox.pages.not_found"
