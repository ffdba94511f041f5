"""What Diddo's calls answer: a cart with its stores and their offers (diddo-checkout.md 7)."""

from __future__ import annotations

from urllib.parse import urlsplit

from babel.numbers import get_currency_precision
from moneyed import Money

from django_henry_checkout.api.names import JSON
from django_henry_checkout.api.people import buyer_info
from django_henry_checkout.api.umbraco_answers import formatted
from django_henry_checkout.models import Order, OrderLine, OrderStatus, Quote
from django_henry_checkout.models.base import money_of
from django_henry_checkout.types import Buyer


def money(value: Money | None) -> JSON | None:
    """Write an amount in minor units, beside a text for people."""
    if value is None:
        return None
    minor = value.amount.scaleb(get_currency_precision(value.currency.code))
    return {
        "value": int(minor.to_integral_value()),
        "displayValue": formatted(value),
        "currency": value.currency.code,
    }


def cart(order: Order, buyer: Buyer, quote: Quote | None) -> JSON:
    """Write what an order is about to buy, store by store; totals are estimated until there is a quote."""
    stores: dict[str, list[OrderLine]] = {}
    for line in order.lines.all():
        stores.setdefault(urlsplit(line.link).hostname or "", []).append(line)
    offers = {} if quote is None else {merchant["host"]: merchant for merchant in quote.merchants}
    return {
        "id": order.cart.ulid if order.cart is not None else None,
        "orderId": order.ulid,
        "status": "IN_PROGRESS" if order.status == OrderStatus.OPEN else "SUBMITTED",
        "cost": {
            "isEstimated": quote is None,
            "subtotal": money(order.subtotal),
            "tax": money(order.tax),
            "shipping": money(order.shipping),
            "total": money(order.total),
        },
        "buyerIdentity": buyer_info(buyer),
        "stores": [
            {
                "store": host,
                "requestId": None,
                "cartLines": [_line(line) for line in lines],
                "offer": _offer(offers[host], quote.currency)
                if quote is not None and host in offers
                else None,
                "isSubmitted": order.status != OrderStatus.OPEN,
            }
            for host, lines in stores.items()
        ],
    }


def _line(line: OrderLine) -> JSON:
    product = {
        "id": line.key,
        "title": line.title,
        "marketplace": urlsplit(line.link).hostname or "",
        "description": None,
        "isAvailable": True,
        "price": money(line.unit_price),
    }
    return {
        "quantity": line.quantity,
        "product": product,
        "variant": {**product, "title": ", ".join(line.selected_options) or line.title},
    }


def _offer(merchant: JSON, currency: str) -> JSON:
    methods = [
        {
            "id": rate["rateId"],
            "label": rate["name"],
            "price": money(money_of(rate["cost"], rate["currency"])),
            "taxes": None,
            "total": money(money_of(rate["cost"], rate["currency"])),
        }
        for rate in merchant["rates"]
    ]
    return {
        "shipping": money(money_of(merchant["shipping"], currency)),
        "notAvailableIds": [],
        "shippingMethods": methods,
        "selectedShippingMethod": next((each for each in methods if each["id"] == merchant["chosen"]), None),
    }
