from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from django_henry_checkout.admin.base import AccountFilter, ReadOnlyAdmin
from django_henry_checkout.conf import app_settings
from django_henry_checkout.models import Purchase, PurchasePoll


@admin.register(Purchase)
class PurchaseAdmin(ReadOnlyAdmin):
    """Purchases at Henry. Their actions are on the order page."""

    list_display = ["__str__", "order_link", "status", "account", "created_at", "answered_at", "due_at"]
    list_select_related = ["order", "poll"]
    list_filter = ["status", AccountFilter]
    search_fields = ["ref_id"]
    search_help_text = _("refId or cart id")
    fields = [
        "order_link",
        ("ref_id", "henry_cart_id"),
        ("status", "error", "drift"),
        ("created_at", "sent_at", "found_at", "answered_at", "deadline_at", "ended_at"),
        ("due_at", "attempts", "worker"),
        "answer",
    ]
    readonly_fields = ["order_link", "due_at", "attempts", "worker"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Purchase], search_term: str
    ) -> tuple[QuerySet[Purchase], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        named = queryset.filter(account__in=app_settings.account_aliases)
        by_ref = named.filter(ref_id=term)
        return (by_ref if by_ref.exists() else named.filter(henry_cart_id=term)), False

    @admin.display(description=_("order"))
    def order_link(self, purchase: Purchase) -> str:
        url = reverse("admin:henry_checkout_order_change", args=[purchase.order_id])
        return format_html('<a href="{}">{}</a>', url, purchase.order.number)

    @admin.display(description=_("next poll"))
    def due_at(self, purchase: Purchase) -> object:
        return getattr(_poll_of(purchase), "due_at", None)

    @admin.display(description=_("polls"))
    def attempts(self, purchase: Purchase) -> object:
        return getattr(_poll_of(purchase), "attempts", None)

    @admin.display(description=_("last worker"))
    def worker(self, purchase: Purchase) -> object:
        return getattr(_poll_of(purchase), "worker", None)


def _poll_of(purchase: Purchase) -> PurchasePoll | None:
    return getattr(purchase, "poll", None)
