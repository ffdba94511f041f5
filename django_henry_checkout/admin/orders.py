from __future__ import annotations

from django.contrib import admin

from django_henry_checkout.admin.base import ReadOnlyAdmin, ReadOnlyInline
from django_henry_checkout.models import CheckoutSession, Event, Order, OrderLine, Purchase


class OrderLineInline(ReadOnlyInline):
    model = OrderLine
    fields = [
        "position",
        "title",
        "merchant",
        "quantity",
        "unit_price",
        "status",
        "confirmation_number",
        "total",
    ]


class SessionInline(ReadOnlyInline):
    model = CheckoutSession
    fields = ["ulid", "kind", "status", "created_at", "expires_at", "ended_at"]


class PurchaseInline(ReadOnlyInline):
    model = Purchase
    fields = ["ref_id", "henry_cart_id", "status", "answered_at", "deadline_at", "ended_at", "error"]


class EventInline(ReadOnlyInline):
    model = Event
    fields = ["sequence", "occurred_at", "type", "source", "payload"]
    ordering = ["sequence"]


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ["number", "status", "needs_review", "total", "account", "user", "created_at"]
    list_select_related = ["user"]
    list_filter = ["status", "needs_review", "account"]
    search_fields = ["number", "henry_cart_id", "purchases__ref_id"]
    fields = [
        ("number", "ulid"),
        ("status", "account", "user"),
        ("needs_review", "review_reason"),
        ("subtotal", "shipping", "tax", "discount", "fee", "total"),
        ("henry_cart_id", "cart", "cart_version"),
        ("created_at", "placed_at", "ended_at"),
        "metadata",
    ]
    inlines = [OrderLineInline, PurchaseInline, SessionInline, EventInline]
