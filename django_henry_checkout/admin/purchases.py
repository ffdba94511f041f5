from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_henry_checkout.admin.base import ReadOnlyAdmin
from django_henry_checkout.exceptions import ConfigurationError, GatewayError
from django_henry_checkout.flows.purchases import observe_now, resolve_not_bought
from django_henry_checkout.models import Purchase, PurchasePoll
from django_henry_checkout.types import Source

MOST_AT_ONCE = 20


@admin.register(Purchase)
class PurchaseAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "order", "status", "account", "created_at", "answered_at", "due_at"]
    list_select_related = ["order", "poll"]
    list_filter = ["status", "account"]
    search_fields = ["ref_id", "henry_cart_id", "order__number"]
    fields = [
        "order",
        ("ref_id", "henry_cart_id"),
        ("status", "error", "drift"),
        ("created_at", "sent_at", "found_at", "answered_at", "deadline_at", "ended_at"),
        ("due_at", "tries", "worker"),
        "answer",
    ]
    actions = ["poll_now", "note_not_bought"]

    @admin.display(description=_("next poll"))
    def due_at(self, purchase: Purchase) -> object:
        return getattr(_poll_of(purchase), "due_at", None)

    @admin.display(description=_("polls"))
    def tries(self, purchase: Purchase) -> object:
        return getattr(_poll_of(purchase), "tries", None)

    @admin.display(description=_("last worker"))
    def worker(self, purchase: Purchase) -> object:
        return getattr(_poll_of(purchase), "worker", None)

    @admin.action(description=_("Ask Henry now"), permissions=["operate"])
    def poll_now(self, request: HttpRequest, queryset: QuerySet[Purchase]) -> None:
        changed = 0
        for purchase in queryset.filter(ended_at=None)[:MOST_AT_ONCE]:
            try:
                applied = observe_now(purchase, source=Source.STAFF)
            except (GatewayError, ConfigurationError) as error:
                self.message_user(request, f"{purchase}: {error}", messages.ERROR)
            else:
                changed += applied is not None and applied.changed
        self.message_user(
            request, ngettext("%d purchase changed.", "%d purchases changed.", changed) % changed
        )

    @admin.action(description=_("In doubt: Henry has no order, nothing was bought"), permissions=["operate"])
    def note_not_bought(self, request: HttpRequest, queryset: QuerySet[Purchase]) -> None:
        by = request.user.get_username()
        done = sum(resolve_not_bought(purchase, by=by) for purchase in queryset[:MOST_AT_ONCE])
        self.message_user(request, ngettext("%d purchase resolved.", "%d purchases resolved.", done) % done)


def _poll_of(purchase: Purchase) -> PurchasePoll | None:
    return getattr(purchase, "poll", None)
