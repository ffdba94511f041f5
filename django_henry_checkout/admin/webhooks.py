from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_henry_checkout.admin.base import AccountFilter, ReadOnlyAdmin
from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.webhooks.inbox import replay_webhook
from django_henry_checkout.models import AccountRateLimit, WebhookMessage

MOST_AT_ONCE = 100


@admin.register(WebhookMessage)
class WebhookMessageAdmin(ReadOnlyAdmin):
    """What Henry sent. The body is not shown: it holds personal data."""

    list_display = ["__str__", "account", "status", "received_at", "processed_at", "attempts", "outcome"]
    list_filter = ["status", AccountFilter]
    search_fields = ["ref_id"]
    search_help_text = _("refId")
    fields = [
        ("event", "ref_id"),
        ("account", "status"),
        ("signed_at", "received_at", "due_at", "processed_at"),
        ("attempts", "outcome"),
        "digest",
    ]
    actions = ["replay"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WebhookMessage], search_term: str
    ) -> tuple[QuerySet[WebhookMessage], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(account__in=app_settings.account_aliases, ref_id=term), False

    @admin.action(description=_("Apply again"), permissions=["operate"])
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookMessage]) -> None:
        done = 0
        for message in queryset[:MOST_AT_ONCE]:
            if replay_webhook(message):
                done += 1
                self.log_change(request, message, str(_("Let it be applied again.")))
        self.message_user(
            request, ngettext("%d webhook waits again.", "%d webhooks wait again.", done) % done
        )


@admin.register(AccountRateLimit)
class AccountRateLimitAdmin(ReadOnlyAdmin):
    """How fast each account may be asked, and whether it answers."""

    list_display = ["account", "rate", "paused_until", "circuit_open", "answers", "failures"]
    fields = [
        ("account", "rate", "tokens"),
        ("paused_until", "circuit_open"),
        ("window_started_at", "answers", "failures"),
    ]
