from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_henry_checkout.admin.base import ReadOnlyAdmin, ReadOnlyInline
from django_henry_checkout.flows.ledger import resume_delivery
from django_henry_checkout.models import Delivery, Event


class DeliveryInline(ReadOnlyInline):
    model = Delivery
    fields = ["receiver", "status", "tries", "due_at", "done_at", "last_error"]


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ["occurred_at", "order", "sequence", "type", "source"]
    list_select_related = ["order"]
    list_filter = ["type", "source"]
    search_fields = ["order__number"]
    ordering = ["-pk"]
    fields = ["order", "sequence", "type", "source", "occurred_at", "purchase", "line", "payload"]
    inlines = [DeliveryInline]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ["receiver", "event", "order", "status", "tries", "due_at", "done_at"]
    list_select_related = ["event", "order"]
    list_filter = ["status", "receiver"]
    search_fields = ["order__number", "receiver"]
    ordering = ["-pk"]
    actions = ["resume"]

    @admin.action(description=_("Run parked deliveries again"), permissions=["operate"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        count = sum(resume_delivery(delivery) for delivery in queryset)
        self.message_user(
            request,
            ngettext("%d delivery will run again.", "%d deliveries will run again.", count) % count,
            messages.SUCCESS,
        )
