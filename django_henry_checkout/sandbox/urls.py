"""Every address of the sandbox."""

from __future__ import annotations

from django.urls import path, re_path

from django_henry_checkout.sandbox.control import state as control
from django_henry_checkout.sandbox.control import webhooks as control_webhooks
from django_henry_checkout.sandbox.engine.http import api_views as calls
from django_henry_checkout.sandbox.pages import card_element
from django_henry_checkout.sandbox.pages import card_modal as card_page
from django_henry_checkout.sandbox.pages import checkout as hosted
from django_henry_checkout.sandbox.pages import index as pages
from django_henry_checkout.sandbox.rpc import carts as rpc_carts
from django_henry_checkout.sandbox.rpc import purchases as rpc_purchases
from django_henry_checkout.sandbox.v0 import carts as v0_carts
from django_henry_checkout.sandbox.v0 import merchants as v0_merchants
from django_henry_checkout.sandbox.v0 import products as v0_products
from django_henry_checkout.sandbox.v0 import sessions as v0_sessions
from django_henry_checkout.sandbox.v0 import variant_checks as v0_checks
from django_henry_checkout.sandbox.v0 import wallet as v0_wallet
from django_henry_checkout.sandbox.v1 import cards as v1_cards
from django_henry_checkout.sandbox.v1 import carts as v1_carts
from django_henry_checkout.sandbox.v1 import merchants as v1_merchants
from django_henry_checkout.sandbox.v1 import products as v1_products
from django_henry_checkout.sandbox.v1 import purchases as v1_purchases

urlpatterns = [
    # What is asked most often stands first: addresses are tried one after the other.
    path("v1/cart/purchase/status", rpc_purchases.purchase_status),
    path("v1/orders", v1_purchases.order_list),
    path("", pages.index),
    path("favicon.ico", pages.favicon),
    path("static/<str:name>", pages.static),
    path("pictures/<slug:slug>.svg", pages.picture),
    # The hosted checkout
    path("cart/<str:cart_id>", hosted.checkout, name="checkout"),
    path("cart/<str:cart_id>/receipt/<str:ref_id>", hosted.receipt, name="receipt"),
    path("cart/<str:cart_id>/closed", hosted.closed, name="closed"),
    path("wallet/card", card_page.collect, name="card"),
    path("wallet/card/closed", card_page.closed, name="card-closed"),
    path("elements/card", card_element.element, name="card-element"),
    # v0
    path("v0/products/search", v0_products.find),
    path("v0/products/details", v0_products.show),
    path("v0/products/variant-check", v0_checks.checks),
    path("v0/products/variant-check/<str:check_id>", v0_checks.check),
    path("v0/cart/items", v0_carts.items),
    path("v0/cart/items/<path:product_id>", v0_carts.item),
    path("v0/cart/checkout", v0_carts.link),
    path("v0/checkout/session/quote", v0_sessions.quotes),
    path("v0/checkout/session/products", v0_sessions.session_products),
    path("v0/checkout/session/shipping", v0_sessions.session_shipping),
    path("v0/checkout/session/confirm", v0_sessions.confirmations),
    path("v0/wallet/card-collect", v0_wallet.card_links),
    path("v0/wallet/cards/collect", v0_wallet.raw_cards),
    path("v0/orders/<str:order_id>", v0_sessions.one_order),
    path("v0/merchants/list", v0_merchants.everyone),
    path("v0/merchants/shipping-info", v0_merchants.shipping_info),
    path("v0/merchants/<str:domain>/status", v0_merchants.is_supported),
    re_path(r"^v0/", calls.not_found),
    # Early v1; its words win over the ids of REST
    path("v1/cart/create", rpc_carts.create),
    path("v1/cart/fetch", rpc_carts.fetch),
    path("v1/cart/delete", rpc_carts.delete),
    path("v1/cart/add-item", rpc_carts.add_item),
    path("v1/cart/update-item", rpc_carts.update_item),
    path("v1/cart/remove-item", rpc_carts.remove_item),
    path("v1/cart/details", rpc_purchases.details),
    path("v1/cart/details/status", rpc_purchases.details_status),
    path("v1/cart/purchase", rpc_purchases.purchase),
    path("v1/orders/fetch", rpc_purchases.orders),
    path("v1/merchants/fetch", rpc_purchases.merchants),
    # v1 REST; fixed paths stand before those with an id
    path("v1/cart", v1_carts.collection),
    path("v1/cart/checkout/status", v1_purchases.quote_status),
    path("v1/cart/<str:cart_id>", v1_carts.one),
    path("v1/cart/<str:cart_id>/item", v1_carts.item),
    path("v1/cart/<str:cart_id>/details", v1_purchases.quote),
    path("v1/cart/<str:cart_id>/purchase", v1_purchases.buy),
    path("v1/product/search", v1_products.find),
    path("v1/product/search/status", v1_products.find_status),
    path("v1/product/details", v1_products.show),
    path("v1/product/details/status", v1_products.show_status),
    path("v1/merchants", v1_merchants.collection),
    path("v1/merchants/search", v1_merchants.search),
    path("v1/merchants/<str:host>", v1_merchants.one),
    path("v1/card/tokenize", v1_cards.tokenize),
    path("v1/card/<str:token>", v1_cards.one),
    re_path(r"^v1/", calls.not_found),
    # Control
    path("__sandbox__/reset", control.reset),
    path("__sandbox__/scenario", control.scenario),
    path("__sandbox__/clock", control.clock),
    path("__sandbox__/requests", control.requests),
    path("__sandbox__/orders", control.paid_orders),
    path("__sandbox__/pay", control.pay),
    path("__sandbox__/card", control.card),
    path("__sandbox__/catalogue", control.catalogue),
    path("__sandbox__/webhooks", control_webhooks.endpoints),
    path("__sandbox__/webhooks/send", control_webhooks.by_hand),
    path("__sandbox__/health", control.health),
]
handler404 = "django_henry_checkout.sandbox.pages.index.not_found"
