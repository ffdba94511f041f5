"""Response bodies of the calls by Henry's names: plain dicts, because nested serializers cost more than the database."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone
from moneyed import Money

from django_henry_checkout.api.common.camel_case import JSON, to_camel_case
from django_henry_checkout.api.common.money import round_amount, serialize_money, to_number
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


def serialize_cart(cart: Cart, lines: Iterable[CartLine]) -> JSON:
    """Return a cart with its lines."""
    items = list(lines)
    return {
        "cartId": cart.ulid,
        "version": cart.version,
        "account": cart.account,
        "items": [_serialize_cart_line(line) for line in items],
        "subtotals": [serialize_money(subtotal) for subtotal in _sum_by_currency(items)],
        "metadata": cart.metadata,
        "createdAt": cart.created_at.isoformat(),
        "updatedAt": cart.updated_at.isoformat(),
    }


def serialize_link(link: TemplateLink, *, url: str) -> JSON:
    """Return the link of a template cart."""
    return {
        "cartId": link.cart.ulid,
        "url": url,
        "uses": link.uses,
        "maxUses": link.max_uses,
        "expiresAt": link.expires_at and link.expires_at.isoformat(),
        "isOpen": link.is_open(timezone.now()),
    }


def _serialize_cart_line(line: CartLine) -> JSON:
    return {**_serialize_line(line), "subtotal": serialize_money(line.subtotal)}


def _serialize_line(line: CartLine | OrderLine) -> JSON:
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
        "unitPrice": serialize_money(line.unit_price),
    }


def _sum_by_currency(lines: Iterable[CartLine]) -> list[Money]:
    """Return one subtotal for each currency."""
    sums: dict[str, Money] = {}
    for line in lines:
        if line.subtotal is not None:
            sums[line.currency] = sums.get(line.currency, Money(0, line.currency)) + line.subtotal
    return list(sums.values())


def serialize_order(order: Order, lines: Iterable[OrderLine] | None = None) -> JSON:
    """Return an order, with its lines if given, and without personal data."""
    content = {
        "orderId": order.ulid,
        "orderNumber": order.number,
        "account": order.account,
        "status": order.status,
        "needsReview": order.needs_review,
        "isTerminal": order.is_terminal,
        "version": order.event_count,
        "totals": {
            "subtotal": serialize_money(order.subtotal),
            "shipping": serialize_money(order.shipping),
            "tax": serialize_money(order.tax),
            "discount": serialize_money(order.discount),
            "fee": serialize_money(order.fee),
            "total": serialize_money(order.total),
        },
        "createdAt": order.created_at.isoformat(),
        "placedAt": order.placed_at and order.placed_at.isoformat(),
        "endedAt": order.ended_at and order.ended_at.isoformat(),
    }
    if lines is not None:
        content["items"] = [_serialize_order_line(line) for line in lines]
    return content


def _serialize_order_line(line: OrderLine) -> JSON:
    return {
        **_serialize_line(line),
        "merchant": line.merchant,
        "status": line.status,
        "confirmationNumber": line.confirmation_number or None,
        "total": serialize_money(line.total),
    }


def serialize_event(event: Event) -> JSON:
    """Return one event of an order."""
    return {
        "eventId": format_public_id(event.public_id),
        "sequence": event.sequence,
        "type": event.type,
        "source": event.source,
        "occurredAt": event.occurred_at.isoformat(),
        "data": {to_camel_case(name): value for name, value in event.payload.items()},
    }


def serialize_quote(session: CheckoutSession, quote: Quote) -> JSON:
    """Return a quote: amounts as numbers, as on Henry's page, and exact in `totals`."""
    return {
        "sessionId": session.ulid,
        "orderId": session.order.ulid,
        "orderNumber": session.order.number,
        "expiresAt": quote.expires_at.isoformat(),
        "orderMetadata": {
            "totalPrice": to_number(quote.total),
            "tax": to_number(quote.amount("tax")),
            "shippingTotal": to_number(quote.amount("shipping")),
            "shipping": {
                merchant["host"]: to_number(money_of(merchant["shipping"], quote.currency))
                for merchant in quote.merchants
            },
            "transactionFee": to_number(quote.amount("fee")),
            "currency": quote.currency,
        },
        # The order has the same amounts, and the shop's own subtotal where v0 quotes none.
        "totals": {name: serialize_money(getattr(session.order, name)) for name in AMOUNTS},
        "shippingMethods": serialize_shipping_methods(quote),
        "coupons": quote.coupons,
        "refusedCoupons": quote.refused_coupons,
    }


def serialize_shipping_methods(quote: Quote) -> list[JSON]:
    """Return each merchant's shipping rates, and the id of the chosen one."""
    return [
        {
            "merchant": merchant["host"],
            "chosen": merchant["chosen"],
            "rates": [
                {
                    "id": rate["rateId"],
                    "name": rate["name"],
                    "cost": serialize_money(money_of(rate["cost"], rate["currency"])),
                    "timeEstimate": rate["timeEstimate"],
                    "minDate": rate["minDate"] or None,
                    "maxDate": rate["maxDate"] or None,
                }
                for rate in merchant["rates"]
            ],
        }
        for merchant in quote.merchants
        if merchant["rates"]
    ]


def serialize_product(line: OrderLine) -> JSON:
    """Return an order line in the shape of Henry's `session/products`; the price is text."""
    price = line.unit_price
    return {
        "productId": line.key,
        "name": line.title,
        "price": None if price is None else str(round_amount(price)),
        "currency": line.currency or None,
        "quantity": line.quantity,
        "productLink": line.link,
        "productImageLink": line.image_url or None,
        "metadata": line.metadata,
        "selectedOptions": line.selected_options,
        "selectedShipping": line.selected_shipping,
    }


def serialize_receipt(order: Order, lines: Iterable[OrderLine]) -> JSON:
    """Return an order in the shape of Henry's `session/confirm`: amounts are text, with one currency for all."""
    amounts = {name: getattr(order, name) for name in AMOUNTS}
    texts = {name: None if amount is None else str(round_amount(amount)) for name, amount in amounts.items()}
    return {
        "orderId": order.ulid,
        "orderNumber": order.number,
        "status": order.status,
        "statusMessage": order.get_status_display(),
        "subtotal": texts["subtotal"],
        "tax": texts["tax"],
        "shipping": texts["shipping"],
        "discount": texts["discount"],
        "transactionFee": texts["fee"],
        "grandTotal": texts["total"],
        "currency": order.currency,
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
