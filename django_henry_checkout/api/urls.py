from __future__ import annotations

from django.urls import path

from django_henry_checkout.api import carts, checkout, orders

urlpatterns = [
    path("cart", carts.CartsView.as_view(), name="api-carts"),
    path("cart/checkout", checkout.CartCheckoutView.as_view(), name="api-cart-checkout"),
    path("cart/<str:cart_id>", carts.CartView.as_view(), name="api-cart"),
    path("cart/<str:cart_id>/item", carts.CartItemView.as_view(), name="api-cart-item"),
    path("checkout/<str:order_id>/token", checkout.TokenView.as_view(), name="api-token"),
    path("orders", orders.OrdersView.as_view(), name="api-orders"),
    path("orders/<str:order_id>", orders.OrderView.as_view(), name="api-order"),
    path("orders/<str:order_id>/events", orders.OrderEventsView.as_view(), name="api-order-events"),
]
