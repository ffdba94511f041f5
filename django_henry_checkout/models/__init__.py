"""State and the questions one can ask of it. Knows no HTTP; decisions are made in `flows`."""

from __future__ import annotations

from django_henry_checkout.models.carts import Cart, CartLine
from django_henry_checkout.models.customers import CustomerSession
from django_henry_checkout.models.events import Delivery, DeliveryStatus, Event
from django_henry_checkout.models.idempotency import IdempotencyRecord
from django_henry_checkout.models.limits import CallCount
from django_henry_checkout.models.links import TemplateLink
from django_henry_checkout.models.orders import ItemStatus, Order, OrderBuyer, OrderLine, OrderStatus
from django_henry_checkout.models.purchases import AccountPace, Purchase, PurchasePoll, PurchaseStatus
from django_henry_checkout.models.quotes import Quote
from django_henry_checkout.models.sessions import CheckoutSession, SessionKind, SessionMode, SessionStatus
from django_henry_checkout.models.signs import SignOfLife, WorkerKind
from django_henry_checkout.models.tokens import ApiKey, CartToken
from django_henry_checkout.models.webhooks import WebhookMessage, WebhookStatus

__all__ = [
    "AccountPace",
    "ApiKey",
    "CallCount",
    "Cart",
    "CartLine",
    "CartToken",
    "CheckoutSession",
    "CustomerSession",
    "Delivery",
    "DeliveryStatus",
    "Event",
    "IdempotencyRecord",
    "ItemStatus",
    "Order",
    "OrderBuyer",
    "OrderLine",
    "OrderStatus",
    "Purchase",
    "PurchasePoll",
    "PurchaseStatus",
    "Quote",
    "SessionKind",
    "SessionMode",
    "SessionStatus",
    "SignOfLife",
    "TemplateLink",
    "WebhookMessage",
    "WebhookStatus",
    "WorkerKind",
]
