"""URLs of the sandbox."""

from __future__ import annotations

from django.urls import path, re_path

from django_henry_checkout.sandbox.control import catalogue as control_catalogue
from django_henry_checkout.sandbox.control import orders as control_orders
from django_henry_checkout.sandbox.control import state as control_state
from django_henry_checkout.sandbox.control import webhooks as control_webhooks
from django_henry_checkout.sandbox.engine.http import api_views
from django_henry_checkout.sandbox.pages import (
    card_element,
    card_modal,
    checkout,
    index,
    pictures,
    static_files,
)
from django_henry_checkout.sandbox.rpc import carts as rpc_carts
from django_henry_checkout.sandbox.rpc import purchases as rpc_purchases
from django_henry_checkout.sandbox.v0 import carts as v0_carts
from django_henry_checkout.sandbox.v0 import merchants as v0_merchants
from django_henry_checkout.sandbox.v0 import products as v0_products
from django_henry_checkout.sandbox.v0 import sessions as v0_sessions
from django_henry_checkout.sandbox.v0 import variant_checks as v0_variant_checks
from django_henry_checkout.sandbox.v0 import wallet as v0_wallet
from django_henry_checkout.sandbox.v1 import cards as v1_cards
from django_henry_checkout.sandbox.v1 import carts as v1_carts
from django_henry_checkout.sandbox.v1 import details as v1_details
from django_henry_checkout.sandbox.v1 import merchants as v1_merchants
from django_henry_checkout.sandbox.v1 import orders as v1_orders
from django_henry_checkout.sandbox.v1 import products as v1_products
from django_henry_checkout.sandbox.v1 import purchases as v1_purchases

urlpatterns = [
    # The most frequent requests come first: Django tries the patterns in order.
    path("v1/cart/purchase/status", rpc_purchases.purchase_status),
    path("v1/orders", v1_orders.order_list),
    path("", index.index),
    path("favicon.ico", static_files.favicon),
    path("static/<str:name>", static_files.static),
    path("pictures/<slug:slug>.svg", pictures.picture),
    # Hosted pages
    path("cart/<str:cart_id>", checkout.checkout, name="checkout"),
    path("cart/<str:cart_id>/receipt/<str:ref_id>", checkout.receipt, name="receipt"),
    path("cart/<str:cart_id>/closed", checkout.closed, name="closed"),
    path("wallet/card", card_modal.collect, name="card"),
    path("wallet/card/closed", card_modal.closed, name="card-closed"),
    path("elements/card", card_element.element, name="card-element"),
    # v0
    path("v0/products/search", v0_products.search),
    path("v0/products/details", v0_products.details),
    path("v0/products/variant-check", v0_variant_checks.check_list),
    path("v0/products/variant-check/<str:check_id>", v0_variant_checks.check),
    path("v0/cart/items", v0_carts.items),
    path("v0/cart/items/<path:product_id>", v0_carts.item),
    path("v0/cart/checkout", v0_carts.checkout_link),
    path("v0/checkout/session/quote", v0_sessions.quote),
    path("v0/checkout/session/products", v0_sessions.products),
    path("v0/checkout/session/shipping", v0_sessions.shipping),
    path("v0/checkout/session/confirm", v0_sessions.confirm),
    path("v0/wallet/card-collect", v0_wallet.card_link),
    path("v0/wallet/cards/collect", v0_wallet.raw_card),
    path("v0/orders/<str:order_id>", v0_sessions.order),
    path("v0/merchants/list", v0_merchants.merchant_list),
    path("v0/merchants/shipping-info", v0_merchants.shipping_info),
    path("v0/merchants/<str:domain>/status", v0_merchants.support_status),
    re_path(r"^v0/", api_views.not_found),
    # Early v1. Its paths come before those of REST, where an id could match the same word.
    path("v1/cart/create", rpc_carts.create),
    path("v1/cart/fetch", rpc_carts.fetch),
    path("v1/cart/delete", rpc_carts.delete),
    path("v1/cart/add-item", rpc_carts.add_item),
    path("v1/cart/update-item", rpc_carts.update_item),
    path("v1/cart/remove-item", rpc_carts.remove_item),
    path("v1/cart/details", rpc_purchases.details),
    path("v1/cart/details/status", rpc_purchases.details_status),
    path("v1/cart/purchase", rpc_purchases.purchase),
    path("v1/orders/fetch", rpc_purchases.order_list),
    path("v1/merchants/fetch", rpc_purchases.merchant_list),
    # v1 REST. Fixed paths come before those with an id.
    path("v1/cart", v1_carts.cart_list),
    path("v1/cart/checkout/status", v1_details.details_status),
    path("v1/cart/<str:cart_id>", v1_carts.cart),
    path("v1/cart/<str:cart_id>/item", v1_carts.item),
    path("v1/cart/<str:cart_id>/details", v1_details.details),
    path("v1/cart/<str:cart_id>/purchase", v1_purchases.purchase),
    path("v1/product/search", v1_products.search),
    path("v1/product/search/status", v1_products.search_status),
    path("v1/product/details", v1_products.details),
    path("v1/product/details/status", v1_products.details_status),
    path("v1/merchants", v1_merchants.merchant_list),
    path("v1/merchants/search", v1_merchants.search),
    path("v1/merchants/<str:host>", v1_merchants.merchant),
    path("v1/card/tokenize", v1_cards.tokenize),
    path("v1/card/<str:token>", v1_cards.card),
    re_path(r"^v1/", api_views.not_found),
    # Control
    path("__sandbox__/reset", control_state.reset),
    path("__sandbox__/scenario", control_state.scenario),
    path("__sandbox__/clock", control_state.clock),
    path("__sandbox__/requests", control_state.requests),
    path("__sandbox__/orders", control_orders.orders),
    path("__sandbox__/pay", control_orders.pay),
    path("__sandbox__/card", control_orders.card),
    path("__sandbox__/catalogue", control_catalogue.catalogue),
    path("__sandbox__/webhooks", control_webhooks.endpoints),
    path("__sandbox__/webhooks/send", control_webhooks.send),
    path("__sandbox__/health", control_state.health),
]
handler404 = "django_henry_checkout.sandbox.pages.index.not_found"
