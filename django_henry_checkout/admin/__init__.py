"""Read-only admin of the app's models, with staff actions that run flows."""

from __future__ import annotations

from django_henry_checkout.admin.carts import CartAdmin
from django_henry_checkout.admin.events import DeliveryAdmin, EventAdmin
from django_henry_checkout.admin.keys import ApiKeyAdmin
from django_henry_checkout.admin.links import TemplateLinkAdmin
from django_henry_checkout.admin.orders import OrderAdmin
from django_henry_checkout.admin.purchases import PurchaseAdmin
from django_henry_checkout.admin.webhook_messages import AccountRateLimitAdmin, WebhookMessageAdmin

__all__ = [
    "AccountRateLimitAdmin",
    "ApiKeyAdmin",
    "CartAdmin",
    "DeliveryAdmin",
    "EventAdmin",
    "OrderAdmin",
    "PurchaseAdmin",
    "TemplateLinkAdmin",
    "WebhookMessageAdmin",
]
