"""The models and their queries. They make no HTTP calls; decisions are made in `flows`."""

from __future__ import annotations

from django_henry_checkout.models.access import ApiKey, CallCount, CustomerSession, IdempotencyRecord
from django_henry_checkout.models.carts import Cart, CartLine, CartToken, TemplateLink
from django_henry_checkout.models.events import Delivery, DeliveryStatus, Event
from django_henry_checkout.models.orders import ItemStatus, Order, OrderBuyer, OrderLine, OrderStatus
from django_henry_checkout.models.purchases import Purchase, PurchasePoll, PurchaseStatus
from django_henry_checkout.models.queue import AccountRateLimit, WorkerHeartbeat, WorkerKind
from django_henry_checkout.models.sessions import (
    CheckoutSession,
    Quote,
    SessionKind,
    SessionMode,
    SessionStatus,
)
from django_henry_checkout.models.webhooks import WebhookMessage, WebhookStatus

__all__ = [
    "AccountRateLimit",
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
    "TemplateLink",
    "WebhookMessage",
    "WebhookStatus",
    "WorkerHeartbeat",
    "WorkerKind",
]
