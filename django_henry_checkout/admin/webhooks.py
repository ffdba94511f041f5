from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_henry_checkout.admin.base import ReadOnlyAdmin
from django_henry_checkout.flows.webhooks import replay_webhook
from django_henry_checkout.models import AccountPace, WebhookMessage

MOST_AT_ONCE = 100


@admin.register(WebhookMessage)
class WebhookMessageAdmin(ReadOnlyAdmin):
    """What Henry sent. The body is not shown: it holds personal data."""

    list_display = ["__str__", "account", "status", "received_at", "processed_at", "tries", "outcome"]
    list_filter = ["status", "account", "event"]
    search_fields = ["ref_id"]
    fields = [
        ("event", "ref_id"),
        ("account", "status"),
        ("signed_at", "received_at", "due_at", "processed_at"),
        ("tries", "outcome"),
        "digest",
    ]
    actions = ["replay"]

    @admin.action(description=_("Apply again"), permissions=["operate"])
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookMessage]) -> None:
        done = sum(replay_webhook(message) for message in queryset[:MOST_AT_ONCE])
        self.message_user(
            request, ngettext("%d webhook waits again.", "%d webhooks wait again.", done) % done
        )


@admin.register(AccountPace)
class AccountPaceAdmin(ReadOnlyAdmin):
    """How fast each account may be asked, and whether it answers."""

    list_display = ["account", "rate", "paused_until", "is_broken", "answers", "failures"]
    fields = [
        ("account", "rate", "tokens"),
        ("paused_until", "is_broken"),
        ("window_began_at", "answers", "failures"),
    ]
