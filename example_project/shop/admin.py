from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from example_project.shop.models import Product, Receipt

if TYPE_CHECKING:
    # Generic for the type checker only: Django's own class cannot be subscripted when it runs.
    _ProductAdmin = admin.ModelAdmin[Product]
    _ReceiptAdmin = admin.ModelAdmin[Receipt]
else:
    _ProductAdmin = _ReceiptAdmin = admin.ModelAdmin


@admin.register(Product)
class ProductAdmin(_ProductAdmin):
    list_display = ["name", "merchant", "price", "is_available", "position"]
    list_filter = ["merchant", "is_available"]
    search_fields = ["name", "link"]


@admin.register(Receipt)
class ReceiptAdmin(_ReceiptAdmin):
    list_display = ["order", "sent_to", "sent_at", "event_id"]
    list_select_related = ["order"]
    search_fields = ["order__number", "event_id"]
    raw_id_fields = ["order"]
    readonly_fields = ["event_id", "sent_to", "sent_at"]
