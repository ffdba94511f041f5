"""What the API answers: plain dicts in camelCase, made by hand because nested serializers cost more than the database."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone
from moneyed import Money

from django_henry_checkout.api.names import JSON, camel
from django_henry_checkout.api.numbers import number, places
from django_henry_checkout.models import (
    Cart,
    CartLine,
    CheckoutSession,
    Event,
    Order,
    OrderLine,
    Quote,
    TemplateLink,
)
from django_henry_checkout.models.base import money_of
from django_henry_checkout.models.orders import AMOUNTS
from django_henry_checkout.types import format_public_id


def money(value: Money | None) -> JSON | None:
    """Write an amount as text with its currency's places, so that no client reads it as a float."""
    if value is None:
        return None
    return {"value": str(places(value)), "currency": value.currency.code}


def cart(shown: Cart, lines: Iterable[CartLine]) -> JSON:
    """Write a cart with its lines."""
    items = list(lines)
    return {
        "cartId": shown.ulid,
        "version": shown.version,
        "account": shown.account,
        "items": [_item(line) for line in items],
        "subtotals": [money(each) for each in _subtotals(items)],
        "metadata": shown.metadata,
        "createdAt": shown.created_at.isoformat(),
        "updatedAt": shown.updated_at.isoformat(),
    }


def link(shown: TemplateLink, *, url: str) -> JSON:
    """Write the link of a template cart."""
    return {
        "cartId": shown.cart.ulid,
        "url": url,
        "uses": shown.uses,
        "maxUses": shown.max_uses,
        "expiresAt": shown.expires_at and shown.expires_at.isoformat(),
        "isOpen": shown.is_open(timezone.now()),
    }


def _item(line: CartLine) -> JSON:
    return {**_product(line), "subtotal": money(line.subtotal)}


def _product(line: CartLine | OrderLine) -> JSON:
    return {
        "itemId": line.key,
        "link": line.link,
        "quantity": line.quantity,
        "selectedOptions": line.selected_options,
        "selectedShipping": line.selected_shipping,
        "coupons": line.coupons,
        "metadata": line.metadata,
        "title": line.title,
        "imageUrl": line.image_url,
        "unitPrice": money(line.unit_price),
    }


def _subtotals(lines: Iterable[CartLine]) -> list[Money]:
    """Add up per currency; never across."""
    sums: dict[str, Money] = {}
    for line in lines:
        if line.subtotal is not None:
            sums[line.currency] = sums.get(line.currency, Money(0, line.currency)) + line.subtotal
    return list(sums.values())


def order(shown: Order, lines: Iterable[OrderLine] | None = None) -> JSON:
    """Write an order; with its lines if they are given. No personal data."""
    content = {
        "orderId": shown.ulid,
        "orderNumber": shown.number,
        "account": shown.account,
        "status": shown.status,
        "needsReview": shown.needs_review,
        "isTerminal": shown.is_terminal,
        "version": shown.event_count,
        "totals": {
            "subtotal": money(shown.subtotal),
            "shipping": money(shown.shipping),
            "tax": money(shown.tax),
            "discount": money(shown.discount),
            "fee": money(shown.fee),
            "total": money(shown.total),
        },
        "createdAt": shown.created_at.isoformat(),
        "placedAt": shown.placed_at and shown.placed_at.isoformat(),
        "endedAt": shown.ended_at and shown.ended_at.isoformat(),
    }
    if lines is not None:
        content["items"] = [_order_item(line) for line in lines]
    return content


def _order_item(line: OrderLine) -> JSON:
    return {
        **_product(line),
        "merchant": line.merchant,
        "status": line.status,
        "confirmationNumber": line.confirmation_number or None,
        "total": money(line.total),
    }


def event(shown: Event) -> JSON:
    """Write one event of an order."""
    return {
        "eventId": format_public_id(shown.public_id),
        "sequence": shown.sequence,
        "type": shown.type,
        "source": shown.source,
        "occurredAt": shown.occurred_at.isoformat(),
        "data": {camel(name): value for name, value in shown.payload.items()},
    }


def quote(session: CheckoutSession, shown: Quote) -> JSON:
    """Write a quote: numbers as Henry's page has them, and the same exactly in `totals`."""
    return {
        "sessionId": session.ulid,
        "orderId": session.order.ulid,
        "orderNumber": session.order.number,
        "expiresAt": shown.expires_at.isoformat(),
        "orderMetadata": {
            "totalPrice": number(shown.total),
            "tax": number(shown.amount("tax")),
            "shippingTotal": number(shown.amount("shipping")),
            "shipping": {
                merchant["host"]: number(money_of(merchant["shipping"], shown.currency))
                for merchant in shown.merchants
            },
            "transactionFee": number(shown.amount("fee")),
            "currency": shown.currency,
        },
        # The order shows the same, and a subtotal of the shop's own where v0 quotes none.
        "totals": {name: money(getattr(session.order, name)) for name in AMOUNTS},
        "shippingMethods": shipping_methods(shown),
        "coupons": shown.coupons,
        "refusedCoupons": shown.refused_coupons,
    }


def shipping_methods(shown: Quote) -> list[JSON]:
    """Write what can be chosen: for each merchant its rates, and the id of the chosen one."""
    return [
        {
            "merchant": merchant["host"],
            "chosen": merchant["chosen"],
            "rates": [
                {
                    "id": rate["rateId"],
                    "name": rate["name"],
                    "cost": money(money_of(rate["cost"], rate["currency"])),
                    "timeEstimate": rate["timeEstimate"],
                    "minDate": rate["minDate"] or None,
                    "maxDate": rate["maxDate"] or None,
                }
                for rate in merchant["rates"]
            ],
        }
        for merchant in shown.merchants
        if merchant["rates"]
    ]


def product(line: OrderLine) -> JSON:
    """Write a line as Henry's `session/products` does; its price is text."""
    price = line.unit_price
    return {
        "productId": line.key,
        "name": line.title,
        "price": None if price is None else str(places(price)),
        "currency": line.currency or None,
        "quantity": line.quantity,
        "productLink": line.link,
        "productImageLink": line.image_url or None,
        "metadata": line.metadata,
        "selectedOptions": line.selected_options,
        "selectedShipping": line.selected_shipping,
    }


def receipt(shown: Order, lines: Iterable[OrderLine]) -> JSON:
    """Write an order as Henry's `session/confirm` does: amounts are text, with one currency beside them."""
    texts = {name: getattr(shown, name) for name in AMOUNTS}
    written = {name: None if value is None else str(places(value)) for name, value in texts.items()}
    return {
        "orderId": shown.ulid,
        "orderNumber": shown.number,
        "status": shown.status,
        "statusMessage": shown.get_status_display(),
        "subtotal": written["subtotal"],
        "tax": written["tax"],
        "shipping": written["shipping"],
        "discount": written["discount"],
        "transactionFee": written["fee"],
        "grandTotal": written["total"],
        "currency": shown.currency,
        "products": [
            {
                "productName": line.title,
                "productLink": line.link,
                "quantity": line.quantity,
                "productMetadata": line.metadata,
                "status": line.status,
            }
            for line in lines
        ],
    }
