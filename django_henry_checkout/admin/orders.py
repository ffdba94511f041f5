from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_henry_checkout.admin.base import ReadOnlyAdmin, ReadOnlyInline
from django_henry_checkout.flows.orders import mark_reviewed
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
        ("henry_cart_id", "cart"),
        ("created_at", "placed_at", "ended_at"),
        "metadata",
    ]
    inlines = [OrderLineInline, PurchaseInline, SessionInline, EventInline]
    actions = ["mark_reviewed"]

    @admin.action(description=_("Mark as reviewed"), permissions=["operate"])
    def mark_reviewed(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        count = sum(mark_reviewed(order, by=request.user.get_username()) for order in queryset)
        self.message_user(
            request, ngettext("%d order was reviewed.", "%d orders were reviewed.", count) % count
        )
