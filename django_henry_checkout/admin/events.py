from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_henry_checkout import signals
from django_henry_checkout.admin.base import ReadOnlyAdmin, ReadOnlyInline
from django_henry_checkout.admin.labels import EVENT_LABELS
from django_henry_checkout.flows.operations.staff_actions import resume_delivery
from django_henry_checkout.models import Delivery, Event

MAX_SELECTED = 200


class TypeFilter(admin.SimpleListFilter):
    """Filter by event type. The choices are fixed: a DISTINCT query would read the whole table."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, str(label)) for kind, label in EVENT_LABELS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        return queryset if self.value() is None else queryset.filter(type=self.value())


class ReceiverFilter(admin.SimpleListFilter):
    """Filter by the receivers that are connected now."""

    title = _("receiver")
    parameter_name = "receiver"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = {name for signal in signals.BY_NAME.values() for name in signal.receivers_by_name()}
        return [(name, name) for name in sorted(names)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset if self.value() is None else queryset.filter(receiver=self.value())


class DeliveryInline(ReadOnlyInline):
    model = Delivery
    fields = ["receiver", "status", "attempts", "due_at", "done_at", "last_error"]


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ["occurred_at", "order", "sequence", "type", "source"]
    list_select_related = ["order"]
    list_filter = [TypeFilter]
    search_fields = ["order__number__exact"]
    search_help_text = _("Order number")
    fields = ["order", "sequence", "type", "source", "occurred_at", "purchase", "line", "payload", "state"]
    inlines = [DeliveryInline]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ["receiver", "event", "order", "status", "attempts", "due_at", "done_at"]
    list_select_related = ["event", "order"]
    list_filter = ["status", ReceiverFilter]
    search_fields = ["order__number__exact"]
    search_help_text = _("Order number")
    actions = ["resume"]

    @admin.action(description=_("Run failed deliveries again"), permissions=["operate"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        by = request.user.get_username()
        count = sum(resume_delivery(delivery, by=by) for delivery in queryset[:MAX_SELECTED])
        self.message_user(
            request,
            ngettext("%d delivery will run again.", "%d deliveries will run again.", count) % count,
            messages.SUCCESS,
        )
