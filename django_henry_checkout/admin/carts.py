from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_henry_checkout.admin.base import AccountFilter, ReadOnlyAdmin, ReadOnlyInline
from django_henry_checkout.formatting import format_money
from django_henry_checkout.models import Cart, CartLine


class CartLineInline(ReadOnlyInline):
    model = CartLine
    fields = ["title", "link", "quantity", "selected_options", "price"]

    @admin.display(description=_("unit price"))
    def price(self, line: CartLine) -> str:
        return format_money(line.unit_price)


@admin.register(Cart)
class CartAdmin(ReadOnlyAdmin):
    list_display = ["ulid", "account", "user", "line_count", "updated_at"]
    list_select_related = ["user"]
    list_filter = [AccountFilter]
    search_fields = ["public_id"]
    date_hierarchy = None
    fields = ["ulid", "account", "user", "version", "metadata", "created_at", "updated_at"]
    inlines = [CartLineInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cart]:
        carts: QuerySet[Cart] = super().get_queryset(request)
        # A subquery runs for the rows of the page only; a join would count the lines of every cart.
        lines = CartLine.objects.filter(cart=OuterRef("pk")).order_by().values("cart")
        return carts.annotate(lines_counted=Subquery(lines.annotate(count=Count("pk")).values("count")))

    @admin.display(description=_("lines"))
    def line_count(self, cart: Cart) -> int:
        return getattr(cart, "lines_counted", 0) or 0
